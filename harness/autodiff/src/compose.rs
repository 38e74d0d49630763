//! Graph surgery: one model's outputs become another's inputs, such as [generator] -> [victim].

use std::collections::{BTreeMap, HashMap};

use crate::differentiate::canonical;
use crate::emit::TARGET_OPSET;
use crate::error::Error;
use crate::model::Model;
use crate::proto::{GraphProto, NodeProto, ValueInfoProto};

/// Prefix of the second model's inner names.
const PREFIX: &str = "second/";

/// A model that runs `first`, feeds its outputs to the inputs of `second` as `connect` pairs them (output, input), and
/// runs that. Inputs of `second` that are not connected become inputs; outputs are those of `second`, then those of
/// `first`. Inner names of `second` get a prefix; initialisers of `first` keep theirs, so that
/// [`Options::only_params`](crate::Options::only_params) can name a generator's weights while the victim's stay frozen.
///
/// # Errors
/// When a model cannot be read, a name does not exist, or two inputs or outputs would have one name.
pub fn compose(first: &Model, second: &Model, connect: &[(&str, &str)]) -> Result<Model, Error> {
    let (mut first, second) = (graph_of(first)?, graph_of(second)?);
    let mut names = HashMap::new();
    for (output, input) in connect {
        require(&first.output, output, "first", "output")?;
        require(&second.input, input, "second", "input")?;
        names.insert((*input).to_owned(), (*output).to_owned());
    }
    let open: Vec<ValueInfoProto> =
        second.input.iter().filter(|info| !names.contains_key(name(info))).cloned().collect();
    let kept = open.iter().chain(&second.output).map(|info| name(info).to_owned());
    kept.for_each(|name| {
        names.insert(name.clone(), name);
    });
    refuse_twice(first.input.iter().chain(&open).chain(&second.output).chain(&first.output))?;
    let rename = |name: &str| match names.get(name) {
        Some(name) => name.clone(),
        None if name.is_empty() => String::new(),
        None => format!("{PREFIX}{name}"),
    };
    first.node.extend(second.node.into_iter().map(|node| renamed(node, &rename)));
    first.initializer.extend(second.initializer.into_iter().map(|mut tensor| {
        tensor.name = tensor.name.map(|name| rename(&name));
        tensor
    }));
    first.input.extend(open);
    first.output = second.output.into_iter().chain(first.output).collect();
    Ok(wrapped(first))
}

fn graph_of(model: &Model) -> Result<GraphProto, Error> {
    canonical(model, &BTreeMap::new())?.proto.graph.ok_or_else(|| Error::malformed("there is no graph"))
}

fn name(info: &ValueInfoProto) -> &str {
    info.name.as_deref().unwrap_or("")
}

fn require(list: &[ValueInfoProto], wanted: &str, which: &str, kind: &str) -> Result<(), Error> {
    if list.iter().any(|info| name(info) == wanted) {
        return Ok(());
    }
    let known = list.iter().map(name).collect::<Vec<_>>().join(", ");
    Err(Error::malformed(format!("the {which} model has no {kind} `{wanted}`; it has {known}")))
}

fn refuse_twice<'a>(boundary: impl Iterator<Item = &'a ValueInfoProto>) -> Result<(), Error> {
    let mut seen = std::collections::HashSet::new();
    for info in boundary {
        if !seen.insert(name(info)) {
            return Err(Error::malformed(format!(
                "both models have an input or output called `{}`",
                name(info)
            )));
        }
    }
    Ok(())
}

fn renamed(mut node: NodeProto, rename: &impl Fn(&str) -> String) -> NodeProto {
    node.name = node.name.map(|name| format!("{PREFIX}{name}"));
    node.input.iter_mut().chain(&mut node.output).for_each(|name| *name = rename(name));
    for body in node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut()) {
        body.node = std::mem::take(&mut body.node).into_iter().map(|node| renamed(node, rename)).collect();
        let infos = body.input.iter_mut().chain(&mut body.output);
        infos.filter_map(|info| info.name.as_mut()).for_each(|name| *name = rename(name));
        let tensors = body.initializer.iter_mut();
        tensors.filter_map(|tensor| tensor.name.as_mut()).for_each(|name| *name = rename(name));
    }
    node
}

fn wrapped(graph: GraphProto) -> Model {
    let standard =
        crate::proto::OperatorSetIdProto { domain: Some(String::new()), version: Some(TARGET_OPSET) };
    let proto = crate::proto::ModelProto {
        ir_version: Some(8),
        producer_name: Some("seraph".into()),
        graph: Some(graph),
        opset_import: vec![standard],
        ..Default::default()
    };
    Model { proto }
}
