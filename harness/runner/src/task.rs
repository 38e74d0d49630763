//! A batch of items as a task for an attack, and what the attack left behind.

use crate::error::RunError;
use crate::judging::Left;
use crate::maker::{Maker, Trouble};
use crate::roster::Assignment;
use crate::setup::{Attack, Setup, Victim};
use seraph_core::{CellSpec, Goal, Norm, Seed};
use seraph_host::{Broker, Fault, Grants, Task, TaskOutcome, VictimWorker};
use std::time::Instant;

/// `SERAPH_DOMAIN_WAVEFORM` of the plugin headers.
const DOMAIN_WAVEFORM: i32 = 1;

/// The clean rows of a batch, in the shape of the oracle's victim.
pub(crate) struct Batch {
    pub ids: Vec<String>,
    pub assignments: Vec<Assignment>,
    /// `[n_items, n_samples]`, row after row.
    pub audio: Vec<f32>,
    pub n_samples: usize,
    /// Valid samples of each row.
    pub lengths: Vec<u32>,
}

impl Batch {
    /// Reads the audio of the assigned items.
    pub fn read(setup: &Setup, victim: &Victim, assignments: &[Assignment]) -> Result<Batch, RunError> {
        let items = assignments.iter().map(|assignment| &setup.corpus.items[assignment.index]);
        let rows = items.clone().map(|item| setup.read(victim, item)).collect::<Result<Vec<_>, _>>()?;
        let n_samples = rows.iter().map(Vec::len).max().unwrap_or(0);
        let lengths = rows.iter().map(|row| row.len() as u32).collect();
        let mut audio = Vec::with_capacity(rows.len() * n_samples);
        for row in &rows {
            audio.extend_from_slice(row);
            audio.resize(audio.len() + n_samples - row.len(), 0.0);
        }
        let ids = items.map(|item| item.id.clone()).collect();
        Ok(Batch { ids, assignments: assignments.to_vec(), audio, n_samples, lengths })
    }

    /// The clean row of an item, padding included.
    pub fn row(&self, item: usize) -> &[f32] {
        &self.audio[item * self.n_samples..][..self.n_samples]
    }

    fn samples(&self, item: usize) -> &[f32] {
        &self.row(item)[..self.lengths[item] as usize]
    }
}

/// An attack in workers of its own, one per batch, so that nothing it remembers outlives a batch.
pub(crate) struct Attacker<'a> {
    pub setup: &'a Setup,
    pub cell: &'a CellSpec,
    /// The victim that answers, kept from batch to batch.
    pub oracle: Option<VictimWorker>,
}

impl<'a> Attacker<'a> {
    /// The attack of a cell.
    pub fn new(setup: &'a Setup, cell: &'a CellSpec) -> Attacker<'a> {
        Attacker { setup, cell, oracle: None }
    }

    fn attack(&self) -> &'a Attack {
        self.setup.attack(&self.cell.attack.name)
    }

    fn victim(&self) -> &'a Victim {
        self.setup.victim(&self.cell.source.as_ref().unwrap_or(&self.cell.victim).id)
    }
}

impl Maker for Attacker<'_> {
    /// Rows of models that take any length are never padded to each other's length, as that would change what the
    /// model says.
    fn batch_items(&self) -> usize {
        let plan = self.setup.plan.plan.run.batch;
        let most = self.attack().max_items.unwrap_or(plan);
        if self.victim().n_samples.is_none() { 1 } else { plan.min(most).max(1) }
    }

    /// An attack that fails is a result; only the victim or the user end it otherwise.
    fn make(&mut self, batch: &Batch) -> Result<Vec<Left>, Trouble> {
        let started = Instant::now();
        let (setup, attack, n_items) = (self.setup, self.attack(), batch.ids.len());
        let victim = self.victim();
        let oracle = match &mut self.oracle {
            Some(oracle) => oracle,
            none => none.insert(setup.start_victim(victim).map_err(Trouble::Victim)?),
        };
        let outcome = match setup.start_attack(attack, n_items) {
            // What keeps every worker from starting is no attack's failure: the run can go on when it is mended.
            Err(fault @ (Fault::NotStarted { .. } | Fault::Isolation { .. })) => {
                let name = attack.facts.identity.name.clone();
                let fault = Box::new(fault);
                return Err(Trouble::Run(RunError::Worker { role: "attack", name, file: None, fault }));
            }
            Err(fault) => TaskOutcome { fault: Some(fault), ..nothing(n_items) },
            Ok(mut worker) => {
                let task = task(self.cell, batch);
                let mut broker = Broker::new(oracle, &task, grants(self.cell));
                worker.run(&task, &mut broker)
            }
        };
        if outcome.fault == Some(Fault::Cancelled) {
            return Err(Trouble::Stopped);
        }
        if let Some(fault) = outcome.victim_fault {
            return Err(if fault == Fault::Cancelled { Trouble::Stopped } else { Trouble::Victim(fault) });
        }
        Ok(lefts(outcome, started.elapsed().as_secs_f64() / n_items as f64))
    }
}

fn nothing(n_items: usize) -> TaskOutcome {
    TaskOutcome {
        commits: vec![None; n_items],
        used: vec![Default::default(); n_items],
        refused: vec![Default::default(); n_items],
        rejected: vec![None; n_items],
        used_at_commit: vec![None; n_items],
        zero_gradients: vec![0; n_items],
        ..TaskOutcome::default()
    }
}

fn grants(cell: &CellSpec) -> Grants {
    Grants {
        access: cell.threat.access.grants().0,
        forward: cell.threat.queries,
        gradient: cell.threat.gradient_queries,
    }
}

fn task(cell: &CellSpec, batch: &Batch) -> Task {
    let threat = &cell.threat;
    let classes = |class: &dyn Fn(&Assignment) -> usize| {
        batch.assignments.iter().map(|assignment| class(assignment) as i32).collect::<Vec<_>>()
    };
    let targeted = threat.goal == Goal::Targeted;
    let radius = |item| not_above(threat.norm.radius(threat.eps.0, batch.samples(item)));
    Task {
        audio: batch.audio.clone(),
        n_samples: batch.n_samples,
        lengths: batch.lengths.clone(),
        reference: classes(&|assignment| assignment.reference),
        target: targeted.then(|| classes(&|assignment| assignment.target.unwrap_or(assignment.reference))),
        norm: norm_bit(threat.norm.ball()),
        domain: DOMAIN_WAVEFORM,
        radius: (0..batch.ids.len()).map(radius).collect(),
        eps: threat.eps.0 as f32,
        clip_lo: -1.0,
        clip_hi: 1.0,
        seed: seed(cell, "").0,
        streams: batch.ids.iter().map(|item| seed(cell, item).key()).collect(),
    }
}

/// The seed of the task, or of an item: an item draws the same numbers in whatever company it is attacked.
fn seed(cell: &CellSpec, item: &str) -> Seed {
    let oracle = cell.source.as_ref().unwrap_or(&cell.victim);
    Seed::of_task(cell.seed, &cell.attack.sha256, &oracle.sha256, item, 0)
}

fn norm_bit(norm: Norm) -> u32 {
    match norm {
        Norm::Linf => 1,
        Norm::L2 | Norm::Snr => 2,
        Norm::L1 => 4,
        Norm::L0 => 8,
    }
}

/// The largest float32 that is not above `radius`: an attack that fills its ball must not leave the plan's.
fn not_above(radius: f64) -> f32 {
    let nearest = radius as f32;
    if f64::from(nearest) > radius { nearest.next_down() } else { nearest }
}

/// What is left of each item.
fn lefts(mut outcome: TaskOutcome, seconds: f64) -> Vec<Left> {
    let commits = std::mem::take(&mut outcome.commits);
    let left = |(item, committed): (usize, Option<Vec<f32>>)| Left {
        fault: fault(&outcome, item, committed.is_some()),
        committed,
        forward_queries: outcome.used[item].forward,
        gradient_queries: outcome.used[item].gradient,
        stored: false,
        zero_gradients: outcome.zero_gradients[item],
        at_success: outcome.used_at_commit[item].map(|used| (used.forward, used.gradient)),
        seconds: Some(seconds),
    };
    commits.into_iter().enumerate().map(left).collect()
}

/// What went wrong with an item: a commit that was no audio, the end of its worker, a budget overdrawn.
fn fault(outcome: &TaskOutcome, item: usize, committed: bool) -> Option<(&'static str, String)> {
    if let Some(fault) = outcome.rejected[item].as_ref().or(outcome.fault.as_ref()) {
        return Some((fault_name(fault), fault.to_string()));
    }
    let refused = outcome.refused[item];
    if refused.forward + refused.gradient > 0 {
        let sentence = format!(
            "asked for {} forward and {} gradient queries over its budget, which were refused",
            refused.forward, refused.gradient
        );
        return Some(("over-budget", sentence));
    }
    (outcome.status != 0 && !committed).then(|| (status_fault(outcome.status), said(outcome)))
}

/// A short name for the status with which an attack gave up.
fn status_fault(status: i32) -> &'static str {
    match seraph_host::status_name(status) {
        "SERAPH_E_NONFINITE" => "nan",
        "SERAPH_E_BUDGET" => "over-budget",
        "SERAPH_E_NOMEM" => "out-of-memory",
        _ => "refused",
    }
}

fn said(outcome: &TaskOutcome) -> String {
    let status = seraph_host::status_name(outcome.status);
    let message = &outcome.message;
    if message.is_empty() {
        format!("run returned {status}")
    } else {
        format!("run returned {status}: {message}")
    }
}

/// A short name of a fault, for journals and tables.
pub(crate) fn fault_name(fault: &Fault) -> &'static str {
    match fault {
        Fault::NotStarted { .. } => "not-started",
        Fault::Isolation { .. } => "isolation",
        Fault::NotLoaded { .. } => "not-loaded",
        Fault::Refused { .. } => "refused",
        Fault::Crashed { .. } => "crash",
        Fault::EarlyExit { .. } => "exit",
        Fault::TimedOut { .. } => "time-out",
        Fault::OutOfMemory => "out-of-memory",
        Fault::TooManyThreads { .. } => "threads",
        Fault::LogFlood { .. } => "log-flood",
        Fault::ProtocolViolation { .. } => "protocol",
        Fault::NonFinite { .. } => "nan",
        Fault::Misdescribed { .. } => "misdescribed",
        Fault::TooLarge { .. } => "too-large",
        _ => "fault",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_radius_is_never_rounded_up() {
        for radius in [0.001, 0.002, 0.0005, 0.1, 1.0, 7.0, 1.0 / 3.0] {
            let rounded = f64::from(not_above(radius));
            assert!(rounded <= radius && radius - rounded <= radius * 1.2e-7, "{radius}");
        }
    }
}
