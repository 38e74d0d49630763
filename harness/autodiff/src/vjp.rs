//! What a gradient rule sees of its node, and where it puts what passes back.

use std::cell::RefCell;

use crate::attribute::Attributes;
use crate::graph::Node;
use crate::var::{Builder, Var};

/// One node in the reverse sweep.
pub struct Vjp<'g> {
    pub(crate) g: &'g Builder,
    pub(crate) node: Node,
    pub(crate) index: usize,
    pub(crate) upstream: Vec<Option<Var<'g>>>,
    pub(crate) wanted: Vec<bool>,
    pub(crate) given: RefCell<Vec<Option<Var<'g>>>>,
}

impl<'g> Vjp<'g> {
    /// The operator's name, for rules that serve several.
    pub(crate) fn op(&self) -> &'static str {
        self.node.operator.name
    }

    pub(crate) fn attributes(&self) -> &Attributes {
        &self.node.attributes
    }

    pub(crate) fn has(&self, i: usize) -> bool {
        self.node.inputs.get(i).is_some_and(Option::is_some)
    }

    /// Input `i`.
    pub(crate) fn x(&self, i: usize) -> Var<'g> {
        match self.node.inputs.get(i).copied().flatten() {
            Some(id) => self.g.var(id),
            None => self.g.fail(format!("input {i} is missing")),
        }
    }

    pub(crate) fn optional(&self, i: usize) -> Option<Var<'g>> {
        self.node.inputs.get(i).copied().flatten().map(|id| self.g.var(id))
    }

    /// Output `i`, requested from the node if it was not.
    pub(crate) fn y(&self, i: usize) -> Var<'g> {
        match self.g.graph.borrow_mut().extra_output(self.index, i) {
            Ok(id) => self.g.var(id),
            Err(message) => self.g.fail(message),
        }
    }

    /// Gradient of output `i`; `None` when nothing came back to it.
    pub(crate) fn dy_or_none(&self, i: usize) -> Option<Var<'g>> {
        self.upstream.get(i).copied().flatten()
    }

    /// Gradient of output `i`, zeros when nothing came back to it.
    pub(crate) fn dy(&self, i: usize) -> Var<'g> {
        self.dy_or_none(i).unwrap_or_else(|| self.y(i).zeros())
    }

    /// Whether input `i` needs its gradient.
    pub(crate) fn wants(&self, i: usize) -> bool {
        self.wanted.get(i).copied().unwrap_or(false)
    }

    /// Sets the gradient of input `i`.
    pub(crate) fn give(&self, i: usize, gradient: Var<'g>) {
        self.given.borrow_mut()[i] = Some(gradient);
    }

    /// Sets the gradient of input `i`, if it is needed.
    pub(crate) fn give_if_wanted(&self, i: usize, gradient: impl FnOnce() -> Var<'g>) {
        if self.wants(i) {
            self.give(i, gradient());
        }
    }

    /// Sets the gradient of an element-wise input that may have been broadcast.
    pub(crate) fn give_unbroadcast(&self, i: usize, gradient: impl FnOnce() -> Var<'g>) {
        self.give_if_wanted(i, || gradient().unbroadcast(self.x(i)));
    }
}
