//! Pooling: maximum, average, Lp (lowered elsewhere), and global forms.

use super::row::rule;
use super::window::Window;
use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator};
use crate::tensor::{Tensor, coordinates, flatten, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("MaxPool", max_shape, max_forward, Gradient::Rule(max_pool)),
    rule("MaxUnpool", unpool_shape, unpool_forward, Gradient::Missing),
    rule("AveragePool", average_shape, average_forward, Gradient::Rule(average_pool)),
    rule(
        "GlobalAveragePool",
        global_shape,
        |call| global(call, |x| x.iter().sum::<f64>() / x.len() as f64),
        Gradient::Rule(global_average),
    ),
    rule(
        "GlobalMaxPool",
        global_shape,
        |call| global(call, |x| x.iter().copied().fold(f64::MIN, f64::max)),
        Gradient::Rule(global_max),
    ),
];

fn window(attributes: &Attributes, space: &[Dim]) -> Result<Window, String> {
    let kernel = attributes.ints("kernel_shape").ok_or("has no attribute `kernel_shape`")?.to_vec();
    Window::new(attributes, kernel, space)
}

fn pooled(infer: &mut Infer<'_>) -> Result<Type, String> {
    let dims = infer.dims(0)?;
    if dims.len() < 3 {
        return Err(format!("pools a tensor of shape {dims:?}, which has no spatial axes"));
    }
    let window = window(infer.attributes, &dims[2..])?;
    let mut shape = dims[..2].to_vec();
    shape.extend(window.output(&mut infer.graph.symbols, &dims[2..]));
    Ok(Type::new(infer.dtype(0)?, shape))
}

fn max_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let y = pooled(infer)?;
    let indices = Type { dtype: DataType::I64, ..y.clone() };
    Ok(vec![y, indices])
}

fn known(dims: &[usize]) -> Vec<Dim> {
    dims.iter().map(|&n| Dim::Known(n as i64)).collect()
}

/// Calls `f` with each output plane's number, position, and the input positions under the window.
fn each_window(
    x: &Tensor,
    attributes: &Attributes,
    mut f: impl FnMut(usize, &[usize], &Window, Vec<usize>),
) -> Result<Vec<usize>, String> {
    let space_in = &x.shape[2..];
    let window = window(attributes, &known(space_in))?;
    let space: Vec<usize> =
        (0..space_in.len()).map(|i| window.count(i, space_in[i] as i64) as usize).collect();
    let kernel: Vec<usize> = window.kernel.iter().map(|&k| k as usize).collect();
    for plane in 0..x.shape[0] * x.shape[1] {
        for at in coordinates(&space) {
            let under = coordinates(&kernel)
                .filter_map(|offset| window.source(&at, &offset, space_in))
                .map(|from| plane * numel(space_in) + flatten(&from, space_in))
                .collect();
            f(plane, &at, &window, under);
        }
    }
    let mut shape = x.shape[..2].to_vec();
    shape.extend(space);
    Ok(shape)
}

fn max_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let data = x.to_floats();
    let (mut values, mut indices) = (Vec::new(), Vec::new());
    let shape = each_window(x, call.attributes, |_, _, _, under| {
        let mut best = under.first().copied().unwrap_or(0);
        under.iter().for_each(|&i| {
            if data[i] > data[best] {
                best = i
            }
        });
        values.push(data[best]);
        indices.push(best as i64);
    })?;
    Ok(vec![Tensor::floats(x.dtype, &shape, values), Tensor::i64(&shape, indices)])
}

/// The gradient goes to the position that each window took its maximum from, the first one where several tie.
fn max_pool(v: &Vjp<'_>) -> Result<(), String> {
    let (x, dy) = (v.x(0), v.dy(0));
    let dims = x.dims()?;
    let window = window(v.attributes(), &dims[2..])?;
    if v.attributes().int_or("storage_order", 0) != 0 {
        return Err("storage_order 1 (column major indices) has no gradient".into());
    }
    let apart = (0..window.kernel.len()).all(|i| window.reach(i) <= window.strides[i]);
    let unpadded = window.pads.iter().all(|&p| p == 0) && window.dilations.iter().all(|&d| d == 1);
    let indices = v.y(1);
    let unpools = !v.g.for_cuda.get();
    if unpools && apart && unpadded && window.kernel == window.strides && !window.ceil {
        let attributes = Attributes::new()
            .with("kernel_shape", window.kernel.clone())
            .with("strides", window.strides.clone());
        v.give(0, v.g.op("MaxUnpool", &[dy, indices, x.shape()], attributes));
        return Ok(());
    }
    let flat = |t: Var<'_>| v.g.var(t.id).reshape_to(&[-1]);
    let attributes = Attributes::new().with("axis", 0);
    let attributes = if apart { attributes } else { attributes.with("reduction", "add") };
    let zeros = x.filled(v.g.op("ReduceProd", &[x.shape()], Attributes::new()), 0.0);
    v.give(0, v.g.op("ScatterElements", &[zeros, flat(indices), flat(dy)], attributes).like(x));
    Ok(())
}

fn unpool_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let shape = super::shape::dims_from_ints(infer, 2)?;
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn unpool_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (y, indices) = (call.input(0)?, call.input(1)?.to_ints());
    let shape: Vec<usize> = call.input(2)?.to_ints().into_iter().map(|n| n as usize).collect();
    let mut data = vec![0.0; numel(&shape)];
    y.to_floats().into_iter().zip(indices).for_each(|(value, i)| data[i as usize] = value);
    Ok(vec![Tensor::floats(y.dtype, &shape, data)])
}

fn average_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    Ok(vec![pooled(infer)?])
}

/// Most positions whose divisors are written out.
const MOST_LISTED: usize = 1 << 24;

/// How many elements the average at one position divides by.
fn divisor(window: &Window, at: &[usize], space: &[usize], under: usize, count_pad: bool) -> f64 {
    if !count_pad {
        return under.max(1) as f64;
    }
    // A window that ceil_mode lets reach beyond the padding counts only what lies inside the padding.
    let inside = |i: usize| {
        let start = at[i] as i64 * window.strides[i] - window.before(i);
        let limit = space[i] as i64 + window.after(i);
        (0..window.kernel[i]).filter(|k| start + k * window.dilations[i] < limit).count()
    };
    (0..space.len()).map(inside).product::<usize>() as f64
}

fn average_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let data = x.to_floats();
    let count_pad = call.attributes.int_or("count_include_pad", 0) == 1;
    let mut values = Vec::new();
    let shape = each_window(x, call.attributes, |_, at, window, under| {
        let total: f64 = under.iter().map(|&i| data[i]).sum();
        values.push(total / divisor(window, at, &x.shape[2..], under.len(), count_pad));
    })?;
    Ok(vec![Tensor::floats(x.dtype, &shape, values)])
}

/// Every element of a window gets dy over the window's divisor: a transposed convolution, one channel at a time,
/// with a kernel of ones.
fn average_pool(v: &Vjp<'_>) -> Result<(), String> {
    let (x, dy, g) = (v.x(0), v.dy(0), v.g);
    let dims = x.dims()?;
    let window = window(v.attributes(), &dims[2..])?;
    let count_pad = v.attributes().int_or("count_include_pad", 0) == 1;
    let n = window.kernel.len();
    let space: Option<Vec<usize>> = dims[2..].iter().map(|dim| usize::try_from(dim.known()?).ok()).collect();
    let padded = window.pads.iter().any(|&p| p != 0) || window.ceil;
    let share = match space {
        _ if !padded => dy * (1.0 / window.kernel.iter().product::<i64>() as f64),
        Some(space) if space.iter().product::<usize>() > MOST_LISTED => {
            return Err("averages padded windows over too many positions".into());
        }
        Some(space) => dy * shares(x, &window, &space, count_pad),
        None => {
            return Err(
                "averages padded windows over axes that only a run knows: pin the input shapes".into()
            );
        }
    };
    // Each channel is an item of its own, so that one kernel serves all.
    let single = |t: Var<'_>| {
        let t = g.var(t.id);
        t.reshape(g.concat(&[g.ints(&[-1, 1]), t.shape_part(2, 2 + n)], 0))
    };
    let ones = g.constant(Tensor::full(
        x.dtype(),
        &[&[1, 1], &window.kernel.iter().map(|&k| k as usize).collect::<Vec<_>>()[..]].concat(),
        1.0,
    ));
    let spread = spread(single(share), single(x), ones, &window)?;
    v.give(0, spread.like(x));
    Ok(())
}

/// 1 / divisor at every output position.
fn shares<'g>(x: Var<'g>, window: &Window, space: &[usize], count_pad: bool) -> Var<'g> {
    let output: Vec<usize> = (0..space.len()).map(|i| window.count(i, space[i] as i64) as usize).collect();
    let kernel: Vec<usize> = window.kernel.iter().map(|&k| k as usize).collect();
    let data = coordinates(&output)
        .map(|at| {
            let under =
                coordinates(&kernel).filter(|offset| window.source(&at, offset, space).is_some()).count();
            1.0 / divisor(window, &at, space, under, count_pad)
        })
        .collect();
    x.g.constant(Tensor::floats(x.dtype(), &output, data))
}

fn spread<'g>(dy: Var<'g>, x: Var<'g>, ones: Var<'g>, window: &Window) -> Result<Var<'g>, String> {
    let n = window.kernel.len();
    let full =
        dy.g.op("ConvTranspose", &[dy, ones], Window { pads: vec![0; 2 * n], ..window.clone() }.attributes());
    let g = dy.g;
    // Cut to the input: the pads before, then as many as there are (zeros where no window reached).
    let starts: Vec<i64> = (0..n).map(|i| window.before(i)).collect();
    let tail: Vec<i64> =
        vec![0; 2 + n].into_iter().chain([0, 0]).chain(window.strides.iter().map(|s| s - 1)).collect();
    let axes: Vec<i64> = (2..2 + n as i64).collect();
    let ends = x.shape_part(2, 2 + n) + g.ints(&starts);
    let extended = full.pad(&tail);
    let cut = g.op("Slice", &[extended, g.ints(&starts), ends, g.ints(&axes)], Attributes::new());
    Ok(cut.like(x))
}

fn global_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dims = infer.dims(0)?;
    let shape = dims.iter().enumerate().map(|(i, &dim)| if i < 2 { dim } else { Dim::Known(1) }).collect();
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn global(call: &Call<'_>, f: impl Fn(&[f64]) -> f64) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let mut shape = x.shape.clone();
    shape[2..].fill(1);
    let data = x.to_floats().chunks(numel(&x.shape[2..]).max(1)).map(f).collect();
    Ok(vec![Tensor::floats(x.dtype, &shape, data)])
}

fn spatial(v: &Vjp<'_>) -> Result<Vec<i64>, String> {
    Ok((2..v.x(0).rank()? as i64).collect())
}

fn global_average(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let axes = spatial(v)?;
    let sizes: Option<i64> = axes.iter().map(|&a| x.known(a as usize)).product();
    let share = match sizes {
        Some(count) => v.dy(0) * (1.0 / count as f64),
        None => {
            let count = v.g.op(
                "ReduceProd",
                &[x.shape_part(2, usize::MAX >> 1)],
                Attributes::new().with("keepdims", 0),
            );
            v.dy(0) / count.cast(x.dtype())
        }
    };
    v.give(0, share.expand(x.shape()));
    Ok(())
}

/// Positions that tie share the gradient equally.
fn global_max(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let hit = x.equal(v.y(0)).mask(x.dtype());
    v.give(0, hit * (v.dy(0) / hit.sum(&spatial(v)?, true)));
    Ok(())
}
