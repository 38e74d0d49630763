//! The graph while it is worked on: values, nodes in topological order, and the one way to add a node, which
//! infers its types, folds it when its inputs are constants, and never writes the same node twice.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::attribute::{Attribute, Attributes};
use crate::dim::{Dim, Symbols};
use crate::dtype::DataType;
use crate::partial;
use crate::proto::{GraphProto, TensorProto};
use crate::registry::{Call, Infer, Operator};
use crate::tensor::{Tensor, numel, proto_shape};

/// A value of the graph: an input, a constant, or an output of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(u32);

/// Element type and shape of a value; a shape of `None` has an unknown number of axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Type {
    /// Element type.
    pub dtype: DataType,
    /// Sizes of the axes.
    pub shape: Option<Vec<Dim>>,
}

impl Type {
    /// A type of known rank.
    pub fn new(dtype: DataType, shape: Vec<Dim>) -> Type {
        Type { dtype, shape: Some(shape) }
    }
}

/// A constant's elements: as the model has them, or computed here.
#[derive(Debug, Clone)]
pub(crate) enum Constant {
    Proto(Arc<TensorProto>),
    Tensor(Arc<Tensor>),
}

#[derive(Debug, Clone)]
pub(crate) struct Value {
    pub name: String,
    pub ty: Type,
    pub constant: Option<Constant>,
    /// Symbolic elements, for integer values that hold shapes.
    pub ints: Option<Vec<Dim>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub operator: &'static Operator,
    pub name: String,
    pub inputs: Vec<Option<ValueId>>,
    pub outputs: Vec<Option<ValueId>>,
    pub attributes: Attributes,
    /// Values that the bodies of a control-flow operator read from outside.
    pub captures: Vec<ValueId>,
}

impl Node {
    /// Everything that must be there before this node runs.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.inputs.iter().flatten().chain(&self.captures).copied()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub values: Vec<Value>,
    pub nodes: Vec<Node>,
    pub inputs: Vec<ValueId>,
    pub outputs: Vec<(String, ValueId)>,
    pub symbols: Symbols,
    names: HashSet<String>,
    node_names: HashSet<String>,
    known_nodes: HashMap<NodeKey, usize>,
    known_tensors: HashMap<Vec<u8>, ValueId>,
}

type NodeKey = (&'static str, Vec<Option<ValueId>>, usize, String);

/// Most elements of a tensor.
const LARGEST: i64 = 1 << 40;

/// Constants above this many elements are never evaluated here; ONNX Runtime folds them when it opens the model.
const FOLD_LIMIT: usize = 1 << 16;

impl Graph {
    pub fn value(&self, id: ValueId) -> &Value {
        &self.values[id.0 as usize]
    }

    pub fn value_mut(&mut self, id: ValueId) -> &mut Value {
        &mut self.values[id.0 as usize]
    }

    pub fn value_ids(&self) -> impl Iterator<Item = ValueId> + use<> {
        (0..self.values.len() as u32).map(ValueId)
    }

    pub fn ty(&self, id: ValueId) -> &Type {
        &self.value(id).ty
    }

    /// A name that nothing else has: `wanted` itself, or with a number.
    pub fn unique_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 1;
        while name.is_empty() || self.names.contains(&name) {
            name = format!("{wanted}_{n}");
            n += 1;
        }
        self.names.insert(name.clone());
        name
    }

    /// A name that no other node has.
    pub fn unique_node_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut n = 1;
        while !self.node_names.insert(name.clone()) {
            name = format!("{wanted}_{n}");
            n += 1;
        }
        name
    }

    pub fn add_value(&mut self, name: &str, ty: Type) -> ValueId {
        let fallback = format!("value_{}", self.values.len());
        let name = self.unique_name(if name.is_empty() { &fallback } else { name });
        let id = ValueId(u32::try_from(self.values.len()).expect("fewer than 2^32 values"));
        self.values.push(Value { name, ty, constant: None, ints: None });
        id
    }

    /// A constant of the model, shared and not copied.
    pub fn add_initializer(&mut self, name: &str, proto: Arc<TensorProto>) -> Result<ValueId, crate::Error> {
        let shape = proto_shape(&proto)?;
        let dims = shape.iter().map(|&n| Dim::Known(n as i64)).collect();
        let dtype = DataType::from_code(proto.data_type.unwrap_or(0));
        if dtype != DataType::Text && dtype.size() == 0 {
            return Err(crate::Error::malformed(format!("tensor `{name}` has the unsupported type {dtype}")));
        }
        if numel(&shape) <= FOLD_LIMIT {
            Tensor::from_proto(&proto)
                .or_else(|e| if dtype == DataType::Text { Ok(Tensor::i64(&[0], vec![])) } else { Err(e) })?;
        } else if proto
            .raw_data
            .as_ref()
            .is_some_and(|raw| !raw.is_empty() && raw.len() != numel(&shape) * dtype.size())
        {
            return Err(crate::Error::malformed(format!(
                "tensor `{name}` does not hold {shape:?} elements of {dtype}"
            )));
        }
        let id = self.add_value(name, Type::new(dtype, dims));
        self.value_mut(id).constant = Some(Constant::Proto(proto));
        Ok(id)
    }

    /// A constant computed here; equal small constants are one value.
    pub fn add_constant(&mut self, tensor: Tensor) -> ValueId {
        let tensor = tensor.rounded();
        let key = constant_key(&tensor);
        if let Some(&id) = self.known_tensors.get(&key) {
            return id;
        }
        let dims = tensor.shape.iter().map(|&n| Dim::Known(n as i64)).collect();
        let id = self.add_value(&format!("constant_{}", self.values.len()), Type::new(tensor.dtype, dims));
        self.value_mut(id).constant = Some(Constant::Tensor(Arc::new(tensor)));
        self.known_tensors.insert(key, id);
        id
    }

    /// The elements of a constant of moderate size.
    pub fn constant(&self, id: ValueId) -> Option<Arc<Tensor>> {
        match self.value(id).constant.as_ref()? {
            Constant::Tensor(tensor) => Some(tensor.clone()),
            Constant::Proto(proto) => {
                let size = proto.dims.iter().fold(1i64, |n, &dim| n.saturating_mul(dim));
                let small = usize::try_from(size).is_ok_and(|size| size <= FOLD_LIMIT);
                if small { Tensor::from_proto(proto).ok().map(Arc::new) } else { None }
            }
        }
    }

    /// The elements of an integer value as sizes, as far as they are known before a run.
    pub fn ints(&self, id: ValueId) -> Option<Vec<Dim>> {
        let value = self.value(id);
        if let Some(ints) = &value.ints {
            return Some(ints.clone());
        }
        if value.ty.dtype.is_float() {
            return None;
        }
        Some(self.constant(id)?.to_ints().into_iter().map(Dim::Known).collect())
    }

    /// Adds a node with `n` outputs, or finds what it would compute: its input, a constant, an equal node.
    pub fn add(
        &mut self,
        operator: &'static Operator,
        inputs: &[Option<ValueId>],
        attributes: Attributes,
        n: usize,
        name: &str,
    ) -> Result<Vec<ValueId>, String> {
        let types =
            operator.infer(&mut Infer { graph: self, inputs, attributes: &attributes, outputs: n })?;
        types.iter().try_for_each(check_size)?;
        if types.len() < n {
            return Err(format!("gives {} outputs, not {n}", types.len()));
        }
        if n == 1
            && let Some(same) = self.unchanged(operator, inputs, &types[0])
        {
            return Ok(vec![same]);
        }
        if let Some(folded) = self.fold(operator, inputs, &attributes, &types[..n])? {
            return Ok(folded);
        }
        let ints =
            if n == 1 { partial::ints(self, operator.name, inputs, &attributes, &types[0]) } else { None };
        if let Some(id) = ints.as_ref().and_then(|ints| self.known_ints(ints, &types[0])) {
            return Ok(vec![id]);
        }
        let key = (operator.name, inputs.to_vec(), n, format!("{attributes:?}"));
        if let Some(&index) = self.known_nodes.get(&key) {
            return Ok(self.nodes[index].outputs.iter().flatten().copied().collect());
        }
        let ids =
            self.push(operator, inputs, attributes, types.into_iter().take(n).collect(), name, Vec::new());
        self.value_mut(ids[0]).ints = ints;
        self.known_nodes.insert(key, self.nodes.len() - 1);
        Ok(ids)
    }

    /// Adds a node whose output types the caller knows: control flow, whose bodies are not looked into.
    pub fn push(
        &mut self,
        operator: &'static Operator,
        inputs: &[Option<ValueId>],
        attributes: Attributes,
        types: Vec<Type>,
        name: &str,
        captures: Vec<ValueId>,
    ) -> Vec<ValueId> {
        let wanted =
            if name.is_empty() { format!("{}_{}", operator.name, self.nodes.len()) } else { name.to_owned() };
        let ids: Vec<ValueId> = types
            .into_iter()
            .enumerate()
            .map(|(i, ty)| self.add_value(&format!("{wanted}:{i}"), ty))
            .collect();
        let name = self.unique_node_name(&wanted);
        self.nodes.push(Node {
            operator,
            name,
            inputs: inputs.to_vec(),
            outputs: ids.iter().copied().map(Some).collect(),
            attributes,
            captures,
        });
        ids
    }

    /// As `push`, but an equal node with an equal body is found again.
    pub fn push_once(
        &mut self,
        operator: &'static Operator,
        inputs: &[Option<ValueId>],
        attributes: Attributes,
        types: Vec<Type>,
        captures: Vec<ValueId>,
    ) -> Vec<ValueId> {
        let key = (operator.name, inputs.to_vec(), types.len(), format!("{attributes:?}"));
        if let Some(&index) = self.known_nodes.get(&key) {
            return self.nodes[index].outputs.iter().flatten().copied().collect();
        }
        let ids = self.push(operator, inputs, attributes, types, "", captures);
        self.known_nodes.insert(key, self.nodes.len() - 1);
        ids
    }

    /// Output `k` of a node, requested if it was not there.
    pub fn extra_output(&mut self, node: usize, k: usize) -> Result<ValueId, String> {
        let Node { operator, inputs, attributes, outputs, name, .. } = self.nodes[node].clone();
        if let Some(Some(id)) = outputs.get(k) {
            return Ok(*id);
        }
        let n = outputs.len().max(k + 1);
        let types = operator.infer(&mut Infer {
            graph: self,
            inputs: &inputs,
            attributes: &attributes,
            outputs: n,
        })?;
        let ty = types.get(k).cloned().ok_or_else(|| format!("has no output {k}"))?;
        let id = self.add_value(&format!("{name}:{k}"), ty);
        self.nodes[node].outputs.resize(n, None);
        self.nodes[node].outputs[k] = Some(id);
        Ok(id)
    }

    /// The input of an operator that changes nothing here.
    fn unchanged(&self, operator: &Operator, inputs: &[Option<ValueId>], ty: &Type) -> Option<ValueId> {
        let input = (*inputs.first()?)?;
        let moves = matches!(
            operator.name,
            "Identity"
                | "Reshape"
                | "Squeeze"
                | "Unsqueeze"
                | "Flatten"
                | "Expand"
                | "Cast"
                | "Slice"
                | "Tile"
        );
        let same = self.ty(input) == ty && (ty.shape.is_some() || operator.name == "Identity");
        let reversed = operator.name == "Slice" && !self.slices_forward(inputs);
        (moves && same && !reversed).then_some(input)
    }

    fn slices_forward(&self, inputs: &[Option<ValueId>]) -> bool {
        match inputs.get(4) {
            None | Some(None) => true,
            Some(Some(steps)) => {
                self.constant(*steps).is_some_and(|s| s.to_ints().iter().all(|&step| step == 1))
            }
        }
    }

    fn fold(
        &mut self,
        operator: &'static Operator,
        inputs: &[Option<ValueId>],
        attributes: &Attributes,
        types: &[Type],
    ) -> Result<Option<Vec<ValueId>>, String> {
        if !operator.exact || !types.iter().all(|ty| self.worth_folding(ty, inputs)) {
            return Ok(None);
        }
        let constants: Option<Vec<Option<Arc<Tensor>>>> = inputs
            .iter()
            .map(|input| match input {
                None => Some(None),
                Some(id) => self.constant(*id).map(Some),
            })
            .collect();
        let Some(constants) = constants else { return Ok(None) };
        let inputs: Vec<Option<&Tensor>> = constants.iter().map(Option::as_deref).collect();
        let call = Call { op: operator.name, inputs: &inputs, attributes, outputs: types.len() };
        let Ok(tensors) = operator.forward(&call) else { return Ok(None) };
        Ok(Some(tensors.into_iter().take(types.len()).map(|tensor| self.add_constant(tensor)).collect()))
    }

    /// Folding must not blow a small description up into a large constant.
    fn worth_folding(&self, ty: &Type, inputs: &[Option<ValueId>]) -> bool {
        let size = |ty: &Type| -> Option<usize> {
            let dims: Option<Vec<usize>> =
                ty.shape.as_ref()?.iter().map(|dim| usize::try_from(dim.known()?).ok()).collect();
            Some(numel(&dims?))
        };
        let given: usize = inputs.iter().flatten().filter_map(|&id| size(self.ty(id))).sum();
        size(ty).is_some_and(|n| n <= 256 || (n <= FOLD_LIMIT && n <= 2 * given))
    }

    fn known_ints(&mut self, ints: &[Dim], ty: &Type) -> Option<ValueId> {
        let values: Vec<i64> = ints.iter().map(|dim| dim.known()).collect::<Option<_>>()?;
        let shape: Vec<usize> =
            ty.shape.as_ref()?.iter().map(|dim| usize::try_from(dim.known()?).ok()).collect::<Option<_>>()?;
        if values.len() != numel(&shape) {
            return None;
        }
        let tensor = Tensor::i64(&shape, values).cast(ty.dtype);
        Some(self.add_constant(tensor))
    }

    /// After nodes were moved: equal nodes are no longer found by their old places.
    pub fn forget_nodes(&mut self) {
        self.known_nodes.clear();
    }

    /// The values of this graph that a body reads by name.
    pub fn captures(&self, attributes: &Attributes, by_name: &HashMap<String, ValueId>) -> Vec<ValueId> {
        let mut names = HashSet::new();
        for attribute in attributes.0.values() {
            if let Attribute::Graph(body) = attribute {
                outer_names(body, &mut names);
            }
        }
        let mut ids: Vec<ValueId> = names.iter().filter_map(|name| by_name.get(name).copied()).collect();
        ids.sort();
        ids
    }
}

/// Sizes beyond any memory are refused here, so that arithmetic on sizes cannot overflow anywhere else.
pub(crate) fn check_size(ty: &Type) -> Result<(), String> {
    let Some(dims) = &ty.shape else { return Ok(()) };
    let sizes: Vec<i64> = dims.iter().filter_map(|dim| dim.known()).collect();
    let elements = sizes.iter().fold(1i64, |n, &size| n.saturating_mul(size.max(1)));
    if sizes.iter().any(|size| !(0..=LARGEST).contains(size)) || elements > LARGEST {
        return Err(format!("a tensor of shape {sizes:?} is beyond all memory"));
    }
    Ok(())
}

fn constant_key(tensor: &Tensor) -> Vec<u8> {
    let mut key = tensor.to_proto("").raw_data.map(|raw| raw.to_vec()).unwrap_or_default();
    key.extend_from_slice(format!("{}{:?}", tensor.dtype, tensor.shape).as_bytes());
    key
}

/// Names that a body reads and does not define.
pub(crate) fn outer_names(body: &GraphProto, names: &mut HashSet<String>) {
    let mut own: HashSet<&str> = body.input.iter().filter_map(|v| v.name.as_deref()).collect();
    own.extend(body.initializer.iter().filter_map(|t| t.name.as_deref()));
    own.extend(body.node.iter().flat_map(|node| node.output.iter().map(String::as_str)));
    let mut read: HashSet<String> = body.node.iter().flat_map(|node| node.input.iter().cloned()).collect();
    read.extend(body.output.iter().filter_map(|v| v.name.clone()));
    for inner in
        body.node.iter().flat_map(|node| &node.attribute).filter_map(|attribute| attribute.g.as_ref())
    {
        outer_names(inner, &mut read);
    }
    names.extend(read.into_iter().filter(|name| !name.is_empty() && !own.contains(name.as_str())));
}
