//! A case is one operator with attributes and inputs; the check is the same for all: central differences in float64,
//! and ONNX Runtime on the model as it was and as it became.

use std::collections::BTreeMap;

use seraph_autodiff::proto::{
    AttributeProto, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto, attribute_type,
};
use seraph_autodiff::{DataType, Loss, Model, Options, Tensor, differentiate, reference};

/// Step of the central differences; their error is about its square.
const STEP: f64 = 1e-5;
/// Largest relative error of a gradient in float64.
const ROUNDING: f64 = 2e-6;
/// Largest relative error of a gradient in float32.
const SINGLE: f64 = 2e-4;

/// One operator under test.
#[derive(Clone)]
pub struct Case {
    op: String,
    opset: i64,
    attributes: Vec<AttributeProto>,
    inputs: Vec<Input>,
    outputs: usize,
    /// The outputs that ONNX Runtime cannot be asked about: the operator is too new for it, or has no CPU kernel.
    runtime: bool,
}

#[derive(Clone)]
enum Input {
    /// Fed, and differentiated when float.
    Fed(Tensor),
    Constant(Tensor),
    Absent,
}

pub fn case(op: &str) -> Case {
    Case { op: op.into(), opset: 18, attributes: Vec::new(), inputs: Vec::new(), outputs: 1, runtime: true }
}

/// Distinct numbers between -1 and 1, none close to another or to zero: no ties, no kinks within a step.
pub fn values(n: usize, salt: usize) -> Vec<f64> {
    let spread = |i: usize| ((i * 2654435761 + salt * 40503 + 12345) % 1000003) as f64 / 1000003.0;
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| spread(a).total_cmp(&spread(b)));
    let mut out = vec![0.0; n];
    for (rank, i) in order.into_iter().enumerate() {
        let even = (rank as f64 + 0.5) / n as f64 * 2.0 - 1.0;
        out[i] = even + 0.13 / n as f64;
    }
    out
}

impl Case {
    fn attribute(mut self, name: &str, kind: i32, fill: impl FnOnce(&mut AttributeProto)) -> Case {
        let mut attribute =
            AttributeProto { name: Some(name.into()), r#type: Some(kind), ..Default::default() };
        fill(&mut attribute);
        self.attributes.push(attribute);
        self
    }

    pub fn int(self, name: &str, value: i64) -> Case {
        self.attribute(name, attribute_type::INT, |a| a.i = Some(value))
    }

    pub fn float(self, name: &str, value: f32) -> Case {
        self.attribute(name, attribute_type::FLOAT, |a| a.f = Some(value))
    }

    pub fn ints(self, name: &str, values: &[i64]) -> Case {
        self.attribute(name, attribute_type::INTS, |a| a.ints = values.to_vec())
    }

    pub fn text(self, name: &str, value: &'static str) -> Case {
        self.attribute(name, attribute_type::STRING, |a| a.s = Some(value.as_bytes().into()))
    }

    pub fn texts(self, name: &str, values: &[&'static str]) -> Case {
        self.attribute(name, attribute_type::STRINGS, |a| {
            a.strings = values.iter().map(|v| v.as_bytes().into()).collect()
        })
    }

    /// A float input in (-1, 1).
    pub fn x(self, shape: &[usize]) -> Case {
        self.range(shape, -1.0, 1.0)
    }

    /// A float input in (low, high).
    pub fn range(mut self, shape: &[usize], low: f64, high: f64) -> Case {
        let data = values(shape.iter().product(), self.inputs.len());
        let data = data.into_iter().map(|v| low + (v + 1.0) / 2.0 * (high - low)).collect();
        self.inputs.push(Input::Fed(Tensor::floats(DataType::F32, shape, data)));
        self
    }

    /// Exactly these floats: for ties and kinks.
    pub fn exactly(mut self, shape: &[usize], data: &[f64]) -> Case {
        self.inputs.push(Input::Fed(Tensor::floats(DataType::F32, shape, data.to_vec())));
        self
    }

    pub fn list(mut self, values: &[i64]) -> Case {
        self.inputs.push(Input::Constant(Tensor::i64(&[values.len()], values.to_vec())));
        self
    }

    pub fn constant(mut self, tensor: Tensor) -> Case {
        self.inputs.push(Input::Constant(tensor));
        self
    }

    /// An integer or boolean input that is fed.
    pub fn fed(mut self, tensor: Tensor) -> Case {
        self.inputs.push(Input::Fed(tensor));
        self
    }

    pub fn absent(mut self) -> Case {
        self.inputs.push(Input::Absent);
        self
    }

    pub fn outputs(mut self, n: usize) -> Case {
        self.outputs = n;
        self
    }

    pub fn opset(mut self, opset: i64) -> Case {
        self.opset = opset;
        self
    }

    pub fn no_runtime(mut self) -> Case {
        self.runtime = false;
        self
    }

    fn fed_inputs(&self) -> Vec<(String, Tensor)> {
        let fed = |(i, input): (usize, &Input)| match input {
            Input::Fed(tensor) => Some((format!("x{i}"), tensor.clone())),
            _ => None,
        };
        self.inputs.iter().enumerate().filter_map(fed).collect()
    }

    /// The operator alone in a model; sizes fixed, or named axes.
    pub fn model(&self, fixed: bool) -> Model {
        let name = |(i, input): (usize, &Input)| match input {
            Input::Absent => String::new(),
            _ => format!("x{i}"),
        };
        let node = NodeProto {
            op_type: Some(self.op.clone()),
            name: Some("node".into()),
            input: self.inputs.iter().enumerate().map(name).collect(),
            output: (0..self.outputs).map(|i| format!("y{i}")).collect(),
            attribute: self.attributes.clone(),
            ..Default::default()
        };
        let constant = |(i, input): (usize, &Input)| match input {
            Input::Constant(tensor) => Some(tensor.to_proto(&format!("x{i}"))),
            _ => None,
        };
        let graph = GraphProto {
            node: vec![node],
            name: Some("case".into()),
            initializer: self.inputs.iter().enumerate().filter_map(constant).collect(),
            input: self.fed_inputs().iter().map(|(name, t)| info(name, t, fixed)).collect(),
            output: (0..self.outputs).map(|i| untyped(&format!("y{i}"))).collect(),
            ..Default::default()
        };
        wrap(graph, self.opset)
    }
}

pub fn wrap(graph: GraphProto, opset: i64) -> Model {
    let proto = ModelProto {
        ir_version: Some(8),
        graph: Some(graph),
        opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(opset) }],
        ..Default::default()
    };
    Model::from_bytes(&prost::Message::encode_to_vec(&proto)).unwrap()
}

pub fn info(name: &str, tensor: &Tensor, fixed: bool) -> ValueInfoProto {
    let axis = |(i, &n): (usize, &usize)| DimensionProto {
        dim_value: fixed.then_some(n as i64),
        dim_param: (!fixed).then(|| format!("{name}_{i}")),
    };
    let shape = TensorShapeProto { dim: tensor.shape.iter().enumerate().map(axis).collect() };
    typed(name, tensor.dtype, Some(shape))
}

pub fn untyped(name: &str) -> ValueInfoProto {
    ValueInfoProto { name: Some(name.into()), r#type: None }
}

fn typed(name: &str, dtype: DataType, shape: Option<TensorShapeProto>) -> ValueInfoProto {
    let tensor = TensorTypeProto { elem_type: Some(dtype.code()), shape };
    ValueInfoProto { name: Some(name.into()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// A tensor with some numbers changed.
fn moved(tensor: &Tensor, at: usize, by: f64) -> Tensor {
    let mut data = tensor.to_floats();
    data[at] += by;
    Tensor::floats(tensor.dtype, &tensor.shape, data)
}

fn borrowed(inputs: &[(String, Tensor)]) -> Vec<(&str, Tensor)> {
    inputs.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())).collect()
}

/// Gradient of sum(weights * y) by central differences in the interpreter.
fn central_differences(
    model: &Model,
    inputs: &[(String, Tensor)],
    at: usize,
    output: &str,
    weights: &[f64],
) -> Vec<f64> {
    let loss = |tensor: Tensor| -> f64 {
        let mut inputs = inputs.to_vec();
        inputs[at].1 = tensor;
        let y = reference::run_canonical(model, &borrowed(&inputs)).unwrap()[output].to_floats();
        y.iter().zip(weights).map(|(y, w)| y * w).sum()
    };
    let x = &inputs[at].1;
    (0..x.len()).map(|i| (loss(moved(x, i, STEP)) - loss(moved(x, i, -STEP))) / (2.0 * STEP)).collect()
}

fn close(found: &[f64], truth: &[f64], tolerance: f64) -> Result<(), String> {
    let size = truth.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    let worst = found.iter().zip(truth).map(|(a, b)| (a - b).abs() / size).fold(0.0, f64::max);
    if found.len() == truth.len() && worst <= tolerance && found.iter().all(|v| v.is_finite()) {
        return Ok(());
    }
    Err(format!(
        "off by {worst:.1e}\n  found {:?}\n  truth {:?}",
        &found[..found.len().min(12)],
        &truth[..truth.len().min(12)]
    ))
}

/// Checks the operator's gradient with fixed and with dynamic shapes, for every float output.
pub fn check_gradient(case: &Case) {
    check(case, true, true).unwrap_or_else(|error| panic!("{} (opset {}): {error}", case.op, case.opset));
    check_dynamic(case);
}

/// As [`check_gradient`], where central differences say nothing because the point is a kink: only the runtimes.
pub fn check_exact(case: &Case, expected: &[f64]) {
    let model = case.model(true);
    let gradient = differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap();
    let mut inputs = case.fed_inputs();
    let y = reference::run(&model, &borrowed(&inputs)).unwrap()["y0"].clone();
    inputs.push(("d_y0".into(), Tensor::full(DataType::F32, &y.shape, 1.0)));
    let found = reference::run_canonical(&gradient, &borrowed(&inputs)).unwrap()["d_x0"].to_floats();
    close(&found, expected, 1e-9).unwrap_or_else(|error| panic!("{}: {error}", case.op));
}

fn check_dynamic(case: &Case) {
    match check(case, false, true) {
        Ok(()) => {}
        Err(refusal) if refusal.contains("run") && refusal.contains("know") => {}
        Err(refusal) if refusal.contains("fixed number") => {}
        Err(error) => panic!("{} (opset {}), dynamic shapes: {error}", case.op, case.opset),
    }
}

fn check(case: &Case, fixed: bool, with_runtime: bool) -> Result<(), String> {
    let model = case.model(fixed);
    let inputs = case.fed_inputs();
    let plain = seraph_autodiff::canonical(&model, &BTreeMap::new()).map_err(|error| error.to_string())?;
    let outputs = reference::run_canonical(&plain, &borrowed(&inputs)).map_err(|error| error.to_string())?;
    for (name, y) in outputs.iter().filter(|(_, y)| y.dtype.is_float()) {
        let options = Options { loss: Loss::Vjp, output: Some(name.clone()), ..Options::default() };
        let gradient = differentiate(&model, &options).map_err(|error| error.to_string())?;
        let weights = values(y.len(), 7);
        let mut fed = inputs.clone();
        fed.push((format!("d_{name}"), Tensor::floats(y.dtype, &y.shape, weights.clone())));
        let found =
            reference::run_canonical(&gradient, &borrowed(&fed)).map_err(|error| error.to_string())?;
        for (at, (input, x)) in inputs.iter().enumerate().filter(|(_, (_, x))| x.dtype.is_float()) {
            let truth = central_differences(&plain, &inputs, at, name, &weights);
            let dx = &found[&format!("d_{input}")];
            if dx.shape != x.shape {
                return Err(format!("d_{input} has shape {:?}, {input} has {:?}", dx.shape, x.shape));
            }
            close(&dx.to_floats(), &truth, ROUNDING).map_err(|error| format!("d{name}/d{input} {error}"))?;
        }
        if with_runtime && case.runtime && super::has_runtime_quietly() {
            check_runtime(&model, &gradient, &fed, &found)?;
        }
    }
    Ok(())
}

/// ONNX Runtime gives the original's outputs on the original, and the interpreter's gradients on the new model.
fn check_runtime(
    model: &Model,
    gradient: &Model,
    fed: &[(String, Tensor)],
    truth: &BTreeMap<String, Tensor>,
) -> Result<(), String> {
    let lent: Vec<(&str, &Tensor)> = fed.iter().map(|(name, tensor)| (name.as_str(), tensor)).collect();
    let original = super::try_run(model, &lent[..lent.len() - 1])?;
    let found = super::try_run(gradient, &lent)?;
    for (name, y) in &original {
        close(&found[name].to_floats(), &y.to_floats(), 1e-5).map_err(|e| format!("forward {name} {e}"))?;
    }
    for (name, value) in &found {
        close(&value.to_floats(), &truth[name].to_floats(), SINGLE)
            .map_err(|e| format!("in ONNX Runtime, {name} {e}"))?;
    }
    Ok(())
}
