//! What can go wrong between a model's bytes and its outputs.

use std::path::PathBuf;

use crate::ElementType;

/// Why ONNX Runtime could not be loaded, a model not be opened, or a run not be made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `ORT_DYLIB_PATH` is unset.
    #[error("no ONNX Runtime: set ORT_DYLIB_PATH to libonnxruntime.so (1.24 or later)")]
    NoLibrary,
    /// The library could not be loaded, or is too old.
    #[error("ONNX Runtime could not be loaded from `{}`: {message}", path.display())]
    Load {
        /// The library's path.
        path: PathBuf,
        /// What the loader said.
        message: String,
    },
    /// Another library is already loaded; one process holds one ONNX Runtime.
    #[error("ONNX Runtime is already loaded from `{}`; one process cannot load `{}` too", loaded.display(), asked.display())]
    AlreadyLoaded {
        /// The library in use.
        loaded: PathBuf,
        /// The library asked for.
        asked: PathBuf,
    },
    /// The model was refused, or the device is not there.
    #[error("the model could not be opened on {device}: {message}")]
    Open {
        /// The device asked for.
        device: String,
        /// What ONNX Runtime said.
        message: String,
    },
    /// No model input has this name.
    #[error("the model has no input `{name}`; its inputs are {known}")]
    UnknownInput {
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A model input was not given.
    #[error("input `{name}` was not given")]
    MissingInput {
        /// The input's name.
        name: String,
    },
    /// No model output has this name.
    #[error("the model has no output `{name}`; its outputs are {known}")]
    UnknownOutput {
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A tensor has another element type than the model's.
    #[error("`{name}` is {expected}, not {found}")]
    ElementType {
        /// Input or output.
        name: String,
        /// What the model has.
        expected: ElementType,
        /// What was given.
        found: ElementType,
    },
    /// A tensor's shape does not fit the model's, or its own data.
    #[error("`{name}` has shape {expected} (-1 = any), not {found}")]
    Shape {
        /// Input or output.
        name: String,
        /// What the model or the data has.
        expected: String,
        /// What was given.
        found: String,
    },
    /// An element type that this interface does not carry.
    #[error("`{name}` has the unsupported element type {found}")]
    Unsupported {
        /// Input or output.
        name: String,
        /// The type, in ONNX Runtime's words.
        found: String,
    },
    /// ONNX Runtime failed inside a run.
    #[error("the run failed: {message}")]
    Run {
        /// What ONNX Runtime said.
        message: String,
    },
}
