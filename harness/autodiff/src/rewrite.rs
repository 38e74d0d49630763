//! Rewrites that make the gradient cheaper and leave the outputs as they are.

use std::collections::HashMap;

use crate::graph::{Graph, Node, ValueId};

/// `MaxPool(act(x))` becomes `act(MaxPool(x))` for activations that never fall: the activation and its gradient then
/// run on the pooled tensor. Returns how many were moved.
pub(crate) fn pool_before_activation(graph: &mut Graph) -> usize {
    let mut readers: HashMap<ValueId, usize> = HashMap::new();
    graph.nodes.iter().flat_map(Node::reads).for_each(|id| *readers.entry(id).or_default() += 1);
    graph.outputs.iter().for_each(|(_, id)| *readers.entry(*id).or_default() += 1);
    let maker: HashMap<ValueId, usize> =
        graph.nodes.iter().enumerate().filter_map(|(i, node)| Some(((*node.outputs.first()?)?, i))).collect();
    let mut moved = HashMap::new();
    for (pool, node) in graph.nodes.iter().enumerate().filter(|(_, node)| is_plain_max_pool(node)) {
        let activation =
            node.inputs[0].filter(|id| readers.get(id) == Some(&1)).and_then(|id| maker.get(&id));
        if let Some(&activation) = activation.filter(|&&i| never_falls(&graph.nodes[i])) {
            moved.insert(pool, activation);
        }
    }
    exchange(graph, &moved);
    moved.len()
}

fn is_plain_max_pool(node: &Node) -> bool {
    node.operator.name == "MaxPool" && node.outputs.len() == 1
}

fn never_falls(node: &Node) -> bool {
    match node.operator.name {
        "Relu" | "Sigmoid" | "Tanh" | "Softplus" | "Softsign" => true,
        "LeakyRelu" => node.attributes.float_or("alpha", 0.01) >= 0.0,
        "Elu" => node.attributes.float_or("alpha", 1.0) >= 0.0,
        "HardSigmoid" => node.attributes.float_or("alpha", 0.2) >= 0.0,
        _ => false,
    }
}

/// The value between the two nodes becomes the pooled one; the activation follows the pool.
fn exchange(graph: &mut Graph, moved: &HashMap<usize, usize>) {
    let mut after: HashMap<usize, Node> = HashMap::new();
    for (&pool, &activation) in moved {
        let (before, between, pooled) =
            (graph.nodes[activation].inputs[0], graph.nodes[pool].inputs[0], graph.nodes[pool].outputs[0]);
        let (Some(between), Some(pooled)) = (between, pooled) else { continue };
        graph.value_mut(between).ty = graph.ty(pooled).clone();
        let mut follower = graph.nodes[activation].clone();
        (follower.inputs[0], follower.outputs[0]) = (Some(between), Some(pooled));
        (graph.nodes[pool].inputs[0], graph.nodes[pool].outputs[0]) = (before, Some(between));
        after.insert(pool, follower);
    }
    let dropped: std::collections::HashSet<usize> = moved.values().copied().collect();
    let nodes = std::mem::take(&mut graph.nodes);
    for (i, node) in nodes.into_iter().enumerate() {
        if !dropped.contains(&i) {
            graph.nodes.push(node);
        }
        graph.nodes.extend(after.remove(&i));
    }
    graph.forget_nodes();
}
