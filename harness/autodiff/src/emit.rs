//! Graph to model: what the outputs need and nothing else, in standard operators of one operator set.

use std::collections::{HashMap, HashSet};

use crate::body::value_info;
use crate::dim::Dim;
use crate::graph::{Constant, Graph, Node, ValueId};
use crate::model::Model;
use crate::proto::{
    GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
    ValueInfoProto,
};

/// The canonical operator set: every ONNX Runtime since 1.14 runs it, and CUDA kernels exist for it.
pub(crate) const TARGET_OPSET: i64 = 18;
/// The file format that goes with it.
const IR_VERSION: i64 = 8;

/// Writes the graph as a model; `notes` join the source's metadata.
pub(crate) fn emit(graph: &Graph, source: &Model, notes: &[(&str, String)]) -> Model {
    let live = live_nodes(graph);
    let read = read_values(graph, &live);
    let axis_name = |dim: Dim| graph.symbols.name(dim).map(str::to_owned);
    let info = |name: &str, id: ValueId| value_info(name, graph.ty(id), axis_name);
    let boundary: Vec<ValueInfoProto> =
        graph.inputs.iter().map(|&id| info(&graph.value(id).name, id)).collect();
    let mut nodes: Vec<NodeProto> = live.iter().map(|&i| node(graph, &graph.nodes[i], &read)).collect();
    nodes.extend(graph.outputs.iter().filter(|(name, id)| graph.value(*id).name != *name).map(
        |(name, id)| NodeProto {
            input: vec![graph.value(*id).name.clone()],
            output: vec![name.clone()],
            name: Some(format!("output/{name}")),
            op_type: Some("Identity".into()),
            ..NodeProto::default()
        },
    ));
    let proto = GraphProto {
        node: nodes,
        name: source.proto.graph.as_ref().and_then(|graph| graph.name.clone()).or(Some("graph".into())),
        initializer: constants(graph, &read),
        input: boundary,
        output: graph.outputs.iter().map(|(name, id)| info(name, *id)).collect(),
        ..GraphProto::default()
    };
    Model { proto: wrap(proto, source, notes) }
}

fn wrap(graph: GraphProto, source: &Model, notes: &[(&str, String)]) -> ModelProto {
    let mut metadata_props = source.proto.metadata_props.clone();
    metadata_props.extend(notes.iter().map(|(key, value)| StringStringEntryProto {
        key: Some((*key).to_owned()),
        value: Some(value.clone()),
    }));
    ModelProto {
        ir_version: Some(IR_VERSION),
        producer_name: Some("seraph".into()),
        producer_version: Some(env!("CARGO_PKG_VERSION").into()),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(TARGET_OPSET) }],
        metadata_props,
        ..ModelProto::default()
    }
}

/// Indices of the nodes that an output needs, in order.
fn live_nodes(graph: &Graph) -> Vec<usize> {
    let mut maker: HashMap<ValueId, usize> = HashMap::new();
    for (i, node) in graph.nodes.iter().enumerate() {
        node.outputs.iter().flatten().for_each(|&id| {
            maker.insert(id, i);
        });
    }
    let mut live = HashSet::new();
    let mut open: Vec<ValueId> = graph.outputs.iter().map(|(_, id)| *id).collect();
    while let Some(id) = open.pop() {
        if let Some(&i) = maker.get(&id)
            && live.insert(i)
        {
            open.extend(graph.nodes[i].reads());
        }
    }
    let mut live: Vec<usize> = live.into_iter().collect();
    live.sort_unstable();
    live
}

fn read_values(graph: &Graph, live: &[usize]) -> HashSet<ValueId> {
    let of_nodes = live.iter().flat_map(|&i| graph.nodes[i].reads());
    of_nodes.chain(graph.outputs.iter().map(|(_, id)| *id)).collect()
}

fn node(graph: &Graph, node: &Node, read: &HashSet<ValueId>) -> NodeProto {
    let name = |id: &Option<ValueId>| id.map_or_else(String::new, |id| graph.value(id).name.clone());
    // Outputs that an operator may leave out are written only where something reads them.
    let output = |(i, id): (usize, &Option<ValueId>)| match id {
        Some(value) if i > 0 && may_omit_outputs(node) && !read.contains(value) => String::new(),
        _ => name(id),
    };
    let mut outputs: Vec<String> = node.outputs.iter().enumerate().map(output).collect();
    while outputs.len() > 1 && outputs.last().is_some_and(String::is_empty) {
        outputs.pop();
    }
    NodeProto {
        input: node.inputs.iter().map(name).collect(),
        output: outputs,
        name: Some(node.name.clone()),
        op_type: Some(node.operator.name.to_owned()),
        attribute: node.attributes.to_protos(),
        ..NodeProto::default()
    }
}

fn may_omit_outputs(node: &Node) -> bool {
    match node.operator.name {
        "MaxPool" | "LSTM" | "GRU" | "RNN" | "LayerNormalization" => true,
        "BatchNormalization" => node.attributes.int_or("training_mode", 0) == 0,
        _ => false,
    }
}

fn constants(graph: &Graph, read: &HashSet<ValueId>) -> Vec<TensorProto> {
    let mut ids: Vec<ValueId> =
        read.iter().copied().filter(|&id| graph.value(id).constant.is_some()).collect();
    ids.sort();
    ids.into_iter()
        .filter_map(|id| {
            let value = graph.value(id);
            Some(match value.constant.as_ref()? {
                Constant::Tensor(tensor) => tensor.to_proto(&value.name),
                Constant::Proto(proto) => {
                    TensorProto { name: Some(value.name.clone()), ..proto.as_ref().clone() }
                }
            })
        })
        .collect()
}
