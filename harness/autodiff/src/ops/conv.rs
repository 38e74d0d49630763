//! Convolution and its transpose, over any number of spatial axes, grouped, strided, dilated, padded.
//!
//! The data gradient takes the form that measured fastest on ONNX Runtime's CPU kernels: at stride 1 a Conv with
//! flipped weights; for a single input channel in 1-D a matrix product with shifted sums; ConvTranspose above.

use super::row::rule;
use super::window::Window;
use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator};
use crate::tensor::{Tensor, coordinates, flatten, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("Conv", conv_shape, conv_forward, Gradient::Rule(conv)),
    rule("ConvTranspose", transpose_shape, transpose_forward, Gradient::Rule(conv_transpose)),
];

/// Longest 1-D kernel for which shifted sums beat a convolution.
const LONGEST_SHIFTED: i64 = 32;

fn kernel_of(weights: &[Dim]) -> Result<Vec<i64>, String> {
    if weights.len() < 3 {
        return Err(format!("weights of shape {weights:?} have no kernel"));
    }
    let kernel: Option<Vec<i64>> = weights[2..].iter().map(|dim| dim.known()).collect();
    kernel.ok_or_else(|| "has a kernel whose size only a run knows".into())
}

fn conv_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (x, w) = (infer.dims(0)?, infer.dims(1)?);
    if x.len() != w.len() {
        return Err(format!("input {x:?} and weights {w:?} have different numbers of axes"));
    }
    let window = Window::new(infer.attributes, kernel_of(&w)?, &x[2..])?;
    let groups = infer.attributes.int_or("group", 1);
    if let (Dim::Known(have), Dim::Known(per_group)) = (x[1], w[1])
        && have != per_group * groups
    {
        return Err(format!("{have} input channels do not fit weights {w:?} in {groups} groups"));
    }
    let mut shape = vec![x[0], w[0]];
    shape.extend(window.output(&mut infer.graph.symbols, &x[2..]));
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn known(dims: &[usize]) -> Vec<Dim> {
    dims.iter().map(|&n| Dim::Known(n as i64)).collect()
}

fn conv_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, w) = (call.input(0)?, call.input(1)?);
    let groups = call.attributes.int_or("group", 1) as usize;
    let window = Window::new(call.attributes, kernel_of(&known(&w.shape))?, &known(&x.shape[2..]))?;
    let space: Vec<usize> =
        (0..x.shape.len() - 2).map(|i| window.count(i, x.shape[2 + i] as i64) as usize).collect();
    let mut shape = vec![x.shape[0], w.shape[0]];
    shape.extend(&space);
    let (xs, ws) = (x.to_floats(), w.to_floats());
    let bias = call.optional(2).map(Tensor::to_floats);
    let (n_in, n_out, per_group) = (x.shape[1], w.shape[0], w.shape[1]);
    let (area_x, area_y) = (numel(&x.shape[2..]), numel(&space));
    let taps: Vec<(usize, usize, usize)> = taps(&window, &space, &w.shape[2..], &x.shape[2..]);
    let area_w = numel(&w.shape[2..]);
    let mut out = vec![0.0; numel(&shape)];
    for (plane, values) in out.chunks_mut(area_y.max(1)).enumerate() {
        let (item, channel) = (plane / n_out, plane % n_out);
        values.fill(bias.as_ref().map_or(0.0, |b| b[channel]));
        let group = channel / (n_out / groups);
        for c in 0..per_group {
            let from = (item * n_in + group * per_group + c) * area_x;
            let weights = (channel * per_group + c) * area_w;
            taps.iter().for_each(|&(to, tap, source)| values[to] += ws[weights + tap] * xs[from + source]);
        }
    }
    Ok(vec![Tensor::floats(x.dtype, &shape, out)])
}

/// Every (output position, kernel offset, input position) that meets, as flat positions.
fn taps(window: &Window, output: &[usize], kernel: &[usize], input: &[usize]) -> Vec<(usize, usize, usize)> {
    let offsets: Vec<Vec<usize>> = coordinates(kernel).collect();
    coordinates(output)
        .enumerate()
        .flat_map(|(to, at)| {
            let meets = |(tap, offset): (usize, &Vec<usize>)| {
                window.source(&at, offset, input).map(|from| (to, tap, flatten(&from, input)))
            };
            offsets.iter().enumerate().filter_map(meets).collect::<Vec<_>>()
        })
        .collect()
}

fn conv(v: &Vjp<'_>) -> Result<(), String> {
    let (x, w) = (v.x(0), v.x(1));
    let (xs, ws) = (x.dims()?, w.dims()?);
    let window = Window::new(v.attributes(), kernel_of(&ws)?, &xs[2..])?;
    let groups = v.attributes().int_or("group", 1);
    if v.wants(0) {
        v.give(0, data_gradient(v.dy(0), x, w, &window, groups)?);
    }
    if v.wants(1) {
        v.give(1, weight_gradient(v.dy(0), x, w, &window, groups)?);
    }
    bias_gradient(v)
}

fn bias_gradient(v: &Vjp<'_>) -> Result<(), String> {
    let axes: Vec<i64> = (0..v.dy(0).rank()? as i64).filter(|&a| a != 1).collect();
    v.give_if_wanted(2, || v.dy(0).sum(&axes, false));
    Ok(())
}

fn data_gradient<'g>(
    dy: Var<'g>,
    x: Var<'g>,
    w: Var<'g>,
    window: &Window,
    groups: i64,
) -> Result<Var<'g>, String> {
    let channels = x.known(1).ok_or("has input channels that only a run knows")?;
    let unit = window.strides.iter().all(|&s| s == 1);
    let plain = unit && window.dilations.iter().all(|&d| d == 1);
    let single = channels == 1 && window.kernel.len() == 1;
    if single && plain && window.kernel[0] <= LONGEST_SHIFTED && window.kernel[0] > 1 {
        return Ok(shifted_sums(dy, w, window));
    }
    let fits = (0..window.kernel.len())
        .all(|i| window.before(i) < window.reach(i) && window.after(i) < window.reach(i));
    if unit && fits && channels > 1 {
        return flipped_conv(dy, w, window, groups, channels);
    }
    transposed_conv(dy, x, w, window, groups)
}

/// dx[t] = sum over k of (w[k] . dy)[t + before - k]: one matrix product over channels, then k shifted sums.
fn shifted_sums<'g>(dy: Var<'g>, w: Var<'g>, window: &Window) -> Var<'g> {
    let g = dy.g;
    let k = window.kernel[0];
    let columns = w.squeeze(&[1]).transposed().matmul(dy);
    let sizes = g.ints(&vec![1; k as usize]);
    let rows = g.node("Split", &[Some(columns), Some(sizes)], Attributes::new().with("axis", 1), k as usize);
    let shifted: Vec<Var<'g>> = rows
        .into_iter()
        .enumerate()
        .map(|(i, row)| {
            let left = i as i64 - window.before(0);
            row.pad(&[0, 0, left, 0, 0, k - 1 - window.before(0) - window.after(0) - left])
        })
        .collect();
    g.total(&shifted).unwrap_or(dy)
}

/// At stride 1 the gradient is a convolution with the kernel flipped and the channels exchanged.
fn flipped_conv<'g>(
    dy: Var<'g>,
    w: Var<'g>,
    window: &Window,
    groups: i64,
    channels: i64,
) -> Result<Var<'g>, String> {
    let n = window.kernel.len();
    let flipped = exchanged(flip(w, n), groups, channels)?;
    let pads: Vec<i64> = (0..n)
        .map(|i| window.reach(i) - 1 - window.before(i))
        .chain((0..n).map(|i| window.reach(i) - 1 - window.after(i)))
        .collect();
    let attributes = Window { pads, ..window.clone() }
        .attributes()
        .with("group", groups)
        .with("kernel_shape", window.kernel.clone());
    Ok(dy.g.op("Conv", &[dy, flipped], attributes))
}

/// The kernel axes reversed.
fn flip(w: Var<'_>, n: usize) -> Var<'_> {
    let g = w.g;
    let list = |value: i64| g.ints(&vec![value; n]);
    let axes: Vec<i64> = (2..2 + n as i64).collect();
    g.op("Slice", &[w, list(-1), list(i64::MIN + 1), g.ints(&axes), list(-1)], Attributes::new())
}

/// Input and output channels exchanged within each group.
fn exchanged(w: Var<'_>, groups: i64, channels: i64) -> Result<Var<'_>, String> {
    let dims = w.dims()?;
    let n = dims.len() as i64 - 2;
    if groups == 1 {
        let perm: Vec<i64> = [1, 0].into_iter().chain(2..2 + n).collect();
        return Ok(w.transpose(&perm));
    }
    let kernel = kernel_of(&dims)?;
    let out = dims[0].known().ok_or("has output channels that only a run knows")?;
    let (per_in, per_out) = (channels / groups, out / groups);
    let split: Vec<i64> = [groups, per_out, per_in].into_iter().chain(kernel.iter().copied()).collect();
    let perm: Vec<i64> = [0, 2, 1].into_iter().chain(3..3 + n).collect();
    let joined: Vec<i64> = [channels, per_out].into_iter().chain(kernel).collect();
    Ok(w.reshape_to(&split).transpose(&perm).reshape_to(&joined))
}

/// Above stride 1: ConvTranspose, then zeros for the samples at the end that no window reached.
fn transposed_conv<'g>(
    dy: Var<'g>,
    x: Var<'g>,
    w: Var<'g>,
    window: &Window,
    groups: i64,
) -> Result<Var<'g>, String> {
    let n = window.kernel.len();
    let attributes = window.attributes().with("group", groups).with("kernel_shape", window.kernel.clone());
    let missing: Option<Vec<i64>> = (0..n)
        .map(|i| {
            let (size, count) = (x.known(2 + i)?, dy.known(2 + i)?);
            let reached =
                (count - 1) * window.strides[i] + window.reach(i) - window.before(i) - window.after(i);
            Some(size - reached)
        })
        .collect();
    let Some(missing) = missing else {
        return transposed_at_run(dy, x, w, window, groups);
    };
    let fits = missing.iter().zip(&window.strides).all(|(m, s)| (0..*s).contains(m));
    if fits {
        let attributes = attributes.with("output_padding", missing);
        return Ok(dy.g.op("ConvTranspose", &[dy, w], attributes));
    }
    let full = dy.g.op("ConvTranspose", &[dy, w], attributes);
    let pads: Vec<i64> = vec![0; 2 + n].into_iter().chain([0, 0]).chain(missing).collect();
    Ok(full.pad(&pads))
}

/// With sizes that only a run knows: stride - 1 extra samples, cut to the input's size.
fn transposed_at_run<'g>(
    dy: Var<'g>,
    x: Var<'g>,
    w: Var<'g>,
    window: &Window,
    groups: i64,
) -> Result<Var<'g>, String> {
    let n = window.kernel.len();
    let attributes = window.attributes().with("group", groups).with("kernel_shape", window.kernel.clone());
    let extra: Vec<i64> = window.strides.iter().map(|s| s - 1).collect();
    let full = dy.g.op("ConvTranspose", &[dy, w], attributes.with("output_padding", extra));
    let g = dy.g;
    let axes: Vec<i64> = (2..2 + n as i64).collect();
    let inputs = [full, g.ints(&vec![0; n]), x.shape_part(2, 2 + n), g.ints(&axes)];
    Ok(g.op("Slice", &inputs, Attributes::new()).like(x))
}

/// dW[o, c, k] = sum over items and positions of dy[o, t] x[c, s t + d k - before]: for every kernel offset, the
/// samples under it against dy, as one matrix product.
fn weight_gradient<'g>(
    dy: Var<'g>,
    x: Var<'g>,
    w: Var<'g>,
    window: &Window,
    groups: i64,
) -> Result<Var<'g>, String> {
    let g = dy.g;
    let n = window.kernel.len();
    let pads: Vec<i64> = [0, 0]
        .into_iter()
        .chain((0..n).map(|i| window.before(i)))
        .chain([0, 0])
        .chain((0..n).map(|i| window.after(i)))
        .collect();
    let padded = x.pad(&pads);
    let (out, channels) = match (dy.known(1), x.known(1)) {
        (Some(out), Some(channels)) => (out, channels),
        _ => return Err("has channels that only a run knows".into()),
    };
    let batch = x.shape_part(0, 1);
    let split =
        |t: Var<'g>, per_group: i64| t.reshape(g.concat(&[batch, g.ints(&[groups, per_group, -1])], 0));
    let outputs = split(dy, out / groups);
    let kernel: Vec<usize> = window.kernel.iter().map(|&k| k as usize).collect();
    let under: Vec<Var<'g>> = coordinates(&kernel)
        .map(|offset| split(samples_under(padded, dy, window, &offset), channels / groups))
        .collect();
    let columns = g.concat(&under, 2);
    // [groups, out per group, taps * in per group], summed over the batch.
    let products = outputs.matmul(columns.transposed()).sum(&[0], false);
    let taps = kernel.iter().product::<usize>() as i64;
    let shaped =
        products.reshape_to(&[groups, out / groups, taps, channels / groups]).transpose(&[0, 1, 3, 2]);
    Ok(shaped.like(w))
}

/// The samples that one kernel offset meets, at every output position.
fn samples_under<'g>(padded: Var<'g>, dy: Var<'g>, window: &Window, offset: &[usize]) -> Var<'g> {
    let g = padded.g;
    let n = offset.len();
    let starts: Vec<i64> = offset.iter().zip(&window.dilations).map(|(&o, d)| o as i64 * d).collect();
    let axes: Vec<i64> = (2..2 + n as i64).collect();
    let spans = (dy.shape_part(2, 2 + n) - g.ints(&[1])) * g.ints(&window.strides);
    let ends = spans + g.ints(&starts.iter().map(|s| s + 1).collect::<Vec<_>>());
    let inputs = [padded, g.ints(&starts), ends, g.ints(&axes), g.ints(&window.strides)];
    g.op("Slice", &inputs, Attributes::new())
}

/// The window of the convolution whose transpose this is, with its pads settled.
fn transpose_window(attributes: &Attributes, x: &[Dim], w: &[Dim]) -> Result<(Window, Vec<i64>), String> {
    let kernel = kernel_of(w)?;
    let n = kernel.len();
    let output_padding = attributes.ints_or("output_padding", n, 0);
    let wide = |list: &[i64]| list.len() != n || list.iter().any(|v| v.unsigned_abs() > 1 << 40);
    if wide(&output_padding)
        || attributes.ints("output_shape").is_some_and(|s| s.len() < n || wide(&s[s.len() - n..]))
    {
        return Err("has output_padding or output_shape that do not fit its kernel".into());
    }
    let mut plain = attributes.clone();
    let auto = plain.remove("auto_pad");
    let mut window = Window::new(&plain, kernel, &x[2..])?;
    let auto = match auto {
        Some(crate::attribute::Attribute::Text(auto)) => auto,
        _ => "NOTSET".into(),
    };
    let wanted = attributes.ints("output_shape").map(|s| s[s.len().saturating_sub(n)..].to_vec());
    if auto.starts_with("SAME") || wanted.is_some() {
        for i in 0..n {
            let size = x[2 + i].known().ok_or("derives its pads from a size that only a run knows")?;
            let target = wanted.as_ref().map_or(size * window.strides[i], |s| s[i]);
            let total =
                (window.strides[i] * (size - 1) + output_padding[i] + window.reach(i) - target).max(0);
            let after = if auto == "SAME_UPPER" { total - total / 2 } else { total / 2 };
            (window.pads[i], window.pads[n + i]) = (total - after, after);
        }
    }
    Ok((window, output_padding))
}

fn transpose_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    use crate::dim::Arith;
    let (x, w) = (infer.dims(0)?, infer.dims(1)?);
    if x.len() != w.len() {
        return Err(format!("input {x:?} and weights {w:?} have different numbers of axes"));
    }
    let (window, extra) = transpose_window(infer.attributes, &x, &w)?;
    let groups = Dim::Known(infer.attributes.int_or("group", 1));
    let symbols = &mut infer.graph.symbols;
    let mut shape = vec![x[0], symbols.arith(Arith::Mul, w[1], groups)];
    for i in 0..window.kernel.len() {
        let steps = symbols.arith(Arith::Mul, x[2 + i], Dim::Known(window.strides[i]));
        let offset = window.reach(i) - window.strides[i] + extra[i] - window.before(i) - window.after(i);
        shape.push(symbols.arith(Arith::Add, steps, Dim::Known(offset)));
    }
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn transpose_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (x, w) = (call.input(0)?, call.input(1)?);
    let groups = call.attributes.int_or("group", 1) as usize;
    let (window, extra) = transpose_window(call.attributes, &known(&x.shape), &known(&w.shape))?;
    let space: Vec<usize> = (0..window.kernel.len())
        .map(|i| {
            let steps = (x.shape[2 + i] as i64 - 1) * window.strides[i] + window.reach(i) + extra[i];
            (steps - window.before(i) - window.after(i)).max(0) as usize
        })
        .collect();
    let (n_in, per_out) = (x.shape[1], w.shape[1]);
    let n_out = per_out * groups;
    let mut shape = vec![x.shape[0], n_out];
    shape.extend(&space);
    let (xs, ws) = (x.to_floats(), w.to_floats());
    let bias = call.optional(2).map(Tensor::to_floats);
    let (area_x, area_y, area_w) = (numel(&x.shape[2..]), numel(&space), numel(&w.shape[2..]));
    // The same taps as the convolution's, with the roles of input and output exchanged.
    let taps = taps(&window, &x.shape[2..], &w.shape[2..], &space);
    let mut out = vec![0.0; numel(&shape)];
    for (plane, values) in out.chunks_mut(area_y.max(1)).enumerate() {
        let (item, channel) = (plane / n_out, plane % n_out);
        values.fill(bias.as_ref().map_or(0.0, |b| b[channel]));
        let (group, within) = (channel / per_out, channel % per_out);
        for c in group * (n_in / groups)..(group + 1) * (n_in / groups) {
            let (from, weights) = ((item * n_in + c) * area_x, (c * per_out + within) * area_w);
            taps.iter().for_each(|&(source, tap, to)| values[to] += ws[weights + tap] * xs[from + source]);
        }
    }
    Ok(vec![Tensor::floats(x.dtype, &shape, out)])
}

/// The transpose of a transpose is the convolution itself, on dy.
fn conv_transpose(v: &Vjp<'_>) -> Result<(), String> {
    let (x, w, dy) = (v.x(0), v.x(1), v.dy(0));
    let (window, extra) = transpose_window(v.attributes(), &x.dims()?, &w.dims()?)?;
    let groups = v.attributes().int_or("group", 1);
    // Output padding made longer rows than any window reaches: they are cropped by a smaller pad after.
    let n = window.kernel.len();
    let mut pads = window.pads.clone();
    (0..n).for_each(|i| pads[n + i] -= extra[i]);
    let crop: Vec<i64> =
        vec![0; 2 + n].into_iter().chain([0, 0]).chain((0..n).map(|i| pads[n + i].min(0))).collect();
    let cropped = dy.pad(&crop);
    pads.iter_mut().for_each(|p| *p = (*p).max(0));
    let window = Window { pads, ceil: false, ..window };
    if v.wants(0) {
        let attributes =
            window.attributes().with("group", groups).with("kernel_shape", window.kernel.clone());
        v.give(0, v.g.op("Conv", &[cropped, w], attributes));
    }
    if v.wants(1) {
        v.give(1, weight_gradient(x, cropped, w, &window, groups)?);
    }
    bias_gradient(v)
}
