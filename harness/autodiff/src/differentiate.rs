//! From a model to a model that also gives the loss and its gradients: the pipeline.

use std::collections::BTreeMap;

use crate::backward::backward;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::emit::emit;
use crate::error::Error;
use crate::graph::{Type, ValueId};
use crate::import::import;
use crate::loss::{Loss, build, in_float32};
use crate::model::Model;
use crate::rewrite::pool_before_activation;
use crate::var::{Builder, Var};

/// What to differentiate, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The loss.
    pub loss: Loss,
    /// Whether gradients of float initialisers are given too, as `d_<initialiser>`.
    pub params: bool,
    /// Only these initialisers, when not empty.
    pub only_params: Vec<String>,
    /// Sizes to pin, by input; `None` leaves an axis as the model has it. Pinned shapes give the fastest graph.
    pub shapes: BTreeMap<String, Vec<Option<usize>>>,
    /// The output to differentiate; the first float output when not named.
    pub output: Option<String>,
    /// The loss's gradient starts at 2^k in place of 1, which keeps vanishing gradients above float32's smallest.
    /// `d_<input>` is then 2^k times the gradient.
    pub seed_scale_log2: i32,
    /// Whether `d_<input>` is divided by 2^k again at the end.
    pub undo_seed_scale: bool,
    /// Whether the result is meant for CUDA: max pooling's gradient is then scattered, as CUDA has no MaxUnpool.
    pub for_cuda: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            loss: Loss::CrossEntropy,
            params: false,
            only_params: Vec::new(),
            shapes: BTreeMap::new(),
            output: None,
            seed_scale_log2: 0,
            undo_seed_scale: false,
            for_cuda: false,
        }
    }
}

/// Returns a model with the inputs of `model` plus `labels` (int64 `[N]`; or `d_<output>` for [`Loss::Vjp`]), and its
/// outputs plus `loss` (float32 `[N]`) and `d_<input>` for every float input: the gradient of the sum of the losses.
/// [`Loss::Jacobian`] adds `jacobian_<input>` `[N, K, ...]` and takes no labels.
///
/// # Errors
/// When the model breaks a rule of ONNX, uses an operator without a rule, or the output cannot carry the loss. The
/// error names the operator, node, input or output.
pub fn differentiate(model: &Model, options: &Options) -> Result<Model, Error> {
    let reserved = reserved_names(model, options);
    let builder = import(model, &options.shapes, &reserved)?;
    builder.for_cuda.set(options.for_cuda);
    pool_before_activation(&mut builder.graph.borrow_mut());
    let sweep = Sweep { g: &builder, model, options };
    sweep.run()?;
    let notes = [
        ("seraph.loss", format!("{:?}", options.loss)),
        ("seraph.seed_scale_log2", options.seed_scale_log2.to_string()),
    ];
    let graph = builder.graph.borrow();
    let straight = graph.nodes.iter().filter(|node| node.operator.name == "QuantizeLinear").count();
    let straight = [("seraph.straight_through", format!("{straight} QuantizeLinear"))];
    Ok(emit(
        &graph,
        model,
        &[&notes[..], if straight[0].1.starts_with('0') { &[] } else { &straight }].concat(),
    ))
}

/// The model in the canonical operator set, functions inlined, composites lowered, shapes folded; nothing is added.
///
/// # Errors
/// As [`differentiate`], gradients apart.
pub fn canonical(model: &Model, shapes: &BTreeMap<String, Vec<Option<usize>>>) -> Result<Model, Error> {
    let builder = import(model, shapes, &[])?;
    let graph = builder.graph.borrow();
    Ok(emit(&graph, model, &[]))
}

fn reserved_names(model: &Model, options: &Options) -> Vec<String> {
    let mut names: Vec<String> = match options.loss {
        Loss::Vjp | Loss::Jacobian => Vec::new(),
        _ => vec!["labels".into(), "loss".into()],
    };
    names.extend(
        model
            .inputs()
            .iter()
            .flat_map(|input| [format!("d_{}", input.name), format!("jacobian_{}", input.name)]),
    );
    names.extend(model.outputs().iter().map(|output| format!("d_{}", output.name)));
    names
}

/// Most rows of a Jacobian; each is a sweep.
const MOST_CLASSES: i64 = 1 << 10;

struct Sweep<'g> {
    g: &'g Builder,
    model: &'g Model,
    options: &'g Options,
}

impl<'g> Sweep<'g> {
    fn run(&self) -> Result<(), Error> {
        let (name, output) = self.output()?;
        let wanted = self.wanted();
        let seeds = match self.options.loss {
            Loss::Jacobian => return self.jacobian(&name, output, &wanted),
            Loss::Vjp => vec![(output.id, self.add_input(&format!("d_{name}"), output.ty())?)],
            _ => self.loss(&name, output)?,
        };
        let gradients = backward(self.g, &seeds, &ids(&wanted), self.model.opset())?;
        if gradients.is_empty() {
            return Err(Error::NoPath { output: name });
        }
        for (name, id) in wanted {
            let gradient = gradients.get(&id).copied().unwrap_or_else(|| self.g.var(id).zeros());
            self.add_output(&format!("d_{name}"), self.unscaled(gradient));
        }
        self.g.checked().map_err(Error::malformed)
    }

    /// The output to differentiate.
    fn output(&self) -> Result<(String, Var<'g>), Error> {
        let graph = self.g.graph.borrow();
        let float = |id: ValueId| graph.ty(id).dtype.is_float();
        let found = match &self.options.output {
            Some(name) => graph.outputs.iter().find(|(output, _)| output == name),
            None => graph.outputs.iter().find(|(_, id)| float(*id)),
        };
        let names = || graph.outputs.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        match found {
            Some((name, id)) if float(*id) => Ok((name.clone(), self.g.var(*id))),
            Some((name, id)) => {
                let message = format!("it is of type {} and has no gradient", graph.ty(*id).dtype);
                Err(Error::Output { output: name.clone(), message })
            }
            None => {
                let output = self.options.output.clone().unwrap_or_default();
                Err(Error::Output {
                    output,
                    message: format!("there is no such float output; there are {}", names()),
                })
            }
        }
    }

    /// Float inputs, and parameters where they are asked for, by name.
    fn wanted(&self) -> Vec<(String, ValueId)> {
        let graph = self.g.graph.borrow();
        let mut wanted: Vec<(String, ValueId)> = graph
            .inputs
            .iter()
            .filter(|id| graph.ty(**id).dtype.is_float())
            .map(|id| (graph.value(*id).name.clone(), *id))
            .collect();
        if self.options.params {
            let names = self
                .model
                .proto
                .graph
                .iter()
                .flat_map(|graph| &graph.initializer)
                .filter_map(|t| t.name.clone());
            let chosen = |name: &String| {
                self.options.only_params.is_empty() || self.options.only_params.contains(name)
            };
            let reached = reaching_output(&graph);
            let by_name: BTreeMap<&str, ValueId> =
                graph.value_ids().map(|id| (graph.value(id).name.as_str(), id)).collect();
            wanted.extend(names.filter(chosen).filter_map(|name| {
                let id = *by_name.get(name.as_str())?;
                (graph.ty(id).dtype.is_float() && reached.contains(&id)).then_some((name, id))
            }));
        }
        wanted
    }

    /// Adds labels and loss; returns where the sweep starts.
    fn loss(&self, name: &str, output: Var<'g>) -> Result<Vec<(ValueId, Var<'g>)>, Error> {
        let refuse = |message: String| Error::Output { output: name.to_owned(), message };
        let dims = output.dims().map_err(refuse)?;
        let [batch, _] = dims[..] else {
            return Err(refuse(format!("a loss per item needs logits [N, classes], not shape {dims:?}")));
        };
        let labels = self.add_input("labels", Type::new(DataType::I64, vec![batch]))?;
        let logits = in_float32(output);
        let built = build(self.options.loss, logits, labels).map_err(refuse)?;
        self.g.checked().map_err(refuse)?;
        self.add_output("loss", built.loss);
        let scale = f64::from(self.options.seed_scale_log2).exp2();
        Ok(vec![match built.gradient {
            Some(gradient) if scale == 1.0 => (logits.id, gradient),
            Some(gradient) => (logits.id, gradient * scale),
            None => (built.loss.id, built.loss.filled(built.loss.shape(), scale)),
        }])
    }

    fn unscaled(&self, gradient: Var<'g>) -> Var<'g> {
        let has_seed = !matches!(self.options.loss, Loss::Vjp | Loss::Jacobian);
        if has_seed && self.options.undo_seed_scale && self.options.seed_scale_log2 != 0 {
            return gradient * f64::from(-self.options.seed_scale_log2).exp2();
        }
        gradient
    }

    /// One sweep per class over one forward pass; what the sweeps have in common is written once.
    fn jacobian(&self, name: &str, output: Var<'g>, wanted: &[(String, ValueId)]) -> Result<(), Error> {
        let refuse = |message: String| Error::Output { output: name.to_owned(), message };
        let dims = output.dims().map_err(refuse)?;
        let [_, Dim::Known(classes)] = dims[..] else {
            return Err(refuse(format!(
                "the Jacobian needs logits [N, classes] of a fixed number of classes, not {dims:?}"
            )));
        };
        if classes > MOST_CLASSES {
            return Err(refuse(format!("a Jacobian of {classes} rows: at most {MOST_CLASSES}")));
        }
        let mut rows: BTreeMap<&str, Vec<Var<'g>>> = BTreeMap::new();
        for class in 0..classes {
            let one = (0..classes).map(|k| if k == class { 1.0 } else { 0.0 }).collect();
            let row =
                self.g.constant(crate::tensor::Tensor::floats(output.dtype(), &[1, classes as usize], one));
            let seed = row.expand(output.shape());
            let gradients = backward(self.g, &[(output.id, seed)], &ids(wanted), self.model.opset())?;
            for (name, id) in wanted {
                let gradient = gradients.get(id).copied().unwrap_or_else(|| self.g.var(*id).zeros());
                rows.entry(name).or_default().push(gradient.unsqueeze(&[1]));
            }
        }
        for (name, rows) in rows {
            self.add_output(&format!("jacobian_{name}"), self.g.concat(&rows, 1));
        }
        self.g.checked().map_err(Error::malformed)
    }

    fn add_input(&self, name: &str, ty: Type) -> Result<Var<'g>, Error> {
        let mut graph = self.g.graph.borrow_mut();
        let taken = graph.inputs.iter().any(|id| graph.value(*id).name == name)
            || graph.outputs.iter().any(|(output, _)| output == name);
        if taken {
            return Err(Error::malformed(format!(
                "the model already has an input or output called `{name}`"
            )));
        }
        let id = graph.add_value("", ty);
        graph.value_mut(id).name = name.to_owned();
        graph.inputs.push(id);
        Ok(self.g.var(id))
    }

    fn add_output(&self, name: &str, value: Var<'g>) {
        self.g.graph.borrow_mut().outputs.push((name.to_owned(), value.id));
    }
}

fn ids(wanted: &[(String, ValueId)]) -> Vec<ValueId> {
    wanted.iter().map(|(_, id)| *id).collect()
}

fn reaching_output(graph: &crate::graph::Graph) -> std::collections::HashSet<ValueId> {
    let mut reached: std::collections::HashSet<ValueId> = graph.outputs.iter().map(|(_, id)| *id).collect();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().flatten().any(|id| reached.contains(id)) {
            reached.extend(node.reads());
        }
    }
    reached
}
