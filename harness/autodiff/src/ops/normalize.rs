//! Normalisation: batch, layer, instance. Group and RMS normalisation are lowered to these parts (see `lower`).

use super::row::rule;
use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("BatchNormalization", batch_shape, batch_forward, Gradient::Rule(batch)),
    rule("InstanceNormalization", |infer| Ok(vec![infer.ty(0)?]), instance_forward, Gradient::Rule(instance)),
    rule("LayerNormalization", layer_shape, layer_forward, Gradient::Rule(layer)),
];

fn epsilon(attributes: &Attributes) -> f64 {
    f64::from(attributes.float_or("epsilon", 1e-5))
}

fn batch_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let channel = infer.ty(3)?;
    Ok(vec![infer.ty(0)?, channel.clone(), channel])
}

fn mean_and_variance(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (mean, x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64)
}

fn batch_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let (channels, area) = (x.shape[1], numel(&x.shape[2..]));
    let list = |i: usize| call.input(i).map(Tensor::to_floats);
    let (scale, bias, mut mean, mut variance) = (list(1)?, list(2)?, list(3)?, list(4)?);
    let data = x.to_floats();
    let channel_of = |i: usize| i / area % channels;
    let (mut running_mean, mut running_variance) = (mean.clone(), variance.clone());
    if call.attributes.int_or("training_mode", 0) == 1 {
        let momentum = f64::from(call.attributes.float_or("momentum", 0.9));
        for c in 0..channels {
            let of_channel: Vec<f64> =
                data.iter().enumerate().filter(|(i, _)| channel_of(*i) == c).map(|(_, &v)| v).collect();
            (mean[c], variance[c]) = mean_and_variance(&of_channel);
            running_mean[c] = running_mean[c] * momentum + mean[c] * (1.0 - momentum);
            running_variance[c] = running_variance[c] * momentum + variance[c] * (1.0 - momentum);
        }
    }
    let normal = |(i, v): (usize, &f64)| {
        let c = channel_of(i);
        scale[c] * (v - mean[c]) / (variance[c] + epsilon(call.attributes)).sqrt() + bias[c]
    };
    let y = Tensor::floats(x.dtype, &x.shape, data.iter().enumerate().map(normal).collect());
    let running = |data: Vec<f64>| Tensor::floats(x.dtype, &[channels], data);
    Ok(vec![y, running(running_mean), running(running_variance)])
}

/// A list per channel, shaped to broadcast over `[N, C, ...]`.
fn per_channel(list: Var<'_>, rank: usize) -> Var<'_> {
    let mut shape = vec![1; rank];
    shape[1] = -1;
    list.reshape_to(&shape)
}

fn batch(v: &Vjp<'_>) -> Result<(), String> {
    let (x, scale, dy) = (v.x(0), v.x(1), v.dy(0));
    let rank = x.rank()?;
    let axes: Vec<i64> = (0..rank as i64).filter(|&a| a != 1).collect();
    let epsilon = epsilon(v.attributes());
    if v.attributes().int_or("training_mode", 0) == 1 {
        let (normal, inverse) = normalized(x, &axes, epsilon);
        let running = running_statistics(v, normal, inverse, &axes)?;
        v.give_if_wanted(0, || {
            let through = centred(dy, normal, &axes) * (inverse * per_channel(scale, rank));
            running.map_or(through, |running| through + running)
        });
        v.give_if_wanted(1, || (dy * normal).sum(&axes, false));
        v.give_if_wanted(2, || dy.sum(&axes, false));
        return Ok(());
    }
    let (mean, variance) = (v.x(3), v.x(4));
    let inverse = (variance + epsilon).sqrt().apply("Reciprocal");
    v.give_if_wanted(0, || dy * per_channel(scale * inverse, rank));
    let normal = || (x - per_channel(mean, rank)) * per_channel(inverse, rank);
    v.give_if_wanted(1, || (dy * normal()).sum(&axes, false));
    v.give_if_wanted(2, || dy.sum(&axes, false));
    v.give_if_wanted(3, || -(dy.sum(&axes, false) * scale * inverse));
    v.give_if_wanted(4, || (dy * normal()).sum(&axes, false) * scale * inverse.square() * -0.5);
    Ok(())
}

/// What comes back through the running mean and variance, new = momentum * old + (1 - momentum) * batch: to the old
/// ones, and (returned) to x.
fn running_statistics<'g>(
    v: &Vjp<'g>,
    normal: Var<'g>,
    inverse: Var<'g>,
    axes: &[i64],
) -> Result<Option<Var<'g>>, String> {
    let (mean, variance) = (v.dy_or_none(1), v.dy_or_none(2));
    if mean.is_none() && variance.is_none() {
        return Ok(None);
    }
    let rank = normal.rank()?;
    let momentum = f64::from(v.attributes().float_or("momentum", 0.9));
    let sizes: Option<i64> = axes.iter().map(|&a| normal.known(a as usize)).product();
    let count = sizes.ok_or("averages over a size that only a run knows: pin the input shapes")? as f64;
    let share = |dy: Var<'g>| per_channel(dy * ((1.0 - momentum) / count), rank);
    let from_mean = mean.map(|dy| share(dy) + normal.zeros());
    let from_variance = variance.map(|dy| share(dy) * 2.0 * normal / inverse);
    if let Some(dy) = mean {
        v.give_if_wanted(3, || dy * momentum);
    }
    if let Some(dy) = variance {
        v.give_if_wanted(4, || dy * momentum);
    }
    let parts: Vec<Var<'g>> = from_mean.into_iter().chain(from_variance).collect();
    Ok(v.g.total(&parts))
}

/// (x - mean) / sqrt(variance + epsilon) and the inverse deviation, over `axes`.
fn normalized<'g>(x: Var<'g>, axes: &[i64], epsilon: f64) -> (Var<'g>, Var<'g>) {
    let centred = x - x.mean(axes, true);
    let inverse = (centred.square().mean(axes, true) + epsilon).sqrt().apply("Reciprocal");
    (centred * inverse, inverse)
}

/// The gradient through mean and variance, up to the inverse deviation: dy - mean(dy) - n mean(dy n).
fn centred<'g>(dy: Var<'g>, normal: Var<'g>, axes: &[i64]) -> Var<'g> {
    dy - dy.mean(axes, true) - normal * (dy * normal).mean(axes, true)
}

fn instance_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let (scale, bias) = (call.input(1)?.to_floats(), call.input(2)?.to_floats());
    let area = numel(&x.shape[2..]).max(1);
    let mut data = x.to_floats();
    for (plane, values) in data.chunks_mut(area).enumerate() {
        let c = plane % x.shape[1];
        let (mean, variance) = mean_and_variance(values);
        let inverse = (variance + epsilon(call.attributes)).sqrt().recip();
        values.iter_mut().for_each(|v| *v = scale[c] * (*v - mean) * inverse + bias[c]);
    }
    Ok(vec![Tensor::floats(x.dtype, &x.shape, data)])
}

fn instance(v: &Vjp<'_>) -> Result<(), String> {
    let (x, scale, dy) = (v.x(0), v.x(1), v.dy(0));
    let rank = x.rank()?;
    let axes: Vec<i64> = (2..rank as i64).collect();
    let all: Vec<i64> = (0..rank as i64).filter(|&a| a != 1).collect();
    let (normal, inverse) = normalized(x, &axes, epsilon(v.attributes()));
    v.give_if_wanted(0, || centred(dy, normal, &axes) * (inverse * per_channel(scale, rank)));
    v.give_if_wanted(1, || (dy * normal).sum(&all, false));
    v.give_if_wanted(2, || dy.sum(&all, false));
    Ok(())
}

fn layer_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let ty = infer.ty(0)?;
    let dims = infer.dims(0)?;
    let first = axis(infer.attributes.int_or("axis", -1), dims.len())?;
    let kept = dims.iter().enumerate().map(|(i, &dim)| if i < first { dim } else { Dim::Known(1) }).collect();
    let statistic = Type::new(crate::dtype::DataType::F32, kept);
    Ok(vec![ty, statistic.clone(), statistic])
}

fn layer_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let first = axis(call.attributes.int_or("axis", -1), x.shape.len())?;
    let width = numel(&x.shape[first..]);
    let affine = |i: usize| {
        let list = call.optional(i)?;
        let index = crate::tensor::broadcast_index(&list.shape, &x.shape[first..]);
        let values = list.to_floats();
        Some(index.into_iter().map(|i| values[i]).collect::<Vec<f64>>())
    };
    let (scale, bias) = (affine(1), affine(2));
    let mut data = x.to_floats();
    let (mut means, mut inverses) = (Vec::new(), Vec::new());
    for row in data.chunks_mut(width.max(1)) {
        let (mean, variance) = mean_and_variance(row);
        let inverse = (variance + epsilon(call.attributes)).sqrt().recip();
        for (i, value) in row.iter_mut().enumerate() {
            *value = (*value - mean) * inverse * scale.as_ref().map_or(1.0, |s| s[i])
                + bias.as_ref().map_or(0.0, |b| b[i]);
        }
        means.push(mean);
        inverses.push(inverse);
    }
    let mut kept = x.shape.clone();
    kept[first..].fill(1);
    let statistic = |data: Vec<f64>| Tensor::floats(crate::dtype::DataType::F32, &kept, data);
    Ok(vec![Tensor::floats(x.dtype, &x.shape, data), statistic(means), statistic(inverses)])
}

/// The forward node gives mean and inverse deviation as its second and third output: nothing is computed twice.
fn layer(v: &Vjp<'_>) -> Result<(), String> {
    let (x, scale, dy) = (v.x(0), v.x(1), v.dy(0));
    let rank = x.rank()?;
    let first = axis(v.attributes().int_or("axis", -1), rank)?;
    let axes: Vec<i64> = (first as i64..rank as i64).collect();
    let inverse = v.y(2);
    let normal = (x - v.y(1)) * inverse;
    v.give_if_wanted(0, || centred(dy * scale, normal, &axes) * inverse);
    v.give_unbroadcast(1, || dy * normal);
    v.give_unbroadcast(2, || dy);
    Ok(())
}
