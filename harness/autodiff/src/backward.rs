//! The reverse sweep: from the gradient of some values to the gradients of others.

use std::collections::{HashMap, HashSet};

use crate::error::Error;
use crate::graph::ValueId;
use crate::registry::Gradient;
use crate::var::{Builder, Var};
use crate::vjp::Vjp;

/// Gradients of `wanted`, given those of `seeds`; values that nothing flows back to are absent.
pub(crate) fn backward<'g>(
    g: &'g Builder,
    seeds: &[(ValueId, Var<'g>)],
    wanted: &[ValueId],
    opset: i64,
) -> Result<HashMap<ValueId, Var<'g>>, Error> {
    let active = active(g, wanted);
    let mut parts: HashMap<ValueId, Vec<Var<'g>>> = HashMap::new();
    for (id, seed) in seeds {
        parts.entry(*id).or_default().push(*seed);
    }
    let count = g.graph.borrow().nodes.len();
    for index in (0..count).rev() {
        if let Some(vjp) = node_to_pass(g, index, &active, &mut parts) {
            pass(&vjp, opset)?;
            for (input, gradient) in vjp.node.inputs.iter().zip(vjp.given.into_inner()) {
                if let (Some(input), Some(gradient)) = (input, gradient)
                    && active.contains(input)
                {
                    parts.entry(*input).or_default().push(gradient);
                }
            }
        }
    }
    let total = |id: &ValueId| g.total(parts.get(id)?).map(|sum| (*id, sum));
    let gradients = wanted.iter().filter_map(total).collect();
    g.checked().map_err(Error::malformed)?;
    Ok(gradients)
}

/// Values that depend on a wanted one through operators that pass gradients.
fn active(g: &Builder, wanted: &[ValueId]) -> HashSet<ValueId> {
    let graph = g.graph.borrow();
    let mut active: HashSet<ValueId> = wanted.iter().copied().collect();
    for node in &graph.nodes {
        let reached = node.reads().any(|id| active.contains(&id));
        if reached && !matches!(node.operator.gradient, Gradient::Zero) {
            // Quantised integers carry their gradient straight through to the float that they came from.
            let straight = node.operator.name == "QuantizeLinear";
            let carries = |id: &&ValueId| straight || graph.ty(**id).dtype.is_float();
            active.extend(node.outputs.iter().flatten().filter(carries));
        }
    }
    active
}

/// A node between the seeds and the wanted values, with what came back to its outputs.
fn node_to_pass<'g>(
    g: &'g Builder,
    index: usize,
    active: &HashSet<ValueId>,
    parts: &mut HashMap<ValueId, Vec<Var<'g>>>,
) -> Option<Vjp<'g>> {
    let node = g.graph.borrow().nodes[index].clone();
    let reached = node.outputs.iter().flatten().any(|id| active.contains(id) && parts.contains_key(id));
    if !reached {
        return None;
    }
    let upstream = node.outputs.iter().map(|output| {
        let list = parts.get_mut(&(*output)?)?;
        let sum = g.total(list)?;
        *list = vec![sum];
        Some(sum)
    });
    let upstream = upstream.collect();
    let wanted: Vec<bool> = node.inputs.iter().map(|i| i.is_some_and(|id| active.contains(&id))).collect();
    let given = std::cell::RefCell::new(vec![None; node.inputs.len()]);
    Some(Vjp { g, node, index, upstream, wanted, given })
}

fn pass(vjp: &Vjp<'_>, opset: i64) -> Result<(), Error> {
    let (op, node) = (vjp.op().to_owned(), vjp.node.name.clone());
    let Gradient::Rule(rule) = vjp.node.operator.gradient else {
        return Err(Error::NoGradient { op, opset, node });
    };
    let done = rule(vjp).and_then(|()| vjp.g.checked());
    done.map_err(|message| Error::Node { op, node, message })
}
