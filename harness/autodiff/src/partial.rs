//! Shape arithmetic on symbols: what integer values hold when some axes are known only at run time.

use crate::attribute::Attributes;
use crate::dim::{Arith, Dim};
use crate::graph::{Graph, Type, ValueId};

/// Longest list of sizes that is followed.
const LONGEST: usize = 64;

/// The symbolic elements of a node's integer output, where they can be told.
pub(crate) fn ints(
    graph: &mut Graph,
    op: &str,
    inputs: &[Option<ValueId>],
    attributes: &Attributes,
    ty: &Type,
) -> Option<Vec<Dim>> {
    if ty.dtype.is_float() || ty.shape.as_ref()?.len() > 1 {
        return None;
    }
    let of = |graph: &Graph, i: usize| graph.ints(inputs.get(i).copied().flatten()?);
    let result = match op {
        "Shape" => {
            let shape = graph.ty(inputs[0]?).shape.clone()?;
            let (start, end) = shape_range(attributes, shape.len());
            shape[start..end.max(start)].to_vec()
        }
        "Size" => {
            let shape = graph.ty(inputs[0]?).shape.clone()?;
            vec![graph.symbols.product(&shape)]
        }
        "Cast" | "Squeeze" | "Unsqueeze" | "Reshape" | "Identity" => of(graph, 0)?,
        "Gather" => {
            let (from, at) = (of(graph, 0)?, of(graph, 1)?);
            at.iter().map(|index| pick(&from, index.known()?)).collect::<Option<_>>()?
        }
        "Concat" => {
            let parts: Option<Vec<Vec<Dim>>> = (0..inputs.len()).map(|i| of(graph, i)).collect();
            parts?.concat()
        }
        "Slice" => slice(graph, inputs)?,
        "Add" | "Sub" | "Mul" | "Div" => {
            let (a, b) = (of(graph, 0)?, of(graph, 1)?);
            arithmetic(graph, op, &a, &b)?
        }
        "ReduceProd" => {
            let all = of(graph, 0)?;
            vec![graph.symbols.product(&all)]
        }
        "Expand" | "ConstantOfShape" => return None,
        "Where" => {
            let (condition, a, b) = (of(graph, 0)?, of(graph, 1)?, of(graph, 2)?);
            let n = condition.len().max(a.len()).max(b.len());
            let at = |list: &[Dim], i: usize| list.get(if list.len() == 1 { 0 } else { i }).copied();
            (0..n)
                .map(|i| if at(&condition, i)?.known()? != 0 { at(&a, i) } else { at(&b, i) })
                .collect::<Option<_>>()?
        }
        "Equal" => {
            let (a, b) = (of(graph, 0)?, of(graph, 1)?);
            equal(&a, &b)?
        }
        _ => return None,
    };
    (result.len() <= LONGEST).then_some(result)
}

/// `start..end` of a Shape node.
pub(crate) fn shape_range(attributes: &Attributes, rank: usize) -> (usize, usize) {
    let clamp = |at: i64| (if at < 0 { at + rank as i64 } else { at }).clamp(0, rank as i64) as usize;
    (clamp(attributes.int_or("start", 0)), clamp(attributes.int_or("end", rank as i64)))
}

fn pick(from: &[Dim], index: i64) -> Option<Dim> {
    let at = if index < 0 { index + from.len() as i64 } else { index };
    from.get(usize::try_from(at).ok()?).copied()
}

fn slice(graph: &Graph, inputs: &[Option<ValueId>]) -> Option<Vec<Dim>> {
    let from = graph.ints(inputs[0]?)?;
    let single =
        |i: usize| -> Option<i64> { graph.ints(inputs.get(i).copied().flatten()?)?.first()?.known() };
    let step = if inputs.get(4).copied().flatten().is_some() { single(4)? } else { 1 };
    if step != 1 {
        return None;
    }
    let n = from.len() as i64;
    let clamp = |at: i64| (if at < 0 { at.saturating_add(n) } else { at }).clamp(0, n) as usize;
    let (start, end) = (clamp(single(1)?), clamp(single(2)?));
    Some(from[start..end.max(start)].to_vec())
}

fn arithmetic(graph: &mut Graph, op: &str, a: &[Dim], b: &[Dim]) -> Option<Vec<Dim>> {
    let op = match op {
        "Add" => Arith::Add,
        "Sub" => Arith::Sub,
        "Mul" => Arith::Mul,
        _ => Arith::Div,
    };
    let n = a.len().max(b.len());
    if (a.len() != n && a.len() != 1) || (b.len() != n && b.len() != 1) {
        return None;
    }
    let at = |list: &[Dim], i: usize| list[if list.len() == 1 { 0 } else { i }];
    Some((0..n).map(|i| graph.symbols.arith(op, at(a, i), at(b, i))).collect())
}

/// Equality that symbols can decide: the same symbol is equal; a size never equals a negative number.
fn equal(a: &[Dim], b: &[Dim]) -> Option<Vec<Dim>> {
    let n = a.len().max(b.len());
    let at = |list: &[Dim], i: usize| list.get(if list.len() == 1 { 0 } else { i }).copied();
    (0..n)
        .map(|i| match (at(a, i)?, at(b, i)?) {
            (x, y) if x == y => Some(Dim::Known(1)),
            (Dim::Known(_), Dim::Known(_)) => Some(Dim::Known(0)),
            (Dim::Known(negative), Dim::Symbol(_)) | (Dim::Symbol(_), Dim::Known(negative))
                if negative < 0 =>
            {
                Some(Dim::Known(0))
            }
            _ => None,
        })
        .collect()
}
