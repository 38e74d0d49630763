//! The operators, one file per family. A family is a table of [`Operator`](crate::registry::Operator) and the
//! functions it names: shape, forward, gradient.

mod activation;
mod control;
mod conv;
mod elementwise;
mod gather;
mod layout;
mod logic;
mod matmul;
mod normalize;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod resize;
mod shape;
mod signal;
mod softmax;
mod window;

use crate::registry::Operator;

/// All families by name: the registry.
pub(crate) const FAMILIES: &[(&str, &[Operator])] = &[
    ("element-wise", elementwise::OPERATORS),
    ("activation", activation::OPERATORS),
    ("logic", logic::OPERATORS),
    ("reduction", reduce::OPERATORS),
    ("softmax", softmax::OPERATORS),
    ("matrix product", matmul::OPERATORS),
    ("convolution", conv::OPERATORS),
    ("pooling", pool::OPERATORS),
    ("normalisation", normalize::OPERATORS),
    ("recurrent", recurrent::OPERATORS),
    ("layout", layout::OPERATORS),
    ("gather and scatter", gather::OPERATORS),
    ("shape arithmetic", shape::OPERATORS),
    ("resampling", resize::OPERATORS),
    ("signal", signal::OPERATORS),
    ("quantisation", quantize::OPERATORS),
    ("control flow", control::OPERATORS),
];

/// Most rows of the tables are of a few kinds; these write them.
pub(crate) mod row {
    use crate::attribute::Attributes;
    use crate::graph::Type;
    use crate::registry::{Call, Forward, Gradient, Infer, Operator, Shape};
    use crate::tensor::Tensor;
    use crate::vjp::Vjp;

    pub type Rule = fn(&Vjp<'_>) -> Result<(), String>;

    /// y = f(x), element by element.
    pub const fn map(name: &'static str, forward: fn(f64, &Attributes) -> f64, gradient: Rule) -> Operator {
        Operator {
            name,
            shape: Shape::Same,
            forward: Forward::Map(forward),
            gradient: Gradient::Rule(gradient),
            exact: false,
        }
    }

    /// z = f(x, y), broadcast.
    pub const fn zip(
        name: &'static str,
        forward: fn(f64, f64, &Attributes) -> f64,
        gradient: Rule,
    ) -> Operator {
        Operator {
            name,
            shape: Shape::Broadcast,
            forward: Forward::Zip(forward),
            gradient: Gradient::Rule(gradient),
            exact: false,
        }
    }

    /// An operator with a shape rule and a forward rule of its own.
    pub const fn rule(
        name: &'static str,
        shape: fn(&mut Infer<'_>) -> Result<Vec<Type>, String>,
        forward: fn(&Call<'_>) -> Result<Vec<Tensor>, String>,
        gradient: Gradient,
    ) -> Operator {
        Operator { name, shape: Shape::Rule(shape), forward: Forward::Rule(forward), gradient, exact: false }
    }

    /// The same row, foldable.
    pub const fn exact(operator: Operator) -> Operator {
        Operator { exact: true, ..operator }
    }
}
