//! Softmax and its logarithm, along one axis (the form of opset 13).

use crate::attribute::Attributes;
use crate::registry::{Call, Forward, Gradient, Operator, Shape, axis};
use crate::tensor::Tensor;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    along_axis("Softmax", |call| each(call, softmax_of), Gradient::Rule(softmax)),
    along_axis("LogSoftmax", |call| each(call, log_softmax_of), Gradient::Rule(log_softmax)),
    along_axis("Hardmax", |call| each(call, hardmax_of), Gradient::Zero),
];

const fn along_axis(
    name: &'static str,
    forward: fn(&Call<'_>) -> Result<Vec<Tensor>, String>,
    gradient: Gradient,
) -> Operator {
    Operator { name, shape: Shape::Same, forward: Forward::Rule(forward), gradient, exact: false }
}

fn each(call: &Call<'_>, f: impl Fn(&[f64]) -> Vec<f64>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let along = axis(call.attributes.int_or("axis", -1), x.shape.len())?;
    let (n, stride) = (x.shape[along], x.shape[along + 1..].iter().product::<usize>());
    let data = x.to_floats();
    let mut out = vec![0.0; data.len()];
    for start in (0..data.len()).filter(|i| i / stride % n == 0) {
        let line: Vec<f64> = (0..n).map(|i| data[start + i * stride]).collect();
        f(&line).into_iter().enumerate().for_each(|(i, value)| out[start + i * stride] = value);
    }
    Ok(vec![Tensor::floats(x.dtype, &x.shape, out)])
}

fn softmax_of(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = x.iter().map(|v| (v - top).exp()).collect();
    let total: f64 = powers.iter().sum();
    powers.into_iter().map(|p| p / total).collect()
}

fn log_softmax_of(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let total = top + x.iter().map(|v| (v - top).exp()).sum::<f64>().ln();
    x.iter().map(|v| v - total).collect()
}

fn hardmax_of(x: &[f64]) -> Vec<f64> {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let first = x.iter().position(|&v| v == top);
    (0..x.len()).map(|i| if Some(i) == first { 1.0 } else { 0.0 }).collect()
}

fn along(attributes: &Attributes) -> [i64; 1] {
    [attributes.int_or("axis", -1)]
}

/// dx = y (dy - sum(y dy)).
fn softmax(v: &Vjp<'_>) -> Result<(), String> {
    let (y, dy) = (v.y(0), v.dy(0));
    let weighted = dy * y;
    v.give(0, weighted - y * weighted.sum(&along(v.attributes()), true));
    Ok(())
}

/// dx = dy - softmax(x) sum(dy).
fn log_softmax(v: &Vjp<'_>) -> Result<(), String> {
    let (y, dy) = (v.y(0), v.dy(0));
    v.give(0, dy - y.exp() * dy.sum(&along(v.attributes()), true));
    Ok(())
}
