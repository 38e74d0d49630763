//! Composite operators, written in simpler ones as ONNX's own definitions do. What is lowered needs no gradient
//! rule: its parts have theirs.

mod attention;
mod einsum;

use std::f64::consts::{PI, SQRT_2};

use crate::attribute::Attributes;
use crate::opset::Spec;
use crate::registry::axis;
use crate::tensor::Tensor;
use crate::var::Var;

/// Writes a node in simpler operators; gives its outputs.
pub(crate) type Lowering = for<'g> fn(&Spec<'g>) -> Result<Vec<Var<'g>>, String>;

/// Operator, in which words it is lowered (for the documentation), and the function.
pub(crate) const LOWERINGS: &[(&str, &str, Lowering)] = &[
    ("Dropout", "its input, at inference", dropout),
    ("Mean", "Sum / n", mean),
    ("Celu", "max(0, x) + min(0, a (exp(x / a) - 1))", celu),
    ("Gelu", "x Phi(x), by Erf or the tanh approximation", gelu),
    ("Mish", "x tanh(softplus(x))", mish),
    ("Swish", "x sigmoid(a x)", swish),
    ("HardSwish", "x HardSigmoid(x; 1/6, 1/2)", hard_swish),
    ("ThresholdedRelu", "x where x > a, else 0", thresholded_relu),
    ("Shrink", "x + b below -l, x - b above l, else 0", shrink),
    ("GroupNormalization", "mean and variance over reshaped groups, scale, bias", group_normalization),
    ("RMSNormalization", "x / sqrt(mean(x^2) + e), scale", rms_normalization),
    ("MeanVarianceNormalization", "(x - mean) / (deviation + 1e-9)", mean_variance_normalization),
    ("LpNormalization", "x / norm", lp_normalization),
    ("LpPool", "p-th root of summed powers, by AveragePool", lp_pool),
    ("GlobalLpPool", "p-norm over the spatial axes", global_lp_pool),
    ("Einsum", "transposes, reshapes and one MatMul per pair of terms", einsum::einsum),
    ("Attention", "MatMul, scale, mask, Softmax, MatMul", attention::attention),
    ("STFT", "a strided Conv with windowed cosines and sines", stft),
    ("CastLike", "Cast to the other input's type", |spec| Ok(vec![x(spec, 0)?.cast(x(spec, 1)?.dtype())])),
];

/// The lowering of an operator, or of a form of it that has no rule of its own.
pub(crate) fn lowering(spec: &Spec<'_>) -> Option<Lowering> {
    let row = LOWERINGS.iter().find(|(op, _, _)| *op == spec.op);
    row.map(|row| row.2).or_else(|| form(spec))
}

/// Forms of directly differentiated operators that are lowered.
fn form(spec: &Spec<'_>) -> Option<Lowering> {
    let old_softmax = spec.version < 13 && matches!(spec.op.as_str(), "Softmax" | "LogSoftmax" | "Hardmax");
    let batch_first =
        matches!(spec.op.as_str(), "LSTM" | "GRU" | "RNN") && spec.attributes.int_or("layout", 0) == 1;
    let single = matches!(spec.op.as_str(), "Sum" | "Max" | "Min") && spec.inputs.len() == 1;
    match () {
        () if old_softmax => Some(softmax_of_two_axes),
        () if batch_first => Some(recurrent_batch_first),
        () if single => Some(|spec| Ok(vec![x(spec, 0)?])),
        () => None,
    }
}

fn x<'g>(spec: &Spec<'g>, i: usize) -> Result<Var<'g>, String> {
    optional(spec, i).ok_or_else(|| format!("input {i} is missing"))
}

fn optional<'g>(spec: &Spec<'g>, i: usize) -> Option<Var<'g>> {
    spec.inputs.get(i).copied().flatten()
}

fn float(spec: &Spec<'_>, name: &str, default: f32) -> f64 {
    f64::from(spec.attributes.float_or(name, default))
}

fn dropout<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    let training = optional(spec, 2).is_some_and(|mode| mode.value().is_none_or(|mode| mode.to_bools()[0]));
    if training {
        return Err("dropout in training mode draws numbers that no gradient graph can repeat: feed the mask as an input".into());
    }
    let mut outputs = vec![x];
    if spec.outputs > 1 {
        outputs.push(x.equal(x));
    }
    Ok(outputs)
}

fn mean<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let parts: Vec<Var<'g>> = spec.inputs.iter().flatten().copied().collect();
    let total = spec.g.total(&parts).ok_or("has no inputs")?;
    Ok(vec![total * (1.0 / parts.len() as f64)])
}

fn celu<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, a) = (x(spec, 0)?, float(spec, "alpha", 1.0));
    let below = x.with("Min", x.scalar(0.0));
    Ok(vec![x.apply("Relu") + ((below / a).exp() - 1.0) * a])
}

fn gelu<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    let inner = if spec.attributes.text_or("approximate", "none") == "tanh" {
        ((x + x * x * x * 0.044715) * (2.0 / PI).sqrt()).tanh()
    } else {
        (x / SQRT_2).apply("Erf")
    };
    Ok(vec![x * (inner + 1.0) * 0.5])
}

fn mish<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    Ok(vec![x * x.apply("Softplus").tanh()])
}

fn swish<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, a) = (x(spec, 0)?, float(spec, "alpha", 1.0));
    let inner = if a == 1.0 { x } else { x * a };
    Ok(vec![x * inner.sigmoid()])
}

fn hard_swish<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    let attributes = Attributes::new().with("alpha", 1.0_f32 / 6.0).with("beta", 0.5_f32);
    Ok(vec![x * spec.g.op("HardSigmoid", &[x], attributes)])
}

fn thresholded_relu<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, a) = (x(spec, 0)?, float(spec, "alpha", 1.0));
    Ok(vec![x.only_where(x.greater(x.scalar(a)))])
}

fn shrink<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, bias, limit) = (x(spec, 0)?, float(spec, "bias", 0.0), float(spec, "lambd", 0.5));
    let above = (x - bias).only_where(x.greater(x.scalar(limit)));
    let below = (x + bias).only_where(x.less(x.scalar(-limit)));
    Ok(vec![above + below])
}

/// Scale and bias are per group up to opset 20, per channel from 21 on.
fn group_normalization<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, scale, bias, g) = (x(spec, 0)?, x(spec, 1)?, x(spec, 2)?, spec.g);
    let groups =
        spec.attributes.int("num_groups").filter(|n| *n > 0).ok_or("has no attribute `num_groups`")?;
    let rank = x.rank()?;
    let split = x.reshape(g.concat(&[x.shape_part(0, 1), g.ints(&[groups, -1])], 0));
    let centred = split - split.mean(&[2], true);
    let deviation = (centred.square().mean(&[2], true) + float(spec, "epsilon", 1e-5)).sqrt();
    let normal = centred / deviation;
    if spec.version < 21 {
        let affine = normal * scale.reshape_to(&[1, -1, 1]) + bias.reshape_to(&[1, -1, 1]);
        return Ok(vec![affine.like(x)]);
    }
    let mut shape = vec![1; rank];
    shape[1] = -1;
    Ok(vec![normal.like(x) * scale.reshape_to(&shape) + bias.reshape_to(&shape)])
}

fn rms_normalization<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, scale) = (x(spec, 0)?, x(spec, 1)?);
    let rank = x.rank()?;
    let axes: Vec<i64> = (axis(spec.attributes.int_or("axis", -1), rank)? as i64..rank as i64).collect();
    let size = (x.square().mean(&axes, true) + float(spec, "epsilon", 1e-5)).sqrt();
    Ok(vec![x / size * scale])
}

fn mean_variance_normalization<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    let axes = spec.attributes.ints("axes").map_or_else(|| vec![0, 2, 3], <[i64]>::to_vec);
    let centred = x - x.mean(&axes, true);
    Ok(vec![centred / (centred.square().mean(&axes, true).sqrt() + 1e-9)])
}

fn lp_normalization<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let x = x(spec, 0)?;
    let op = if spec.attributes.int_or("p", 2) == 1 { "ReduceL1" } else { "ReduceL2" };
    let along = spec.g.ints(&[spec.attributes.int_or("axis", -1)]);
    Ok(vec![x / spec.g.op(op, &[x, along], Attributes::new())])
}

fn power<'g>(x: Var<'g>, p: f64) -> Var<'g> {
    x.with("Pow", x.scalar(p))
}

fn lp_pool<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, p) = (x(spec, 0)?, spec.attributes.int_or("p", 2) as f64);
    let mut attributes = spec.attributes.clone();
    attributes.remove("p");
    let kernel = attributes.ints("kernel_shape").ok_or("has no attribute `kernel_shape`")?;
    let size: f64 = kernel.iter().map(|&k| k as f64).product();
    let attributes = attributes.with("count_include_pad", 1);
    let average = spec.g.op("AveragePool", &[power(x.apply("Abs"), p)], attributes);
    Ok(vec![power(average * size, 1.0 / p)])
}

fn global_lp_pool<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, p) = (x(spec, 0)?, spec.attributes.int_or("p", 2) as f64);
    let axes: Vec<i64> = (2..x.rank()? as i64).collect();
    Ok(vec![power(power(x.apply("Abs"), p).sum(&axes, true), 1.0 / p)])
}

/// Before opset 13 all axes from `axis` on are one.
fn softmax_of_two_axes<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (x, g) = (x(spec, 0)?, spec.g);
    let rank = x.rank()?;
    let along = axis(spec.attributes.int_or("axis", 1), rank)?;
    if along + 1 == rank {
        return Ok(vec![g.op(&spec.op, &[x], Attributes::new().with("axis", -1))]);
    }
    let flat = g.op("Flatten", &[x], Attributes::new().with("axis", along as i64));
    Ok(vec![g.op(&spec.op, &[flat], Attributes::new().with("axis", -1)).like(x)])
}

/// layout = 1 puts the batch first; the rules know only time first.
fn recurrent_batch_first<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let mut inputs = spec.inputs.clone();
    inputs[0] = Some(x(spec, 0)?.transpose(&[1, 0, 2]));
    for i in [5, 6] {
        if let Some(state) = optional(spec, i) {
            inputs[i] = Some(state.transpose(&[1, 0, 2]));
        }
    }
    let mut attributes = spec.attributes.clone();
    attributes.remove("layout");
    let outputs = spec.g.node(&spec.op, &inputs, attributes, spec.outputs);
    let back =
        |(i, y): (usize, Var<'g>)| if i == 0 { y.transpose(&[2, 0, 1, 3]) } else { y.transpose(&[1, 0, 2]) };
    Ok(outputs.into_iter().enumerate().map(back).collect())
}

/// Longest frame of an STFT that is written as a convolution.
const LONGEST_FRAME: i64 = 1 << 13;

/// Frames against cosines and minus sines: `[N, 1, samples]` to `[N, frames, bins, 2]`.
fn stft<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let (signal, g) = (x(spec, 0)?, spec.g);
    let constant =
        |i: usize| optional(spec, i).and_then(Var::value).and_then(|t| t.to_ints().first().copied());
    let step = constant(1).ok_or("has a frame step that only a run knows")?;
    let window = optional(spec, 2);
    let length = constant(3)
        .or_else(|| window.and_then(|w| w.known(0)))
        .ok_or("needs a frame length or a window that is not one only a run knows")?;
    if !(1..=LONGEST_FRAME).contains(&length) || step < 1 {
        return Err(format!("has frames of {length} samples every {step}"));
    }
    let (rank, dtype) = (signal.rank()?, signal.dtype());
    match signal.known(2) {
        None if rank == 3 => {
            return Err("has a last axis (1: real, 2: complex) whose size only a run knows".into());
        }
        Some(2) if rank == 3 => return Err("a complex signal has no rule".into()),
        _ => {}
    }
    let bins = if spec.attributes.int_or("onesided", 1) == 1 { length / 2 + 1 } else { length };
    let wave = |row: i64, t: i64| {
        let angle = 2.0 * PI * ((row / 2 * t) % length) as f64 / length as f64;
        if row % 2 == 0 { angle.cos() } else { -angle.sin() }
    };
    let data = (0..2 * bins).flat_map(|row| (0..length).map(move |t| wave(row, t))).collect();
    let mut waves = g.constant(Tensor::floats(dtype, &[2 * bins as usize, 1, length as usize], data));
    if let Some(window) = window {
        waves = waves * window;
    }
    let signal = signal.reshape(g.concat(&[signal.shape_part(0, 1), g.ints(&[1, -1])], 0));
    let attributes = Attributes::new().with("strides", vec![step]).with("kernel_shape", vec![length]);
    let frames = g.op("Conv", &[signal, waves], attributes).transpose(&[0, 2, 1]);
    Ok(vec![frames.reshape(g.concat(&[frames.shape_part(0, 2), g.ints(&[bins, 2])], 0))])
}
