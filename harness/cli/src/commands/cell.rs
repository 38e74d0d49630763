//! `seraph cell`: one cell of a run, for array jobs.

use super::shared::{self, PluginDirs};
use crate::bar::Bar;
use crate::output::{self, Result};
use clap::Args;
use std::path::PathBuf;

/// Runs one cell of a prepared run, as an array job of a cluster does
///
/// `seraph run` writes the manifest, run.json, into its output folder before the first cell. A cell that is done
/// already is left as it is.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph cell --manifest results/run.json --index $SLURM_ARRAY_TASK_ID")]
pub struct Cell {
    /// The run.json of an output folder
    #[arg(long, value_name = "M")]
    manifest: PathBuf,
    /// Which cell, from 0
    #[arg(long, value_name = "I")]
    index: usize,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

impl Cell {
    /// Runs the cell.
    pub fn run(self) -> Result {
        let install = self.plugins.install()?;
        let bar = Bar::new(false);
        let summary =
            seraph_runner::run_one(&self.manifest, self.index, install, &bar, &shared::stop_on_signals()?)?;
        if self.json {
            output::print_json(&summary)?;
        } else if !summary.interrupted {
            super::run::print_summary(&summary)?;
        }
        let again = format!("seraph cell --manifest {} --index {}", self.manifest.display(), self.index);
        Ok(shared::outcome(&summary, &again))
    }
}
