//! The one table of operators: what each gives, computes, and passes back.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::graph::{Graph, Type, ValueId};
use crate::ops;
use crate::tensor::{Data, Tensor, broadcast_index, broadcast_shapes};
use crate::vjp::Vjp;

/// Everything that is known about one operator, in the form of the canonical operator set 18 (see `opset`).
#[derive(Debug)]
pub struct Operator {
    /// ONNX's name.
    pub name: &'static str,
    /// Types and shapes of the outputs.
    pub shape: Shape,
    /// The reference definition, in f64.
    pub forward: Forward,
    /// What passes back.
    pub gradient: Gradient,
    /// Whether evaluating in f64 and rounding gives the very float32 that a runtime gives, so that it may be folded.
    pub exact: bool,
}

/// How an operator's output types follow from its inputs.
#[derive(Debug)]
pub enum Shape {
    /// As the first input.
    Same,
    /// The first input's shape, booleans.
    Test,
    /// All inputs broadcast together.
    Broadcast,
    /// All inputs broadcast together, booleans.
    Compare,
    /// A function of its own.
    Rule(fn(&mut Infer<'_>) -> Result<Vec<Type>, String>),
}

/// How an operator is computed.
#[derive(Debug)]
pub enum Forward {
    /// Element by element.
    Map(fn(f64, &Attributes) -> f64),
    /// Over two broadcast inputs.
    Zip(fn(f64, f64, &Attributes) -> f64),
    /// Folded over any number of broadcast inputs.
    Fold(fn(f64, f64) -> f64),
    /// A function of its own.
    Rule(fn(&Call<'_>) -> Result<Vec<Tensor>, String>),
    /// By the interpreter: operators with bodies.
    Control,
}

/// What an operator passes back.
#[derive(Debug)]
pub enum Gradient {
    /// The vector-Jacobian product, written as a graph.
    Rule(fn(&Vjp<'_>) -> Result<(), String>),
    /// Nothing: the output is of integers or booleans, or constant between jumps.
    Zero,
    /// No rule: an error where a gradient is needed.
    Missing,
}

/// What a shape rule sees.
pub struct Infer<'a> {
    pub(crate) graph: &'a mut Graph,
    pub(crate) inputs: &'a [Option<ValueId>],
    /// The node's attributes.
    pub attributes: &'a Attributes,
    /// How many outputs are asked for.
    pub outputs: usize,
}

/// What a forward rule sees.
#[derive(Debug)]
pub struct Call<'a> {
    /// The operator's name, for rules that serve several.
    pub op: &'a str,
    /// The inputs; `None` where an optional one is left out.
    pub inputs: &'a [Option<&'a Tensor>],
    /// The node's attributes.
    pub attributes: &'a Attributes,
    /// How many outputs are asked for.
    pub outputs: usize,
}

impl Operator {
    /// Types of the outputs.
    pub(crate) fn infer(&self, infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
        match &self.shape {
            Shape::Same => Ok(vec![infer.ty(0)?]),
            Shape::Test => Ok(vec![Type { dtype: DataType::Bool, ..infer.ty(0)? }]),
            Shape::Broadcast => {
                let dtype = infer.ty(0)?.dtype;
                Ok(vec![Type { dtype, shape: infer.broadcast_all()? }])
            }
            Shape::Compare => Ok(vec![Type { dtype: DataType::Bool, shape: infer.broadcast_all()? }]),
            Shape::Rule(rule) => rule(infer),
        }
    }

    /// The outputs, computed in f64.
    pub(crate) fn forward(&self, call: &Call<'_>) -> Result<Vec<Tensor>, String> {
        let compares = matches!(self.shape, Shape::Compare | Shape::Test);
        let typed = |x: &Tensor, shape: &[usize], data: Vec<f64>| {
            let dtype = if compares { DataType::Bool } else { x.dtype };
            let tensor = Tensor { dtype: DataType::F64, shape: shape.to_vec(), data: Data::Float(data) };
            tensor.cast(dtype)
        };
        match &self.forward {
            Forward::Map(f) => {
                let x = call.input(0)?;
                let data = x.to_floats().into_iter().map(|v| f(v, call.attributes)).collect();
                Ok(vec![typed(x, &x.shape, data)])
            }
            Forward::Zip(f) => {
                let (a, b) = (call.input(0)?, call.input(1)?);
                let (shape, data) = zip(a, b, |x, y| f(x, y, call.attributes))?;
                Ok(vec![typed(a, &shape, data)])
            }
            Forward::Fold(f) => {
                let mut total = call.input(0)?.clone();
                for i in 1..call.inputs.len() {
                    let (shape, data) = zip(&total, call.input(i)?, f)?;
                    total = typed(&total, &shape, data);
                }
                Ok(vec![total])
            }
            Forward::Rule(rule) => rule(call),
            Forward::Control => Err("has a body and is run by the interpreter".into()),
        }
    }
}

fn zip(a: &Tensor, b: &Tensor, f: impl Fn(f64, f64) -> f64) -> Result<(Vec<usize>, Vec<f64>), String> {
    let shape = broadcast_shapes(&a.shape, &b.shape)
        .ok_or_else(|| format!("shapes {:?} and {:?} cannot be broadcast", a.shape, b.shape))?;
    let (x, y) = (a.to_floats(), b.to_floats());
    let pairs = broadcast_index(&a.shape, &shape).into_iter().zip(broadcast_index(&b.shape, &shape));
    Ok((shape, pairs.map(|(i, j)| f(x[i], y[j])).collect()))
}

impl Infer<'_> {
    pub(crate) fn id(&self, i: usize) -> Result<ValueId, String> {
        self.inputs.get(i).copied().flatten().ok_or_else(|| format!("input {i} is missing"))
    }

    pub(crate) fn has(&self, i: usize) -> bool {
        self.inputs.get(i).is_some_and(Option::is_some)
    }

    pub(crate) fn ty(&self, i: usize) -> Result<Type, String> {
        Ok(self.graph.ty(self.id(i)?).clone())
    }

    pub(crate) fn dtype(&self, i: usize) -> Result<DataType, String> {
        Ok(self.ty(i)?.dtype)
    }

    /// The shape of input `i`; an error where even the number of axes is unknown.
    pub(crate) fn dims(&self, i: usize) -> Result<Vec<Dim>, String> {
        self.ty(i)?.shape.ok_or_else(|| {
            let name = &self.graph.value(self.inputs[i].expect("present")).name;
            format!(
                "the number of axes of `{name}` is not known before a run: pin the input shapes with --shape"
            )
        })
    }

    /// The symbolic integers of input `i`, where any are known.
    pub(crate) fn ints(&self, i: usize) -> Option<Vec<Dim>> {
        self.graph.ints(self.id(i).ok()?)
    }

    /// The integers of input `i`, where all are known.
    pub(crate) fn known_ints(&self, i: usize) -> Option<Vec<i64>> {
        self.ints(i)?.into_iter().map(Dim::known).collect()
    }

    pub(crate) fn fresh(&mut self) -> Dim {
        self.graph.symbols.fresh()
    }

    pub(crate) fn broadcast(&mut self, a: &[Dim], b: &[Dim]) -> Result<Vec<Dim>, String> {
        let rank = a.len().max(b.len());
        let size = |shape: &[Dim], axis: usize| match (axis + shape.len()).checked_sub(rank) {
            Some(i) => shape[i],
            None => Dim::Known(1),
        };
        (0..rank)
            .map(|axis| {
                let common = self.graph.symbols.broadcast(size(a, axis), size(b, axis));
                common.ok_or_else(|| format!("shapes {a:?} and {b:?} cannot be broadcast"))
            })
            .collect()
    }

    fn broadcast_all(&mut self) -> Result<Option<Vec<Dim>>, String> {
        let mut all: Option<Vec<Dim>> = Some(Vec::new());
        for i in 0..self.inputs.len() {
            all = match (all, self.ty(i)?.shape) {
                (Some(a), Some(b)) => Some(self.broadcast(&a, &b)?),
                _ => None,
            };
        }
        Ok(all)
    }
}

impl<'a> Call<'a> {
    pub(crate) fn input(&self, i: usize) -> Result<&'a Tensor, String> {
        self.optional(i).ok_or_else(|| format!("input {i} is missing"))
    }

    pub(crate) fn optional(&self, i: usize) -> Option<&'a Tensor> {
        self.inputs.get(i).copied().flatten()
    }
}

/// An axis counted from the front; negative ones count from the back.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, String> {
    let from_front = if axis < 0 { axis + rank as i64 } else { axis };
    match usize::try_from(from_front) {
        Ok(axis) if axis < rank => Ok(axis),
        _ => Err(format!("axis {axis} of a tensor with {rank} axes")),
    }
}

/// The operator of this name.
pub fn find(name: &str) -> Option<&'static Operator> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Operator>> = OnceLock::new();
    let table = BY_NAME.get_or_init(|| operators().map(|(_, operator)| (operator.name, operator)).collect());
    table.get(name).copied()
}

/// Every operator with the name of its family.
pub fn operators() -> impl Iterator<Item = (&'static str, &'static Operator)> {
    ops::FAMILIES.iter().flat_map(|(family, table)| table.iter().map(move |operator| (*family, operator)))
}
