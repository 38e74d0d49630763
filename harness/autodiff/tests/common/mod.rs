//! What the tests share: ONNX Runtime sessions, NumPy archives, and error measures.
#![allow(dead_code, clippy::unwrap_used)]

pub mod case;
pub mod npz;

use std::collections::BTreeMap;

use seraph_autodiff::{Data, DataType, Model, Tensor};
use seraph_runtime::{Error, Runtime, Session, SessionConfig, TensorData, TensorView};

/// Whether ONNX Runtime is there; says so where it is not.
pub fn has_runtime() -> bool {
    match Runtime::from_env() {
        Ok(_) => true,
        Err(Error::NoLibrary) => {
            eprintln!("skipped: ORT_DYLIB_PATH is not set, so nothing can run the models");
            false
        }
        Err(error) => panic!("{error}"),
    }
}

/// As [`has_runtime`], without a word: for tests of which the runtime is only one half.
pub fn has_runtime_quietly() -> bool {
    Runtime::from_env().is_ok()
}

/// Runs a model with ONNX Runtime; outputs by name.
pub fn run(model: &Model, inputs: &[(&str, &Tensor)]) -> BTreeMap<String, Tensor> {
    try_run(model, inputs).unwrap()
}

/// Runs a model with ONNX Runtime, or says why it would not.
pub fn try_run(model: &Model, inputs: &[(&str, &Tensor)]) -> Result<BTreeMap<String, Tensor>, String> {
    let config = SessionConfig { intra_threads: 2, ..SessionConfig::default() };
    let mut session = Session::from_bytes(&model.to_bytes(), &config).map_err(|error| error.to_string())?;
    let held: Vec<(&str, seraph_runtime::Tensor)> =
        inputs.iter().map(|(name, tensor)| (*name, to_runtime(tensor))).collect();
    let views: Vec<(&str, TensorView<'_>)> =
        held.iter().map(|(name, tensor)| (*name, tensor.view())).collect();
    let outputs = session.run(&views).map_err(|error| error.to_string())?;
    Ok(session.outputs().iter().map(|info| info.name.clone()).zip(outputs.iter().map(from_runtime)).collect())
}

fn to_runtime(tensor: &Tensor) -> seraph_runtime::Tensor {
    let data = match (&tensor.data, tensor.dtype) {
        (Data::Float(data), DataType::F64) => TensorData::F64(data.clone()),
        (Data::Float(data), _) => TensorData::F32(data.iter().map(|&v| v as f32).collect()),
        (Data::Int(data), DataType::I32) => TensorData::I32(data.iter().map(|&v| v as i32).collect()),
        (Data::Int(data), _) => TensorData::I64(data.clone()),
        (Data::Bool(data), _) => TensorData::Bool(data.clone()),
    };
    seraph_runtime::Tensor { dims: tensor.shape.clone(), data }
}

fn from_runtime(tensor: &seraph_runtime::Tensor) -> Tensor {
    match &tensor.data {
        TensorData::F32(data) => Tensor::f32(&tensor.dims, data.iter().copied()),
        TensorData::F64(data) => Tensor::floats(DataType::F64, &tensor.dims, data.clone()),
        TensorData::I64(data) => Tensor::i64(&tensor.dims, data.clone()),
        TensorData::I32(data) => Tensor::i64(&tensor.dims, data.iter().map(|&v| i64::from(v)).collect()),
        TensorData::Bool(data) => Tensor::bools(&tensor.dims, data.clone()),
    }
}

/// |a - b| / |b| in the Euclidean norm.
pub fn relative_error(found: &Tensor, truth: &Tensor) -> f64 {
    let (a, b) = (found.to_floats(), truth.to_floats());
    assert_eq!(a.len(), b.len(), "shapes {:?} and {:?}", found.shape, truth.shape);
    let difference: f64 = a.iter().zip(&b).map(|(x, y)| (x - y).powi(2)).sum();
    let size: f64 = b.iter().map(|y| y * y).sum();
    (difference / size.max(1e-300)).sqrt()
}
