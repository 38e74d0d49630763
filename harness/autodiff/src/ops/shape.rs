//! Shape arithmetic: values that describe shapes. No gradient flows through them, and nothing breaks.

use super::row::{exact, rule};
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::partial::shape_range;
use crate::registry::{Call, Forward, Gradient, Infer, Operator, Shape};
use crate::tensor::{Tensor, coordinates, numel};
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("Shape", shape_shape, shape_forward, Gradient::Zero),
    rule("Size", |_| Ok(vec![Type::new(DataType::I64, vec![])]), size_forward, Gradient::Zero),
    exact(rule("ConstantOfShape", constant_of_shape_shape, constant_of_shape_forward, Gradient::Zero)),
    exact(rule("Range", range_shape, range_forward, Gradient::Zero)),
    exact(rule("NonZero", nonzero_shape, nonzero_forward, Gradient::Zero)),
    exact(Operator {
        name: "Cast",
        shape: Shape::Rule(cast_shape),
        forward: Forward::Rule(cast_forward),
        gradient: Gradient::Rule(cast),
        exact: true,
    }),
    exact(rule("OneHot", one_hot_shape, one_hot_forward, Gradient::Zero)),
    exact(rule("EyeLike", |infer| Ok(vec![infer.ty(0)?]), eye_forward, Gradient::Zero)),
];

fn shape_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let n = match infer.ty(0)?.shape {
        Some(dims) => {
            let (start, end) = shape_range(infer.attributes, dims.len());
            Dim::Known(end.saturating_sub(start) as i64)
        }
        None => infer.fresh(),
    };
    Ok(vec![Type::new(DataType::I64, vec![n])])
}

fn shape_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let (start, end) = shape_range(call.attributes, x.shape.len());
    let sizes: Vec<i64> = x.shape[start..end.max(start)].iter().map(|&n| n as i64).collect();
    Ok(vec![Tensor::i64(&[sizes.len()], sizes)])
}

fn size_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    Ok(vec![Tensor::i64(&[], vec![call.input(0)?.len() as i64])])
}

/// A shape given as data: its sizes where known, fresh symbols where not.
pub(super) fn dims_from_ints(infer: &mut Infer<'_>, i: usize) -> Result<Vec<Dim>, String> {
    if let Some(dims) = infer.ints(i) {
        return Ok(dims);
    }
    match infer.dims(i)?[..] {
        [Dim::Known(rank)] if (0..=64).contains(&rank) => Ok((0..rank).map(|_| infer.fresh()).collect()),
        _ => {
            Err("the number of axes of a shape is only known at a run: pin the input shapes with --shape"
                .into())
        }
    }
}

fn constant_of_shape_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dtype = infer
        .attributes
        .tensor("value")
        .map_or(DataType::F32, |t| DataType::from_code(t.data_type.unwrap_or(1)));
    let shape = dims_from_ints(infer, 0)?;
    Ok(vec![Type::new(dtype, shape)])
}

fn sizes(tensor: &Tensor) -> Result<Vec<usize>, String> {
    let sizes: Option<Vec<usize>> = tensor.to_ints().into_iter().map(|n| usize::try_from(n).ok()).collect();
    sizes.ok_or_else(|| format!("a shape with negative sizes: {:?}", tensor.to_ints()))
}

fn constant_of_shape_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let shape = sizes(call.input(0)?)?;
    let element = match call.attributes.tensor("value") {
        Some(proto) => Tensor::from_proto(proto).map_err(|error| error.to_string())?,
        None => Tensor::f32(&[1], [0.0]),
    };
    Ok(vec![element.pick(&shape, &vec![Some(0); numel(&shape)], 0.0)])
}

fn range_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dtype = infer.dtype(0)?;
    let ends = (infer.ints(0), infer.ints(1), infer.known_ints(2));
    let n = match ends {
        (Some(start), Some(limit), Some(step)) if step[0] == 1 => {
            infer.graph.symbols.arith(crate::dim::Arith::Sub, limit[0], start[0])
        }
        _ => infer.fresh(),
    };
    let n = match n {
        Dim::Known(n) => Dim::Known(n.max(0)),
        symbol => symbol,
    };
    let n = match (infer.ints(0), infer.known_ints(0), infer.known_ints(1), infer.known_ints(2)) {
        (Some(_), Some(a), Some(b), Some(s)) if s[0] != 0 => {
            Dim::Known(((b[0] as f64 - a[0] as f64) / s[0] as f64).ceil().max(0.0) as i64)
        }
        _ => n,
    };
    Ok(vec![Type::new(dtype, vec![n])])
}

fn range_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let of = |i: usize| call.input(i).map(|t| t.to_floats()[0]);
    let (start, limit, step) = (of(0)?, of(1)?, of(2)?);
    let n = ((limit - start) / step).ceil().max(0.0) as usize;
    let data = (0..n).map(|i| start + i as f64 * step).collect();
    Ok(vec![Tensor::floats(DataType::F64, &[n], data).cast(call.input(0)?.dtype)])
}

fn nonzero_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let rank = infer.dims(0)?.len() as i64;
    let n = infer.fresh();
    Ok(vec![Type::new(DataType::I64, vec![Dim::Known(rank), n])])
}

fn nonzero_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let hits: Vec<Vec<usize>> =
        coordinates(&x.shape).zip(x.to_bools()).filter(|(_, hit)| *hit).map(|(at, _)| at).collect();
    let data = (0..x.shape.len()).flat_map(|axis| hits.iter().map(move |at| at[axis] as i64)).collect();
    Ok(vec![Tensor::i64(&[x.shape.len(), hits.len()], data)])
}

fn cast_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let to = infer.attributes.int("to").ok_or("has no attribute `to`")?;
    let dtype = DataType::from_code(i32::try_from(to).map_err(|_| "casts to an unknown type")?);
    Ok(vec![Type { dtype, ..infer.ty(0)? }])
}

fn cast_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let to = call.attributes.int("to").ok_or("has no attribute `to`")?;
    Ok(vec![call.input(0)?.cast(DataType::from_code(to as i32))])
}

/// Between float types the gradient is cast back; integers pass nothing.
fn cast(v: &Vjp<'_>) -> Result<(), String> {
    if v.dy(0).dtype().is_float() {
        v.give(0, v.dy(0).cast(v.x(0).dtype()));
    }
    Ok(())
}

fn one_hot_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let mut dims = infer.dims(0)?;
    let axis = infer.attributes.int_or("axis", -1);
    let at = if axis < 0 { axis + dims.len() as i64 + 1 } else { axis };
    let depth = match infer.ints(1) {
        Some(depth) => depth[0],
        None => infer.fresh(),
    };
    let at = usize::try_from(at).ok().filter(|&at| at <= dims.len()).ok_or("has a bad axis")?;
    dims.insert(at, depth);
    Ok(vec![Type::new(infer.dtype(2)?, dims)])
}

fn one_hot_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (indices, depth, values) = (call.input(0)?, call.input(1)?.to_ints()[0], call.input(2)?);
    let axis = call.attributes.int_or("axis", -1);
    let at = (if axis < 0 { axis + indices.shape.len() as i64 + 1 } else { axis }) as usize;
    let mut shape = indices.shape.clone();
    shape.insert(at, depth as usize);
    let stride: usize = shape[at + 1..].iter().product();
    let index = indices.to_ints();
    let hot = |flat: usize| {
        let (outer, class, inner) =
            (flat / (stride * depth as usize), flat / stride % depth as usize, flat % stride);
        let wanted = index[outer * stride + inner];
        (if wanted < 0 { wanted + depth } else { wanted }) == class as i64
    };
    let picks: Vec<Option<usize>> = (0..numel(&shape)).map(|flat| Some(usize::from(hot(flat)))).collect();
    Ok(vec![values.pick(&shape, &picks, 0.0)])
}

fn eye_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let k = call.attributes.int_or("k", 0);
    let data =
        coordinates(&x.shape).map(|at| f64::from(u8::from(at[1] as i64 - at[0] as i64 == k))).collect();
    Ok(vec![Tensor::floats(DataType::F64, &x.shape, data).cast(x.dtype)])
}
