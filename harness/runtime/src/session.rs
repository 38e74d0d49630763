//! One opened model: what goes in, what comes out, and a run.

use std::borrow::Cow;

use ort::ep::ExecutionProviderDispatch;
use ort::session::builder::SessionBuilder;
use ort::session::{OutputSelector, RunOptions, SessionInputValue, SessionOutputs};
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use crate::tensor::DataView;
use crate::{ElementType, Error, Runtime, Tensor, TensorData, TensorView, operators};

/// Where a session computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A CUDA device, by its index. A machine without one gives an error, never the processor in its place.
    Cuda(i32),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(id) => write!(f, "cuda:{id}"),
        }
    }
}

/// How a session is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// Where to compute.
    pub device: Device,
    /// Threads inside one operator; 0 lets ONNX Runtime choose.
    pub intra_threads: usize,
    /// ONNX Runtime's memory planner. Off: it doubles the peak of gradient graphs and gains no time there.
    pub mem_pattern: bool,
    /// Whether idle threads spin. Off where several workers share one machine.
    pub spinning: bool,
    /// TensorFloat-32 on CUDA. Off: the processor and the GPU then agree to float32 rounding.
    pub tf32: bool,
    /// Whether ONNX Runtime rewrites the graph. Off for comparisons of a graph as written.
    pub optimize: bool,
}

impl Default for SessionConfig {
    fn default() -> Self {
        SessionConfig {
            device: Device::Cpu,
            intra_threads: 1,
            mem_pattern: false,
            spinning: false,
            tf32: false,
            optimize: true,
        }
    }
}

/// Name, type and shape of an input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorInfo {
    /// Its name in the model.
    pub name: String,
    /// Its element type; `None` for one that this interface does not carry.
    pub element_type: Option<ElementType>,
    /// Its dimensions, outermost first; -1 = any.
    pub dims: Vec<i64>,
}

/// A model opened for running.
pub struct Session {
    session: ort::session::Session,
    inputs: Vec<TensorInfo>,
    outputs: Vec<TensorInfo>,
}

impl Session {
    /// Opens the ONNX model in `bytes` with the runtime that `ORT_DYLIB_PATH` names (or that is loaded already).
    ///
    /// # Errors
    /// When there is no runtime, the model is refused, or the device is not there.
    pub fn from_bytes(bytes: &[u8], config: &SessionConfig) -> Result<Session, Error> {
        Session::with_runtime(Runtime::from_env()?, bytes, config)
    }

    /// Opens the ONNX model in `bytes` with a given runtime.
    ///
    /// # Errors
    /// When the model is refused, or the device is not there.
    pub fn with_runtime(runtime: &Runtime, bytes: &[u8], config: &SessionConfig) -> Result<Session, Error> {
        let failed =
            |message: String| Error::Open { device: config.device.to_string(), message: one_line(&message) };
        let mut builder = configure(runtime, config).map_err(failed)?;
        let session = builder.commit_from_memory(bytes).map_err(|error| failed(error.to_string()))?;
        let inputs = session.inputs().iter().map(info).collect();
        let outputs = session.outputs().iter().map(info).collect();
        Ok(Session { session, inputs, outputs })
    }

    /// What the model takes.
    pub fn inputs(&self) -> &[TensorInfo] {
        &self.inputs
    }

    /// What the model gives.
    pub fn outputs(&self) -> &[TensorInfo] {
        &self.outputs
    }

    /// Runs the model; returns all outputs in the model's order. Inputs are read in place.
    ///
    /// # Errors
    /// When an input is unknown, missing, of another type or shape, or the run itself fails.
    pub fn run(&mut self, inputs: &[(&str, TensorView<'_>)]) -> Result<Vec<Tensor>, Error> {
        self.check_inputs(inputs)?;
        let feed = feed(inputs)?;
        let results = self.session.run(feed).map_err(run_failed)?;
        self.outputs.iter().map(|info| owned(&info.name, &results[info.name.as_str()])).collect()
    }

    /// Runs the model for some float32 outputs only, and writes each into the caller's slice.
    ///
    /// # Errors
    /// As [`Session::run`]; also when an output is unknown, not float32, or its slice has another length.
    pub fn run_into(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
        outputs: &mut [(&str, &mut [f32])],
    ) -> Result<(), Error> {
        self.check_inputs(inputs)?;
        self.check_outputs(outputs)?;
        let feed = feed(inputs)?;
        let mut wanted = OutputSelector::no_default();
        for (name, _) in outputs.iter() {
            wanted = wanted.with(*name);
        }
        let options = RunOptions::new().map_err(run_failed)?.with_outputs(wanted);
        let results = self.session.run_with_options(feed, &options).map_err(run_failed)?;
        outputs.iter_mut().try_for_each(|(name, slice)| copy_out(name, &results, slice))
    }

    fn check_inputs(&self, inputs: &[(&str, TensorView<'_>)]) -> Result<(), Error> {
        for info in &self.inputs {
            if !inputs.iter().any(|(name, _)| *name == info.name) {
                return Err(Error::MissingInput { name: info.name.clone() });
            }
        }
        inputs.iter().try_for_each(|(name, view)| match self.inputs.iter().find(|info| info.name == *name) {
            Some(info) => check_input(info, view),
            None => Err(Error::UnknownInput { name: (*name).to_owned(), known: names(&self.inputs) }),
        })
    }

    fn check_outputs(&self, outputs: &[(&str, &mut [f32])]) -> Result<(), Error> {
        for (name, _) in outputs {
            let Some(info) = self.outputs.iter().find(|info| info.name == *name) else {
                return Err(Error::UnknownOutput { name: (*name).to_owned(), known: names(&self.outputs) });
            };
            if let Some(expected) = info.element_type.filter(|t| *t != ElementType::F32) {
                return Err(Error::ElementType {
                    name: (*name).to_owned(),
                    expected,
                    found: ElementType::F32,
                });
            }
        }
        Ok(())
    }
}

/// Builder errors own the builder and are not `Send`: they become text here.
fn configure(runtime: &Runtime, config: &SessionConfig) -> Result<SessionBuilder, String> {
    use ort::session::builder::GraphOptimizationLevel as Level;
    let text = |error: ort::Error<SessionBuilder>| error.to_string();
    let level = if config.optimize { Level::All } else { Level::Disable };
    let mut builder = ort::session::Session::builder(&runtime.environment)
        .map_err(|error| error.to_string())?
        .with_optimization_level(level)
        .map_err(text)?
        .with_memory_pattern(config.mem_pattern)
        .map_err(text)?
        .with_intra_op_spinning(config.spinning)
        .map_err(text)?
        .with_log_level(ort::logging::LogLevel::Error)
        .map_err(text)?
        .with_operators(operators::domain().map_err(|error| error.to_string())?)
        .map_err(text)?;
    if config.intra_threads > 0 {
        builder = builder.with_intra_threads(config.intra_threads).map_err(text)?;
    }
    match provider(config) {
        Some(provider) => builder.with_execution_providers([provider]).map_err(text),
        None => Ok(builder),
    }
}

fn provider(config: &SessionConfig) -> Option<ExecutionProviderDispatch> {
    match config.device {
        Device::Cpu => None,
        Device::Cuda(id) => {
            let cuda = ort::ep::CUDA::default().with_device_id(id).with_tf32(config.tf32);
            Some(cuda.build().error_on_failure())
        }
    }
}

fn check_input(info: &TensorInfo, view: &TensorView<'_>) -> Result<(), Error> {
    match info.element_type {
        Some(expected) if expected != view.element_type() => {
            return Err(Error::ElementType { name: info.name.clone(), expected, found: view.element_type() });
        }
        None => return Err(Error::Unsupported { name: info.name.clone(), found: "see the model".into() }),
        _ => {}
    }
    let fits = info.dims.len() == view.dims.len()
        && info
            .dims
            .iter()
            .zip(view.dims)
            .all(|(&expected, &found)| expected < 0 || expected == found as i64);
    if !fits {
        return Err(Error::Shape {
            name: info.name.clone(),
            expected: format!("{:?}", info.dims),
            found: format!("{:?}", view.dims),
        });
    }
    let count = view.dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
    if count != Some(view.len()) {
        return Err(Error::Shape {
            name: info.name.clone(),
            expected: format!("{:?}", view.dims),
            found: format!("{} elements", view.len()),
        });
    }
    Ok(())
}

type Feed<'a> = Vec<(Cow<'a, str>, SessionInputValue<'a>)>;

fn feed<'a>(inputs: &[(&'a str, TensorView<'a>)]) -> Result<Feed<'a>, Error> {
    inputs.iter().map(|(name, view)| Ok((Cow::Borrowed(*name), borrowed(view)?))).collect()
}

fn borrowed<'a>(view: &TensorView<'a>) -> Result<SessionInputValue<'a>, Error> {
    let dims = view.dims;
    Ok(match view.data {
        DataView::F32(data) => TensorRef::from_array_view((dims, data)).map_err(run_failed)?.into(),
        DataView::F64(data) => TensorRef::from_array_view((dims, data)).map_err(run_failed)?.into(),
        DataView::I64(data) => TensorRef::from_array_view((dims, data)).map_err(run_failed)?.into(),
        DataView::I32(data) => TensorRef::from_array_view((dims, data)).map_err(run_failed)?.into(),
        DataView::Bool(data) => TensorRef::from_array_view((dims, data)).map_err(run_failed)?.into(),
    })
}

fn owned(name: &str, value: &DynValue) -> Result<Tensor, Error> {
    macro_rules! take {
        ($type:ty, $variant:ident) => {{
            let (shape, data) = value.try_extract_tensor::<$type>().map_err(run_failed)?;
            Ok(Tensor {
                dims: shape.iter().map(|&dim| dim as usize).collect(),
                data: TensorData::$variant(data.to_vec()),
            })
        }};
    }
    match element_type(value.dtype()) {
        Some(ElementType::F32) => take!(f32, F32),
        Some(ElementType::F64) => take!(f64, F64),
        Some(ElementType::I64) => take!(i64, I64),
        Some(ElementType::I32) => take!(i32, I32),
        Some(ElementType::Bool) => take!(bool, Bool),
        None => Err(Error::Unsupported { name: name.to_owned(), found: format!("{:?}", value.dtype()) }),
    }
}

fn copy_out(name: &str, results: &SessionOutputs<'_>, slice: &mut [f32]) -> Result<(), Error> {
    let (shape, data) = results[name].try_extract_tensor::<f32>().map_err(run_failed)?;
    if data.len() != slice.len() {
        return Err(Error::Shape {
            name: name.to_owned(),
            expected: format!("{:?}", &shape[..]),
            found: format!("a slice of {}", slice.len()),
        });
    }
    slice.copy_from_slice(data);
    Ok(())
}

fn info(outlet: &Outlet) -> TensorInfo {
    let dims = match outlet.dtype() {
        ValueType::Tensor { shape, .. } => shape.iter().copied().collect(),
        _ => Vec::new(),
    };
    TensorInfo { name: outlet.name().to_owned(), element_type: element_type(outlet.dtype()), dims }
}

fn element_type(value_type: &ValueType) -> Option<ElementType> {
    match value_type {
        ValueType::Tensor { ty: TensorElementType::Float32, .. } => Some(ElementType::F32),
        ValueType::Tensor { ty: TensorElementType::Float64, .. } => Some(ElementType::F64),
        ValueType::Tensor { ty: TensorElementType::Int64, .. } => Some(ElementType::I64),
        ValueType::Tensor { ty: TensorElementType::Int32, .. } => Some(ElementType::I32),
        ValueType::Tensor { ty: TensorElementType::Bool, .. } => Some(ElementType::Bool),
        _ => None,
    }
}

fn names(infos: &[TensorInfo]) -> String {
    infos.iter().map(|info| format!("`{}`", info.name)).collect::<Vec<_>>().join(", ")
}

fn run_failed(error: ort::Error) -> Error {
    Error::Run { message: one_line(&error.to_string()) }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
