//! `seraph demo`: the whole path, with nothing to install.

use super::run::print_summary;
use super::shared::{self, PluginDirs};
use crate::bar::Bar;
use crate::output::{self, Outcome, Refused, Result};
use clap::Args;
use seraph_core::Plan;
use seraph_runner::{Device, Install, PlanFile, RunError, RunOptions, RunSummary};
use std::path::{Path, PathBuf};

/// The victims, trained on the synthetic corpus by `demo/train.py`: file name, content.
const FILES: [(&str, &[u8]); 4] = [
    ("emo18-mini.onnx", include_bytes!("../../demo/emo18-mini.onnx")),
    ("emo18-mini.json", include_bytes!("../../demo/emo18-mini.json")),
    ("cnn4-mini.onnx", include_bytes!("../../demo/cnn4-mini.onnx")),
    ("cnn4-mini.json", include_bytes!("../../demo/cnn4-mini.json")),
];
const PLAN: &str = include_str!("../../demo/plan.toml");
/// The output folder where none is given.
const OUT: &str = "seraph-demo";
/// The attacks of the plan, weakest first.
const ORDER: [&str; 4] = ["null", "noise", "fgsm", "pgd"];

/// Shows the whole path: synthesises a small emotional-speech corpus, attacks two small victims that were trained
/// on it through isolated plugins, and renders the leaderboards
///
/// No corpus, GPU or network. Takes less than a minute.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph demo --out demo-results")]
pub struct Demo {
    /// Folder for journals, records, audio and leaderboards; seraph-demo where not given
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Cells that run at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    plugins: PluginDirs,
}

impl Demo {
    /// Runs the demo.
    pub fn run(self) -> Result {
        let scratch = unpack()?;
        let plan = PlanFile { plan: Plan::from_toml(PLAN)?, folder: scratch.path().to_owned() };
        let (stop, install) = (shared::stop_on_signals()?, self.plugins.install()?);
        let run =
            |out: &Path| seraph_runner::run(&plan, &self.options(out, &install), &Bar::new(false), &stop);
        let (out, summary) = match &self.out {
            Some(out) => (out.clone(), run(out)?),
            None => first_free(run)?,
        };
        let order = if summary.interrupted { Ok(vec![]) } else { rates_in_order(&summary) };
        self.say(&summary, order.as_deref().unwrap_or_default())?;
        Ok(match (shared::outcome(&summary, &format!("seraph demo --out {}", out.display())), order) {
            (Outcome::Done, Err(why)) => Outcome::Failed(why),
            (outcome, _) => outcome,
        })
    }

    fn options(&self, out: &Path, install: &Install) -> RunOptions {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        RunOptions {
            out: out.to_owned(),
            jobs: self.jobs.map_or(cores.min(4), usize::from),
            // A demo that is there already is shown again, or gone on with.
            resume: true,
            limit: None,
            device: Device::Cpu,
            in_process: false,
            install: install.clone(),
        }
    }

    fn say(&self, summary: &RunSummary, rates: &[f64]) -> Result<()> {
        if self.json {
            return output::print_json(summary);
        }
        if summary.interrupted {
            return Ok(());
        }
        print_summary(summary)?;
        if rates.is_empty() {
            return Ok(());
        }
        let named = ORDER.iter().zip(rates).map(|(attack, rate)| format!("{attack} {:.1} %", 100.0 * rate));
        output::print(format!(
            "mean attack success, as it should be: {}",
            named.collect::<Vec<_>>().join(" < ")
        ))
    }
}

/// Runs in `seraph-demo`, or in the first of `seraph-demo-2`, `seraph-demo-3`, ... that holds nothing else: with a
/// rebuilt plugin it is another run.
fn first_free(
    run: impl Fn(&Path) -> std::result::Result<RunSummary, RunError>,
) -> Result<(PathBuf, RunSummary)> {
    for number in 1..100 {
        let out = PathBuf::from(if number == 1 { OUT.to_owned() } else { format!("{OUT}-{number}") });
        match run(&out) {
            Err(RunError::Occupied { .. }) => {}
            done => return Ok((out, done?)),
        }
    }
    Err(Refused::new(format!("{OUT} to {OUT}-99 hold other things; give --out")))
}

/// The demo's files in a folder that goes away with the value.
fn unpack() -> Result<tempfile::TempDir> {
    let cannot = |error: std::io::Error| Refused::new(format!("cannot unpack the demo's victims: {error}"));
    let scratch = tempfile::tempdir().map_err(cannot)?;
    for (name, content) in FILES {
        std::fs::write(Path::new(scratch.path()).join(name), content).map_err(cannot)?;
    }
    Ok(scratch)
}

/// The mean success rates of the attacks in [`ORDER`], if each is above the one before it and the null attack never
/// succeeds.
fn rates_in_order(summary: &RunSummary) -> std::result::Result<Vec<f64>, String> {
    let rates =
        ORDER.iter().map(|attack| mean_rate(summary, attack)).collect::<std::result::Result<Vec<_>, _>>()?;
    if rates[0] != 0.0 {
        return Err(format!("the null attack succeeded: ASR {:.3}", rates[0]));
    }
    for (names, rates) in ORDER.windows(2).zip(rates.windows(2)) {
        if rates[0] >= rates[1] {
            return Err(format!(
                "attack {} (ASR {:.3}) should succeed less often than {} ({:.3})",
                names[0], rates[0], names[1], rates[1]
            ));
        }
    }
    Ok(rates)
}

fn mean_rate(summary: &RunSummary, attack: &str) -> std::result::Result<f64, String> {
    let rows = summary.rows.iter().filter(|row| row.attack == attack);
    let rates: Vec<f64> = rows.filter_map(|row| row.asr).collect();
    if rates.is_empty() {
        return Err(format!("the demo has no result for attack {attack}"));
    }
    Ok(rates.iter().sum::<f64>() / rates.len() as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_embedded_plan_is_a_plan_and_names_embedded_files() {
        let plan = Plan::from_toml(PLAN).unwrap();
        for victim in &plan.victims {
            let model = victim.model.as_ref().unwrap();
            assert!(FILES.iter().any(|(name, _)| Path::new(name) == model), "{}", model.display());
        }
        for attack in ORDER {
            assert!(plan.attacks.iter().any(|a| a.name() == attack), "{attack}");
        }
    }
}
