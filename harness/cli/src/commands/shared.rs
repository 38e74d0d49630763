//! Options that several commands share.

use crate::install;
use crate::output::{self, Outcome, Result};
use clap::{Args, ValueEnum};
use seraph_runner::{Device, Install, RunSummary, Stop};
use std::path::PathBuf;

/// Where plugins are looked for.
#[derive(Debug, Args)]
pub struct PluginDirs {
    /// A folder with plugins, before the usual ones; may be given several times
    #[arg(long = "plugin-dir", value_name = "DIR")]
    dirs: Vec<PathBuf>,
}

impl PluginDirs {
    /// The folders to look in.
    pub fn folders(&self) -> Result<Vec<PathBuf>> {
        install::plugin_dirs(&self.dirs)
    }

    /// The folders and ONNX Runtime.
    pub fn install(&self) -> Result<Install> {
        Ok(Install { plugin_dirs: self.folders()?, onnx_runtime: install::onnx_runtime()? })
    }
}

/// Where victims run.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DeviceArg {
    /// The processor
    Cpu,
    /// The first NVIDIA GPU
    Cuda,
}

impl From<DeviceArg> for Device {
    fn from(device: DeviceArg) -> Device {
        match device {
            DeviceArg::Cpu => Device::Cpu,
            DeviceArg::Cuda => Device::Cuda,
        }
    }
}

/// Ctrl-C asks a run to stop between two items.
pub fn stop_on_signals() -> Result<Stop> {
    Ok(Stop::on_signals()?)
}

/// How a run ended, as an exit status, with a line where something is left to do.
pub fn outcome(summary: &RunSummary, resume_with: &str) -> Outcome {
    if summary.interrupted {
        return Outcome::Failed(format!(
            "interrupted; {} of {} cells are done and nothing judged is lost; go on with: {resume_with}",
            summary.done, summary.cells
        ));
    }
    for skipped in &summary.skipped {
        output::note(format!("skipped {}: {}", skipped.cell, skipped.reason));
    }
    for lost in &summary.lost {
        output::note(format!("{}: {}", lost.cell, lost.reason));
    }
    match summary.unsound.as_slice() {
        [] => Outcome::Done,
        [first, ..] => Outcome::Failed(format!(
            "{} of {} cells have no result to rank; the first: {}: {}",
            summary.unsound.len(),
            summary.cells,
            first.cell,
            first.reason
        )),
    }
}
