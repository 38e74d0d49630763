//! What a caller decides about a run, beside its plan.

use std::path::PathBuf;

/// Where a run finds plugins and ONNX Runtime.
#[derive(Clone, Debug, Default)]
pub struct Install {
    /// Folders with plugin libraries, searched in order.
    pub plugin_dirs: Vec<PathBuf>,
    /// The shared library of ONNX Runtime, for victims that need it.
    pub onnx_runtime: Option<PathBuf>,
}

/// Where victims run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The first NVIDIA GPU.
    Cuda,
}

impl Device {
    /// As victims' `device` parameters spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Device::Cpu => "cpu",
            Device::Cuda => "cuda",
        }
    }
}

/// What a caller decides about a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// The output folder.
    pub out: PathBuf,
    /// Cells that run at the same time, at least 1.
    pub jobs: usize,
    /// Whether a run that is already in the folder is gone on with.
    pub resume: bool,
    /// At most so many items of the corpus; marks the records.
    pub limit: Option<usize>,
    /// Where victims run.
    pub device: Device,
    /// Whether plugins are loaded into this process, for a debugger; marks the records.
    pub in_process: bool,
    /// Where plugins and ONNX Runtime lie.
    pub install: Install,
}
