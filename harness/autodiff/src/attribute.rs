//! Attributes of nodes, typed.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::bytes::Bytes;

use crate::error::Error;
use crate::proto::{AttributeProto, GraphProto, TensorProto, attribute_type};
use crate::tensor::Tensor;

/// One attribute's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Attribute {
    /// `INT`.
    Int(i64),
    /// `FLOAT`.
    Float(f32),
    /// `STRING`.
    Text(String),
    /// `INTS`.
    Ints(Vec<i64>),
    /// `FLOATS`.
    Floats(Vec<f32>),
    /// `STRINGS`.
    Texts(Vec<String>),
    /// `TENSOR`.
    Tensor(Arc<TensorProto>),
    /// `GRAPH`: the body of a control-flow operator.
    Graph(Arc<GraphProto>),
}

macro_rules! from {
    ($($type:ty => |$value:ident| $attribute:expr),* $(,)?) => {
        $(impl From<$type> for Attribute {
            fn from($value: $type) -> Attribute {
                $attribute
            }
        })*
    };
}

from! {
    i64 => |v| Attribute::Int(v),
    f32 => |v| Attribute::Float(v),
    &str => |v| Attribute::Text(v.to_owned()),
    Vec<i64> => |v| Attribute::Ints(v),
    &[i64] => |v| Attribute::Ints(v.to_vec()),
    Vec<String> => |v| Attribute::Texts(v),
    GraphProto => |v| Attribute::Graph(Arc::new(v)),
    &Tensor => |v| Attribute::Tensor(Arc::new(v.to_proto(""))),
}

/// The attributes of one node, by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributes(pub BTreeMap<String, Attribute>);

impl Attributes {
    /// No attributes.
    pub fn new() -> Attributes {
        Attributes::default()
    }

    /// These attributes and one more.
    pub fn with(mut self, name: &str, value: impl Into<Attribute>) -> Attributes {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Adds or replaces one.
    pub fn set(&mut self, name: &str, value: impl Into<Attribute>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Takes one away.
    pub fn remove(&mut self, name: &str) -> Option<Attribute> {
        self.0.remove(name)
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// An integer.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.0.get(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// An integer, or its default.
    pub fn int_or(&self, name: &str, default: i64) -> i64 {
        self.int(name).unwrap_or(default)
    }

    /// A float, or its default.
    pub fn float_or(&self, name: &str, default: f32) -> f32 {
        match self.0.get(name) {
            Some(Attribute::Float(value)) => *value,
            _ => default,
        }
    }

    /// A string, or its default.
    pub fn text_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        match self.0.get(name) {
            Some(Attribute::Text(value)) => value,
            _ => default,
        }
    }

    /// A list of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.0.get(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }

    /// A list of integers, or `n` times the default.
    pub fn ints_or(&self, name: &str, n: usize, default: i64) -> Vec<i64> {
        self.ints(name).map_or_else(|| vec![default; n], <[i64]>::to_vec)
    }

    /// A list of strings.
    pub fn texts(&self, name: &str) -> Option<&[String]> {
        match self.0.get(name) {
            Some(Attribute::Texts(values)) => Some(values),
            _ => None,
        }
    }

    /// A tensor.
    pub fn tensor(&self, name: &str) -> Option<&TensorProto> {
        match self.0.get(name) {
            Some(Attribute::Tensor(value)) => Some(value),
            _ => None,
        }
    }

    /// A graph.
    pub fn graph(&self, name: &str) -> Option<&Arc<GraphProto>> {
        match self.0.get(name) {
            Some(Attribute::Graph(value)) => Some(value),
            _ => None,
        }
    }

    /// Reads a node's attributes.
    ///
    /// # Errors
    /// When one has no name or is of a kind that no standard operator of a differentiable model uses.
    pub fn from_protos(protos: &[AttributeProto]) -> Result<Attributes, Error> {
        let mut attributes = Attributes::new();
        for proto in protos {
            let name = proto.name.clone().unwrap_or_default();
            attributes.0.insert(name, from_proto(proto)?);
        }
        Ok(attributes)
    }

    /// Writes the attributes.
    pub fn to_protos(&self) -> Vec<AttributeProto> {
        self.0.iter().map(|(name, value)| to_proto(name, value)).collect()
    }
}

fn from_proto(proto: &AttributeProto) -> Result<Attribute, Error> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    Ok(match kind(proto) {
        attribute_type::FLOAT => Attribute::Float(proto.f.unwrap_or(0.0)),
        attribute_type::INT => Attribute::Int(proto.i.unwrap_or(0)),
        attribute_type::STRING => Attribute::Text(proto.s.as_ref().map(text).unwrap_or_default()),
        attribute_type::TENSOR => Attribute::Tensor(Arc::new(proto.t.clone().unwrap_or_default())),
        attribute_type::GRAPH => Attribute::Graph(Arc::new(proto.g.clone().unwrap_or_default())),
        attribute_type::FLOATS => Attribute::Floats(proto.floats.clone()),
        attribute_type::INTS => Attribute::Ints(proto.ints.clone()),
        attribute_type::STRINGS => Attribute::Texts(proto.strings.iter().map(text).collect()),
        other => {
            let name = proto.name.as_deref().unwrap_or("");
            return Err(Error::malformed(format!("attribute `{name}` is of the unsupported kind {other}")));
        }
    })
}

/// The declared kind; files older than IR version 2 declare none, and the filled field tells.
fn kind(proto: &AttributeProto) -> i32 {
    let filled = [
        (proto.f.is_some(), attribute_type::FLOAT),
        (proto.i.is_some(), attribute_type::INT),
        (proto.s.is_some(), attribute_type::STRING),
        (proto.t.is_some(), attribute_type::TENSOR),
        (proto.g.is_some(), attribute_type::GRAPH),
        (!proto.floats.is_empty(), attribute_type::FLOATS),
        (!proto.ints.is_empty(), attribute_type::INTS),
        (!proto.strings.is_empty(), attribute_type::STRINGS),
    ];
    match proto.r#type {
        Some(declared) if declared != 0 => declared,
        _ => filled.iter().find(|(is_filled, _)| *is_filled).map_or(attribute_type::INTS, |row| row.1),
    }
}

fn to_proto(name: &str, value: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    proto.r#type = Some(match value {
        Attribute::Int(v) => {
            proto.i = Some(*v);
            attribute_type::INT
        }
        Attribute::Float(v) => {
            proto.f = Some(*v);
            attribute_type::FLOAT
        }
        Attribute::Text(v) => {
            proto.s = Some(Bytes::from(v.clone()));
            attribute_type::STRING
        }
        Attribute::Ints(v) => {
            proto.ints.clone_from(v);
            attribute_type::INTS
        }
        Attribute::Floats(v) => {
            proto.floats.clone_from(v);
            attribute_type::FLOATS
        }
        Attribute::Texts(v) => {
            proto.strings = v.iter().map(|text| Bytes::from(text.clone())).collect();
            attribute_type::STRINGS
        }
        Attribute::Tensor(v) => {
            proto.t = Some(v.as_ref().clone());
            attribute_type::TENSOR
        }
        Attribute::Graph(v) => {
            proto.g = Some(v.as_ref().clone());
            attribute_type::GRAPH
        }
    });
    proto
}
