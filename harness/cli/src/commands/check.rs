//! `seraph check`: does a plugin keep the contract?

use super::shared::PluginDirs;
use crate::checks::{Check, Found, Report};
use crate::output::{Refused, Result};
use crate::overwrite;
use clap::Args;
use seraph_core::{Norm, Seed};
use seraph_host::{
    AttackInfo, AttackWorker, Broker, Fault, Grants, Kind, Limits, Param, PluginFile, Task, TaskOutcome,
    Victim, VictimWorker, WorkerOptions,
};
use seraph_judge::{Clean, Constraint, verify};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Checks a plugin for conformance: what it says of itself, constraints, determinism, batches, tiny budgets, all on
/// an analytic victim. It is loaded in isolated workers only, and passes only with every check made
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph check my_attack.so --junit report.xml")]
pub struct CheckPlugin {
    /// The shared library
    plugin: PathBuf,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
    /// Also write the result as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    #[command(flatten)]
    plugins: PluginDirs,
}

const ITEMS: usize = 3;
const SAMPLES: usize = 1600;
const LENGTHS: [u32; ITEMS] = [1600, 900, 1];
const EPS: f64 = 0.05;
const CLASSES: i64 = 4;
/// Checks of one attack, per norm and once.
const PER_NORM: usize = 2;
const PER_ATTACK: usize = 4;
/// Checks of the library.
const PER_LIBRARY: usize = 2;

impl CheckPlugin {
    /// Checks.
    pub fn run(self) -> Result {
        if let Some(junit) = &self.junit {
            overwrite::refuse(&self.plugin, junit, "--junit")?;
        }
        let file = seraph_host::read_plugin(&self.plugin)?;
        let notes: Vec<String> = file.notes.iter().map(|note| format!("{} {}", note.kind, note.id)).collect();
        let mut checks = vec![Check::of("note", !notes.is_empty(), notes.join(", "))];
        let mut planned = PER_LIBRARY;
        match seraph_host::describe(&file, &options()) {
            Err(fault) => checks.push(Check::of("describe", false, fault.to_string())),
            Ok(description) => {
                let (attacks, victims) = (description.attacks.len(), description.victims.len());
                let detail = format!("{attacks} attacks, {victims} victims, as the notes say");
                checks.push(Check::of("describe", true, detail));
                let mut victim = self.victim()?;
                for info in &description.attacks {
                    planned += PER_ATTACK + PER_NORM * norms(info).len();
                    checks.extend(Examination { file: &file, info, victim: &mut victim }.checks());
                }
            }
        }
        let report = Report::new(self.plugin.display().to_string(), checks, planned);
        if let Some(path) = &self.junit {
            seraph_runner::write_atomically(path, report.junit().as_bytes())?;
        }
        report.say(self.json)
    }

    /// The analytic victim that attacks are tried on.
    fn victim(&self) -> Result<VictimWorker> {
        let file = seraph_host::find_plugin("victim-linear", Kind::Victim, &self.plugins.folders()?)?;
        let refused = |fault: Fault| Refused::new(format!("victim-linear: {fault}"));
        let description = seraph_host::describe(&file, &options()).map_err(refused)?;
        let info = description.victims.iter().find(|info| info.id == "victim-linear");
        let info = info.ok_or_else(|| Refused::new("victim-linear does not describe itself"))?;
        let given = [("n_classes", CLASSES), ("n_samples", SAMPLES as i64)];
        let given = given.map(|(name, value)| (name.to_owned(), seraph_host::ParamInput::Int(value)));
        let params = seraph_host::resolve_params(&info.params, &[], None, &BTreeMap::from(given))?;
        VictimWorker::start(&file, "victim-linear", &params, &options()).map_err(refused)
    }
}

fn options() -> WorkerOptions {
    let limits = Limits { wall_s: 60.0, cpu_s: 120.0, ..Limits::default() };
    WorkerOptions { required_tier: 0, limits, ..WorkerOptions::default() }
}

fn norms(info: &AttackInfo) -> Vec<(u32, Norm)> {
    let known = [(1, Norm::Linf), (2, Norm::L2), (4, Norm::L1), (8, Norm::L0)];
    known.into_iter().filter(|(bit, _)| info.norms & bit != 0).collect()
}

/// One attack under examination.
struct Examination<'a> {
    file: &'a PluginFile,
    info: &'a AttackInfo,
    victim: &'a mut VictimWorker,
}

impl Examination<'_> {
    fn checks(mut self) -> Vec<Check> {
        let name = self.info.id.clone();
        let params =
            seraph_host::resolve_params(&self.info.params, &self.info.presets, None, &BTreeMap::new());
        let found = match params {
            Ok(params) => self.with_params(&params).unwrap_or_else(|fault| {
                vec![Check::of("victim", false, format!("the analytic victim failed: {fault}"))]
            }),
            Err(error) => vec![Check::of("defaults", false, error.to_string())],
        };
        found.into_iter().map(|check| check.about(&name)).collect()
    }

    fn with_params(&mut self, params: &[Param]) -> std::result::Result<Vec<Check>, Fault> {
        let mut checks = vec![self.documented()];
        let references = self.references()?;
        let all: Vec<usize> = (0..ITEMS).collect();
        for (bit, norm) in norms(self.info) {
            let task = task(&all, &references, (bit, norm));
            let outcome = self.attack(params, &task, 10_000);
            checks.push(ran(norm, &outcome));
            checks.push(in_ball(norm, &task, &outcome));
        }
        let Some(&norm) = norms(self.info).first() else { return Ok(checks) };
        let whole = task(&all, &references, norm);
        let first = self.attack(params, &whole, 10_000);
        let second = self.attack(params, &whole, 10_000);
        let same = bits(&first.commits) == bits(&second.commits);
        checks.push(Check::of("determinism", same, "two runs with one seed, to the bit"));
        checks.push(self.company(params, &references, norm, &first));
        let tiny = self.attack(params, &whole, 1);
        checks.push(tiny_budget(&tiny));
        Ok(checks)
    }

    fn documented(&self) -> Check {
        let missing: Vec<&str> =
            [("doc", &self.info.doc), ("license", &self.info.license), ("author", &self.info.author)]
                .into_iter()
                .filter(|(_, text)| text.trim().is_empty())
                .map(|(what, _)| what)
                .collect();
        if missing.is_empty() {
            return Check::of("documented", true, "doc, license and author are there");
        }
        Check::new("documented", Found::Warning, format!("without {}", missing.join(", ")))
    }

    /// The victim's own answers on the clean items.
    fn references(&mut self) -> std::result::Result<Vec<i32>, Fault> {
        let class =
            |item| self.victim.logits(&clean(item), 1).map(|z| seraph_host::predicted_class(&z) as i32);
        (0..ITEMS).map(class).collect()
    }

    fn attack(&mut self, params: &[Param], task: &Task, queries: u64) -> TaskOutcome {
        let grants = Grants {
            access: self.info.access_required | self.info.access_optional,
            forward: queries,
            gradient: queries,
        };
        match AttackWorker::start(self.file, &self.info.id, params, &options()) {
            Ok(mut worker) => worker.run(task, &mut Broker::new(self.victim, task, grants)),
            Err(fault) => TaskOutcome {
                fault: Some(fault),
                commits: vec![None; task.n_items()],
                ..TaskOutcome::default()
            },
        }
    }

    /// Whether an item gets the same audio alone as among others.
    fn company(
        &mut self,
        params: &[Param],
        references: &[i32],
        norm: (u32, Norm),
        among: &TaskOutcome,
    ) -> Check {
        let mut differing = 0;
        for item in 0..ITEMS {
            let alone = self.attack(params, &task(&[item], references, norm), 10_000);
            differing += usize::from(bits(&alone.commits) != bits(&among.commits[item..=item]));
        }
        let detail = format!("{differing} of {ITEMS} items get other audio alone than in a batch");
        Check::new("batch-invariance", if differing == 0 { Found::Passed } else { Found::Warning }, detail)
    }
}

fn ran(norm: Norm, outcome: &TaskOutcome) -> Check {
    let committed = outcome.commits.iter().flatten().count();
    let detail = match (&outcome.fault, &outcome.victim_fault) {
        (Some(fault), _) => format!("under {}: {fault}", norm.as_str()),
        (None, Some(fault)) => format!("under {}: the victim {fault}", norm.as_str()),
        _ => format!("under {}: {committed} of {ITEMS} items committed", norm.as_str()),
    };
    let well = outcome.fault.is_none() && outcome.victim_fault.is_none() && committed == ITEMS;
    Check::of(
        "runs",
        well && outcome.misbehaviour.is_empty(),
        [detail, outcome.misbehaviour.join("; ")].join(" "),
    )
}

fn in_ball(norm: Norm, task: &Task, outcome: &TaskOutcome) -> Check {
    let constraint = Constraint { norm, eps: budget(norm) };
    let broken = outcome.commits.iter().enumerate().find_map(|(item, committed)| {
        let row = &task.audio[item * SAMPLES..][..SAMPLES];
        let clean = Clean { row, length: task.lengths[item] as usize, sample_rate_hz: 16_000 };
        let violation = verify(&clean, committed.as_ref()?, &constraint).err()?;
        Some(format!("under {}, item of {} samples: {violation}", norm.as_str(), clean.length))
    });
    Check::of(
        "constraints",
        broken.is_none(),
        broken.unwrap_or_else(|| format!("{} kept in float64", norm.as_str())),
    )
}

fn tiny_budget(outcome: &TaskOutcome) -> Check {
    let refused: u64 = outcome.refused.iter().map(|used| used.forward + used.gradient).sum();
    match &outcome.fault {
        Some(fault) => Check::of("tiny-budget", false, format!("with one query per item: {fault}")),
        None => Check::of(
            "tiny-budget",
            true,
            format!("ended in good order with one query per item, {refused} refused"),
        ),
    }
}

fn budget(norm: Norm) -> f64 {
    if norm == Norm::L0 { 1.0 } else { EPS }
}

/// A deterministic item: a tone that fills half of full scale.
fn clean(item: usize) -> Vec<f32> {
    let length = LENGTHS[item] as usize;
    let tone = |i: usize| 0.5 * ((i + 1) as f32 * 0.05 * (item + 1) as f32).sin();
    (0..SAMPLES).map(|i| if i < length { tone(i) } else { 0.0 }).collect()
}

fn task(items: &[usize], references: &[i32], (bit, norm): (u32, Norm)) -> Task {
    Task {
        audio: items.iter().flat_map(|&item| clean(item)).collect(),
        n_samples: SAMPLES,
        lengths: items.iter().map(|&item| LENGTHS[item]).collect(),
        reference: items.iter().map(|&item| references[item]).collect(),
        target: None,
        norm: bit,
        domain: 1,
        radius: vec![
            (budget(norm) as f32).next_down().max(if norm == Norm::L0 { 1.0 } else { 0.0 });
            items.len()
        ],
        eps: budget(norm) as f32,
        clip_lo: -1.0,
        clip_hi: 1.0,
        seed: Seed::derive("seraph/check/1", &[]).0,
        streams: items.iter().map(|&item| item as u64).collect(),
    }
}

fn bits(commits: &[Option<Vec<f32>>]) -> Vec<Option<Vec<u32>>> {
    let row = |commit: &Option<Vec<f32>>| Some(commit.as_ref()?.iter().map(|x| x.to_bits()).collect());
    commits.iter().map(row).collect()
}
