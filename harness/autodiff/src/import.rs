//! Model to graph: functions inlined, old forms modernised, composites lowered, constant branches taken, shape
//! arithmetic folded.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::attribute::{Attribute, Attributes};
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::error::Error;
use crate::graph::{Graph, Type, ValueId, check_size, outer_names};
use crate::lower::lowering;
use crate::model::{Model, is_standard};
use crate::opset::{Spec, modernise};
use crate::proto::{FunctionProto, GraphProto, NodeProto, TensorProto, ValueInfoProto};
use crate::registry;
use crate::tensor::Tensor;
use crate::var::{Builder, Var};

/// Shapes that the caller pins, by input name.
pub(crate) type Shapes = BTreeMap<String, Vec<Option<usize>>>;

/// Functions may call functions this deep, and bodies nest this deep.
const DEEPEST: usize = 32;
/// Bound on the nodes of the graph: beyond it a file is hostile, not large.
const MOST_NODES: usize = 1 << 20;

/// Reads a model into a graph under construction; `reserved` names are kept for the caller.
pub(crate) fn import(model: &Model, shapes: &Shapes, reserved: &[String]) -> Result<Builder, Error> {
    let proto = model.proto.graph.as_ref().ok_or_else(|| Error::malformed("there is no graph"))?;
    if !proto.sparse_initializer.is_empty() {
        return Err(Error::malformed("sparse initialisers are not supported"));
    }
    let mut graph = Graph::default();
    reserved.iter().for_each(|name| {
        graph.unique_name(name);
    });
    let builder = Builder::new(graph);
    let functions = model.proto.functions.iter().map(|f| (function_key(f), f)).collect();
    let importer = Importer { g: &builder, functions, opset: model.opset() };
    let mut scope = HashMap::new();
    importer.boundary(proto, shapes, &mut scope)?;
    importer.nodes(&proto.node, &mut scope, importer.opset, 0)?;
    let outputs: Result<Vec<_>, Error> = proto
        .output
        .iter()
        .map(|output| {
            let name = output.name.clone().unwrap_or_default();
            Ok((name.clone(), find(&scope, &name, "the outputs")?))
        })
        .collect();
    builder.graph.borrow_mut().outputs = outputs?;
    Ok(builder)
}

/// Most steps of a Loop or Scan that are written out, and most nodes that they may make.
const MOST_STEPS: usize = 1024;
const MOST_UNROLLED: usize = 1 << 14;

type Scope = HashMap<String, ValueId>;
type FunctionKey = (String, String, String);

fn function_key(function: &FunctionProto) -> FunctionKey {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    (text(&function.domain), text(&function.name), text(&function.overload))
}

struct Importer<'m> {
    g: &'m Builder,
    functions: HashMap<FunctionKey, &'m FunctionProto>,
    opset: i64,
}

fn find(scope: &Scope, name: &str, reader: &str) -> Result<ValueId, Error> {
    let missing = || Error::malformed(format!("`{name}`, read by {reader}, is not defined before it"));
    scope.get(name).copied().ok_or_else(missing)
}

impl Importer<'_> {
    fn boundary(&self, proto: &GraphProto, shapes: &Shapes, scope: &mut Scope) -> Result<(), Error> {
        let constants: HashSet<&str> = proto.initializer.iter().filter_map(|t| t.name.as_deref()).collect();
        for input in &proto.input {
            let name = input.name.clone().unwrap_or_default();
            if constants.contains(name.as_str()) {
                continue; // An initialiser that is listed as an input too is taken as the constant it defaults to.
            }
            let ty = self.input_type(input, shapes.get(&name))?;
            check_size(&ty).map_err(|message| Error::malformed(format!("input `{name}`: {message}")))?;
            let mut graph = self.g.graph.borrow_mut();
            let id = graph.add_value(&name, ty);
            if graph.value(id).name != name || scope.insert(name.clone(), id).is_some() {
                return Err(Error::malformed(format!("the input name `{name}` is taken")));
            }
            graph.inputs.push(id);
        }
        if let Some(name) = shapes.keys().find(|name| !scope.contains_key(*name)) {
            let known = proto.input.iter().filter_map(|i| i.name.clone()).collect::<Vec<_>>().join(", ");
            let message = format!("the model has no such input; its inputs are {known}");
            return Err(Error::Shape { input: name.clone(), message });
        }
        proto.initializer.iter().try_for_each(|tensor| self.initializer(tensor, scope))
    }

    fn initializer(&self, tensor: &TensorProto, scope: &mut Scope) -> Result<(), Error> {
        let name = tensor.name.clone().unwrap_or_default();
        let id = self.g.graph.borrow_mut().add_initializer(&name, Arc::new(tensor.clone()))?;
        scope.insert(name, id);
        Ok(())
    }

    fn input_type(&self, input: &ValueInfoProto, pinned: Option<&Vec<Option<usize>>>) -> Result<Type, Error> {
        let name = input.name.clone().unwrap_or_default();
        let refuse = |message: String| Error::Shape { input: name.clone(), message };
        let Some(tensor) = input.r#type.as_ref().and_then(|ty| ty.tensor_type.as_ref()) else {
            return Err(Error::malformed(format!("input `{name}` is not a tensor")));
        };
        let dtype = DataType::from_code(tensor.elem_type.unwrap_or(0));
        let mut graph = self.g.graph.borrow_mut();
        let declared: Option<Vec<Dim>> = tensor.shape.as_ref().map(|shape| {
            let symbols = &mut graph.symbols;
            let axis = |dim: &crate::proto::DimensionProto| match (&dim.dim_value, &dim.dim_param) {
                (Some(size), _) if *size >= 0 => Dim::Known(*size),
                (_, Some(name)) if !name.is_empty() => symbols.named(name),
                _ => symbols.fresh(),
            };
            shape.dim.iter().map(axis).collect()
        });
        let Some(pinned) = pinned else { return Ok(Type { dtype, shape: declared }) };
        let declared = match declared {
            Some(declared) if declared.len() != pinned.len() => {
                return Err(refuse(format!("{} axes given, the model has {}", pinned.len(), declared.len())));
            }
            Some(declared) => declared,
            None => pinned.iter().map(|_| graph.symbols.fresh()).collect(),
        };
        let mut shape = Vec::new();
        for (axis, (declared, pinned)) in declared.into_iter().zip(pinned).enumerate() {
            shape.push(match (declared, pinned.map(|n| n as i64)) {
                (Dim::Known(fixed), Some(n)) if fixed != n => {
                    return Err(refuse(format!("axis {axis} is fixed at {fixed} in the model, not {n}")));
                }
                (_, Some(n)) => Dim::Known(n),
                (declared, None) => declared,
            });
        }
        Ok(Type { dtype, shape: Some(shape) })
    }

    fn nodes(&self, nodes: &[NodeProto], scope: &mut Scope, opset: i64, depth: usize) -> Result<(), Error> {
        if depth > DEEPEST {
            return Err(Error::malformed(format!("functions or bodies nest deeper than {DEEPEST}")));
        }
        for node in nodes {
            if self.g.graph.borrow().nodes.len() > MOST_NODES {
                return Err(Error::malformed(format!("there are more than {MOST_NODES} nodes")));
            }
            let values = self.node(node, scope, opset, depth)?;
            for (name, id) in node.output.iter().zip(values) {
                if !name.is_empty() && scope.insert(name.clone(), id).is_some() {
                    return Err(Error::malformed(format!("`{name}` is defined twice")));
                }
            }
        }
        Ok(())
    }

    fn node(
        &self,
        node: &NodeProto,
        scope: &mut Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Vec<ValueId>, Error> {
        let op = node.op_type.clone().unwrap_or_default();
        let label = label(node);
        let mut inputs = Vec::new();
        for name in &node.input {
            let reader = || format!("node `{label}`");
            inputs.push(if name.is_empty() { None } else { Some(find(scope, name, &reader())?) });
        }
        if let Some(function) = self.function(node) {
            return self.call(function, node, &inputs, depth);
        }
        if !is_standard(node.domain.as_deref()) {
            let domain = node.domain.clone().unwrap_or_default();
            return Err(Error::Domain { node: label, op, domain });
        }
        let attributes = Attributes::from_protos(&node.attribute)?;
        if op == "Constant" {
            return Ok(vec![self.constant(&attributes, &label)?]);
        }
        if attributes.0.values().any(|a| matches!(a, Attribute::Graph(_))) {
            return self.control(&op, &label, node, &inputs, attributes, scope, opset, depth);
        }
        self.standard(op, &label, node, inputs, attributes, opset)
    }

    fn function(&self, node: &NodeProto) -> Option<&FunctionProto> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let key = (text(&node.domain), text(&node.op_type), text(&node.overload));
        self.functions.get(&key).copied()
    }

    /// A call of the model's own function: its nodes, with its formal names bound to the caller's values.
    fn call(
        &self,
        function: &FunctionProto,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
        depth: usize,
    ) -> Result<Vec<ValueId>, Error> {
        let mut scope: Scope = function
            .input
            .iter()
            .zip(inputs)
            .filter_map(|(name, value)| value.map(|value| (name.clone(), value)))
            .collect();
        let given = |name: &str| {
            let of = |list: &[crate::proto::AttributeProto]| {
                list.iter().find(|a| a.name.as_deref() == Some(name)).cloned()
            };
            of(&node.attribute).or_else(|| of(&function.attribute_proto))
        };
        let missing: HashSet<&str> = function.input.iter().skip(inputs.len()).map(String::as_str).collect();
        let mut body = function.node.clone();
        for inner in &mut body {
            bind_attributes(inner, &given);
            inner.input.iter_mut().filter(|name| missing.contains(name.as_str())).for_each(String::clear);
        }
        let opset = function.opset_import.iter().find(|set| is_standard(set.domain.as_deref()));
        let opset = opset.and_then(|set| set.version).unwrap_or(self.opset);
        self.nodes(&body, &mut scope, opset, depth + 1)?;
        function
            .output
            .iter()
            .map(|name| find(&scope, name, &format!("the function of `{}`", label(node))))
            .collect()
    }

    fn constant(&self, attributes: &Attributes, label: &str) -> Result<ValueId, Error> {
        let mut graph = self.g.graph.borrow_mut();
        let list = |dtype: DataType, n: Vec<usize>, values: Vec<f64>| {
            Tensor::floats(DataType::F64, &n, values).cast(dtype)
        };
        let tensor = match attributes.0.iter().next() {
            Some((_, Attribute::Tensor(proto))) => {
                let size = proto.dims.iter().fold(1i64, |n, &dim| n.saturating_mul(dim));
                if size > 64 {
                    return graph.add_initializer(label, proto.clone());
                }
                match Tensor::from_proto(proto) {
                    Ok(tensor) => tensor,
                    Err(_) if proto.data_type == Some(DataType::Text.code()) => {
                        return graph.add_initializer(label, proto.clone());
                    }
                    Err(error) => return Err(error),
                }
            }
            Some((_, Attribute::Float(v))) => list(DataType::F32, vec![], vec![f64::from(*v)]),
            Some((_, Attribute::Int(v))) => Tensor::i64(&[], vec![*v]),
            Some((_, Attribute::Ints(v))) => Tensor::i64(&[v.len()], v.clone()),
            Some((_, Attribute::Floats(v))) => Tensor::f32(&[v.len()], v.iter().copied()),
            _ => {
                return Err(Error::malformed(format!(
                    "the Constant `{label}` has no value that can be read"
                )));
            }
        };
        Ok(graph.add_constant(tensor))
    }

    fn standard(
        &self,
        op: String,
        label: &str,
        node: &NodeProto,
        inputs: Vec<Option<ValueId>>,
        attributes: Attributes,
        opset: i64,
    ) -> Result<Vec<ValueId>, Error> {
        let trailing = node.output.iter().rposition(|name| !name.is_empty()).map_or(1, |last| last + 1);
        let before = self.g.graph.borrow().nodes.len();
        let inputs = inputs.into_iter().map(|id| id.map(|id| self.g.var(id))).collect();
        let mut spec =
            Spec { g: self.g, op: op.clone(), version: opset, inputs, attributes, outputs: trailing };
        let failed = |message: String| Error::Node { op: op.clone(), node: label.to_owned(), message };
        modernise(&mut spec).map_err(failed)?;
        let vars = match lowering(&spec) {
            Some(lower) => lower(&spec).map_err(failed)?,
            None => {
                if registry::find(&spec.op).is_none() {
                    return Err(Error::UnknownOperator { op, opset, node: label.to_owned() });
                }
                trim(&mut spec.inputs);
                self.g.node(&spec.op, &spec.inputs, spec.attributes.clone(), spec.outputs)
            }
        };
        self.g.checked().map_err(|message| {
            let message = message.strip_prefix(&format!("{}: ", spec.op)).unwrap_or(&message).to_owned();
            failed(message)
        })?;
        self.keep_names(node, label, &vars, before);
        Ok(vars.into_iter().map(|var| var.id).collect())
    }

    /// New values carry the model's own names, and new nodes the name of the node they came from.
    fn keep_names(&self, node: &NodeProto, label: &str, vars: &[Var<'_>], before: usize) {
        let mut graph = self.g.graph.borrow_mut();
        let fresh: HashSet<ValueId> =
            graph.nodes[before..].iter().flat_map(|n| n.outputs.iter().flatten().copied()).collect();
        for (name, var) in node.output.iter().zip(vars) {
            if fresh.contains(&var.id) && !name.is_empty() {
                graph.value_mut(var.id).name.clear();
                let unique = graph.unique_name(name);
                graph.value_mut(var.id).name = unique;
            }
        }
        if graph.nodes.len() == before + 1 {
            let unique = graph.unique_node_name(label);
            graph.nodes[before].name = unique;
        }
    }

    #[allow(clippy::too_many_arguments)] // what a node is made of
    fn control(
        &self,
        op: &str,
        label: &str,
        node: &NodeProto,
        inputs: &[Option<ValueId>],
        attributes: Attributes,
        scope: &mut Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Vec<ValueId>, Error> {
        if op == "If"
            && let Some(condition) =
                inputs.first().copied().flatten().and_then(|id| self.g.graph.borrow().constant(id))
        {
            let branch =
                if condition.to_bools().first() == Some(&true) { "then_branch" } else { "else_branch" };
            let body = attributes
                .graph(branch)
                .ok_or_else(|| Error::malformed(format!("If `{label}` has no {branch}")))?;
            return self.body(body, &[], scope, opset, depth);
        }
        if let Some(unrolled) = self.unrolled(op, inputs, &attributes, scope, opset, depth)? {
            return Ok(unrolled);
        }
        let operator = registry::find(op).ok_or_else(|| Error::UnknownOperator {
            op: op.to_owned(),
            opset,
            node: label.to_owned(),
        })?;
        let attributes = self.renamed(attributes, scope);
        let body = attributes.0.values().find_map(|a| match a {
            Attribute::Graph(body) => Some(body.clone()),
            _ => None,
        });
        let outputs = body.map(|body| body.output.clone()).unwrap_or_default();
        let skip = usize::from(op == "Loop");
        let types = (0..node.output.len())
            .map(|i| {
                let tensor = outputs.get(i + skip).and_then(|o| o.r#type.as_ref()?.tensor_type.clone());
                let dtype = DataType::from_code(tensor.and_then(|t| t.elem_type).unwrap_or(1));
                Type { dtype, shape: None }
            })
            .collect();
        let mut graph = self.g.graph.borrow_mut();
        let by_name: HashMap<String, ValueId> =
            scope.values().map(|&id| (graph.value(id).name.clone(), id)).collect();
        let captures = graph.captures(&attributes, &by_name);
        Ok(graph.push(operator, inputs, attributes, types, label, captures))
    }

    /// Loop and Scan with a number of steps that is known and moderate: their bodies, one step after another.
    fn unrolled(
        &self,
        op: &str,
        inputs: &[Option<ValueId>],
        attributes: &Attributes,
        scope: &Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Option<Vec<ValueId>>, Error> {
        let Some(body) = attributes.graph("body") else { return Ok(None) };
        let steps = match op {
            "Loop" => self.loop_steps(inputs),
            "Scan" => self.scan_steps(inputs, attributes),
            _ => None,
        };
        let fits =
            |steps: &usize| *steps <= MOST_STEPS && steps.saturating_mul(body.node.len()) <= MOST_UNROLLED;
        let Some(steps) = steps.filter(fits) else { return Ok(None) };
        match op {
            "Loop" => self.unroll_loop(body, steps, inputs, scope, opset, depth),
            _ => self.unroll_scan(body, steps, inputs, attributes, scope, opset, depth).map(Some),
        }
    }

    /// The trip count of a Loop whose condition starts true.
    fn loop_steps(&self, inputs: &[Option<ValueId>]) -> Option<usize> {
        let graph = self.g.graph.borrow();
        let count = graph.constant(inputs.first().copied().flatten()?)?.to_ints().first().copied()?;
        let starts = match inputs.get(1).copied().flatten() {
            Some(condition) => graph.constant(condition)?.to_bools().first().copied()?,
            None => true,
        };
        usize::try_from(count).ok().map(|count| if starts { count } else { 0 })
    }

    fn unroll_loop(
        &self,
        body: &GraphProto,
        steps: usize,
        inputs: &[Option<ValueId>],
        scope: &Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Option<Vec<ValueId>>, Error> {
        let mut states: Vec<ValueId> = inputs.iter().skip(2).flatten().copied().collect();
        let n_stacked = body.output.len().saturating_sub(1 + states.len());
        let mut stacked: Vec<Vec<ValueId>> = vec![Vec::new(); n_stacked];
        let truth = self.g.constant(Tensor::bools(&[], vec![true])).id;
        for step in 0..steps {
            let number = self.g.constant(Tensor::i64(&[], vec![step as i64])).id;
            let given = [vec![number, truth], states.clone()].concat();
            let mut outputs = self.body(body, &given, scope, opset, depth)?;
            let rows = outputs.split_off((1 + states.len()).min(outputs.len()));
            states = outputs.split_off(1);
            stacked.iter_mut().zip(rows).for_each(|(list, row)| list.push(row));
            let condition = self.g.graph.borrow().constant(outputs[0]);
            match condition.and_then(|condition| condition.to_bools().first().copied()) {
                Some(true) => {}
                Some(false) => break,
                None => return Ok(None), // Only a run knows when it ends: the Loop stays a Loop.
            }
        }
        if stacked.iter().any(Vec::is_empty) {
            return Ok(None);
        }
        states.extend(stacked.iter().map(|rows| self.stack(rows, 0)));
        self.g.checked().map_err(Error::malformed)?;
        Ok(Some(states))
    }

    fn scan_steps(&self, inputs: &[Option<ValueId>], attributes: &Attributes) -> Option<usize> {
        let sequences = attributes.int("num_scan_inputs").and_then(|n| usize::try_from(n).ok())?;
        let first = inputs.len().checked_sub(sequences)?;
        let rank = self.g.var(inputs.get(first).copied().flatten()?).rank().ok()?;
        let along = attributes.ints("scan_input_axes").and_then(|axes| axes.first().copied()).unwrap_or(0);
        let along = registry::axis(along, rank).ok()?;
        usize::try_from(self.g.var(inputs[first]?).known(along)?).ok()
    }

    #[allow(clippy::too_many_arguments)] // what a node is made of
    fn unroll_scan(
        &self,
        body: &GraphProto,
        steps: usize,
        inputs: &[Option<ValueId>],
        attributes: &Attributes,
        scope: &Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Vec<ValueId>, Error> {
        let mut states: Vec<ValueId> = inputs.iter().flatten().copied().collect();
        let n_sequences = attributes.int_or("num_scan_inputs", 0) as usize;
        let sequences = states.split_off(states.len().saturating_sub(n_sequences));
        let of =
            |name: &str, i: usize| attributes.ints(name).and_then(|list| list.get(i).copied()).unwrap_or(0);
        let mut stacked: Vec<Vec<ValueId>> = vec![Vec::new(); body.output.len().saturating_sub(states.len())];
        for step in 0..steps {
            let mut given = states.clone();
            for (i, &sequence) in sequences.iter().enumerate() {
                let at = if of("scan_input_directions", i) == 1 { steps - 1 - step } else { step };
                let index = self.g.constant(Tensor::i64(&[], vec![at as i64]));
                let along = Attributes::new().with("axis", of("scan_input_axes", i));
                given.push(self.g.op("Gather", &[self.g.var(sequence), index], along).id);
            }
            let mut outputs = self.body(body, &given, scope, opset, depth)?;
            let rows = outputs.split_off(states.len());
            states = outputs;
            stacked.iter_mut().zip(rows).for_each(|(list, row)| list.push(row));
        }
        for (i, mut rows) in stacked.into_iter().enumerate() {
            if of("scan_output_directions", i) == 1 {
                rows.reverse();
            }
            states.push(self.stack(&rows, of("scan_output_axes", i)));
        }
        self.g.checked().map_err(Error::malformed)?;
        Ok(states)
    }

    fn stack(&self, rows: &[ValueId], along: i64) -> ValueId {
        let rows: Vec<Var<'_>> = rows.iter().map(|&row| self.g.var(row).unsqueeze(&[along])).collect();
        self.g.concat(&rows, along).id
    }

    /// A body run in place: its inputs bound to values, its nodes added, its outputs found.
    fn body(
        &self,
        body: &GraphProto,
        inputs: &[ValueId],
        outer: &Scope,
        opset: i64,
        depth: usize,
    ) -> Result<Vec<ValueId>, Error> {
        let mut scope = outer.clone();
        let formal = body.input.iter().filter_map(|input| input.name.clone());
        formal.zip(inputs).for_each(|(name, &id)| {
            scope.insert(name, id);
        });
        body.initializer.iter().try_for_each(|tensor| self.initializer(tensor, &mut scope))?;
        self.nodes(&body.node, &mut scope, opset, depth + 1)?;
        let names = body.output.iter().map(|output| output.name.clone().unwrap_or_default());
        names.map(|name| find(&scope, &name, "the outputs of a body")).collect()
    }

    /// Bodies that stay bodies read outer values by the names that these have in the graph.
    fn renamed(&self, attributes: Attributes, scope: &Scope) -> Attributes {
        let graph = self.g.graph.borrow();
        let rename = |body: &GraphProto| {
            let mut names = HashSet::new();
            outer_names(body, &mut names);
            let renames: HashMap<String, String> = names
                .into_iter()
                .filter_map(|name| scope.get(&name).map(|&id| (name, graph.value(id).name.clone())))
                .collect();
            let mut body = body.clone();
            rename_outer(&mut body, &renames);
            body
        };
        let renamed = attributes.0.into_iter().map(|(name, value)| match value {
            Attribute::Graph(body) => (name, Attribute::Graph(Arc::new(rename(&body)))),
            other => (name, other),
        });
        Attributes(renamed.collect())
    }
}

fn rename_outer(body: &mut GraphProto, renames: &HashMap<String, String>) {
    let apply = |name: &mut String| {
        if let Some(new) = renames.get(name) {
            name.clone_from(new);
        }
    };
    for node in &mut body.node {
        node.input.iter_mut().for_each(apply);
        node.attribute.iter_mut().filter_map(|a| a.g.as_mut()).for_each(|inner| rename_outer(inner, renames));
    }
    body.output.iter_mut().filter_map(|output| output.name.as_mut()).for_each(apply);
}

/// Attributes that refer to the function's own take the caller's values; those not given are left out.
fn bind_attributes(node: &mut NodeProto, given: &impl Fn(&str) -> Option<crate::proto::AttributeProto>) {
    let bound = node.attribute.drain(..).filter_map(|mut attribute| {
        if let Some(body) = attribute.g.as_mut() {
            body.node.iter_mut().for_each(|inner| bind_attributes(inner, given));
        }
        match attribute.ref_attr_name.as_deref().filter(|name| !name.is_empty()) {
            None => Some(attribute),
            Some(reference) => given(reference)
                .map(|value| crate::proto::AttributeProto { name: attribute.name.clone(), ..value }),
        }
    });
    node.attribute = bound.collect();
}

fn trim(inputs: &mut Vec<Option<Var<'_>>>) {
    while inputs.last().is_some_and(Option::is_none) {
        inputs.pop();
    }
}

/// A node's name, or what it makes where it has none.
fn label(node: &NodeProto) -> String {
    let name = node.name.clone().filter(|name| !name.is_empty());
    name.or_else(|| node.output.first().cloned()).unwrap_or_default()
}
