//! Sizes of axes: known numbers, or symbols that are equal when they are the same symbol.

use std::collections::HashMap;

/// Size of one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dim {
    /// A number. In symbolic integers (a shape as data) it may be negative.
    Known(i64),
    /// Something only a run can tell; two equal symbols are the same size.
    Symbol(u32),
}

impl Dim {
    /// The number, when it is known.
    pub fn known(self) -> Option<i64> {
        match self {
            Dim::Known(n) => Some(n),
            Dim::Symbol(_) => None,
        }
    }
}

/// An operation of shape arithmetic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Arith {
    Add,
    Sub,
    Mul,
    Div,
}

/// The table of symbols: names of the model's own axes, and expressions, each once.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    count: u32,
    named: HashMap<String, Dim>,
    names: HashMap<u32, String>,
    expressions: HashMap<(Arith, Dim, Dim), Dim>,
}

impl Symbols {
    pub fn fresh(&mut self) -> Dim {
        self.count += 1;
        Dim::Symbol(self.count)
    }

    /// The symbol of the axis that the model calls `name`.
    pub fn named(&mut self, name: &str) -> Dim {
        if let Some(&dim) = self.named.get(name) {
            return dim;
        }
        let dim = self.fresh();
        self.named.insert(name.to_owned(), dim);
        if let Dim::Symbol(id) = dim {
            self.names.insert(id, name.to_owned());
        }
        dim
    }

    /// The model's name for a symbol, if it has one.
    pub fn name(&self, dim: Dim) -> Option<&str> {
        match dim {
            Dim::Symbol(id) => self.names.get(&id).map(String::as_str),
            Dim::Known(_) => None,
        }
    }

    /// `a op b`, folded where it can be; equal expressions give equal symbols.
    pub fn arith(&mut self, op: Arith, a: Dim, b: Dim) -> Dim {
        use Dim::Known;
        match (op, a, b) {
            (Arith::Add, Known(x), Known(y)) => Known(x.saturating_add(y)),
            (Arith::Sub, Known(x), Known(y)) => Known(x.saturating_sub(y)),
            (Arith::Mul, Known(x), Known(y)) => Known(x.saturating_mul(y)),
            (Arith::Div, Known(x), Known(y)) if y != 0 => Known(x.wrapping_div(y)),
            (Arith::Add | Arith::Sub, _, Known(0)) | (Arith::Mul | Arith::Div, _, Known(1)) => a,
            (Arith::Add, Known(0), _) | (Arith::Mul, Known(1), _) => b,
            (Arith::Sub, _, _) if a == b => Known(0),
            (Arith::Div, _, _) if a == b => Known(1),
            (Arith::Mul | Arith::Add, _, _) if b < a => self.expression(op, b, a),
            _ => self.expression(op, a, b),
        }
    }

    fn expression(&mut self, op: Arith, a: Dim, b: Dim) -> Dim {
        if let Some(&dim) = self.expressions.get(&(op, a, b)) {
            return dim;
        }
        let dim = self.fresh();
        self.expressions.insert((op, a, b), dim);
        dim
    }

    /// Product of all dims.
    pub fn product(&mut self, dims: &[Dim]) -> Dim {
        let known: i64 = dims.iter().filter_map(|dim| dim.known()).fold(1, i64::saturating_mul);
        let mut symbols: Vec<Dim> = dims.iter().copied().filter(|dim| dim.known().is_none()).collect();
        symbols.sort();
        symbols.into_iter().fold(Dim::Known(known), |product, dim| self.arith(Arith::Mul, product, dim))
    }

    /// The common size of two broadcast axes; `None` when they cannot be broadcast.
    pub fn broadcast(&mut self, a: Dim, b: Dim) -> Option<Dim> {
        match (a, b) {
            _ if a == b => Some(a),
            (Dim::Known(1), other) | (other, Dim::Known(1)) => Some(other),
            (Dim::Known(_), Dim::Known(_)) => None,
            (Dim::Known(n), _) | (_, Dim::Known(n)) => Some(Dim::Known(n)),
            _ => Some(self.fresh()),
        }
    }
}
