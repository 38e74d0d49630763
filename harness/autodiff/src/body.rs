//! Writing the bodies of Scan nodes.

use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::graph::Type;
use crate::proto::{
    DimensionProto, GraphProto, NodeProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};

/// A body under construction. Names inside carry a prefix that no value outside has.
pub(crate) struct Body {
    graph: GraphProto,
}

impl Body {
    /// A body called `name` with the given inputs: states first, then slices of the sequences.
    pub fn new(name: &str, inputs: &[(&str, &Type)]) -> Body {
        let input = inputs.iter().map(|(name, ty)| value_info(name, ty, |_| None)).collect();
        Body { graph: GraphProto { name: Some(name.to_owned()), input, ..GraphProto::default() } }
    }

    /// Adds `output = op(inputs)`.
    pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Attributes) -> &mut Body {
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|&name| name.to_owned()).collect(),
            output: vec![output.to_owned()],
            name: Some(format!("{}.{output}", self.graph.name.as_deref().unwrap_or(""))),
            op_type: Some(op.to_owned()),
            attribute: attributes.to_protos(),
            ..NodeProto::default()
        });
        self
    }

    /// The finished body, with its outputs: final states, then slices of the stacked outputs.
    pub fn outputs(mut self, outputs: &[(&str, &Type)]) -> GraphProto {
        self.graph.output = outputs.iter().map(|(name, ty)| value_info(name, ty, |_| None)).collect();
        self.graph
    }
}

/// Name, type and shape of a value, with the model's own names for its symbolic axes.
pub(crate) fn value_info(name: &str, ty: &Type, axis_name: impl Fn(Dim) -> Option<String>) -> ValueInfoProto {
    let dimension = |dim: &Dim| DimensionProto {
        dim_value: dim.known(),
        dim_param: if dim.known().is_none() { axis_name(*dim) } else { None },
    };
    let shape = ty.shape.as_ref().map(|dims| TensorShapeProto { dim: dims.iter().map(dimension).collect() });
    let tensor = TensorTypeProto { elem_type: Some(ty.dtype.code()), shape };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}
