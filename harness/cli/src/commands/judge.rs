//! `seraph judge`: adversarial audio that was made elsewhere.

use super::run::print_summary;
use super::shared::{self, DeviceArg, PluginDirs};
use crate::bar::Bar;
use crate::output::{self, Result};
use clap::Args;
use seraph_runner::{PlanFile, RunOptions};
use std::path::PathBuf;

/// Scores adversarial audio that was made elsewhere, as it scores its own; no attack is run
///
/// Every victim and threat of the plan is a cell; its attacks are left aside. The audio of an item is
/// AUDIO_DIR/<victim>/<item>.wav, else AUDIO_DIR/<item>.wav (or .flac), at the victim's sample rate, as long as
/// its input or as the item itself. What is missing or does not fit counts as a failed attack.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph judge my-audio --plan plan.toml --out judged")]
pub struct Judge {
    /// The folder with the audio
    audio_dir: PathBuf,
    /// The plan, TOML
    #[arg(long)]
    plan: PathBuf,
    /// Folder for journals, records and leaderboards
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on where it was interrupted
    #[arg(long)]
    resume: bool,
    /// Take at most N items of the corpus; marked in the records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Where victims run
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

impl Judge {
    /// Judges.
    pub fn run(self) -> Result {
        let plan = PlanFile::read(&self.plan)?;
        let options = RunOptions {
            out: self.out.clone(),
            jobs: 1,
            resume: self.resume,
            limit: self.limit.map(|n| n as usize),
            device: self.device.into(),
            in_process: false,
            install: self.plugins.install()?,
        };
        let (bar, stop) = (Bar::new(false), shared::stop_on_signals()?);
        let summary = seraph_runner::judge_external(&self.audio_dir, &plan, &options, &bar, &stop)?;
        if self.json {
            output::print_json(&summary)?;
        } else if !summary.interrupted {
            print_summary(&summary)?;
        }
        let (audio, plan, out) = (self.audio_dir.display(), self.plan.display(), self.out.display());
        Ok(shared::outcome(&summary, &format!("seraph judge {audio} --plan {plan} --out {out} --resume")))
    }
}
