//! Reading and writing at positions given as data.

use super::layout::from_front;
use super::row::{exact, rule};
use crate::attribute::Attributes;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, coordinates, flatten, numel, unflatten};
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    exact(rule("Gather", gather_shape, gather_forward, Gradient::Rule(gather))),
    exact(rule("GatherElements", elements_shape, elements_forward, Gradient::Rule(gather_elements))),
    exact(rule("GatherND", nd_shape, nd_forward, Gradient::Rule(gather_nd))),
    rule(
        "ScatterElements",
        |infer| Ok(vec![infer.ty(0)?]),
        scatter_elements_forward,
        Gradient::Rule(scatter_elements),
    ),
    rule("ScatterND", |infer| Ok(vec![infer.ty(0)?]), scatter_nd_forward, Gradient::Rule(scatter_nd)),
    rule("TopK", topk_shape, topk_forward, Gradient::Rule(topk)),
];

fn gather_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dims, index) = (infer.dims(0)?, infer.dims(1)?);
    let along = axis(infer.attributes.int_or("axis", 0), dims.len())?;
    let shape = [&dims[..along], &index, &dims[along + 1..]].concat();
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

/// A position counted from the front, checked.
fn position(index: i64, size: usize) -> Result<usize, String> {
    let at = if index < 0 { index + size as i64 } else { index };
    usize::try_from(at)
        .ok()
        .filter(|&at| at < size)
        .ok_or_else(|| format!("index {index} of an axis of size {size}"))
}

fn gather_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, index) = (call.input(0)?, call.input(1)?);
    let along = axis(call.attributes.int_or("axis", 0), x.shape.len())?;
    let shape = [&x.shape[..along], &index.shape[..], &x.shape[along + 1..]].concat();
    let positions: Vec<usize> =
        index.to_ints().into_iter().map(|i| position(i, x.shape[along])).collect::<Result<_, _>>()?;
    let inner: usize = x.shape[along + 1..].iter().product();
    let source = |flat: usize| {
        let (outer, rest) = (flat / (positions.len() * inner), flat % (positions.len() * inner));
        Some((outer * x.shape[along] + positions[rest / inner]) * inner + rest % inner)
    };
    let index: Vec<Option<usize>> = (0..numel(&shape)).map(source).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

/// One position is cut out by padding; several are added where they came from.
fn gather(v: &Vjp<'_>) -> Result<(), String> {
    let (x, index, dy, g) = (v.x(0), v.x(1), v.dy(0), v.g);
    let dims = x.dims()?;
    let along = axis(v.attributes().int_or("axis", 0), dims.len())?;
    let single = index.value().filter(|value| value.len() == 1);
    if let (Some(single), Some(size)) = (single, dims[along].known()) {
        let at = position(single.to_ints()[0], size as usize)? as i64;
        let parts = [x.shape_part(0, along), g.ints(&[1]), x.shape_part(along + 1, dims.len())];
        let mut pads = vec![0; 2 * dims.len()];
        (pads[along], pads[dims.len() + along]) = (at, size - 1 - at);
        v.give(0, dy.reshape(g.concat(&parts, 0)).pad(&pads));
        return Ok(());
    }
    // The gathered axes come to the front as one; the sum goes into zeros laid out the same way.
    let n_index = index.rank()?;
    let rank = dy.rank()?;
    let perm: Vec<i64> =
        (along..along + n_index).chain(0..along).chain(along + n_index..rank).map(|i| i as i64).collect();
    let front = dy.transpose(&perm);
    let rows = front.reshape(g.concat(&[g.ints(&[-1]), front.shape_part(n_index, rank)], 0));
    let zeros = x.filled(
        g.concat(
            &[x.shape_part(along, along + 1), x.shape_part(0, along), x.shape_part(along + 1, dims.len())],
            0,
        ),
        0.0,
    );
    let added = g.op(
        "ScatterND",
        &[zeros, index.cast(DataType::I64).reshape_to(&[-1, 1]), rows],
        Attributes::new().with("reduction", "add"),
    );
    v.give(0, added.transpose(&from_front(along, dims.len())));
    Ok(())
}

fn elements_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    Ok(vec![Type { dtype: infer.dtype(0)?, ..infer.ty(1)? }])
}

/// The source position of each element of an index tensor along one axis.
fn element_positions(x: &Tensor, index: &Tensor, along: usize) -> Result<Vec<usize>, String> {
    coordinates(&index.shape)
        .zip(index.to_ints())
        .map(|(mut at, i)| {
            at[along] = position(i, x.shape[along])?;
            Ok(flatten(&at, &x.shape))
        })
        .collect()
}

fn elements_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, index) = (call.input(0)?, call.input(1)?);
    let along = axis(call.attributes.int_or("axis", 0), x.shape.len())?;
    let positions: Vec<Option<usize>> = element_positions(x, index, along)?.into_iter().map(Some).collect();
    Ok(vec![x.pick(&index.shape, &positions, 0.0)])
}

fn gather_elements(v: &Vjp<'_>) -> Result<(), String> {
    let attributes =
        Attributes::new().with("axis", v.attributes().int_or("axis", 0)).with("reduction", "add");
    v.give(0, v.g.op("ScatterElements", &[v.x(0).zeros(), v.x(1), v.dy(0)], attributes));
    Ok(())
}

fn nd_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dims, index) = (infer.dims(0)?, infer.dims(1)?);
    let batch = infer.attributes.int_or("batch_dims", 0) as usize;
    let depth =
        index.last().and_then(|dim| dim.known()).ok_or("has indices whose last axis only a run knows")?
            as usize;
    let tail = dims.get(batch + depth..).ok_or("has indices longer than the data has axes")?;
    let shape = [&index[..index.len() - 1], tail].concat();
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn nd_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, index) = (call.input(0)?, call.input(1)?);
    let batch = call.attributes.int_or("batch_dims", 0) as usize;
    let depth = index.shape[index.shape.len() - 1];
    let tail = &x.shape[batch + depth..];
    let shape = [&index.shape[..index.shape.len() - 1], tail].concat();
    let inner = numel(tail);
    let list = index.to_ints();
    let lead = &index.shape[..index.shape.len() - 1];
    let mut positions = Vec::with_capacity(numel(&shape));
    for (row, at) in coordinates(lead).enumerate() {
        let start = nd_position(&x.shape, &at[..batch], &list[row * depth..(row + 1) * depth])? * inner;
        positions.extend((start..start + inner).map(Some));
    }
    Ok(vec![x.pick(&shape, &positions, 0.0)])
}

fn nd_position(shape: &[usize], batch: &[usize], tuple: &[i64]) -> Result<usize, String> {
    let mut at = batch.to_vec();
    for (i, &index) in tuple.iter().enumerate() {
        at.push(position(index, shape[batch.len() + i])?);
    }
    Ok(flatten(&at, &shape[..at.len()]))
}

fn gather_nd(v: &Vjp<'_>) -> Result<(), String> {
    if v.attributes().int_or("batch_dims", 0) != 0 {
        return Err("batch_dims above 0 has no gradient".into());
    }
    let attributes = Attributes::new().with("reduction", "add");
    v.give(0, v.g.op("ScatterND", &[v.x(0).zeros(), v.x(1), v.dy(0)], attributes));
    Ok(())
}

fn reduced(kind: &str, old: f64, new: f64) -> Result<f64, String> {
    Ok(match kind {
        "none" => new,
        "add" => old + new,
        "mul" => old * new,
        "max" => old.max(new),
        "min" => old.min(new),
        other => return Err(format!("unknown reduction {other}")),
    })
}

fn scatter_elements_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, index, updates) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let along = axis(call.attributes.int_or("axis", 0), x.shape.len())?;
    let mut data = x.to_floats();
    for (at, update) in element_positions(x, index, along)?.into_iter().zip(updates.to_floats()) {
        data[at] = reduced(call.attributes.text_or("reduction", "none"), data[at], update)?;
    }
    Ok(vec![Tensor::floats(DataType::F64, &x.shape, data).cast(x.dtype)])
}

fn reduction(v: &Vjp<'_>) -> Result<bool, String> {
    match v.attributes().text_or("reduction", "none") {
        "none" => Ok(false),
        "add" => Ok(true),
        other => Err(format!("reduction {other} has no gradient")),
    }
}

/// What was overwritten gets nothing; what was added to keeps its gradient. Updates read theirs where they went.
fn scatter_elements(v: &Vjp<'_>) -> Result<(), String> {
    let adds = reduction(v)?;
    let along = Attributes::new().with("axis", v.attributes().int_or("axis", 0));
    v.give_if_wanted(0, || {
        if adds {
            v.dy(0)
        } else {
            v.g.op("ScatterElements", &[v.dy(0), v.x(1), v.x(2).zeros()], along.clone())
        }
    });
    v.give_if_wanted(2, || v.g.op("GatherElements", &[v.dy(0), v.x(1)], along.clone()));
    Ok(())
}

fn scatter_nd_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, index, updates) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let depth = index.shape[index.shape.len() - 1];
    let inner = numel(&x.shape[depth..]);
    let (mut data, list, new) = (x.to_floats(), index.to_ints(), updates.to_floats());
    for row in 0..list.len() / depth.max(1) {
        let start = nd_position(&x.shape, &[], &list[row * depth..(row + 1) * depth])? * inner;
        for i in 0..inner {
            let kind = call.attributes.text_or("reduction", "none");
            data[start + i] = reduced(kind, data[start + i], new[row * inner + i])?;
        }
    }
    Ok(vec![Tensor::floats(DataType::F64, &x.shape, data).cast(x.dtype)])
}

fn scatter_nd(v: &Vjp<'_>) -> Result<(), String> {
    let adds = reduction(v)?;
    v.give_if_wanted(0, || {
        if adds {
            v.dy(0)
        } else {
            v.g.op("ScatterND", &[v.dy(0), v.x(1), v.x(2).zeros()], Attributes::new())
        }
    });
    v.give_if_wanted(2, || v.g.op("GatherND", &[v.dy(0), v.x(1)], Attributes::new()));
    Ok(())
}

fn topk_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, mut dims) = (infer.dtype(0)?, infer.dims(0)?);
    let along = axis(infer.attributes.int_or("axis", -1), dims.len())?;
    dims[along] = match infer.ints(1) {
        Some(k) => k[0],
        None => infer.fresh(),
    };
    Ok(vec![Type::new(dtype, dims.clone()), Type::new(DataType::I64, dims)])
}

fn topk_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, k) = (call.input(0)?, call.input(1)?.to_ints()[0] as usize);
    let along = axis(call.attributes.int_or("axis", -1), x.shape.len())?;
    let sign = if call.attributes.int_or("largest", 1) == 1 { -1.0 } else { 1.0 };
    let (n, stride) = (x.shape[along], x.shape[along + 1..].iter().product::<usize>());
    let data = x.to_floats();
    let mut shape = x.shape.clone();
    shape[along] = k;
    let order: Vec<Vec<usize>> = (0..data.len() / n)
        .map(|line| {
            let start = line / stride * stride * n + line % stride;
            let mut order: Vec<usize> = (0..n).collect();
            order.sort_by(|&a, &b| {
                (sign * data[start + a * stride]).total_cmp(&(sign * data[start + b * stride]))
            });
            order
        })
        .collect();
    let best = |flat: usize| {
        let mut at = unflatten(flat, &shape);
        let rank = std::mem::replace(&mut at[along], 0);
        let inner = flat % stride;
        let outer = flat / (stride * k);
        at[along] = order[outer * stride + inner][rank];
        (flatten(&at, &x.shape), at[along] as i64)
    };
    let found: Vec<(usize, i64)> = (0..numel(&shape)).map(best).collect();
    let positions: Vec<Option<usize>> = found.iter().map(|f| Some(f.0)).collect();
    Ok(vec![x.pick(&shape, &positions, 0.0), Tensor::i64(&shape, found.into_iter().map(|f| f.1).collect())])
}

fn topk(v: &Vjp<'_>) -> Result<(), String> {
    let attributes = Attributes::new().with("axis", v.attributes().int_or("axis", -1));
    v.give(0, v.g.op("ScatterElements", &[v.x(0).zeros(), v.y(1), v.dy(0)], attributes));
    Ok(())
}
