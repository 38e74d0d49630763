//! Comparisons, logic and selection.

use crate::attribute::Attributes;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Forward, Gradient, Infer, Operator, Shape};
use crate::tensor::{Tensor, broadcast_index, broadcast_shapes};
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    compare("Equal", |x, y, _| truth(x == y)),
    compare("Greater", |x, y, _| truth(x > y)),
    compare("GreaterOrEqual", |x, y, _| truth(x >= y)),
    compare("Less", |x, y, _| truth(x < y)),
    compare("LessOrEqual", |x, y, _| truth(x <= y)),
    compare("And", |x, y, _| truth(x != 0.0 && y != 0.0)),
    compare("Or", |x, y, _| truth(x != 0.0 || y != 0.0)),
    compare("Xor", |x, y, _| truth((x != 0.0) != (y != 0.0))),
    test("Not", |x, _| truth(x == 0.0)),
    test("IsNaN", |x, _| truth(x.is_nan())),
    test("IsInf", |x, _| truth(x.is_infinite())),
    Operator {
        name: "Where",
        shape: Shape::Rule(where_shape),
        forward: Forward::Rule(where_forward),
        gradient: Gradient::Rule(select),
        exact: true,
    },
];

const fn compare(name: &'static str, forward: fn(f64, f64, &Attributes) -> f64) -> Operator {
    Operator {
        name,
        shape: Shape::Compare,
        forward: Forward::Zip(forward),
        gradient: Gradient::Zero,
        exact: true,
    }
}

const fn test(name: &'static str, forward: fn(f64, &Attributes) -> f64) -> Operator {
    Operator {
        name,
        shape: Shape::Test,
        forward: Forward::Map(forward),
        gradient: Gradient::Zero,
        exact: true,
    }
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

fn where_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let branches = infer.dims(1).and_then(|a| infer.dims(2).map(|b| (a, b)));
    let shape = match (infer.ty(0)?.shape, branches) {
        (Some(condition), Ok((a, b))) => {
            let both = infer.broadcast(&a, &b)?;
            Some(infer.broadcast(&condition, &both)?)
        }
        _ => None,
    };
    Ok(vec![Type { dtype: infer.dtype(1)?, shape }])
}

fn where_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (condition, a, b) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let shape =
        broadcast_shapes(&a.shape, &b.shape).and_then(|both| broadcast_shapes(&condition.shape, &both));
    let shape = shape.ok_or("the three shapes cannot be broadcast")?;
    let index = |t: &Tensor| broadcast_index(&t.shape, &shape);
    let (c, x, y) = (condition.to_bools(), a.to_floats(), b.to_floats());
    let places = index(condition).into_iter().zip(index(a)).zip(index(b));
    let data = places.map(|((i, j), k)| if c[i] { x[j] } else { y[k] }).collect();
    Ok(vec![Tensor::floats(DataType::F64, &shape, data).cast(a.dtype)])
}

fn select(v: &Vjp<'_>) -> Result<(), String> {
    let condition = v.x(0);
    v.give_unbroadcast(1, || v.dy(0).only_where(condition));
    v.give_unbroadcast(2, || v.dy(0).only_where(condition.not()));
    Ok(())
}
