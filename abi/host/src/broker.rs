//! Stands between an attack and a victim: grants, counts, checks, and keeps what is committed.
//!
//! Nothing that the attack says is taken on trust. A query is charged before anything else happens to it; padding
//! is set to zero and finiteness is checked on the host's own copy of the samples, which is what the victim sees.

use crate::fault::Fault;
use crate::task::{Task, TaskOutcome};
use crate::victim::{Loss, LossGradOut, Victim, all_finite, predicted_class};
use seraph_sys::*;
use seraph_wire::BudgetState;
use serde::{Deserialize, Serialize};

/// The most rows of a question, whatever fits the channel.
const MAX_ROWS: usize = 4096;
/// Notes of misbehaviour kept.
const MAX_NOTES: usize = 16;

/// What a threat model grants an attack, per item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grants {
    /// `SERAPH_ACCESS_*`.
    pub access: u32,
    /// Forward queries; a gradient query costs one too.
    pub forward: u64,
    /// Gradient queries.
    pub gradient: u64,
}

/// Queries of one item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// Forward queries.
    pub forward: u64,
    /// Gradient queries.
    pub gradient: u64,
}

/// Where the rows of a question are read from.
pub trait Rows {
    /// Copies the samples from `first` on, counted from the start of the first row.
    fn read(&mut self, first: usize, out: &mut [f32]) -> Result<(), Fault>;
}

impl Rows for &[f32] {
    fn read(&mut self, first: usize, out: &mut [f32]) -> Result<(), Fault> {
        out.copy_from_slice(&self[first..first + out.len()]);
        Ok(())
    }
}

/// Why a question is not answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Denial {
    /// The attack gets this status and goes on.
    Status(i32),
    /// The victim is of no use any more; the task ends.
    Victim(Fault),
    /// The attack's channel is of no use any more; the task ends.
    Attack(Fault),
}

/// One task's oracle.
pub struct Broker<'v> {
    victim: &'v mut dyn Victim,
    grants: Grants,
    n_samples: usize,
    n_classes: usize,
    lengths: Vec<u32>,
    reference: Vec<i32>,
    target: Option<Vec<i32>>,
    pub(crate) used: Vec<Used>,
    pub(crate) refused: Vec<Used>,
    pub(crate) commits: Vec<Option<Vec<f32>>>,
    pub(crate) rejected: Vec<Option<Fault>>,
    pub(crate) used_at_commit: Vec<Option<Used>>,
    pub(crate) zero_gradients: Vec<u64>,
    pub(crate) misbehaviour: Vec<String>,
    scratch: Vec<f32>,
    clip: std::ops::RangeInclusive<f32>,
    /// Whether a row of the question in hand leaves the box.
    outside_box: bool,
}

impl<'v> Broker<'v> {
    /// The oracle of `task`, answered by `victim`.
    pub fn new(victim: &'v mut dyn Victim, task: &Task, grants: Grants) -> Self {
        let n = task.n_items();
        let desc = victim.desc();
        Self {
            n_classes: desc.n_classes as usize,
            // A grant of what the victim does not have is none.
            grants: Grants { access: grants.access & reach(desc.access), ..grants },
            victim,
            n_samples: task.n_samples,
            lengths: task.lengths.clone(),
            reference: task.reference.clone(),
            target: task.target.clone(),
            used: vec![Used::default(); n],
            refused: vec![Used::default(); n],
            commits: vec![None; n],
            rejected: vec![None; n],
            used_at_commit: vec![None; n],
            zero_gradients: vec![0; n],
            misbehaviour: Vec::new(),
            scratch: Vec::new(),
            clip: task.clip_lo..=task.clip_hi,
            outside_box: false,
        }
    }

    /// `SERAPH_ACCESS_*` granted.
    pub fn access(&self) -> u32 {
        self.grants.access
    }

    /// Classes of the victim.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Of the victim's input; 0: not audio.
    pub fn sample_rate_hz(&self) -> u32 {
        self.victim.desc().sample_rate_hz
    }

    /// Rows that one question may have when `capacity_bytes` carry rows or answers.
    pub fn max_rows(&self, capacity_bytes: u64) -> usize {
        let row_bytes = 4 * (self.n_samples + self.n_classes + 1) as u64;
        (capacity_bytes.saturating_sub(256) / row_bytes).min(MAX_ROWS as u64) as usize
    }

    /// Queries made, per item.
    pub fn used(&self) -> &[Used] {
        &self.used
    }

    /// The predicted class of each row.
    pub fn decision(&mut self, items: &[u32], rows: &mut dyn Rows, out: &mut [i32]) -> Result<(), Denial> {
        self.admit(SERAPH_ACCESS_DECISION, items, false)?;
        let mut logits = std::mem::take(&mut self.scratch);
        logits.resize(items.len() * self.n_classes, 0.0);
        let answered = self.forward(items, rows, &mut logits);
        for (class, row) in out.iter_mut().zip(logits.chunks(self.n_classes)) {
            *class = predicted_class(row) as i32;
        }
        self.scratch = logits;
        answered
    }

    /// The logits of each row, `[n, n_classes]`.
    pub fn logits(&mut self, items: &[u32], rows: &mut dyn Rows, out: &mut [f32]) -> Result<(), Denial> {
        self.admit(SERAPH_ACCESS_LOGITS, items, false)?;
        self.forward(items, rows, out)
    }

    /// Losses, gradients and logits of each row.
    pub fn loss_grad(
        &mut self,
        items: &[u32],
        rows: &mut dyn Rows,
        loss: &Loss,
        out: LossGradOut<'_>,
    ) -> Result<(), Denial> {
        let loss = self.complete_loss(items, loss)?;
        self.admit(SERAPH_ACCESS_GRADIENT, items, true)?;
        let (n_samples, n_classes) = (self.n_samples, self.n_classes);
        let mut first = 0;
        while first < items.len() {
            let n = self.chunk_rows(items.len() - first);
            let chunk = first..first + n;
            self.stage(items, chunk.clone(), rows)?;
            let chunk_loss = rows_of_loss(&loss, &chunk, n_classes);
            let grad = &mut out.grad[first * n_samples..][..n * n_samples];
            let chunk_out = LossGradOut {
                loss: &mut out.loss[chunk.clone()],
                grad: &mut *grad,
                logits: &mut out.logits[first * n_classes..][..n * n_classes],
            };
            let answered = self.victim.loss_grad_of_input(n, &chunk_loss, chunk_out);
            answered.map_err(|fault| self.blame(fault))?;
            for (row, &item) in grad.chunks_mut(n_samples).zip(&items[chunk]) {
                row[self.lengths[item as usize] as usize..].fill(0.0);
                self.zero_gradients[item as usize] += u64::from(row.iter().all(|g| *g == 0.0));
            }
            first += n;
        }
        self.check_answer(out.logits)?;
        if !all_finite(out.loss) || !all_finite(out.grad) {
            self.note("asked for a loss whose value or gradient is not finite");
            return Err(Denial::Status(SERAPH_E_NONFINITE));
        }
        Ok(())
    }

    /// What is left for an item.
    pub fn budget(&self, item: u32) -> Result<BudgetState, Denial> {
        let used = self.used.get(item as usize).ok_or(Denial::Status(SERAPH_E_ARG))?;
        Ok(BudgetState {
            forward_left: self.grants.forward - used.forward,
            forward_used: used.forward,
            gradient_left: self.grants.gradient - used.gradient,
            gradient_used: used.gradient,
        })
    }

    /// Keeps a candidate for an item, padding set to zero. One that is not finite is rejected, and what was
    /// committed before stays.
    pub fn commit(&mut self, item: u32, rows: &mut dyn Rows) -> Result<(), Denial> {
        let at = item as usize;
        let len = *self.lengths.get(at).ok_or(Denial::Status(SERAPH_E_ARG))? as usize;
        self.scratch.resize(self.n_samples, 0.0);
        rows.read(0, &mut self.scratch).map_err(Denial::Attack)?;
        self.scratch[len..].fill(0.0);
        if !all_finite(&self.scratch) {
            self.rejected[at] = Some(Fault::NonFinite { what: "a commit".to_owned() });
            return Err(Denial::Status(SERAPH_E_NONFINITE));
        }
        self.rejected[at] = None;
        self.used_at_commit[at] = Some(self.used[at]);
        let kept = self.commits[at].get_or_insert_default();
        kept.clear();
        kept.extend_from_slice(&self.scratch);
        Ok(())
    }

    /// Moves what was counted and kept into the outcome of the task.
    pub(crate) fn hand_over(&mut self, outcome: &mut TaskOutcome) {
        outcome.commits = std::mem::take(&mut self.commits);
        outcome.used = std::mem::take(&mut self.used);
        outcome.refused = std::mem::take(&mut self.refused);
        outcome.rejected = std::mem::take(&mut self.rejected);
        outcome.used_at_commit = std::mem::take(&mut self.used_at_commit);
        outcome.zero_gradients = std::mem::take(&mut self.zero_gradients);
        outcome.misbehaviour = std::mem::take(&mut self.misbehaviour);
    }

    /// Notes something that the attack did against the contract.
    pub(crate) fn note(&mut self, what: &str) {
        if self.misbehaviour.len() < MAX_NOTES && !self.misbehaviour.iter().any(|note| note == what) {
            self.misbehaviour.push(what.to_owned());
        }
    }

    /// Checks the grant and the items, then charges every row, or none.
    fn admit(&mut self, access: u32, items: &[u32], gradient: bool) -> Result<(), Denial> {
        self.outside_box = false;
        if self.grants.access & access == 0 {
            self.note("asked for what the threat model does not grant");
            return Err(Denial::Status(SERAPH_E_DENIED));
        }
        if items.is_empty() || items.iter().any(|&item| item as usize >= self.lengths.len()) {
            return Err(Denial::Status(SERAPH_E_ARG));
        }
        let cost = u64::from(gradient);
        for (charged, &item) in items.iter().enumerate() {
            let used = &mut self.used[item as usize];
            if used.forward + 1 > self.grants.forward || used.gradient + cost > self.grants.gradient {
                self.refund(&items[..charged], cost);
                self.refuse(items, cost);
                return Err(Denial::Status(SERAPH_E_BUDGET));
            }
            used.forward += 1;
            used.gradient += cost;
        }
        Ok(())
    }

    fn refund(&mut self, items: &[u32], gradient: u64) {
        for &item in items {
            self.used[item as usize].forward -= 1;
            self.used[item as usize].gradient -= gradient;
        }
    }

    fn refuse(&mut self, items: &[u32], gradient: u64) {
        for &item in items {
            self.refused[item as usize].forward += 1;
            self.refused[item as usize].gradient += gradient;
        }
    }

    fn forward(&mut self, items: &[u32], rows: &mut dyn Rows, out: &mut [f32]) -> Result<(), Denial> {
        let mut first = 0;
        while first < items.len() {
            let n = self.chunk_rows(items.len() - first);
            self.stage(items, first..first + n, rows)?;
            let logits = &mut out[first * self.n_classes..][..n * self.n_classes];
            let answered = self.victim.logits_of_input(n, logits);
            answered.map_err(|fault| self.blame(fault))?;
            first += n;
        }
        self.check_answer(out)
    }

    /// Logits that are no numbers are the victim's fault, unless it was asked about what is no audio.
    fn check_answer(&mut self, logits: &[f32]) -> Result<(), Denial> {
        if all_finite(logits) {
            return Ok(());
        }
        if self.outside_box {
            self.note("asked about samples outside the box, for which the victim has no finite answer");
            return Err(Denial::Status(SERAPH_E_NONFINITE));
        }
        Err(Denial::Victim(Fault::NonFinite { what: "logits".to_owned() }))
    }

    /// A question that the victim rejects as such is the attack's; any other failure is the victim's.
    fn blame(&mut self, fault: Fault) -> Denial {
        match fault {
            Fault::Refused {
                status: status @ (SERAPH_E_ARG | SERAPH_E_NONFINITE | SERAPH_E_UNSUPPORTED),
                ..
            } => {
                self.note("asked what the victim rejects");
                Denial::Status(status)
            }
            fault => Denial::Victim(fault),
        }
    }

    fn chunk_rows(&self, left: usize) -> usize {
        self.victim.max_rows(self.n_samples).max(1).min(left)
    }

    /// Copies rows into the victim's input, their padding set to zero; refuses what is not finite.
    fn stage(
        &mut self,
        items: &[u32],
        chunk: std::ops::Range<usize>,
        rows: &mut dyn Rows,
    ) -> Result<(), Denial> {
        let input = self.victim.input(chunk.len() * self.n_samples).map_err(Denial::Victim)?;
        rows.read(chunk.start * self.n_samples, input).map_err(Denial::Attack)?;
        for (row, &item) in input.chunks_mut(self.n_samples).zip(&items[chunk]) {
            row[self.lengths[item as usize] as usize..].fill(0.0);
        }
        if !all_finite(input) {
            self.note("queried with samples that are NaN or infinite");
            return Err(Denial::Status(SERAPH_E_NONFINITE));
        }
        self.outside_box |= input.iter().any(|sample| !self.clip.contains(sample));
        Ok(())
    }

    /// The loss with the classes that it leaves to the host filled in, and everything within its bounds.
    fn complete_loss(&self, items: &[u32], loss: &Loss) -> Result<Loss, Denial> {
        let invalid = || Denial::Status(SERAPH_E_ARG);
        if items.iter().any(|&item| item as usize >= self.lengths.len()) {
            return Err(invalid());
        }
        let class_of = |list: &[i32]| items.iter().map(|&item| list[item as usize]).collect::<Vec<_>>();
        let goal = self.target.as_deref().unwrap_or(&self.reference);
        let mut full = Loss { classes: None, targets: None, cotangent: None, ..*loss };
        match loss.kind {
            SERAPH_LOSS_VJP => full.cotangent = Some(loss.cotangent.clone().ok_or_else(invalid)?),
            SERAPH_LOSS_CE | SERAPH_LOSS_MARGIN | SERAPH_LOSS_DLR | SERAPH_LOSS_DLR_TARGETED => {
                full.classes = Some(loss.classes.clone().unwrap_or_else(|| class_of(goal)));
            }
            _ => return Err(invalid()),
        }
        if loss.kind == SERAPH_LOSS_DLR_TARGETED {
            // The class to leave is the reference here; the target is the other operand.
            full.classes = Some(loss.classes.clone().unwrap_or_else(|| class_of(&self.reference)));
            let targets = loss.targets.clone().or_else(|| self.target.as_deref().map(class_of));
            full.targets = Some(targets.ok_or_else(invalid)?);
        }
        let classes = [&full.classes, &full.targets].into_iter().flatten();
        let valid = |list: &Vec<i32>| {
            list.len() == items.len() && list.iter().all(|&class| (0..self.n_classes as i32).contains(&class))
        };
        let cotangent_fits = |list: &Vec<f32>| list.len() == items.len() * self.n_classes && all_finite(list);
        let kappa_fits = loss.kappa >= 0.0; // false for NaN
        let fits = classes.into_iter().all(valid)
            && full.cotangent.as_ref().is_none_or(cotangent_fits)
            && kappa_fits;
        if fits { Ok(full) } else { Err(invalid()) }
    }
}

/// What can be granted over a victim that answers this: the class follows from the logits.
fn reach(victim_access: u32) -> u32 {
    SERAPH_ACCESS_DECISION | SERAPH_ACCESS_LOGITS | (victim_access & SERAPH_ACCESS_GRADIENT)
}

fn rows_of_loss(loss: &Loss, rows: &std::ops::Range<usize>, n_classes: usize) -> Loss {
    let part = |list: &Option<Vec<i32>>| list.as_ref().map(|list| list[rows.clone()].to_vec());
    Loss {
        classes: part(&loss.classes),
        targets: part(&loss.targets),
        cotangent: loss
            .cotangent
            .as_ref()
            .map(|all| all[rows.start * n_classes..rows.end * n_classes].to_vec()),
        ..*loss
    }
}
