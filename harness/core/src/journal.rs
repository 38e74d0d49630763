//! The journal of a cell: one line per utterance, appended as it is judged, and what survives a crash of it.
//!
//! Each line is a JSON object whose first key, `crc`, is the CRC-32 of the rest. The first line is the [`JournalHeader`]
//! with the fingerprint of everything the results depend on; then one [`JournalItem`] per utterance; a cell that is
//! done ends in a [`JournalEnd`]. A last line that is torn or corrupt was being written when the run died: it is
//! dropped. A corrupt line before it means that the file was damaged: that is an error.

use crate::cell::CellSpec;
use crate::digest;
use crate::number::Number;
use crate::record::{Environment, Flag, Isolation, RunSettings, Status};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The schema of the journals that this version writes.
pub const SCHEMA: &str = "seraph-journal/1";

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "lowercase")]
pub enum JournalLine {
    /// The first line.
    Header(Box<JournalHeader>),
    /// An utterance.
    Item(Box<JournalItem>),
    /// The last line.
    End(JournalEnd),
}

/// What the results of a cell depend on. A run goes on with a journal only if its own header is equal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalHeader {
    /// [`SCHEMA`].
    pub schema: String,
    /// [`CellSpec::id`].
    pub id: String,
    /// The cell: plugins, model, data, threat and seed by hash.
    pub cell: CellSpec,
    /// The classes of the victim.
    pub classes: Vec<String>,
    /// Items of the cell.
    pub n_items: u64,
    /// How it is run.
    pub run: RunSettings,
    /// How the plugins are confined.
    pub isolation: Isolation,
    /// What runs it.
    pub environment: Environment,
}

impl JournalHeader {
    /// SHA-256 of the header.
    pub fn fingerprint(&self) -> String {
        digest::sha256_of_json(self)
    }
}

/// How a cell ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalEnd {
    /// Whether there are results.
    pub status: Status,
    /// Why there are none, or none to rank.
    pub reason: Option<String>,
    /// What the runner saw, beside the flags that metrics raise from the items.
    pub flags: Vec<Flag>,
}

/// What became of one utterance. Missing is `null`, never 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalItem {
    /// The item's id in the corpus.
    pub item: String,
    /// Its place in the cell's items, from 0.
    pub index: u64,
    /// Its speaker.
    pub speaker: String,
    /// The speaker's gender, if the corpus says.
    pub gender: Option<String>,
    /// The language, if the corpus says.
    pub language: Option<String>,
    /// The emotion that the corpus states.
    pub label: String,
    /// The class that the attack was told to leave: the oracle's own prediction on the clean audio.
    pub reference: Option<String>,
    /// The class that the attack was told to reach.
    pub target: Option<String>,
    /// The victim's prediction on the clean audio; `None`: it gave none.
    pub clean_pred: Option<String>,
    /// The victim's prediction on the committed audio, re-scored by the host.
    pub adv_pred: Option<String>,
    /// What became of it.
    pub status: ItemStatus,
    /// Why, if not [`ItemStatus::Ok`]: the constraint that was broken and by how much, or the fault.
    pub reason: Option<String>,
    /// A short name of the fault of the plugin, eg "crash", "time-out", "exit", "nan".
    pub fault: Option<String>,
    /// Valid success, judged by the host.
    pub success: bool,
    /// The victim's logits on the clean audio, in its order of classes.
    pub clean_logits: Vec<Number>,
    /// The victim's logits on the committed audio.
    pub adv_logits: Vec<Number>,
    /// How large the perturbation is.
    #[serde(flatten)]
    pub sizes: Sizes,
    /// The committed audio after 16-bit quantisation, judged apart.
    pub pcm16: Option<Pcm16Item>,
    /// Forward queries that it cost, counted by the host.
    pub forward_queries: u64,
    /// Gradient queries that it cost.
    pub gradient_queries: u64,
    /// Forward queries charged when the success was committed: an upper bound of what it took.
    pub success_forward_queries: Option<u64>,
    /// Gradient queries, likewise.
    pub success_gradient_queries: Option<u64>,
    /// Gradient queries whose answer was zero in every sample.
    pub zero_gradients: u64,
    /// Seconds on the host's clock, its share of its task's.
    pub seconds: Option<Number>,
    /// SHA-256 of the committed audio: its valid samples as little-endian float32, hex.
    pub adv_sha256: Option<String>,
}

/// What became of an utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemStatus {
    /// Attacked; the committed audio keeps the constraints.
    Ok,
    /// Not attacked: the clean prediction was wrong.
    CleanWrong,
    /// Not attacked: it is already in the target class.
    TargetIsLabel,
    /// Attacked; the committed audio breaks a constraint.
    Invalid,
    /// Attacked; nothing usable was committed.
    Failed,
}

impl ItemStatus {
    /// Whether the attack was given the item.
    pub fn is_attacked(self) -> bool {
        matches!(self, ItemStatus::Ok | ItemStatus::Invalid | ItemStatus::Failed)
    }
}

/// How large a perturbation is; definitions in `seraph-judge`. All over the valid samples, full scale 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// Largest change.
    pub linf: Option<Number>,
    /// Root of the summed squares.
    pub l2: Option<Number>,
    /// Sum of the changes.
    pub l1: Option<Number>,
    /// Changed samples.
    pub l0: Option<Number>,
    /// Root mean square.
    pub rms: Option<Number>,
    /// Share of unchanged samples.
    pub sparsity: Option<Number>,
    /// Stretches of changed samples.
    pub runs: Option<Number>,
    /// Changed samples as time, ms.
    pub touched_ms: Option<Number>,
    /// Signal-to-noise ratio by energy, dB.
    pub snr_db: Option<Number>,
    /// The same over the active frames of the clean audio.
    pub snr_active_db: Option<Number>,
    /// Mean of the 10 ms frames' SNR, each clamped to [-10, 35] dB.
    pub snr_seg_db: Option<Number>,
    /// Scale-invariant signal-to-distortion ratio, dB.
    pub si_sdr_db: Option<Number>,
    /// Ratio of the peaks, dB.
    pub peak_snr_db: Option<Number>,
}

/// The committed audio after 16-bit quantisation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pcm16Item {
    /// The victim's prediction on it.
    pub adv_pred: Option<String>,
    /// Whether it keeps the constraints, in whole quantisation steps.
    pub valid: bool,
    /// Valid success.
    pub success: bool,
    /// Largest change in quantisation steps.
    pub linf_lsb: Option<u64>,
    /// Changed codes.
    pub l0: Option<u64>,
    /// SNR by energy against the quantised clean audio, dB.
    pub snr_db: Option<Number>,
}

/// A decoded journal.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Journal {
    /// The header; `None`: the run died before it was written.
    pub header: Option<JournalHeader>,
    /// The utterances, in the order of the file.
    pub items: Vec<JournalItem>,
    /// How the cell ended; `None`: it is not done.
    pub end: Option<JournalEnd>,
    /// Bytes of whole lines: where a resumed run goes on writing.
    pub valid_bytes: usize,
    /// Why the last line was dropped, if it was.
    pub dropped: Option<String>,
}

/// Why a journal cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// A line before the last is damaged.
    #[error("line {line} is damaged ({problem}); the journal was changed after it was written")]
    Damaged {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
    /// A whole line that cannot stand where it stands.
    #[error("line {line}: {problem}")]
    Misplaced {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },
}

impl JournalLine {
    /// The line as bytes of the journal, with its checksum and newline.
    pub fn encode(&self) -> String {
        let body = serde_json::to_string(self).expect("plain data has no unserialisable part");
        let crc = crc32fast::hash(body.as_bytes());
        format!("{{\"crc\":\"{crc:08x}\",{}\n", &body[1..])
    }

    /// Reads a line, without its newline.
    pub fn decode(line: &[u8]) -> Result<JournalLine, String> {
        let text = std::str::from_utf8(line).map_err(|_| "not UTF-8".to_string())?;
        let rest = text.strip_prefix("{\"crc\":\"").ok_or("no checksum")?;
        let (crc, rest) = rest.split_once("\",").ok_or("no checksum")?;
        let body = format!("{{{rest}");
        if crc != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
            return Err("wrong checksum".into());
        }
        serde_json::from_str(&body).map_err(|e| format!("not a journal line: {e}"))
    }
}

impl Journal {
    /// Reads a journal; never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Journal, JournalError> {
        let mut journal = Journal::default();
        let mut rest = bytes;
        let mut seen = BTreeSet::new();
        for number in 1.. {
            if rest.is_empty() {
                break;
            }
            let end = rest.iter().position(|&b| b == b'\n');
            let (line, tail) = end.map_or((rest, &[][..]), |end| (&rest[..end], &rest[end + 1..]));
            let decoded = if end.is_none() { Err("no newline".into()) } else { JournalLine::decode(line) };
            match decoded {
                Ok(line) => journal.take(line, number, &mut seen)?,
                Err(problem) if tail.is_empty() => {
                    journal.dropped = Some(format!("line {number}: {problem}"));
                    break;
                }
                Err(problem) => return Err(JournalError::Damaged { line: number, problem }),
            }
            rest = tail;
            journal.valid_bytes = bytes.len() - rest.len();
        }
        Ok(journal)
    }

    fn take(
        &mut self,
        line: JournalLine,
        number: usize,
        seen: &mut BTreeSet<u64>,
    ) -> Result<(), JournalError> {
        let misplaced = |problem: String| Err(JournalError::Misplaced { line: number, problem });
        if self.end.is_some() {
            return misplaced("stands after the end of the cell".into());
        }
        match line {
            JournalLine::Header(header) if header.schema != SCHEMA => {
                return misplaced(format!("schema '{}' is not '{SCHEMA}'", header.schema));
            }
            JournalLine::Header(_) if self.header.is_some() => return misplaced("is a second header".into()),
            JournalLine::Header(header) => self.header = Some(*header),
            _ if self.header.is_none() => return misplaced("there is no header before it".into()),
            JournalLine::Item(item) if !seen.insert(item.index) => {
                return misplaced(format!("item {} ('{}') is there twice", item.index, item.item));
            }
            JournalLine::Item(item) => self.items.push(*item),
            JournalLine::End(end) => self.end = Some(end),
        }
        Ok(())
    }

    /// The utterances in the order of the corpus.
    pub fn items_in_order(&self) -> Vec<JournalItem> {
        let mut items = self.items.clone();
        items.sort_by_key(|item| item.index);
        items
    }
}
