//! What an attack is asked to do, and what came of it.

use crate::broker::Used;
use crate::fault::Fault;
use serde::{Deserialize, Serialize};

/// A batch of items to attack.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// `[n_items, n_samples]`; samples past an item's length are 0.
    pub audio: Vec<f32>,
    /// Samples of each row.
    pub n_samples: usize,
    /// `[n_items]` valid samples.
    pub lengths: Vec<u32>,
    /// `[n_items]` the class that the oracle predicts on the clean audio.
    pub reference: Vec<i32>,
    /// `[n_items]` the class to reach; absent: untargeted.
    pub target: Option<Vec<i32>>,
    /// `[n_items]` the random stream of each item, so that what it draws does not depend on its place here.
    pub streams: Vec<u64>,
    /// One `SERAPH_NORM_*`.
    pub norm: u32,
    /// `SERAPH_DOMAIN_*`.
    pub domain: i32,
    /// `[n_items]` of the ball around each item.
    pub radius: Vec<f32>,
    /// As the plan states it.
    pub eps: f32,
    /// Lower end of the box.
    pub clip_lo: f32,
    /// Upper end of the box.
    pub clip_hi: f32,
    /// All randomness comes from here.
    pub seed: [u8; 32],
}

impl Task {
    /// Items.
    pub fn n_items(&self) -> usize {
        self.lengths.len()
    }

    /// Whether the parts fit each other.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let n = self.n_items();
        let targets = self.target.as_ref().is_none_or(|target| target.len() == n);
        if n == 0 || self.n_samples == 0 {
            Err("a task without items or samples")
        } else if self.audio.len() != n * self.n_samples {
            Err("a task whose audio is not n_items x n_samples")
        } else if self.reference.len() != n || self.radius.len() != n || self.streams.len() != n || !targets {
            Err("a task whose per-item lists differ in length")
        } else if self.lengths.iter().any(|&len| len as usize > self.n_samples) {
            Err("a task with an item longer than its row")
        } else {
            Ok(())
        }
    }
}

/// A message that a plugin logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// `SERAPH_LOG_*`; what it printed by other means is `SERAPH_LOG_INFO`.
    pub level: i32,
    /// Control characters escaped.
    pub text: String,
}

/// How far a plugin says it is. Advisory: nothing in a record comes from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Of the task.
    pub item: u32,
    /// Done.
    pub step: u64,
    /// Of these.
    pub steps: u64,
    /// NaN: none.
    pub loss: f64,
}

/// What came of a task. All of it was counted, clocked and copied by the host.
#[derive(Clone, Debug, Default)]
pub struct TaskOutcome {
    /// `[n_items]` the last finite commit of each item, padding re-zeroed; absent: the attack failed on it.
    pub commits: Vec<Option<Vec<f32>>>,
    /// `[n_items]` queries made.
    pub used: Vec<Used>,
    /// `[n_items]` queries refused because they were over the budget.
    pub refused: Vec<Used>,
    /// `[n_items]` why the last commit of the item was rejected, if it was.
    pub rejected: Vec<Option<Fault>>,
    /// `[n_items]` queries made when the last commit came in: an upper bound of what the success took.
    pub used_at_commit: Vec<Option<Used>>,
    /// `[n_items]` gradients that were zero everywhere.
    pub zero_gradients: Vec<u64>,
    /// What the attack did wrong; the worker is of no use any more.
    pub fault: Option<Fault>,
    /// What the victim did wrong: the attack is not to blame, the victim is of no use any more.
    pub victim_fault: Option<Fault>,
    /// What `run` returned; advisory.
    pub status: i32,
    /// What it said through `set_error`.
    pub message: String,
    /// What it logged and printed, the last lines.
    pub logs: Vec<LogLine>,
    /// CPU nanoseconds of the attack's process during the task.
    pub cpu_ns: u64,
    /// Nanoseconds that the host waited for the attack.
    pub wall_ns: u64,
    /// Nanoseconds that the attack waited for the host and the victim.
    pub oracle_ns: u64,
    /// What it did against the contract and was stopped from, in words; each once.
    pub misbehaviour: Vec<String>,
}
