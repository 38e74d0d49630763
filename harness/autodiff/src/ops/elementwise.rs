//! Arithmetic and elementary functions, element by element with broadcasting.

use std::f64::consts::PI;

use super::row::{exact, map, zip};
use crate::attribute::Attributes;
use crate::registry::{Forward, Gradient, Operator, Shape};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    exact(zip("Add", |x, y, _| x + y, add)),
    exact(zip("Sub", |x, y, _| x - y, sub)),
    exact(zip("Mul", |x, y, _| x * y, mul)),
    exact(zip("Div", |x, y, _| x / y, div)),
    zip("Pow", |x, y, _| x.powf(y), pow),
    exact(zip("Mod", remainder, modulo)),
    many("Sum", |x, y| x + y, sum),
    many("Max", f64::max, extremum),
    many("Min", f64::min, extremum),
    exact(map("Neg", |x, _| -x, |v| pass(v, |v| -v.dy(0)))),
    exact(map("Identity", |x, _| x, |v| pass(v, |v| v.dy(0)))),
    exact(map("Abs", |x, _| x.abs(), |v| pass(v, |v| v.dy(0) * v.x(0).apply("Sign")))),
    exact(map("Sqrt", |x, _| x.sqrt(), |v| pass(v, |v| v.dy(0) * 0.5 / v.y(0)))),
    exact(map("Reciprocal", |x, _| x.recip(), |v| pass(v, |v| -(v.dy(0) * v.y(0).square())))),
    map("Exp", |x, _| x.exp(), |v| pass(v, |v| v.dy(0) * v.y(0))),
    map("Log", |x, _| x.ln(), |v| pass(v, |v| v.dy(0) / v.x(0))),
    map("Sin", |x, _| x.sin(), |v| pass(v, |v| v.dy(0) * v.x(0).apply("Cos"))),
    map("Cos", |x, _| x.cos(), |v| pass(v, |v| -(v.dy(0) * v.x(0).apply("Sin")))),
    map("Tan", |x, _| x.tan(), |v| pass(v, |v| v.dy(0) * (1.0 + v.y(0).square()))),
    map("Asin", |x, _| x.asin(), |v| pass(v, |v| v.dy(0) / (1.0 - v.x(0).square()).sqrt())),
    map("Acos", |x, _| x.acos(), |v| pass(v, |v| -(v.dy(0) / (1.0 - v.x(0).square()).sqrt()))),
    map("Atan", |x, _| x.atan(), |v| pass(v, |v| v.dy(0) / (1.0 + v.x(0).square()))),
    map("Sinh", |x, _| x.sinh(), |v| pass(v, |v| v.dy(0) * v.x(0).apply("Cosh"))),
    map("Cosh", |x, _| x.cosh(), |v| pass(v, |v| v.dy(0) * v.x(0).apply("Sinh"))),
    map("Asinh", |x, _| x.asinh(), |v| pass(v, |v| v.dy(0) / (v.x(0).square() + 1.0).sqrt())),
    map("Acosh", |x, _| x.acosh(), |v| pass(v, |v| v.dy(0) / (v.x(0).square() - 1.0).sqrt())),
    map("Atanh", |x, _| x.atanh(), |v| pass(v, |v| v.dy(0) / (1.0 - v.x(0).square()))),
    map("Erf", |x, _| erf(x), |v| pass(v, |v| v.dy(0) * ((-v.x(0).square()).exp() * (2.0 / PI.sqrt())))),
    step("Sign", |x, _| if x == 0.0 { 0.0 } else { x.signum() }),
    step("Floor", |x, _| x.floor()),
    step("Ceil", |x, _| x.ceil()),
    step("Round", |x, _| x.round_ties_even()),
];

fn pass<'g>(v: &Vjp<'g>, gradient: impl Fn(&Vjp<'g>) -> Var<'g>) -> Result<(), String> {
    v.give(0, gradient(v));
    Ok(())
}

const fn many(name: &'static str, fold: fn(f64, f64) -> f64, gradient: super::row::Rule) -> Operator {
    Operator {
        name,
        shape: Shape::Broadcast,
        forward: Forward::Fold(fold),
        gradient: Gradient::Rule(gradient),
        exact: true,
    }
}

/// Piecewise constant: its derivative is zero wherever it has one.
const fn step(name: &'static str, forward: fn(f64, &Attributes) -> f64) -> Operator {
    Operator {
        name,
        shape: Shape::Same,
        forward: Forward::Map(forward),
        gradient: Gradient::Zero,
        exact: true,
    }
}

fn add(v: &Vjp<'_>) -> Result<(), String> {
    v.give_unbroadcast(0, || v.dy(0));
    v.give_unbroadcast(1, || v.dy(0));
    Ok(())
}

fn sub(v: &Vjp<'_>) -> Result<(), String> {
    v.give_unbroadcast(0, || v.dy(0));
    // The sum comes first: it is the smaller tensor that is negated.
    v.give_if_wanted(1, || -v.dy(0).unbroadcast(v.x(1)));
    Ok(())
}

fn mul(v: &Vjp<'_>) -> Result<(), String> {
    v.give_unbroadcast(0, || v.dy(0) * v.x(1));
    v.give_unbroadcast(1, || v.dy(0) * v.x(0));
    Ok(())
}

/// d(x/y) = dx/y - (x/y) dy/y.
fn div(v: &Vjp<'_>) -> Result<(), String> {
    v.give_unbroadcast(0, || v.dy(0) / v.x(1));
    v.give_if_wanted(1, || -((v.dy(0) * v.y(0)).unbroadcast(v.x(1)) / v.x(1)));
    Ok(())
}

/// d(x^y) = y x^(y-1) dx + x^y ln(x) dy. As PyTorch does, y = 0 gives dx = 0 and x = 0 gives dy = 0.
fn pow(v: &Vjp<'_>) -> Result<(), String> {
    let (x, y) = (v.x(0), v.x(1));
    v.give_unbroadcast(0, || {
        let exponent = y.value().filter(|value| value.len() == 1).map(|value| value.to_floats()[0]);
        match exponent {
            Some(2.0) => v.dy(0) * (x * 2.0),
            Some(1.0) => v.dy(0),
            Some(0.5) => v.dy(0) * 0.5 / v.y(0),
            Some(p) => v.dy(0) * (x.with("Pow", x.scalar(p - 1.0)) * p),
            None => {
                let y = y.cast(x.dtype());
                let slope = y * x.with("Pow", y - 1.0);
                (v.dy(0) * slope).only_where(y.equal(y.scalar(0.0)).not())
            }
        }
    });
    v.give_unbroadcast(1, || {
        let zero = x.equal(x.scalar(0.0));
        let log = v.g.select(zero, x.scalar(1.0), x).apply("Log");
        v.dy(0) * v.y(0) * log
    });
    Ok(())
}

fn remainder(x: f64, y: f64, attributes: &Attributes) -> f64 {
    if attributes.int_or("fmod", 0) == 1 { x % y } else { x - (x / y).floor() * y }
}

/// x mod y = x - trunc(x/y) y, so dy gets minus the quotient.
fn modulo(v: &Vjp<'_>) -> Result<(), String> {
    v.give_unbroadcast(0, || v.dy(0));
    v.give_unbroadcast(1, || {
        let quotient = (v.x(0) - v.y(0)) / v.x(1);
        -(v.dy(0) * quotient.apply("Round"))
    });
    Ok(())
}

fn sum(v: &Vjp<'_>) -> Result<(), String> {
    for i in 0..v.node.inputs.len() {
        v.give_unbroadcast(i, || v.dy(0));
    }
    Ok(())
}

/// Max and Min: inputs that tie share the gradient equally, as PyTorch does for two.
fn extremum(v: &Vjp<'_>) -> Result<(), String> {
    let n = v.node.inputs.len();
    let masks: Vec<_> = (0..n).map(|i| v.x(i).equal(v.y(0)).mask(v.y(0).dtype())).collect();
    let share = v.dy(0) / v.g.total(&masks).ok_or("has no inputs")?;
    for (i, mask) in masks.into_iter().enumerate() {
        v.give_unbroadcast(i, || share * mask);
    }
    Ok(())
}

/// The error function to about 1e-15: its series near zero, a continued fraction of its complement beyond.
pub(crate) fn erf(x: f64) -> f64 {
    let z = x.abs();
    if z > 6.0 {
        return x.signum();
    }
    if z < 2.5 {
        let (mut term, mut total, mut n) = (x, x, 0.0);
        while term.abs() > 1e-17 * total.abs() {
            n += 1.0;
            term *= -x * x / n;
            total += term / (2.0 * n + 1.0);
        }
        return total * 2.0 / PI.sqrt();
    }
    let fraction = (1..=60).rev().fold(z, |tail, k| z + f64::from(k) / 2.0 / tail);
    x.signum() * (1.0 - (-z * z).exp() / (fraction * PI.sqrt()))
}
