//! Values as expressions, so that a rule reads like the formula it implements.
//!
//! A [`Var`] is a value of the graph under construction; arithmetic on it adds nodes. The first error is kept by
//! the [`Builder`] and reported when the rule is done, so that formulas need no error handling of their own.

use std::cell::{Cell, RefCell};
use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::graph::{Graph, Type, ValueId};
use crate::proto::GraphProto;
use crate::registry;
use crate::tensor::Tensor;

/// A graph under construction.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub graph: RefCell<Graph>,
    error: RefCell<Option<String>>,
    /// Whether rules keep to operators that have CUDA kernels.
    pub for_cuda: Cell<bool>,
}

/// A value of the graph under construction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Var<'g> {
    pub g: &'g Builder,
    pub id: ValueId,
}

impl Builder {
    pub fn new(graph: Graph) -> Builder {
        Builder { graph: RefCell::new(graph), error: RefCell::default(), for_cuda: Cell::new(false) }
    }

    pub fn var(&self, id: ValueId) -> Var<'_> {
        Var { g: self, id }
    }

    /// Keeps the first error; returns a stand-in of unknown type.
    pub fn fail(&self, message: impl Into<String>) -> Var<'_> {
        self.error.borrow_mut().get_or_insert(message.into());
        self.var(self.graph.borrow_mut().add_value("", Type { dtype: DataType::F32, shape: None }))
    }

    /// The first error since the last call.
    pub fn checked(&self) -> Result<(), String> {
        self.error.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// A node with `n` outputs.
    pub fn node<'g>(
        &'g self,
        op: &str,
        inputs: &[Option<Var<'g>>],
        attributes: Attributes,
        n: usize,
    ) -> Vec<Var<'g>> {
        let ids: Vec<Option<ValueId>> = inputs.iter().map(|input| input.map(|var| var.id)).collect();
        let Some(operator) = registry::find(op) else {
            return vec![self.fail(format!("needs the unknown operator {op}")); n];
        };
        let added = self.graph.borrow_mut().add(operator, &ids, attributes, n, "");
        match added {
            Ok(ids) => ids.into_iter().map(|id| self.var(id)).collect(),
            Err(message) => vec![self.fail(format!("{op}: {message}")); n],
        }
    }

    /// A node with one output and all inputs given.
    pub fn op<'g>(&'g self, op: &str, inputs: &[Var<'g>], attributes: Attributes) -> Var<'g> {
        let inputs: Vec<Option<Var<'g>>> = inputs.iter().copied().map(Some).collect();
        self.node(op, &inputs, attributes, 1)[0]
    }

    pub fn constant(&self, tensor: Tensor) -> Var<'_> {
        let id = self.graph.borrow_mut().add_constant(tensor);
        self.var(id)
    }

    /// A scalar of type `dtype`.
    pub fn scalar(&self, dtype: DataType, value: f64) -> Var<'_> {
        self.constant(Tensor::full(dtype, &[], value))
    }

    /// A list of int64.
    pub fn ints(&self, values: &[i64]) -> Var<'_> {
        self.constant(Tensor::i64(&[values.len()], values.to_vec()))
    }

    pub fn concat<'g>(&'g self, parts: &[Var<'g>], axis: i64) -> Var<'g> {
        match parts {
            [one] => *one,
            _ => self.op("Concat", parts, Attributes::new().with("axis", axis)),
        }
    }

    /// Sum of any number of values of one shape.
    pub fn total<'g>(&'g self, parts: &[Var<'g>]) -> Option<Var<'g>> {
        match parts {
            [] => None,
            [one] => Some(*one),
            [a, b] => Some(*a + *b),
            _ => Some(self.op("Sum", parts, Attributes::new())),
        }
    }

    /// `Where(condition, a, b)`.
    pub fn select<'g>(&'g self, condition: Var<'g>, a: Var<'g>, b: Var<'g>) -> Var<'g> {
        self.op("Where", &[condition, a, b], Attributes::new())
    }

    /// A Scan over axis 0: `states`, then `sequences`, through `body`; gives final states, then stacked outputs.
    pub fn scan<'g>(
        &'g self,
        states: &[Var<'g>],
        sequences: &[Var<'g>],
        backwards: bool,
        body: GraphProto,
        captures: &[Var<'g>],
        types: Vec<Type>,
    ) -> Vec<Var<'g>> {
        let operator = registry::find("Scan").expect("Scan is in the table");
        let directions = vec![i64::from(backwards); sequences.len()];
        let n_outputs = types.len() - states.len();
        let attributes = Attributes::new()
            .with("body", body)
            .with("num_scan_inputs", sequences.len() as i64)
            .with("scan_input_directions", directions)
            .with("scan_output_directions", vec![i64::from(backwards); n_outputs]);
        let inputs: Vec<Option<ValueId>> = states.iter().chain(sequences).map(|var| Some(var.id)).collect();
        let captures = captures.iter().map(|var| var.id).collect();
        let ids = self.graph.borrow_mut().push_once(operator, &inputs, attributes, types, captures);
        ids.into_iter().map(|id| self.var(id)).collect()
    }
}

impl<'g> Var<'g> {
    pub fn ty(self) -> Type {
        self.g.graph.borrow().ty(self.id).clone()
    }

    pub fn dtype(self) -> DataType {
        self.ty().dtype
    }

    pub fn name(self) -> String {
        self.g.graph.borrow().value(self.id).name.clone()
    }

    /// Sizes of the axes; an error where their number is unknown.
    pub fn dims(self) -> Result<Vec<Dim>, String> {
        self.ty().shape.ok_or_else(|| {
            format!(
                "the number of axes of `{}` is not known before a run: pin the input shapes with --shape",
                self.name()
            )
        })
    }

    pub fn rank(self) -> Result<usize, String> {
        Ok(self.dims()?.len())
    }

    /// The size of one axis, where it is known.
    pub fn known(self, axis: usize) -> Option<i64> {
        self.ty().shape?.get(axis)?.known()
    }

    /// The elements, where they are a constant of moderate size.
    pub fn value(self) -> Option<Tensor> {
        self.g.graph.borrow().constant(self.id).map(|tensor| tensor.as_ref().clone())
    }

    pub fn apply(self, op: &str) -> Var<'g> {
        self.g.op(op, &[self], Attributes::new())
    }

    pub fn with(self, op: &str, other: Var<'g>) -> Var<'g> {
        self.g.op(op, &[self, other], Attributes::new())
    }

    /// A scalar of this value's type.
    pub fn scalar(self, value: f64) -> Var<'g> {
        self.g.scalar(self.dtype(), value)
    }

    pub fn shape(self) -> Var<'g> {
        self.apply("Shape")
    }

    /// The sizes of axes `from..to` as a list.
    pub fn shape_part(self, from: usize, to: usize) -> Var<'g> {
        self.g.op("Shape", &[self], Attributes::new().with("start", from as i64).with("end", to as i64))
    }

    pub fn reshape(self, shape: Var<'g>) -> Var<'g> {
        self.with("Reshape", shape)
    }

    pub fn reshape_to(self, shape: &[i64]) -> Var<'g> {
        self.reshape(self.g.ints(shape))
    }

    /// The same elements in the shape of `other`.
    pub fn like(self, other: Var<'g>) -> Var<'g> {
        self.reshape(other.shape())
    }

    pub fn expand(self, shape: Var<'g>) -> Var<'g> {
        self.with("Expand", shape)
    }

    /// Zeros of this value's type and shape.
    pub fn zeros(self) -> Var<'g> {
        self.filled(self.shape(), 0.0)
    }

    /// A tensor of `shape` filled with one number of this value's type.
    pub fn filled(self, shape: Var<'g>, value: f64) -> Var<'g> {
        let element = Tensor::full(self.dtype(), &[1], value);
        self.g.op("ConstantOfShape", &[shape], Attributes::new().with("value", &element))
    }

    pub fn transpose(self, perm: &[i64]) -> Var<'g> {
        self.g.op("Transpose", &[self], Attributes::new().with("perm", perm))
    }

    /// The last two axes exchanged.
    pub fn transposed(self) -> Var<'g> {
        match self.rank() {
            Ok(rank) if rank >= 2 => {
                let mut perm: Vec<i64> = (0..rank as i64).collect();
                perm.swap(rank - 1, rank - 2);
                self.transpose(&perm)
            }
            Ok(_) => self.g.fail("transposes a vector"),
            Err(message) => self.g.fail(message),
        }
    }

    fn reduce(self, op: &str, axes: &[i64], keep: bool) -> Var<'g> {
        let attributes = Attributes::new().with("keepdims", i64::from(keep));
        self.g.op(op, &[self, self.g.ints(axes)], attributes)
    }

    pub fn sum(self, axes: &[i64], keep: bool) -> Var<'g> {
        self.reduce("ReduceSum", axes, keep)
    }

    pub fn mean(self, axes: &[i64], keep: bool) -> Var<'g> {
        self.reduce("ReduceMean", axes, keep)
    }

    pub fn max(self, axes: &[i64], keep: bool) -> Var<'g> {
        self.reduce("ReduceMax", axes, keep)
    }

    pub fn squeeze(self, axes: &[i64]) -> Var<'g> {
        self.with("Squeeze", self.g.ints(axes))
    }

    pub fn unsqueeze(self, axes: &[i64]) -> Var<'g> {
        self.with("Unsqueeze", self.g.ints(axes))
    }

    /// Elements `from..to` of one axis; negative positions count from the back.
    pub fn slice(self, axis: i64, from: i64, to: i64) -> Var<'g> {
        let g = self.g;
        g.op("Slice", &[self, g.ints(&[from]), g.ints(&[to]), g.ints(&[axis])], Attributes::new())
    }

    /// Constant padding with zeros; negative counts crop.
    pub fn pad(self, pads: &[i64]) -> Var<'g> {
        if pads.iter().all(|&n| n == 0) {
            return self;
        }
        self.g.op("Pad", &[self, self.g.ints(pads)], Attributes::new())
    }

    pub fn cast(self, dtype: DataType) -> Var<'g> {
        self.g.op("Cast", &[self], Attributes::new().with("to", i64::from(dtype.code())))
    }

    /// 1 where a boolean holds, in type `dtype`.
    pub fn mask(self, dtype: DataType) -> Var<'g> {
        self.cast(dtype)
    }

    /// This value where `condition`, else zero.
    pub fn only_where(self, condition: Var<'g>) -> Var<'g> {
        self.g.select(condition, self, self.scalar(0.0))
    }

    pub fn exp(self) -> Var<'g> {
        self.apply("Exp")
    }

    pub fn sqrt(self) -> Var<'g> {
        self.apply("Sqrt")
    }

    pub fn square(self) -> Var<'g> {
        self * self
    }

    pub fn sigmoid(self) -> Var<'g> {
        self.apply("Sigmoid")
    }

    pub fn tanh(self) -> Var<'g> {
        self.apply("Tanh")
    }

    pub fn matmul(self, other: Var<'g>) -> Var<'g> {
        self.with("MatMul", other)
    }

    pub fn greater(self, other: Var<'g>) -> Var<'g> {
        self.with("Greater", other)
    }

    pub fn less(self, other: Var<'g>) -> Var<'g> {
        self.with("Less", other)
    }

    pub fn equal(self, other: Var<'g>) -> Var<'g> {
        self.with("Equal", other)
    }

    pub fn and(self, other: Var<'g>) -> Var<'g> {
        self.with("And", other)
    }

    pub fn not(self) -> Var<'g> {
        self.apply("Not")
    }

    /// The gradient for `target` of a value that `target` was broadcast to: sums over the repeated axes.
    pub fn unbroadcast(self, target: Var<'g>) -> Var<'g> {
        match (self.dims(), target.dims()) {
            (Ok(from), Ok(to)) => self.unbroadcast_dims(&from, &to, target),
            (Err(message), _) | (_, Err(message)) => self.g.fail(message),
        }
    }

    fn unbroadcast_dims(self, from: &[Dim], to: &[Dim], target: Var<'g>) -> Var<'g> {
        if from == to {
            return self;
        }
        let lead = from.len() - to.len();
        let repeated =
            |axis: usize| axis < lead || (to[axis - lead] == Dim::Known(1) && from[axis] != Dim::Known(1));
        let unsure =
            |axis: usize| axis >= lead && to[axis - lead].known().is_none() && to[axis - lead] != from[axis];
        let axes: Vec<i64> = (0..from.len()).filter(|&axis| repeated(axis)).map(|axis| axis as i64).collect();
        let summed = if axes.is_empty() { self } else { self.sum(&axes, true) };
        if (0..from.len()).any(unsure) {
            summed.unbroadcast_at_run(lead, target)
        } else {
            summed.like(target)
        }
    }

    /// Where only a run can tell which axes were repeated: those whose sizes differ are summed.
    fn unbroadcast_at_run(self, lead: usize, target: Var<'g>) -> Var<'g> {
        let g = self.g;
        let padded = g.concat(&[g.ints(&vec![1; lead]), target.shape()], 0);
        let differs = self.shape().equal(padded).not();
        let axes = differs.apply("NonZero").reshape_to(&[-1]);
        let attributes = Attributes::new().with("keepdims", 1).with("noop_with_empty_axes", 1);
        g.op("ReduceSum", &[self, axes], attributes).like(target)
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident, $op:literal) => {
        impl<'g> $trait for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, other: Var<'g>) -> Var<'g> {
                self.with($op, other)
            }
        }
        impl<'g> $trait<f64> for Var<'g> {
            type Output = Var<'g>;
            fn $method(self, other: f64) -> Var<'g> {
                self.with($op, self.scalar(other))
            }
        }
        impl<'g> $trait<Var<'g>> for f64 {
            type Output = Var<'g>;
            fn $method(self, other: Var<'g>) -> Var<'g> {
                other.scalar(self).with($op, other)
            }
        }
    };
}

operator!(Add, add, "Add");
operator!(Sub, sub, "Sub");
operator!(Mul, mul, "Mul");
operator!(Div, div, "Div");

impl<'g> Neg for Var<'g> {
    type Output = Var<'g>;
    fn neg(self) -> Var<'g> {
        self.apply("Neg")
    }
}
