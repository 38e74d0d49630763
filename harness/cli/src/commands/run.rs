//! `seraph run`: a plan to its leaderboards.

use super::shared::{self, DeviceArg, PluginDirs};
use crate::bar::Bar;
use crate::output::{self, Result};
use crate::table;
use clap::Args;
use seraph_runner::{PlanFile, RunOptions, RunSummary};
use std::path::PathBuf;

/// Runs a plan: attacks every victim under every threat, judges, records, and renders the leaderboards
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Run {
    /// The plan, TOML
    plan: PathBuf,
    /// Folder for journals, records, audio and leaderboards
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Cells that run at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: u16,
    /// Go on with a run that was interrupted; the records come out the same to the byte
    #[arg(long)]
    resume: bool,
    /// Take at most N items of the corpus; for trying a plan out, and marked in the records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Where victims run
    #[arg(long, value_enum, default_value = "cpu")]
    device: DeviceArg,
    /// Load plugins into this very process, for a debugger; marked in the records and never ranked
    #[arg(long)]
    in_process: bool,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

const EXAMPLES: &str = "\
Examples:
  seraph run plan.toml --out results --jobs 2
  seraph run plan.toml --out results --resume     after Ctrl-C, a crash or a power cut
  seraph run plan.toml --out try --limit 8        a first look

A plan:
  name = \"first-light\"
  seed = 1
  [corpus]
  id = \"emodb\"
  path = \"corpora/emodb\"
  split = \"test\"
  [[victim]]
  plugin = \"victim-onnx\"
  model = \"victims/emo18-emodb.onnx\"
  [[attack]]
  plugin = \"pgd\"
  params = { steps = 20 }
  [[threat]]
  access = \"white-box\"
  norm = \"linf\"
  eps = [0.0005, 0.001, 0.002]

A plugin is a name that `seraph list` shows, or the path of a library, with id = \"...\" where it holds several.
Paths in a plan are relative to the plan's folder, else to the working directory.";

impl Run {
    /// Runs it.
    pub fn run(self) -> Result {
        let plan = PlanFile::read(&self.plan)?;
        let options = self.options()?;
        let bar = Bar::new(false);
        let summary = seraph_runner::run(&plan, &options, &bar, &shared::stop_on_signals()?)?;
        if self.json {
            output::print_json(&summary)?;
        } else if !summary.interrupted {
            print_summary(&summary)?;
        }
        Ok(shared::outcome(&summary, &self.resume_command()))
    }

    fn options(&self) -> Result<RunOptions> {
        Ok(RunOptions {
            out: self.out.clone(),
            jobs: self.jobs.into(),
            resume: self.resume,
            limit: self.limit.map(|n| n as usize),
            device: self.device.into(),
            in_process: self.in_process,
            install: self.plugins.install()?,
        })
    }

    fn resume_command(&self) -> String {
        let command = format!("seraph run {} --out {}", self.plan.display(), self.out.display());
        let limit = self.limit.map(|n| format!(" --limit {n}")).unwrap_or_default();
        let in_process = if self.in_process { " --in-process" } else { "" };
        format!("{command}{limit}{in_process} --resume")
    }
}

/// The table of a run and where its page lies.
pub fn print_summary(summary: &RunSummary) -> Result<()> {
    let percent = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{:.1}", 100.0 * v));
    let rows: Vec<Vec<String>> = summary
        .rows
        .iter()
        .map(|row| {
            vec![
                row.victim.clone(),
                row.threat.clone(),
                row.attack.clone(),
                row.seed.to_string(),
                row.attacked.to_string(),
                (row.invalid + row.failed).to_string(),
                percent(row.clean_uar),
                percent(row.robust_accuracy),
                percent(row.robust_uar),
                percent(row.asr),
                row.median_snr_db.map_or("-".into(), |v| format!("{:.1}", v.0)),
            ]
        })
        .collect();
    let header = [
        "victim",
        "threat",
        "attack",
        "seed",
        "attacked",
        "lost",
        "clean UAR %",
        "robust acc %",
        "robust UAR %",
        "ASR %",
        "SNR dB",
    ];
    output::print(table::table(&header, &rows))?;
    if let Some(page) = &summary.page {
        output::print(format!("\nleaderboard: {}", page.display()))?;
    }
    Ok(())
}
