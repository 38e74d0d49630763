//! Reverse-mode differentiation of ONNX graphs: a model in, a model out that also gives the loss and its gradients,
//! in standard operators that any ONNX Runtime runs.
//!
//! ```no_run
//! use seraph_autodiff::{Loss, Model, Options, differentiate};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let model = Model::from_bytes(&std::fs::read("victim.onnx")?)?;
//! let gradient = differentiate(&model, &Options { loss: Loss::CrossEntropy, ..Options::default() })?;
//! std::fs::write("victim-gradient.onnx", gradient.to_bytes())?;
//! # Ok(())
//! # }
//! ```
//!
//! The way through: [`Model`] (`proto`, `model`) is imported into a graph (`import`: functions inlined, `opset` forms
//! modernised, composites `lower`ed, shapes inferred and folded by `graph` and `partial`), rewritten (`rewrite`), given
//! a `loss`, swept `backward` by the rules of the `registry` (`ops`, one file per family), and written (`emit`).
//! [`mod@reference`] interprets a model in float64 and is what the rules are tested against.
//!
//! The approach was tried before in Python by onnx-ad (Joris Gillis, for CasADi) and onnax (Justin Chu).
#![forbid(unsafe_code)]

mod attribute;
mod backward;
mod body;
mod compose;
mod differentiate;
mod dim;
pub mod documentation;
mod dtype;
mod emit;
mod error;
mod fuse;
mod graph;
mod import;
mod loss;
mod lower;
mod model;
mod ops;
mod opset;
mod partial;
pub mod proto;
pub mod reference;
mod registry;
mod rewrite;
mod tensor;
mod var;
mod vjp;

pub use compose::compose;
pub use differentiate::{Options, canonical, differentiate};
pub use dtype::DataType;
pub use error::Error;
pub use fuse::for_runtime;
pub use loss::Loss;
pub use model::{Axis, Model, ValueInfo};
pub use tensor::{Data, Tensor};
