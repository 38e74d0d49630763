//! Control flow. Bodies are looked into by the importer (which inlines what it can) and by the interpreter.

use crate::registry::{Forward, Gradient, Operator, Shape};

pub(super) const OPERATORS: &[Operator] = &[control("Scan"), control("Loop"), control("If")];

const fn control(name: &'static str) -> Operator {
    Operator {
        name,
        shape: Shape::Rule(|_| Err("has a body whose outputs the importer types".into())),
        forward: Forward::Control,
        gradient: Gradient::Missing,
        exact: false,
    }
}
