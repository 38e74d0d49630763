//! The record: one cell, aggregated. A leaderboard is a pure function of records.
//!
//! Published as JSON Schema in `bench-results/schema/record-1.json`. Maps are sorted and floats are printed in their
//! shortest exact form, so equal records have equal bytes. No clock and no machine's name is in it.

use crate::cell::CellSpec;
use crate::number::Number;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The schema of the records that this version writes.
pub const SCHEMA: &str = "seraph-record/1";

/// One cell, aggregated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`CellSpec::id`]; the record's file name without its extension.
    pub id: String,
    /// [`CellSpec::key`].
    pub key: String,
    /// What was computed.
    pub cell: CellSpec,
    /// How it was run.
    pub run: RunSettings,
    /// Whether there are results.
    pub status: Status,
    /// Why there are none, or none to rank.
    pub reason: Option<String>,
    /// How many items there were of which fate.
    pub n: Counts,
    /// The results by name; the names, units and definitions are in `seraph list metrics`.
    pub metrics: BTreeMap<String, Metric>,
    /// The results by group: "by_emotion", "by_gender", "by_speaker", "by_language".
    pub groups: BTreeMap<String, BTreeMap<String, Group>>,
    /// Where the victim's predictions went.
    pub confusion: Option<Confusion>,
    /// Curves over the items, by name.
    pub curves: BTreeMap<String, Vec<Point>>,
    /// The fate of each item, in the order of the corpus: what paired comparisons need.
    pub outcomes: Outcomes,
    /// What a reader must know before trusting the numbers.
    pub flags: Vec<Flag>,
    /// How the plugins were confined.
    pub isolation: Isolation,
    /// What ran it.
    pub environment: Environment,
}

/// What became of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It ran to its end.
    Ok,
    /// It could not be run to its end: a plugin or a model failed as a whole.
    Failed,
    /// It ran, but breaks a rule of ranked runs.
    Invalid,
    /// Its parts do not fit together.
    Skipped,
}

/// Items of a cell by fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// All items.
    pub total: u64,
    /// Items whose clean prediction is their label.
    pub clean_correct: u64,
    /// Items that the attack was given.
    pub attacked: u64,
    /// Attacked items with a valid success.
    pub succeeded: u64,
    /// Attacked items whose committed audio breaks the threat's constraints.
    pub invalid: u64,
    /// Attacked items for which nothing usable was committed: error, time-out, crash.
    pub failed: u64,
}

/// A result and its confidence interval. `None` is unknown or undefined, never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    /// The point estimate.
    pub value: Option<Number>,
    /// Lower end of the 95 % interval.
    pub ci_low: Option<Number>,
    /// Upper end of the 95 % interval.
    pub ci_high: Option<Number>,
}

impl Metric {
    /// A value without an interval.
    pub fn point(value: Option<f64>) -> Metric {
        Metric { value: value.map(Number), ci_low: None, ci_high: None }
    }

    /// A value with its interval.
    pub fn with_interval(value: f64, (low, high): (f64, f64)) -> Metric {
        Metric { value: Some(Number(value)), ci_low: Some(Number(low)), ci_high: Some(Number(high)) }
    }
}

/// The results of the items that share an emotion, gender, speaker or language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// How many items there were of which fate.
    pub n: Counts,
    /// The results by name.
    pub metrics: BTreeMap<String, Metric>,
}

/// Counts of items by two classes; the rows and columns are `classes`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confusion {
    /// The classes: the victim's, then labels that it does not have.
    pub classes: Vec<String>,
    /// `[label][clean prediction]`, all items.
    pub clean: Vec<Vec<u64>>,
    /// `[label][prediction under attack]`, all items; the clean prediction where there was no attack.
    pub adversarial: Vec<Vec<u64>>,
    /// `[clean prediction][prediction under attack]`, attacked items: the confusion flow.
    pub flow: Vec<Vec<u64>>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// Abscissa.
    pub x: Number,
    /// Ordinate.
    pub y: Number,
}

/// The fate of each item of a cell, in the order of the corpus. Cells of one corpus (same `cell.corpus`) line up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// One [`Fate`] letter per item.
    pub fates: String,
    /// The perturbation's size in the threat's norm where the attack succeeded validly, else `null`.
    pub distances: Vec<Option<Number>>,
    /// Forward queries spent at success, else `null`.
    pub queries: Vec<Option<u64>>,
}

/// What became of an item; the letter stands in [`Outcomes::fates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// `w`: the clean prediction was wrong.
    CleanWrong,
    /// `r`: attacked, still right.
    Robust,
    /// `s`: attacked, valid success.
    Success,
    /// `i`: attacked, the audio breaks a constraint; still right.
    Invalid,
    /// `f`: attacked, nothing usable came back; still right.
    Failed,
    /// `t`: not attacked, as its label is the target class.
    TargetIsLabel,
}

impl Fate {
    const LETTERS: [(Fate, char); 6] = [
        (Fate::CleanWrong, 'w'),
        (Fate::Robust, 'r'),
        (Fate::Success, 's'),
        (Fate::Invalid, 'i'),
        (Fate::Failed, 'f'),
        (Fate::TargetIsLabel, 't'),
    ];

    /// Its letter.
    pub fn letter(self) -> char {
        Self::LETTERS.iter().find(|(fate, _)| *fate == self).map_or('?', |(_, letter)| *letter)
    }

    /// The fate of that letter.
    pub fn from_letter(letter: char) -> Option<Fate> {
        Self::LETTERS.iter().find(|(_, l)| *l == letter).map(|(fate, _)| *fate)
    }
}

/// A warning about a cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// Its name, eg "zero-gradient".
    pub name: String,
    /// What was seen, in one sentence with the numbers.
    pub detail: String,
    /// Whether the numbers must not be taken for the victim's robustness.
    pub unreliable: bool,
}

/// How a cell was run, as far as that can move its numbers or its standing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// Items per attack task.
    pub batch: u64,
    /// Resamples of the bootstrap intervals.
    pub bootstrap: u64,
    /// Isolation tier that the plan demanded for ranking.
    pub min_tier: u8,
    /// Whether the plan asked for ranking.
    pub ranked: bool,
    /// Seconds that the attack could spend per item.
    pub wall_s_per_item: Number,
    /// Memory that a worker could use, MiB.
    pub memory_mb: u64,
}

/// How the plugins were confined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Isolation {
    /// The tier that all workers of the cell reached; `None`: none ran.
    pub tier: Option<u8>,
    /// What it is made of, eg "landlock", "seccomp".
    pub mechanisms: Vec<String>,
    /// Whether plugins ran inside the host, for debugging.
    pub in_process: bool,
}

/// What ran a cell, as far as that can move its numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Version of this project.
    pub harness: String,
    /// Version of the victim's runtime, eg "onnxruntime 1.24.1".
    pub runtime: Option<String>,
    /// Where the victim ran, eg "cpu", "cuda:0".
    pub device: String,
    /// Model name of the processor.
    pub cpu: String,
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not a whole record.
    #[error("not a whole record: {0}")]
    Json(#[from] serde_json::Error),
    /// A record of another version.
    #[error("schema '{0}' is not '{SCHEMA}'; this version reads only that")]
    Schema(String),
    /// A record whose parts contradict each other.
    #[error("the record contradicts itself: {0}")]
    Inconsistent(String),
}

impl Record {
    /// The record's bytes: JSON, indented, ending in a newline.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data has no unserialisable part");
        text.push('\n');
        text
    }

    /// Reads a record, and refuses other schemas, unknown keys and contradictions.
    pub fn from_json(text: &str) -> Result<Record, RecordError> {
        let value: serde_json::Value = serde_json::from_str(text)?;
        let schema = value.get("schema").and_then(|s| s.as_str()).unwrap_or("none");
        if schema != SCHEMA {
            return Err(RecordError::Schema(schema.into()));
        }
        let record: Record = serde_json::from_value(value)?;
        record.check()?;
        Ok(record)
    }

    /// The value of a metric, if it has one.
    pub fn value(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric)?.value.map(f64::from)
    }

    /// Whether any flag says that the numbers must not be taken for the victim's robustness.
    pub fn is_unreliable(&self) -> bool {
        self.flags.iter().any(|flag| flag.unreliable)
    }

    fn check(&self) -> Result<(), RecordError> {
        let inconsistent = |what: String| Err(RecordError::Inconsistent(what));
        if self.key != self.cell.key() || self.id != self.cell.id() {
            return inconsistent(format!("id {} and key {} are not those of its cell", self.id, self.key));
        }
        if let Some(letter) = self.outcomes.fates.chars().find(|&c| Fate::from_letter(c).is_none()) {
            return inconsistent(format!("unknown fate '{letter}'"));
        }
        let n = self.outcomes.fates.len();
        if self.outcomes.distances.len() != n || self.outcomes.queries.len() != n {
            return inconsistent(format!("{n} fates, but another number of distances or queries"));
        }
        if self.status == Status::Ok && self.n.total != n as u64 {
            return inconsistent(format!("n.total is {}, but there are {n} fates", self.n.total));
        }
        Ok(())
    }
}
