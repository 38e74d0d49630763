//! A differentiated model for this project's own run time: where ONNX Runtime's standard operators are slow on the
//! CPU, operators of domain `ai.seraph` that `seraph_runtime` brings along.
//!
//! `MaxUnpool(dy, indices)` becomes `MaxPoolGrad(x, dy)`, so that nobody writes the indices (they cost ten times the
//! pooling); and if a convolution follows, or the matrix product that one input channel turns it into, both become
//! `MaxPoolConvGrad(x, dy, w)`, which sums only what is not zero.

use std::collections::HashMap;

use crate::model::Model;
use crate::proto::{AttributeProto, GraphProto, NodeProto, OperatorSetIdProto, attribute_type};

const DOMAIN: &str = "ai.seraph";
/// From this one-dimensional window on, summing what is not zero beats the dense convolution. Below it the standard
/// operators are as fast.
const SPARSE_FROM: i64 = 8;

/// `model` with what can be fused fused; a model in which nothing can is returned as it is.
pub fn for_runtime(model: &Model) -> Model {
    let mut fused = model.clone();
    let Some(graph) = &mut fused.proto.graph else { return fused };
    let unpools: Vec<usize> = (0..graph.node.len()).filter(|&i| is(&graph.node[i], "MaxUnpool")).collect();
    let uses = uses(graph);
    let changes: Vec<Fusion> = unpools.iter().filter_map(|&i| Fusion::find(graph, &uses, i)).collect();
    if changes.is_empty() {
        return fused;
    }
    let mut gone: Vec<usize> = changes.into_iter().filter_map(|change| change.apply(graph)).collect();
    gone.sort_unstable();
    gone.into_iter().rev().for_each(|i| {
        graph.node.remove(i);
    });
    let domain = OperatorSetIdProto { domain: Some(DOMAIN.to_owned()), version: Some(1) };
    fused.proto.opset_import.push(domain);
    fused
}

/// Which nodes read a value.
type Uses = HashMap<String, Vec<usize>>;

fn uses(graph: &GraphProto) -> Uses {
    let mut uses = Uses::new();
    for (i, node) in graph.node.iter().enumerate() {
        node.input.iter().for_each(|name| uses.entry(name.clone()).or_default().push(i));
    }
    // An output of the model is read by somebody outside.
    for output in graph.output.iter().filter_map(|output| output.name.clone()) {
        uses.entry(output).or_default().push(usize::MAX);
    }
    uses
}

/// One pooling whose indices only its own gradient reads.
struct Fusion {
    pool: usize,
    unpool: usize,
    /// The convolution or product that alone reads the unpooled gradient: its place, weights and pads.
    convolution: Option<(usize, String, Vec<i64>)>,
}

impl Fusion {
    fn find(graph: &GraphProto, uses: &Uses, unpool: usize) -> Option<Fusion> {
        let indices = graph.node[unpool].input.get(1)?;
        let pool = graph.node.iter().position(|node| node.output.get(1) == Some(indices))?;
        let plain = is(&graph.node[pool], "MaxPool") && is_plain_pool(&graph.node[pool]);
        if !plain || uses.get(indices)? != &[unpool] {
            return None;
        }
        let window = ints(&graph.node[pool], "kernel_shape");
        if matches!(window[..], [short] if short < SPARSE_FROM) {
            return None;
        }
        let convolution = match (window.as_slice(), uses.get(graph.node[unpool].output.first()?)?.as_slice())
        {
            (&[_], &[reader]) if reader != usize::MAX => {
                convolution(&graph.node[reader], &graph.node[unpool].output[0])
                    .map(|(weights, pads)| (reader, weights, pads))
            }
            _ => None,
        };
        Some(Fusion { pool, unpool, convolution })
    }

    /// Returns the node that is left over, if there is one.
    fn apply(self, graph: &mut GraphProto) -> Option<usize> {
        let window = ints(&graph.node[self.pool], "kernel_shape");
        let (x, dy) = (graph.node[self.pool].input[0].clone(), graph.node[self.unpool].input[0].clone());
        graph.node[self.pool].output.truncate(1);
        match self.convolution {
            Some((at, weights, pads)) => {
                let attributes = vec![attribute("kernel_shape", window), attribute("pads", pads)];
                replace(&mut graph.node[at], "MaxPoolConvGrad", vec![x, dy, weights], attributes);
                Some(self.unpool)
            }
            None => {
                let attributes = vec![attribute("kernel_shape", window)];
                replace(&mut graph.node[self.unpool], "MaxPoolGrad", vec![x, dy], attributes);
                None
            }
        }
    }
}

/// Windows side by side, no padding: what `MaxPoolGrad` computes.
fn is_plain_pool(node: &NodeProto) -> bool {
    let all = |name: &str, value: i64| ints(node, name).iter().all(|found| *found == value);
    let kernel = ints(node, "kernel_shape");
    ints(node, "strides") == kernel
        && matches!(kernel.len(), 1 | 2)
        && all("pads", 0)
        && all("dilations", 1)
        && int(node, "ceil_mode") == 0
        && int(node, "storage_order") == 0
}

/// Weights and pads of a one-dimensional convolution with stride 1 over `input`, or of a matrix product with it.
fn convolution(node: &NodeProto, input: &str) -> Option<(String, Vec<i64>)> {
    let all = |name: &str| ints(node, name).iter().all(|found| *found == 1);
    match node.input.as_slice() {
        [x, w] if is(node, "Conv") && x == input && all("strides") && all("dilations") => {
            let plain =
                int(node, "group").max(1) == 1 && node.attribute.iter().all(|a| name_of(a) != "auto_pad");
            let pads = ints(node, "pads");
            (plain && ints(node, "kernel_shape").len() == 1)
                .then(|| (w.clone(), if pads.is_empty() { vec![0, 0] } else { pads }))
        }
        [w, x] if is(node, "MatMul") && x == input => Some((w.clone(), vec![0, 0])),
        _ => None,
    }
}

fn replace(node: &mut NodeProto, op: &str, input: Vec<String>, attribute: Vec<AttributeProto>) {
    node.op_type = Some(op.to_owned());
    node.domain = Some(DOMAIN.to_owned());
    node.input = input;
    node.attribute = attribute;
}

fn is(node: &NodeProto, op: &str) -> bool {
    node.op_type.as_deref() == Some(op) && crate::model::is_standard(node.domain.as_deref())
}

fn name_of(attribute: &AttributeProto) -> &str {
    attribute.name.as_deref().unwrap_or("")
}

fn ints(node: &NodeProto, name: &str) -> Vec<i64> {
    node.attribute.iter().find(|a| name_of(a) == name).map_or_else(Vec::new, |a| a.ints.clone())
}

fn int(node: &NodeProto, name: &str) -> i64 {
    node.attribute.iter().find(|a| name_of(a) == name).and_then(|a| a.i).unwrap_or(0)
}

fn attribute(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        ints,
        r#type: Some(attribute_type::INTS),
        ..AttributeProto::default()
    }
}
