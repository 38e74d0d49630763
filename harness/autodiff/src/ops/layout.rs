//! Operators that move elements and compute nothing: their gradients move them back, and add where one element
//! went to several places.

use super::row::{exact, rule};
use super::shape::dims_from_ints;
use crate::attribute::Attributes;
use crate::dim::{Arith, Dim};
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, broadcast_index, broadcast_shapes, coordinates, flatten, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    exact(rule("Reshape", reshape_shape, reshape_forward, Gradient::Rule(reshaped))),
    exact(rule("Flatten", flatten_shape, flatten_forward, Gradient::Rule(reshaped))),
    exact(rule("Squeeze", squeeze_shape, squeeze_forward, Gradient::Rule(reshaped))),
    exact(rule("Unsqueeze", unsqueeze_shape, unsqueeze_forward, Gradient::Rule(reshaped))),
    exact(rule("Transpose", transpose_shape, transpose_forward, Gradient::Rule(transpose))),
    exact(rule("Concat", concat_shape, concat_forward, Gradient::Rule(concat))),
    exact(rule("Split", split_shape, split_forward, Gradient::Rule(split))),
    exact(rule("Slice", slice_shape, slice_forward, Gradient::Rule(slice))),
    exact(rule("Pad", pad_shape, pad_forward, Gradient::Rule(pad))),
    exact(rule("Expand", expand_shape, expand_forward, Gradient::Rule(expand))),
    exact(rule("Tile", tile_shape, tile_forward, Gradient::Rule(tile))),
    exact(rule("Trilu", |infer| Ok(vec![infer.ty(0)?]), trilu_forward, Gradient::Rule(trilu))),
    exact(rule("DepthToSpace", depth_to_space_shape, depth_to_space_forward, Gradient::Rule(depth_to_space))),
    exact(rule("SpaceToDepth", space_to_depth_shape, space_to_depth_forward, Gradient::Rule(space_to_depth))),
];

/// Whatever only renames the axes passes back by renaming them back.
fn reshaped(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.dy(0).like(v.x(0)));
    Ok(())
}

fn reshape_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let wanted = dims_from_ints(infer, 1)?;
    let keeps_zero = infer.attributes.int_or("allowzero", 0) == 1;
    let from = infer.ty(0)?.shape;
    let mut shape = wanted;
    for (i, dim) in shape.iter_mut().enumerate() {
        if *dim == Dim::Known(0) && !keeps_zero {
            let from = from.as_ref().and_then(|dims| dims.get(i));
            *dim = *from.ok_or("copies an axis that the input does not have")?;
        }
    }
    if let Some(rest) = shape.iter().position(|&dim| dim == Dim::Known(-1)) {
        let others: Vec<Dim> =
            shape.iter().enumerate().filter(|(i, _)| *i != rest).map(|(_, &dim)| dim).collect();
        shape[rest] = match &from {
            Some(from) => remaining(infer, from.clone(), others)?,
            None => infer.fresh(),
        };
    }
    let product =
        |dims: &[Dim]| dims.iter().map(|dim| dim.known()).try_fold(1i64, |n, dim| n.checked_mul(dim?));
    if let (Some(from), Some(to)) = (from.as_deref().and_then(product), product(&shape))
        && from != to
    {
        return Err(format!("{from} elements do not fit the shape {shape:?}"));
    }
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

/// product(from) / product(others), after striking out what both have.
fn remaining(infer: &mut Infer<'_>, mut from: Vec<Dim>, mut others: Vec<Dim>) -> Result<Dim, String> {
    others.retain(|other| match from.iter().position(|dim| dim == other) {
        Some(at) if other.known().is_none() => {
            from.swap_remove(at);
            false
        }
        _ => true,
    });
    let symbols = &mut infer.graph.symbols;
    if others.iter().all(|dim| dim.known().is_some()) {
        let divisor: i64 = others.iter().filter_map(|dim| dim.known()).fold(1, i64::saturating_mul);
        let known: i64 = from.iter().filter_map(|dim| dim.known()).fold(1, i64::saturating_mul);
        if divisor != 0 && known % divisor == 0 {
            from.retain(|dim| dim.known().is_none());
            from.push(Dim::Known(known / divisor));
            return Ok(symbols.product(&from));
        }
        if divisor == 0 || from.iter().all(|dim| dim.known().is_some()) {
            return Err(format!("{known} elements do not divide by {divisor}"));
        }
    }
    let (whole, part) = (symbols.product(&from), symbols.product(&others));
    Ok(symbols.arith(Arith::Div, whole, part))
}

fn reshape_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let keeps_zero = call.attributes.int_or("allowzero", 0) == 1;
    let mut shape: Vec<i64> = call.input(1)?.to_ints();
    for (i, size) in shape.iter_mut().enumerate() {
        if *size == 0 && !keeps_zero {
            *size = *x.shape.get(i).ok_or("copies an axis that the input does not have")? as i64;
        }
    }
    let known: i64 = shape.iter().filter(|&&n| n != -1).fold(1, |n, &m| n.saturating_mul(m));
    let shape: Vec<usize> =
        shape.iter().map(|&n| if n == -1 { x.len() / known.max(1) as usize } else { n as usize }).collect();
    if numel(&shape) != x.len() {
        return Err(format!("{:?} does not fit the shape {shape:?}", x.shape));
    }
    Ok(vec![x.reshaped(&shape)])
}

fn flatten_at(attributes: &Attributes, rank: usize) -> usize {
    let at = attributes.int_or("axis", 1);
    (if at < 0 { at + rank as i64 } else { at }).clamp(0, rank as i64) as usize
}

fn flatten_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dims = infer.dims(0)?;
    let (front, back) = dims.split_at(flatten_at(infer.attributes, dims.len()));
    let symbols = &mut infer.graph.symbols;
    let shape = vec![symbols.product(front), symbols.product(back)];
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn flatten_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let (front, back) = x.shape.split_at(flatten_at(call.attributes, x.shape.len()));
    Ok(vec![x.reshaped(&[numel(front), numel(back)])])
}

fn squeezed_axes(
    given: Option<Vec<i64>>,
    rank: usize,
    is_one: impl Fn(usize) -> bool,
) -> Result<Vec<usize>, String> {
    match given {
        Some(axes) => axes.iter().map(|&a| axis(a, rank)).collect(),
        None => Ok((0..rank).filter(|&i| is_one(i)).collect()),
    }
}

fn squeeze_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dims = infer.dims(0)?;
    let given = match infer.has(1) {
        true => Some(infer.known_ints(1).ok_or("squeezes axes that only a run knows")?),
        false if dims.iter().all(|dim| dim.known().is_some()) => None,
        false => {
            return Err("squeezes every axis of size 1, which only a run knows: pin the input shapes".into());
        }
    };
    let axes = squeezed_axes(given, dims.len(), |i| dims[i] == Dim::Known(1))?;
    if let Some(&wrong) = axes.iter().find(|&&i| dims[i].known().is_some_and(|n| n != 1)) {
        return Err(format!("squeezes axis {wrong} of shape {dims:?}"));
    }
    let shape = (0..dims.len()).filter(|i| !axes.contains(i)).map(|i| dims[i]).collect();
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn squeeze_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let axes = squeezed_axes(call.optional(1).map(Tensor::to_ints), x.shape.len(), |i| x.shape[i] == 1)?;
    let shape: Vec<usize> = (0..x.shape.len()).filter(|i| !axes.contains(i)).map(|i| x.shape[i]).collect();
    if numel(&shape) != x.len() {
        return Err(format!("squeezes axes {axes:?} of shape {:?}", x.shape));
    }
    Ok(vec![x.reshaped(&shape)])
}

/// Puts ones at `axes` of the result.
fn unsqueezed<T: Copy>(dims: &[T], axes: &[i64], one: T) -> Result<Vec<T>, String> {
    let rank = dims.len() + axes.len();
    let axes: Vec<usize> = axes.iter().map(|&a| axis(a, rank)).collect::<Result<_, _>>()?;
    let mut rest = dims.iter();
    (0..rank)
        .map(|i| if axes.contains(&i) { Some(one) } else { rest.next().copied() })
        .collect::<Option<_>>()
        .ok_or_else(|| "names an axis twice".into())
}

fn unsqueeze_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let axes = infer.known_ints(1).ok_or("adds axes that only a run knows")?;
    let shape = unsqueezed(&infer.dims(0)?, &axes, Dim::Known(1))?;
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn unsqueeze_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    Ok(vec![x.reshaped(&unsqueezed(&x.shape, &call.input(1)?.to_ints(), 1)?)])
}

fn perm(attributes: &Attributes, rank: usize) -> Result<Vec<usize>, String> {
    let perm = attributes.ints("perm").map_or_else(|| (0..rank as i64).rev().collect(), <[i64]>::to_vec);
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted != (0..rank as i64).collect::<Vec<_>>() {
        return Err(format!("perm {perm:?} does not order {rank} axes"));
    }
    Ok(perm.into_iter().map(|i| i as usize).collect())
}

fn transpose_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dims = infer.dims(0)?;
    let shape = perm(infer.attributes, dims.len())?.into_iter().map(|i| dims[i]).collect();
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn transpose_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let perm = perm(call.attributes, x.shape.len())?;
    let shape: Vec<usize> = perm.iter().map(|&i| x.shape[i]).collect();
    let source = |at: Vec<usize>| {
        let mut from = vec![0; at.len()];
        perm.iter().zip(at).for_each(|(&axis, i)| from[axis] = i);
        Some(flatten(&from, &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

fn transpose(v: &Vjp<'_>) -> Result<(), String> {
    let perm = perm(v.attributes(), v.x(0).rank()?)?;
    let mut back = vec![0; perm.len()];
    perm.iter().enumerate().for_each(|(to, &from)| back[from] = to as i64);
    v.give(0, v.dy(0).transpose(&back));
    Ok(())
}

fn concat_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let mut shape = infer.dims(0)?;
    let along = axis(infer.attributes.int("axis").ok_or("has no attribute `axis`")?, shape.len())?;
    for i in 1..infer.inputs.len() {
        let dims = infer.dims(i)?;
        if dims.len() != shape.len() {
            return Err(format!("joins shapes {shape:?} and {dims:?}"));
        }
        for (axis, (total, dim)) in shape.iter_mut().zip(dims).enumerate() {
            *total = match (axis == along, *total, dim) {
                (true, a, b) => infer.graph.symbols.arith(Arith::Add, a, b),
                (false, Dim::Symbol(_), Dim::Known(n)) => Dim::Known(n),
                (false, Dim::Known(a), Dim::Known(b)) if a != b => {
                    return Err(format!("joins axis {axis} of sizes {a} and {b} along axis {along}"));
                }
                (false, a, _) => a,
            };
        }
    }
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn concat_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let parts: Vec<&Tensor> = (0..call.inputs.len()).map(|i| call.input(i)).collect::<Result<_, _>>()?;
    let along = axis(call.attributes.int_or("axis", 0), parts[0].shape.len())?;
    let inner: usize = parts[0].shape[along + 1..].iter().product();
    let outer: usize = parts[0].shape[..along].iter().product();
    let mut shape = parts[0].shape.clone();
    shape[along] = parts.iter().map(|part| part.shape[along]).sum();
    let floats: Vec<Vec<f64>> = parts.iter().map(|part| part.to_floats()).collect();
    let mut data = Vec::with_capacity(numel(&shape));
    for row in 0..outer {
        for (part, values) in parts.iter().zip(&floats) {
            let width = part.shape[along] * inner;
            data.extend_from_slice(&values[row * width..(row + 1) * width]);
        }
    }
    Ok(vec![Tensor::floats(crate::dtype::DataType::F64, &shape, data).cast(parts[0].dtype)])
}

fn concat(v: &Vjp<'_>) -> Result<(), String> {
    let (dy, along) = (v.dy(0), v.attributes().int_or("axis", 0));
    let at = axis(along, dy.rank()?)?;
    let mut start = v.g.ints(&[0]);
    for i in 0..v.node.inputs.len() {
        let end = start + v.x(i).shape_part(at, at + 1);
        v.give_if_wanted(i, || v.g.op("Slice", &[dy, start, end, v.g.ints(&[at as i64])], Attributes::new()));
        start = end;
    }
    Ok(())
}

/// Sizes of the parts: given, or equal with a smaller last one.
fn split_sizes(given: Option<Vec<i64>>, size: i64, n: usize) -> Result<Vec<i64>, String> {
    let sizes = given.unwrap_or_else(|| {
        let part = (size + n as i64 - 1) / n.max(1) as i64;
        (0..n as i64).map(|i| part.min(size - i * part)).collect()
    });
    if sizes.iter().sum::<i64>() != size || sizes.iter().any(|&n| n < 0) || sizes.len() != n {
        return Err(format!("splits an axis of size {size} into {sizes:?}"));
    }
    Ok(sizes)
}

fn split_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, dims) = (infer.dtype(0)?, infer.dims(0)?);
    let along = axis(infer.attributes.int_or("axis", 0), dims.len())?;
    let given = if infer.has(1) { Some(infer.ints(1)) } else { None };
    let sizes: Vec<Dim> = match (given, dims[along]) {
        (Some(Some(sizes)), _) => sizes,
        (None, Dim::Known(size)) => {
            split_sizes(None, size, infer.outputs)?.into_iter().map(Dim::Known).collect()
        }
        _ => (0..infer.outputs).map(|_| infer.fresh()).collect(),
    };
    let part = |size: Dim| {
        let mut shape = dims.clone();
        shape[along] = size;
        Type::new(dtype, shape)
    };
    Ok(sizes.into_iter().map(part).collect())
}

fn split_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let along = axis(call.attributes.int_or("axis", 0), x.shape.len())?;
    let sizes = split_sizes(call.optional(1).map(Tensor::to_ints), x.shape[along] as i64, call.outputs)?;
    let mut start = 0;
    Ok(sizes
        .into_iter()
        .map(|size| {
            let part = window(x, along, start, 1, size as usize);
            start += size;
            part
        })
        .collect())
}

/// `count` elements of one axis from `start`, every `step`-th.
fn window(x: &Tensor, along: usize, start: i64, step: i64, count: usize) -> Tensor {
    let mut shape = x.shape.clone();
    shape[along] = count;
    let source = |mut at: Vec<usize>| {
        at[along] = (start + step * at[along] as i64) as usize;
        Some(flatten(&at, &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    x.pick(&shape, &index, 0.0)
}

fn split(v: &Vjp<'_>) -> Result<(), String> {
    let parts: Vec<Var<'_>> = (0..v.node.outputs.len()).map(|i| v.dy(i)).collect();
    v.give(0, v.g.concat(&parts, v.attributes().int_or("axis", 0)));
    Ok(())
}

/// One axis of a Slice, with ONNX's clamping: first position, step, count.
fn slice_line(size: i64, start: i64, end: i64, step: i64) -> Result<(i64, usize), String> {
    let from_front = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, end) = (from_front(start), from_front(end));
    let (start, count) = match step {
        0 => return Err("has a step of 0".into()),
        1.. => {
            let start = start.clamp(0, size);
            (start, (end.clamp(0, size) - start + step - 1) / step)
        }
        _ => {
            let start = start.clamp(-1, size - 1);
            (start, (start - end.clamp(-1, size - 1) - step - 1) / -step)
        }
    };
    Ok((start, count.max(0) as usize))
}

struct Slices {
    axes: Vec<usize>,
    starts: Vec<i64>,
    ends: Vec<i64>,
    steps: Vec<i64>,
}

/// The numbers of a Slice; an outer `None` where a run decides.
fn slices(list: impl Fn(usize) -> Option<Option<Vec<i64>>>, rank: usize) -> Result<Option<Slices>, String> {
    let (Some(Some(starts)), Some(Some(ends))) = (list(1), list(2)) else { return Ok(None) };
    let (axes, steps) = match (list(3), list(4)) {
        (Some(None), _) | (_, Some(None)) => return Ok(None),
        (axes, steps) => (axes.flatten(), steps.flatten()),
    };
    let axes = axes.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()].iter().any(|&n| n != starts.len()) {
        return Err("has lists of different lengths".into());
    }
    if steps.iter().any(|step| step.unsigned_abs() > 1 << 40) {
        return Err(format!("has steps {steps:?}, beyond all use"));
    }
    let axes = axes.into_iter().map(|a| axis(a, rank)).collect::<Result<_, _>>()?;
    Ok(Some(Slices { axes, starts, ends, steps }))
}

fn slice_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, mut dims) = (infer.dtype(0)?, infer.dims(0)?);
    let found = slices(|i| infer.has(i).then(|| infer.known_ints(i)), dims.len())?;
    let Some(found) = found else {
        let touched = if infer.has(3) { infer.known_ints(3) } else { None };
        match touched {
            Some(axes) => {
                for a in axes {
                    let a = axis(a, dims.len())?;
                    dims[a] = slice_size_at_run(infer, dims[a]);
                }
            }
            None => dims = dims.iter().map(|_| infer.fresh()).collect(),
        }
        return Ok(vec![Type::new(dtype, dims)]);
    };
    for i in 0..found.axes.len() {
        let (start, end, step) = (found.starts[i], found.ends[i], found.steps[i]);
        let dim = &mut dims[found.axes[i]];
        *dim = match *dim {
            Dim::Known(size) => Dim::Known(slice_line(size, start, end, step)?.1 as i64),
            symbol if start == 0 && end >= i64::from(i32::MAX) && step == 1 => symbol,
            symbol if step == -1 && end <= -i64::from(i32::MAX) && start == -1 => symbol,
            symbol if step == 1 && start >= 0 && end >= i64::from(i32::MAX) => {
                infer.graph.symbols.arith(Arith::Sub, symbol, Dim::Known(start))
            }
            symbol if step == 1 && start == 0 && end < 0 => {
                infer.graph.symbols.arith(Arith::Add, symbol, Dim::Known(end))
            }
            _ if step == 1 && start < 0 && end >= i64::from(i32::MAX) && start == -1 => Dim::Known(1),
            _ => infer.fresh(),
        };
    }
    Ok(vec![Type::new(dtype, dims)])
}

/// `end - start` of a single axis, where both are symbols that are followed (and the slice is inside).
fn slice_size_at_run(infer: &mut Infer<'_>, whole: Dim) -> Dim {
    let single = |list: Option<Vec<Dim>>| list.filter(|list| list.len() == 1).map(|list| list[0]);
    match (single(infer.ints(1)), single(infer.ints(2))) {
        (Some(Dim::Known(0)), Some(end @ Dim::Symbol(_))) if infer.known_ints(4).is_none_or(|s| s == [1]) => {
            end
        }
        (Some(start), Some(end)) if end == whole && infer.known_ints(4).is_none_or(|s| s == [1]) => {
            infer.graph.symbols.arith(Arith::Sub, end, start)
        }
        _ => infer.fresh(),
    }
}

fn slice_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let found = slices(|i| call.optional(i).map(|t| Some(t.to_ints())), x.shape.len())?
        .ok_or("lacks starts or ends")?;
    let mut out = x.clone();
    for i in 0..found.axes.len() {
        let along = found.axes[i];
        let size = out.shape[along] as i64;
        let (start, count) = slice_line(size, found.starts[i], found.ends[i], found.steps[i])?;
        out = window(&out, along, start, found.steps[i], count);
    }
    Ok(vec![out])
}

/// Elements go back to where they were cut out, zeros elsewhere.
fn slice(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let dims = x.dims()?;
    let given = |i: usize| v.optional(i).map(|list| list.value().map(|value| value.to_ints()));
    let Some(found) = slices(given, dims.len())? else {
        return slice_at_run(v);
    };
    let mut dy = v.dy(0);
    for i in 0..found.axes.len() {
        let along = found.axes[i];
        dy = match dims[along].known() {
            Some(size) => {
                let (start, count) = slice_line(size, found.starts[i], found.ends[i], found.steps[i])?;
                unslice(dy, along, size, start, found.steps[i], count as i64)?
            }
            None if found.steps[i] == 1 => {
                return slice_at_run(v);
            }
            None if found.steps[i] == -1
                && found.starts[i] == -1
                && found.ends[i] <= -i64::from(i32::MAX) =>
            {
                reversed(dy, along as i64)
            }
            None => return Err("slices with steps along an axis whose size only a run knows".into()),
        };
    }
    v.give(0, dy);
    Ok(())
}

fn reversed(x: Var<'_>, along: i64) -> Var<'_> {
    let list = |n: i64| x.g.ints(&[n]);
    x.g.op("Slice", &[x, list(-1), list(i64::MIN), list(along), list(-1)], Attributes::new())
}

fn unslice(
    dy: Var<'_>,
    along: usize,
    size: i64,
    start: i64,
    step: i64,
    count: i64,
) -> Result<Var<'_>, String> {
    let (mut dy, mut start, mut step) = (dy, start, step);
    if step < 0 {
        dy = reversed(dy, along as i64);
        start += step * (count - 1);
        step = -step;
    }
    let rank = dy.rank()?;
    let mut length = count;
    if step > 1 && count > 0 {
        let mut pads = vec![0; 2 * (rank + 1)];
        pads[rank + 1 + along + 1] = step - 1;
        let spread = dy.unsqueeze(&[along as i64 + 1]).pad(&pads);
        let parts = [dy.shape_part(0, along), dy.g.ints(&[count * step]), dy.shape_part(along + 1, rank)];
        dy = spread.reshape(dy.g.concat(&parts, 0));
        length = count * step;
    }
    let mut pads = vec![0; 2 * rank];
    pads[along] = start;
    pads[rank + along] = size - start - length;
    Ok(dy.pad(&pads))
}

/// Where a run decides: the positions are sliced as the elements were, and the gradient is scattered to them.
fn slice_at_run(v: &Vjp<'_>) -> Result<(), String> {
    let (x, g) = (v.x(0), v.g);
    let scalar = |n: i64| g.constant(Tensor::i64(&[], vec![n]));
    let positions = g.op("Range", &[scalar(0), x.apply("Size"), scalar(1)], Attributes::new()).like(x);
    let inputs: Vec<Option<Var<'_>>> =
        std::iter::once(Some(positions)).chain((1..v.node.inputs.len()).map(|i| v.optional(i))).collect();
    let taken = g.node("Slice", &inputs, Attributes::new(), 1)[0];
    let flat = x.zeros().reshape_to(&[-1]);
    let updates = [flat, taken.reshape_to(&[-1]), v.dy(0).reshape_to(&[-1])];
    v.give(0, g.op("ScatterElements", &updates, Attributes::new().with("axis", 0)).like(x));
    Ok(())
}

/// Most positions that are written out as a list.
const MOST_LISTED: i64 = 1 << 24;

/// Pads of every axis: begin and end, negative to crop.
fn pads_of(list: Vec<i64>, axes: Option<Vec<i64>>, rank: usize) -> Result<Vec<(i64, i64)>, String> {
    let axes: Vec<usize> = match axes {
        Some(axes) => axes.into_iter().map(|a| axis(a, rank)).collect::<Result<_, _>>()?,
        None => (0..rank).collect(),
    };
    if list.len() != 2 * axes.len() {
        return Err(format!("has {} pads for {} axes", list.len(), axes.len()));
    }
    if list.iter().any(|pad| pad.unsigned_abs() > 1 << 40) {
        return Err(format!("pads by {list:?}, beyond all memory"));
    }
    let mut pads = vec![(0, 0); rank];
    axes.iter().enumerate().for_each(|(i, &a)| pads[a] = (list[i], list[i + axes.len()]));
    Ok(pads)
}

fn pad_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, dims) = (infer.dtype(0)?, infer.dims(0)?);
    let axes =
        if infer.has(3) { Some(infer.known_ints(3).ok_or("pads axes that only a run knows")?) } else { None };
    let Some(list) = infer.known_ints(1) else {
        let shape = dims.iter().map(|_| infer.fresh()).collect();
        return Ok(vec![Type::new(dtype, shape)]);
    };
    let pads = pads_of(list, axes, dims.len())?;
    let symbols = &mut infer.graph.symbols;
    let shape = dims
        .iter()
        .zip(pads)
        .map(|(&dim, (b, e))| symbols.arith(Arith::Add, dim, Dim::Known(b + e)))
        .collect();
    Ok(vec![Type::new(dtype, shape)])
}

/// The source of position `at` of a padded axis of `size` elements; `None` for the constant.
fn pad_source(mode: &str, at: i64, size: i64) -> Option<i64> {
    match mode {
        _ if (0..size).contains(&at) => Some(at),
        "edge" => Some(at.clamp(0, size - 1)),
        "reflect" if size == 1 => Some(0),
        "reflect" => {
            let period = 2 * (size - 1);
            let folded = at.rem_euclid(period);
            Some(if folded < size { folded } else { period - folded })
        }
        "wrap" => Some(at.rem_euclid(size)),
        _ => None,
    }
}

fn pad_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let pads = pads_of(call.input(1)?.to_ints(), call.optional(3).map(Tensor::to_ints), x.shape.len())?;
    let fill = call.optional(2).map_or(0.0, |t| t.to_floats().first().copied().unwrap_or(0.0));
    let mode = call.attributes.text_or("mode", "constant");
    if mode != "constant" && x.shape.contains(&0) {
        return Err("repeats elements of an axis that has none".into());
    }
    let shape: Vec<usize> =
        x.shape.iter().zip(&pads).map(|(&n, (b, e))| (n as i64 + b + e).max(0) as usize).collect();
    let source = |at: Vec<usize>| {
        let from: Option<Vec<usize>> = (0..at.len())
            .map(|i| pad_source(mode, at[i] as i64 - pads[i].0, x.shape[i] as i64).map(|i| i as usize))
            .collect();
        from.map(|from| flatten(&from, &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    Ok(vec![x.pick(&shape, &index, fill)])
}

fn pad(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    let dims = x.dims()?;
    let list = v.x(1).value().ok_or("pads by amounts that only a run knows")?.to_ints();
    let axes = v
        .optional(3)
        .map(|axes| axes.value().map(|axes| axes.to_ints()).ok_or("pads axes that only a run knows"));
    let pads = pads_of(list, axes.transpose()?, dims.len())?;
    let mode = v.attributes().text_or("mode", "constant").to_owned();
    let mut dy = v.dy(0);
    let cropped: Vec<i64> = pads.iter().map(|p| -p.0).chain(pads.iter().map(|p| -p.1)).collect();
    if mode == "constant" {
        v.give_if_wanted(0, || dy.pad(&cropped));
        if v.wants(2) {
            let all: Vec<i64> = (0..dims.len() as i64).collect();
            let inside = dy.pad(&cropped).sum(&all, false);
            v.give(2, (dy.sum(&all, false) - inside).like(v.x(2)));
        }
        return Ok(());
    }
    for (along, &(before, after)) in pads.iter().enumerate() {
        if (before, after) != (0, 0) {
            let size = dims[along]
                .known()
                .ok_or("reflects an axis whose size only a run knows: pin the input shapes")?;
            if size + before + after > MOST_LISTED || size < 1 {
                return Err(format!("pads an axis of {size} by {before} and {after}, beyond all use"));
            }
            dy = unpad_axis(dy, along, size, before, after, &mode);
        }
    }
    v.give(0, dy);
    Ok(())
}

/// Each padded position gives its gradient to the element that it repeats.
fn unpad_axis<'g>(dy: Var<'g>, along: usize, size: i64, before: i64, after: i64, mode: &str) -> Var<'g> {
    let g = dy.g;
    let sources: Vec<i64> =
        (0..size + before + after).filter_map(|at| pad_source(mode, at - before, size)).collect();
    let index = g.ints(&sources);
    let front = dy.transpose(&to_front(along, dy.rank().unwrap_or(0)));
    let target = g.concat(&[g.ints(&[size]), front.shape_part(1, usize::MAX >> 1)], 0);
    let zeros = dy.filled(target, 0.0);
    let added =
        g.op("ScatterND", &[zeros, index.unsqueeze(&[1]), front], Attributes::new().with("reduction", "add"));
    added.transpose(&from_front(along, dy.rank().unwrap_or(0)))
}

/// The permutation that moves one axis to the front, and the one that moves it back.
pub(super) fn to_front(along: usize, rank: usize) -> Vec<i64> {
    std::iter::once(along).chain((0..rank).filter(|&i| i != along)).map(|i| i as i64).collect()
}

pub(super) fn from_front(along: usize, rank: usize) -> Vec<i64> {
    (0..rank)
        .map(|i| {
            if i == along {
                0
            } else if i < along {
                i as i64 + 1
            } else {
                i as i64
            }
        })
        .collect()
}

fn expand_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let to = dims_from_ints(infer, 1)?;
    let from = infer.dims(0)?;
    let shape = infer.broadcast(&from, &to)?;
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn expand_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let to: Vec<usize> = call.input(1)?.to_ints().into_iter().map(|n| n as usize).collect();
    let shape =
        broadcast_shapes(&x.shape, &to).ok_or_else(|| format!("{:?} does not expand to {to:?}", x.shape))?;
    let index: Vec<Option<usize>> = broadcast_index(&x.shape, &shape).into_iter().map(Some).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

fn expand(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.dy(0).unbroadcast(v.x(0)));
    Ok(())
}

fn tile_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (dtype, dims) = (infer.dtype(0)?, infer.dims(0)?);
    let repeats = dims_from_ints(infer, 1)?;
    let symbols = &mut infer.graph.symbols;
    let shape = dims.iter().zip(repeats).map(|(&dim, n)| symbols.arith(Arith::Mul, dim, n)).collect();
    Ok(vec![Type::new(dtype, shape)])
}

fn tile_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let repeats = call.input(1)?.to_ints();
    let shape: Vec<usize> = x.shape.iter().zip(&repeats).map(|(&n, &r)| n * r as usize).collect();
    let source = |at: Vec<usize>| {
        let from: Vec<usize> = at.iter().zip(&x.shape).map(|(i, n)| i % n).collect();
        Some(flatten(&from, &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

/// Every axis splits into (repeat, size); the repeats are summed.
fn tile(v: &Vjp<'_>) -> Result<(), String> {
    let (x, g) = (v.x(0), v.g);
    let rank = x.rank()?;
    let parts: Vec<Var<'_>> = (0..rank)
        .flat_map(|i| {
            let repeat = v.x(1).slice(0, i as i64, i as i64 + 1);
            [repeat, x.shape_part(i, i + 1)]
        })
        .collect();
    if rank == 0 {
        v.give(0, v.dy(0));
        return Ok(());
    }
    let repeats: Vec<i64> = (0..rank as i64).map(|i| 2 * i).collect();
    v.give(0, v.dy(0).reshape(g.concat(&parts, 0)).sum(&repeats, false));
    Ok(())
}

fn trilu_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let k = call.optional(1).map_or(0, |t| t.to_ints()[0]);
    let upper = call.attributes.int_or("upper", 1) == 1;
    let rank = x.shape.len();
    let kept = |at: &[usize]| {
        let above = at[rank - 1] as i64 - at[rank - 2] as i64 - k;
        if upper { above >= 0 } else { above <= 0 }
    };
    let index: Vec<Option<usize>> =
        coordinates(&x.shape).enumerate().map(|(i, at)| kept(&at).then_some(i)).collect();
    Ok(vec![x.pick(&x.shape, &index, 0.0)])
}

fn trilu(v: &Vjp<'_>) -> Result<(), String> {
    let inputs: Vec<Option<Var<'_>>> = vec![Some(v.dy(0)), v.optional(1)];
    v.give(0, v.g.node("Trilu", &inputs, v.attributes().clone(), 1)[0]);
    Ok(())
}

fn block(attributes: &Attributes) -> Result<i64, String> {
    attributes
        .int("blocksize")
        .filter(|b| (1..=1 << 12).contains(b))
        .ok_or_else(|| "has no attribute `blocksize`".into())
}

fn depth_to_space_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    blocks_shape(infer, Arith::Div, Arith::Mul)
}

fn space_to_depth_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    blocks_shape(infer, Arith::Mul, Arith::Div)
}

fn blocks_shape(infer: &mut Infer<'_>, depth: Arith, space: Arith) -> Result<Vec<Type>, String> {
    let (dtype, dims, b) = (infer.dtype(0)?, infer.dims(0)?, block(infer.attributes)?);
    let [n, c, h, w] = dims[..] else { return Err(format!("needs four axes, not {dims:?}")) };
    let symbols = &mut infer.graph.symbols;
    let shape = vec![
        n,
        symbols.arith(depth, c, Dim::Known(b * b)),
        symbols.arith(space, h, Dim::Known(b)),
        symbols.arith(space, w, Dim::Known(b)),
    ];
    Ok(vec![Type::new(dtype, shape)])
}

fn depth_to_space_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let b = block(call.attributes)? as usize;
    let [n, c, h, w] = x.shape[..] else { return Err("needs four axes".into()) };
    let depth = c / (b * b);
    let shape = [n, depth, h * b, w * b];
    let crd = call.attributes.text_or("mode", "DCR") == "CRD";
    let source = |at: Vec<usize>| {
        let within = (at[2] % b) * b + at[3] % b;
        let channel = if crd { at[1] * b * b + within } else { within * depth + at[1] };
        Some(flatten(&[at[0], channel, at[2] / b, at[3] / b], &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

fn space_to_depth_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let b = block(call.attributes)? as usize;
    let [n, c, h, w] = x.shape[..] else { return Err("needs four axes".into()) };
    let shape = [n, c * b * b, h / b, w / b];
    let source = |at: Vec<usize>| {
        let (within, channel) = (at[1] / c, at[1] % c);
        Some(flatten(&[at[0], channel, at[2] * b + within / b, at[3] * b + within % b], &x.shape))
    };
    let index: Vec<Option<usize>> = coordinates(&shape).map(source).collect();
    Ok(vec![x.pick(&shape, &index, 0.0)])
}

fn depth_to_space(v: &Vjp<'_>) -> Result<(), String> {
    let b = block(v.attributes())?;
    let back = v.g.op("SpaceToDepth", &[v.dy(0)], Attributes::new().with("blocksize", b));
    if v.attributes().text_or("mode", "DCR") == "DCR" {
        v.give(0, back);
        return Ok(());
    }
    // SpaceToDepth puts the block first (DCR); CRD has the channel first.
    let depth = v.dy(0).shape_part(1, 2);
    let (n, space) = (back.shape_part(0, 1), back.shape_part(2, 4));
    let split = back.reshape(v.g.concat(&[n, v.g.ints(&[b * b]), depth, space], 0));
    v.give(0, split.transpose(&[0, 2, 1, 3, 4]).like(v.x(0)));
    Ok(())
}

fn space_to_depth(v: &Vjp<'_>) -> Result<(), String> {
    let b = block(v.attributes())?;
    v.give(0, v.g.op("DepthToSpace", &[v.dy(0)], Attributes::new().with("blocksize", b)));
    Ok(())
}
