//! Reductions over axes. Axes come as the second input (the form of opset 18); none means all.

use super::row;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, coordinates, flatten, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    reduction("ReduceSum", |call| each(call, |x| x.iter().sum()), sum),
    reduction("ReduceMean", |call| each(call, |x| x.iter().sum::<f64>() / x.len() as f64), mean),
    row::exact(reduction(
        "ReduceMax",
        |call| each(call, |x| x.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        extremum,
    )),
    row::exact(reduction(
        "ReduceMin",
        |call| each(call, |x| x.iter().copied().fold(f64::INFINITY, f64::min)),
        extremum,
    )),
    row::exact(reduction("ReduceProd", |call| each(call, |x| x.iter().product()), product)),
    reduction("ReduceL1", |call| each(call, |x| x.iter().map(|v| v.abs()).sum()), l1),
    reduction("ReduceL2", |call| each(call, |x| x.iter().map(|v| v * v).sum::<f64>().sqrt()), l2),
    reduction("ReduceSumSquare", |call| each(call, |x| x.iter().map(|v| v * v).sum()), sum_square),
    reduction("ReduceLogSum", |call| each(call, |x| x.iter().sum::<f64>().ln()), log_sum),
    reduction("ReduceLogSumExp", |call| each(call, log_sum_exp_of), log_sum_exp),
    row::exact(row::rule("ArgMax", arg_shape, |call| arg_forward(call, |x, best| x > best), Gradient::Zero)),
    row::exact(row::rule("ArgMin", arg_shape, |call| arg_forward(call, |x, best| x < best), Gradient::Zero)),
    row::rule("CumSum", |infer| Ok(vec![infer.ty(0)?]), cumsum_forward, Gradient::Rule(cumsum)),
];

const fn reduction(
    name: &'static str,
    forward: fn(&Call<'_>) -> Result<Vec<Tensor>, String>,
    gradient: row::Rule,
) -> Operator {
    row::rule(name, shape, forward, Gradient::Rule(gradient))
}

/// The axes to reduce; `None` when a run decides.
fn axes_of(
    given: Option<Option<Vec<i64>>>,
    attributes: &crate::attribute::Attributes,
    rank: usize,
) -> Result<Option<Vec<usize>>, String> {
    let noop = attributes.int_or("noop_with_empty_axes", 0) == 1;
    match given {
        Some(None) => Ok(None),
        Some(Some(axes)) if !axes.is_empty() => {
            axes.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>().map(Some)
        }
        _ if noop => Ok(Some(Vec::new())),
        _ => Ok(Some((0..rank).collect())),
    }
}

fn shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, dims) = (infer.dtype(0)?, infer.dims(0)?);
    let keep = infer.attributes.int_or("keepdims", 1) == 1;
    let given = infer.has(1).then(|| infer.known_ints(1));
    let Some(axes) = axes_of(given, infer.attributes, dims.len())? else {
        let unknown = keep.then(|| dims.iter().map(|_| infer.fresh()).collect());
        return Ok(vec![Type { dtype, shape: unknown }]);
    };
    Ok(vec![Type::new(dtype, without(&dims, &axes, keep))])
}

fn without(dims: &[Dim], axes: &[usize], keep: bool) -> Vec<Dim> {
    let reduced = |i: &usize| axes.contains(i);
    if keep {
        (0..dims.len()).map(|i| if reduced(&i) { Dim::Known(1) } else { dims[i] }).collect()
    } else {
        (0..dims.len()).filter(|i| !reduced(i)).map(|i| dims[i]).collect()
    }
}

/// Applies `f` to the elements that are reduced together.
fn each(call: &Call<'_>, f: impl Fn(&[f64]) -> f64) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let given = call.optional(1).map(|axes| Some(axes.to_ints()));
    let axes = axes_of(given, call.attributes, x.shape.len())?.unwrap_or_default();
    let kept: Vec<usize> =
        (0..x.shape.len()).map(|i| if axes.contains(&i) { 1 } else { x.shape[i] }).collect();
    let mut groups: Vec<Vec<f64>> = vec![Vec::new(); numel(&kept)];
    for (value, at) in x.to_floats().into_iter().zip(coordinates(&x.shape)) {
        let at: Vec<usize> = at.iter().zip(&kept).map(|(&i, &n)| if n == 1 { 0 } else { i }).collect();
        groups[flatten(&at, &kept)].push(value);
    }
    let shape: Vec<usize> = match call.attributes.int_or("keepdims", 1) {
        1 => kept,
        _ => (0..x.shape.len()).filter(|i| !axes.contains(i)).map(|i| x.shape[i]).collect(),
    };
    let data = groups.iter().map(|group| f(group)).collect();
    Ok(vec![Tensor::floats(DataType::F64, &shape, data).cast(x.dtype)])
}

/// A reduced value (the output or its gradient) with the reduced axes back as 1, so that it broadcasts.
fn kept<'g>(v: &Vjp<'g>, reduced: Var<'g>) -> Result<Var<'g>, String> {
    if v.attributes().int_or("keepdims", 1) == 1 {
        return Ok(reduced);
    }
    let axes = axes(v)?.ok_or("axes known only at a run need keepdims = 1")?;
    Ok(reduced.unsqueeze(&axes))
}

fn axes(v: &Vjp<'_>) -> Result<Option<Vec<i64>>, String> {
    let given = v.optional(1).map(|axes| axes.value().map(|value| value.to_ints()));
    let axes = axes_of(given, v.attributes(), v.x(0).rank()?)?;
    Ok(axes.map(|axes| axes.into_iter().map(|a| a as i64).collect()))
}

fn sum(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, kept(v, v.dy(0))?.expand(v.x(0).shape()));
    Ok(())
}

/// Each element gets its share of one over the number of elements averaged.
fn mean(v: &Vjp<'_>) -> Result<(), String> {
    let (x, dy) = (v.x(0), kept(v, v.dy(0))?);
    let dims = x.dims()?;
    let axes = axes(v)?.ok_or("axes known only at a run")?;
    let sizes: Option<Vec<i64>> = axes.iter().map(|&a| dims[a as usize].known()).collect();
    let share = match sizes {
        Some(sizes) => dy * (1.0 / sizes.iter().product::<i64>() as f64),
        None => {
            let parts: Vec<Var<'_>> =
                axes.iter().map(|&a| x.shape_part(a as usize, a as usize + 1)).collect();
            let count = v.g.op(
                "ReduceProd",
                &[v.g.concat(&parts, 0)],
                crate::attribute::Attributes::new().with("keepdims", 0),
            );
            dy / count.cast(dy.dtype())
        }
    };
    v.give(0, share.expand(x.shape()));
    Ok(())
}

/// Max and Min: elements that tie share the gradient equally, as PyTorch's amax does.
fn extremum(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let axes = axes(v)?.ok_or("axes known only at a run")?;
    let hit = x.equal(kept(v, v.y(0))?).mask(x.dtype());
    v.give(0, hit * (kept(v, v.dy(0))? / hit.sum(&axes, true)));
    Ok(())
}

/// The product of all others, exact with one zero among them as well: exclusive products from both sides.
fn product(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let axes = axes(v)?.ok_or("axes known only at a run")?;
    let [along] = axes[..] else {
        return several_products(v, &axes);
    };
    let others = products_of_others(x, along)?;
    v.give(0, others * kept(v, v.dy(0))?);
    Ok(())
}

/// Reducing several axes is reducing one after another; here they are made one.
fn several_products(v: &Vjp<'_>, axes: &[i64]) -> Result<(), String> {
    let x = v.x(0);
    let rank = x.rank()? as i64;
    let rest: Vec<i64> = (0..rank).filter(|a| !axes.contains(a)).collect();
    let perm: Vec<i64> = rest.iter().chain(axes).copied().collect();
    let moved = x.transpose(&perm);
    let flat = moved.reshape(v.g.concat(&[moved.shape_part(0, rest.len()), v.g.ints(&[-1])], 0));
    let others = products_of_others(flat, rest.len() as i64)?.like(moved);
    let mut back = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| back[from as usize] = to as i64);
    v.give(0, others.transpose(&back) * kept(v, v.dy(0))?);
    Ok(())
}

/// Most elements along the axis of a ReduceProd with a gradient.
const MOST_FACTORS: i64 = 1 << 10;

fn products_of_others(x: Var<'_>, along: i64) -> Result<Var<'_>, String> {
    let n = x.known(along as usize).ok_or("ReduceProd over an axis whose size only a run knows")?;
    if n > MOST_FACTORS {
        return Err(format!("multiplies {n} elements, of which each gradient is a product of all others"));
    }
    let element = |i: i64| x.slice(along, i, i + 1);
    let one = element(0).filled(element(0).shape(), 1.0);
    let mut before = vec![one];
    let mut after = vec![one];
    for i in 0..n - 1 {
        before.push(before[i as usize] * element(i));
        after.push(after[i as usize] * element(n - 1 - i));
    }
    let others: Vec<Var<'_>> = (0..n as usize).map(|i| before[i] * after[n as usize - 1 - i]).collect();
    Ok(x.g.concat(&others, along))
}

fn l1(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, kept(v, v.dy(0))? * v.x(0).apply("Sign"));
    Ok(())
}

/// x / |x|; zero at the origin, as PyTorch takes it.
fn l2(v: &Vjp<'_>) -> Result<(), String> {
    let norm = kept(v, v.y(0))?;
    let zero = norm.equal(norm.scalar(0.0));
    let scale = (kept(v, v.dy(0))? / v.g.select(zero, norm.scalar(1.0), norm)).only_where(zero.not());
    v.give(0, v.x(0) * scale);
    Ok(())
}

fn sum_square(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.x(0) * (kept(v, v.dy(0))? * 2.0));
    Ok(())
}

fn log_sum(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, (kept(v, v.dy(0))? / kept(v, v.y(0))?.exp()).expand(v.x(0).shape()));
    Ok(())
}

fn log_sum_exp_of(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top.is_infinite() { top } else { top + x.iter().map(|v| (v - top).exp()).sum::<f64>().ln() }
}

fn log_sum_exp(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, (v.x(0) - kept(v, v.y(0))?).exp() * kept(v, v.dy(0))?);
    Ok(())
}

fn arg_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dims = infer.dims(0)?;
    let along = axis(infer.attributes.int_or("axis", 0), dims.len())?;
    let keep = infer.attributes.int_or("keepdims", 1) == 1;
    Ok(vec![Type::new(DataType::I64, without(&dims, &[along], keep))])
}

fn arg_forward(call: &Call<'_>, better: fn(f64, f64) -> bool) -> Result<Vec<Tensor>, String> {
    let last = call.attributes.int_or("select_last_index", 0) == 1;
    let along = axis(call.attributes.int_or("axis", 0), call.input(0)?.shape.len())?;
    let axes = Tensor::i64(&[1], vec![along as i64]);
    let inputs = [Some(call.input(0)?), Some(&axes)];
    let best = |x: &[f64]| {
        let mut at = 0;
        for (i, &value) in x.iter().enumerate() {
            if better(value, x[at]) || (last && value == x[at]) {
                at = i;
            }
        }
        at as f64
    };
    let found = each(&Call { op: call.op, inputs: &inputs, attributes: call.attributes, outputs: 1 }, best)?;
    Ok(vec![found[0].cast(DataType::I64)])
}

fn cumsum_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let along = axis(call.input(1)?.to_ints()[0], x.shape.len())?;
    let exclusive = call.attributes.int_or("exclusive", 0) == 1;
    let reverse = call.attributes.int_or("reverse", 0) == 1;
    let (n, stride) = (x.shape[along], x.shape[along + 1..].iter().product::<usize>());
    let data = x.to_floats();
    let mut out = vec![0.0; data.len()];
    for start in (0..data.len()).filter(|i| i / stride % n == 0) {
        let mut total = 0.0;
        for step in 0..n {
            let at = start + stride * if reverse { n - 1 - step } else { step };
            let before = total;
            total += data[at];
            out[at] = if exclusive { before } else { total };
        }
    }
    Ok(vec![Tensor::floats(DataType::F64, &x.shape, out).cast(x.dtype)])
}

/// The transposed sum runs the other way.
fn cumsum(v: &Vjp<'_>) -> Result<(), String> {
    let reverse = 1 - v.attributes().int_or("reverse", 0);
    let attributes = v.attributes().clone().with("reverse", reverse);
    v.give(0, v.g.op("CumSum", &[v.dy(0), v.x(1)], attributes));
    Ok(())
}
