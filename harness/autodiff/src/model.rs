//! A model as bytes and as messages, and what stands at its boundary.

use prost::Message;
use prost::bytes::Bytes;

use crate::dtype::DataType;
use crate::error::Error;
use crate::proto::{ModelProto, ValueInfoProto};

/// A parsed ONNX model.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    pub(crate) proto: ModelProto,
}

/// Name, element type and shape of an input or output.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: DataType,
    /// Its axes; `None` when the model does not say how many there are.
    pub axes: Option<Vec<Axis>>,
}

/// Size of an axis at the model's boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Axis {
    /// Fixed.
    Fixed(usize),
    /// Any; the model may name it.
    Dynamic(Option<String>),
}

/// Operator sets that can be read.
pub(crate) const OPSETS: std::ops::RangeInclusive<i64> = 7..=24;

impl Model {
    /// Parses a model; weights are copied once, here, and shared from then on.
    ///
    /// # Errors
    /// When the bytes are no ONNX model, or its operator set is outside 7..=24.
    pub fn from_bytes(bytes: &[u8]) -> Result<Model, Error> {
        Model::from_vec(bytes.to_vec())
    }

    /// As [`Model::from_bytes`], with no copy of the weights at all.
    ///
    /// # Errors
    /// As [`Model::from_bytes`].
    pub fn from_vec(bytes: Vec<u8>) -> Result<Model, Error> {
        let proto = ModelProto::decode(Bytes::from(bytes))
            .map_err(|error| Error::Decode { message: error.to_string() })?;
        if proto.graph.is_none() {
            return Err(Error::Decode { message: "it has no graph".into() });
        }
        let model = Model { proto };
        let opset = model.opset();
        if !OPSETS.contains(&opset) {
            return Err(Error::Opset { found: opset, first: *OPSETS.start(), last: *OPSETS.end() });
        }
        Ok(model)
    }

    /// Writes the model.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.proto.encode_to_vec()
    }

    /// Version of the standard operator set; 1 when the model names none.
    pub fn opset(&self) -> i64 {
        let standard = self.proto.opset_import.iter().find(|set| is_standard(set.domain.as_deref()));
        standard.and_then(|set| set.version).unwrap_or(1)
    }

    /// What a caller feeds: inputs without those that only give an initialiser's type.
    pub fn inputs(&self) -> Vec<ValueInfo> {
        let Some(graph) = &self.proto.graph else { return Vec::new() };
        let is_constant = |name: &str| graph.initializer.iter().any(|t| t.name.as_deref() == Some(name));
        graph.input.iter().map(value_info).filter(|info| !is_constant(&info.name)).collect()
    }

    /// What a run gives.
    pub fn outputs(&self) -> Vec<ValueInfo> {
        self.proto.graph.iter().flat_map(|graph| &graph.output).map(value_info).collect()
    }

    /// The model's own notes, key and value.
    pub fn metadata(&self) -> Vec<(String, String)> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        self.proto.metadata_props.iter().map(|entry| (text(&entry.key), text(&entry.value))).collect()
    }

    /// How many nodes the main graph has.
    pub fn node_count(&self) -> usize {
        self.proto.graph.as_ref().map_or(0, |graph| graph.node.len())
    }

    /// The operators of the main graph in order, by type.
    pub fn operators(&self) -> impl Iterator<Item = &str> {
        self.proto
            .graph
            .iter()
            .flat_map(|graph| &graph.node)
            .map(|node| node.op_type.as_deref().unwrap_or(""))
    }
}

/// Whether a domain is the standard one.
pub(crate) fn is_standard(domain: Option<&str>) -> bool {
    matches!(domain, None | Some("" | "ai.onnx"))
}

fn value_info(proto: &ValueInfoProto) -> ValueInfo {
    let tensor = proto.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref());
    let axis = |dim: &crate::proto::DimensionProto| match dim.dim_value {
        Some(size) if size > 0 => Axis::Fixed(size as usize),
        _ => Axis::Dynamic(dim.dim_param.clone().filter(|name| !name.is_empty())),
    };
    ValueInfo {
        name: proto.name.clone().unwrap_or_default(),
        dtype: DataType::from_code(tensor.and_then(|t| t.elem_type).unwrap_or(0)),
        axes: tensor.and_then(|t| t.shape.as_ref()).map(|shape| shape.dim.iter().map(axis).collect()),
    }
}
