//! ONNX Runtime behind a small safe interface: load the library once, open sessions from bytes, run them on
//! borrowed tensors. Nothing here panics where the library is absent; every failure is an [`Error`] that names
//! the file, the input or the shape.
#![forbid(unsafe_code)]

mod error;
mod operators;
mod runtime;
mod session;
mod tensor;

pub use error::Error;
pub use runtime::Runtime;
pub use session::{Device, Session, SessionConfig, TensorInfo};
pub use tensor::{DataView, ElementType, Tensor, TensorData, TensorView};
