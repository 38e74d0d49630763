//! Activations. Where the derivative follows from the output, it is written so: the input need not be kept.

use super::row::map;
use crate::attribute::Attributes;
use crate::graph::Type;
use crate::registry::{Call, Forward, Gradient, Infer, Operator, Shape};
use crate::tensor::Tensor;
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    map("Relu", |x, _| x.max(0.0), relu),
    map("LeakyRelu", |x, a| if x >= 0.0 { x } else { x * alpha(a, 0.01) }, leaky_relu),
    map("Elu", |x, a| if x > 0.0 { x } else { alpha(a, 1.0) * x.exp_m1() }, elu),
    map("Selu", selu_forward, selu),
    map("Sigmoid", |x, _| 1.0 / (1.0 + (-x).exp()), sigmoid),
    map("Tanh", |x, _| x.tanh(), tanh),
    map("Softplus", |x, _| x.max(0.0) + (-x.abs()).exp().ln_1p(), softplus),
    map("Softsign", |x, _| x / (1.0 + x.abs()), softsign),
    map("HardSigmoid", |x, a| hard_sigmoid_line(x, a).clamp(0.0, 1.0), hard_sigmoid),
    Operator {
        name: "Clip",
        shape: Shape::Same,
        forward: Forward::Rule(clip_forward),
        gradient: Gradient::Rule(clip),
        exact: true,
    },
    Operator {
        name: "PRelu",
        shape: Shape::Rule(prelu_shape),
        forward: Forward::Zip(|x, slope, _| if x < 0.0 { slope * x } else { x }),
        gradient: Gradient::Rule(prelu),
        exact: false,
    },
];

fn alpha(attributes: &Attributes, default: f32) -> f64 {
    f64::from(attributes.float_or("alpha", default))
}

/// `dy` where the output is positive; PyTorch takes zero at the kink.
fn relu(v: &Vjp<'_>) -> Result<(), String> {
    let y = v.y(0);
    v.give(0, v.dy(0).only_where(y.greater(y.scalar(0.0))));
    Ok(())
}

/// `dy` where `positive`, `dy * slope` elsewhere.
fn two_slopes<'g>(v: &Vjp<'g>, positive: Var<'g>, slope: f64) -> Var<'g> {
    let dy = v.dy(0);
    dy * v.g.select(positive, dy.scalar(1.0), dy.scalar(slope))
}

/// The output has the input's sign as long as the slope is not negative.
fn leaky_relu(v: &Vjp<'_>) -> Result<(), String> {
    let slope = alpha(v.attributes(), 0.01);
    let sign = if slope > 0.0 { v.y(0) } else { v.x(0) };
    v.give(0, two_slopes(v, sign.greater(sign.scalar(0.0)), slope));
    Ok(())
}

/// Below zero the derivative is alpha e^x = y + alpha; with alpha = 1 that is min(y, 0) + 1 everywhere.
fn elu(v: &Vjp<'_>) -> Result<(), String> {
    let (y, a) = (v.y(0), alpha(v.attributes(), 1.0));
    let gradient = if a == 1.0 {
        v.dy(0) * (y.with("Min", y.scalar(0.0)) + 1.0)
    } else {
        let x = v.x(0);
        v.dy(0) * v.g.select(x.greater(x.scalar(0.0)), y.scalar(1.0), x.exp() * a)
    };
    v.give(0, gradient);
    Ok(())
}

fn selu_constants(attributes: &Attributes) -> (f64, f64) {
    (alpha(attributes, 1.673_263_2), f64::from(attributes.float_or("gamma", 1.050_701)))
}

fn selu_forward(x: f64, attributes: &Attributes) -> f64 {
    let (alpha, gamma) = selu_constants(attributes);
    gamma * if x > 0.0 { x } else { alpha * x.exp_m1() }
}

fn selu(v: &Vjp<'_>) -> Result<(), String> {
    let (alpha, gamma) = selu_constants(v.attributes());
    let y = v.y(0);
    let below = y + alpha * gamma;
    v.give(0, v.dy(0) * v.g.select(y.greater(y.scalar(0.0)), y.scalar(gamma), below));
    Ok(())
}

fn sigmoid(v: &Vjp<'_>) -> Result<(), String> {
    let y = v.y(0);
    v.give(0, v.dy(0) * (y * (1.0 - y)));
    Ok(())
}

fn tanh(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.dy(0) * (1.0 - v.y(0).square()));
    Ok(())
}

fn softplus(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.dy(0) * v.x(0).sigmoid());
    Ok(())
}

fn softsign(v: &Vjp<'_>) -> Result<(), String> {
    v.give(0, v.dy(0) / (1.0 + v.x(0).apply("Abs")).square());
    Ok(())
}

fn hard_sigmoid_line(x: f64, attributes: &Attributes) -> f64 {
    alpha(attributes, 0.2) * x + f64::from(attributes.float_or("beta", 0.5))
}

fn hard_sigmoid(v: &Vjp<'_>) -> Result<(), String> {
    let y = v.y(0);
    let inside = y.greater(y.scalar(0.0)).and(y.less(y.scalar(1.0)));
    v.give(0, (v.dy(0) * alpha(v.attributes(), 0.2)).only_where(inside));
    Ok(())
}

fn clip_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let bound = |i: usize, none: f64| call.optional(i).map_or(none, |t| t.to_floats()[0]);
    let (low, high) = (bound(1, f64::NEG_INFINITY), bound(2, f64::INFINITY));
    let data = x.to_floats().into_iter().map(|v| v.max(low).min(high)).collect();
    Ok(vec![Tensor::floats(crate::dtype::DataType::F64, &x.shape, data).cast(x.dtype)])
}

/// Passes where nothing was clipped; the bounds themselves count as inside, as in PyTorch.
fn clip(v: &Vjp<'_>) -> Result<(), String> {
    let x = v.x(0);
    v.give_if_wanted(0, || v.dy(0).only_where(x.equal(v.y(0))));
    let at_bound = |i: usize, beyond: Var<'_>| {
        if v.wants(i) {
            let all: Vec<i64> = (0..x.rank()? as i64).collect();
            v.give(i, v.dy(0).only_where(v.g.var(beyond.id)).sum(&all, false));
        }
        Ok::<(), String>(())
    };
    if v.has(1) {
        at_bound(1, x.less(v.x(1)))?;
    }
    if v.has(2) {
        at_bound(2, x.greater(v.x(2)))?;
    }
    Ok(())
}

fn prelu_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    Ok(vec![infer.ty(0)?])
}

fn prelu(v: &Vjp<'_>) -> Result<(), String> {
    let (x, slope) = (v.x(0), v.x(1));
    let negative = x.less(x.scalar(0.0));
    v.give_if_wanted(0, || v.dy(0) * v.g.select(negative, slope, slope.scalar(1.0)));
    v.give_unbroadcast(1, || (v.dy(0) * x).only_where(negative));
    Ok(())
}
