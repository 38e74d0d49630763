//! A small interpreter in float64: the truth against which rules and runtimes are judged. Slow and plain on purpose.

use std::collections::{BTreeMap, HashMap};

use crate::attribute::Attributes;
use crate::differentiate::canonical;
use crate::error::Error;
use crate::model::Model;
use crate::proto::{GraphProto, NodeProto};
use crate::registry::{Call, find};
use crate::tensor::Tensor;

/// Runs a model on `inputs`, all floats in float64; returns its outputs by name.
///
/// # Errors
/// When the model cannot be read, an input is missing, or an operator fails; the error names the node.
pub fn run(model: &Model, inputs: &[(&str, Tensor)]) -> Result<BTreeMap<String, Tensor>, Error> {
    run_canonical(&canonical(model, &BTreeMap::new())?, inputs)
}

/// Runs a model that is canonical already, such as [`differentiate`](crate::differentiate) gives, node by node as it
/// is written.
///
/// # Errors
/// As [`run`].
pub fn run_canonical(model: &Model, inputs: &[(&str, Tensor)]) -> Result<BTreeMap<String, Tensor>, Error> {
    let graph = model.proto.graph.as_ref().ok_or_else(|| Error::malformed("there is no graph"))?;
    let given = inputs.iter().map(|(name, tensor)| ((*name).to_owned(), tensor.clone())).collect();
    let values = run_graph(graph, given)?;
    let names = graph.output.iter().map(|output| output.name.clone().unwrap_or_default());
    names.map(|name| Ok((name.clone(), lookup(&values, &name)?.clone()))).collect()
}

type Values = HashMap<String, Tensor>;

fn lookup<'v>(values: &'v Values, name: &str) -> Result<&'v Tensor, Error> {
    values.get(name).ok_or_else(|| Error::malformed(format!("`{name}` has no value")))
}

fn run_graph(graph: &GraphProto, mut values: Values) -> Result<Values, Error> {
    for tensor in &graph.initializer {
        values.insert(tensor.name.clone().unwrap_or_default(), Tensor::from_proto(tensor)?);
    }
    for node in &graph.node {
        let outputs = run_node(node, &values)?;
        let names = node.output.iter().zip(outputs).filter(|(name, _)| !name.is_empty());
        values.extend(names.map(|(name, tensor)| (name.clone(), tensor)));
    }
    Ok(values)
}

fn run_node(node: &NodeProto, values: &Values) -> Result<Vec<Tensor>, Error> {
    let op = node.op_type.clone().unwrap_or_default();
    let failed = |message: String| Error::Node {
        op: op.clone(),
        node: node.name.clone().unwrap_or_default(),
        message,
    };
    let attributes = Attributes::from_protos(&node.attribute)?;
    let inputs: Vec<Option<&Tensor>> = node
        .input
        .iter()
        .map(|name| if name.is_empty() { Ok(None) } else { lookup(values, name).map(Some) })
        .collect::<Result<_, _>>()?;
    match op.as_str() {
        "Scan" => return scan(&attributes, &inputs, values),
        "If" => return if_node(&attributes, &inputs, values),
        "Loop" => return loop_node(&attributes, &inputs, values),
        _ => {}
    }
    let operator = find(&op).ok_or_else(|| failed("is not in the table".into()))?;
    let call = Call { op: &op, inputs: &inputs, attributes: &attributes, outputs: node.output.len() };
    operator.forward(&call).map_err(failed)
}

fn body<'a>(attributes: &'a Attributes, name: &str) -> Result<&'a GraphProto, Error> {
    attributes
        .graph(name)
        .map(AsRef::as_ref)
        .ok_or_else(|| Error::malformed(format!("a node lacks its {name}")))
}

/// Runs a body on `inputs`, with the outer values in sight; returns its outputs in order.
fn run_body(body: &GraphProto, inputs: Vec<Tensor>, outer: &Values) -> Result<Vec<Tensor>, Error> {
    let mut values = outer.clone();
    let names = body.input.iter().map(|input| input.name.clone().unwrap_or_default());
    values.extend(names.zip(inputs));
    let values = run_graph(body, values)?;
    body.output.iter().map(|output| lookup(&values, output.name.as_deref().unwrap_or("")).cloned()).collect()
}

fn present(inputs: &[Option<&Tensor>]) -> Vec<Tensor> {
    inputs.iter().flatten().map(|&tensor| tensor.clone()).collect()
}

fn scan(attributes: &Attributes, inputs: &[Option<&Tensor>], outer: &Values) -> Result<Vec<Tensor>, Error> {
    let body = body(attributes, "body")?;
    let n_sequences = attributes.int_or("num_scan_inputs", 0) as usize;
    let mut states = present(inputs);
    let sequences = states.split_off(states.len() - n_sequences);
    let back = |name: &str, i: usize| attributes.ints(name).is_some_and(|list| list[i] == 1);
    let steps = sequences.first().map_or(0, |sequence| sequence.shape[0]);
    let n_stacked = body.output.len() - states.len();
    let mut stacked: Vec<Vec<Tensor>> = vec![Vec::new(); n_stacked];
    for step in 0..steps {
        let mut given = states.clone();
        for (i, sequence) in sequences.iter().enumerate() {
            let at = if back("scan_input_directions", i) { steps - 1 - step } else { step };
            given.push(row(sequence, at));
        }
        let mut outputs = run_body(body, given, outer)?;
        let rows = outputs.split_off(states.len());
        states = outputs;
        stacked.iter_mut().zip(rows).for_each(|(list, row)| list.push(row));
    }
    for (i, mut rows) in stacked.into_iter().enumerate() {
        if back("scan_output_directions", i) {
            rows.reverse();
        }
        states.push(stack(&rows));
    }
    Ok(states)
}

fn row(sequence: &Tensor, at: usize) -> Tensor {
    let shape = &sequence.shape[1..];
    let size: usize = shape.iter().product();
    let index: Vec<Option<usize>> = (at * size..(at + 1) * size).map(Some).collect();
    sequence.pick(shape, &index, 0.0)
}

fn stack(rows: &[Tensor]) -> Tensor {
    let Some(first) = rows.first() else { return Tensor::f32(&[0], []) };
    let mut shape = vec![rows.len()];
    shape.extend(&first.shape);
    let data = rows.iter().flat_map(Tensor::to_floats).collect();
    Tensor::floats(crate::dtype::DataType::F64, &shape, data).cast(first.dtype)
}

fn if_node(
    attributes: &Attributes,
    inputs: &[Option<&Tensor>],
    outer: &Values,
) -> Result<Vec<Tensor>, Error> {
    let holds = inputs.first().copied().flatten().is_some_and(|condition| condition.to_bools()[0]);
    run_body(body(attributes, if holds { "then_branch" } else { "else_branch" })?, Vec::new(), outer)
}

fn loop_node(
    attributes: &Attributes,
    inputs: &[Option<&Tensor>],
    outer: &Values,
) -> Result<Vec<Tensor>, Error> {
    let body = body(attributes, "body")?;
    let limit = inputs.first().copied().flatten().map_or(i64::MAX, |count| count.to_ints()[0]);
    let mut going = inputs.get(1).copied().flatten().is_none_or(|condition| condition.to_bools()[0]);
    let mut states = present(&inputs[2.min(inputs.len())..]);
    let mut stacked: Vec<Vec<Tensor>> = vec![Vec::new(); body.output.len() - 1 - states.len()];
    let mut step = 0;
    while going && step < limit {
        let mut given = vec![Tensor::i64(&[], vec![step]), Tensor::bools(&[], vec![true])];
        given.extend(states.clone());
        let mut outputs = run_body(body, given, outer)?;
        let rows = outputs.split_off(1 + states.len());
        states = outputs.split_off(1);
        going = outputs[0].to_bools()[0];
        stacked.iter_mut().zip(rows).for_each(|(list, row)| list.push(row));
        step += 1;
    }
    states.extend(stacked.iter().map(|rows| stack(rows)));
    Ok(states)
}
