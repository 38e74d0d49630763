//! The columns of the leaderboards: what each is called, what it means, and how it is read from a row.
//!
//! Every format walks this registry, so that a column is added in one place. Shares are between 0 and 1 in CSV and JSON,
//! and in percent where people read them.

use crate::estimate::{Estimate, decimals, percent};
use crate::table::Row;
use seraph_core::Status;

/// A column.
pub struct Column {
    /// Its name in CSV and JSON; that of the record's metric where there is one.
    pub key: &'static str,
    /// Its heading where people read it.
    pub title: &'static str,
    /// What it means, in a sentence.
    pub doc: &'static str,
    /// Whether it is in the narrow tables: Markdown, LaTeX, terminal.
    pub narrow: bool,
    /// Whether a reader wants the largest first.
    pub largest_first: bool,
    /// What it holds.
    pub content: Content,
}

/// What a column holds, and where from.
pub enum Content {
    /// Words.
    Text(fn(&Row) -> Option<String>),
    /// A whole number.
    Count(fn(&Row) -> Option<u64>),
    /// The metric of the column's key: a share between 0 and 1 with its interval.
    Share,
    /// The metric of the column's key, with so many decimals.
    Real(usize),
    /// A number without an interval, with so many decimals.
    Plain(usize, fn(&Row) -> Option<f64>),
    /// Several words.
    List(fn(&Row) -> Vec<String>),
}

/// The content of one column in one row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Unknown, undefined, or not measured. Never 0.
    Missing,
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A share between 0 and 1.
    Share(Estimate),
    /// A number to be written with so many decimals.
    Real(Estimate, usize),
    /// Several words.
    List(Vec<String>),
}

macro_rules! columns {
    ($($key:literal $title:literal $narrow:literal $largest_first:literal $content:expr, $doc:literal;)*) => {
        /// All columns, in their order.
        pub const COLUMNS: &[Column] = &[$(Column {
            key: $key, title: $title, doc: $doc, narrow: $narrow, largest_first: $largest_first, content: $content,
        }),*];
    };
}

use Content::{Count, List, Plain, Real, Share, Text};

columns! {
    "rank" "Rank" true false Count(|row| row.rank.map(|rank| rank as u64)),
        "Place among the attacks on this victim, the lowest robust accuracy first; equal values share a place.";
    "victim" "Victim" true false Text(|row| Some(row.victim.clone())),
        "The model under attack.";
    "attack" "Attack" true false Text(|row| Some(row.attack.clone())),
        "The attack's name in the plan.";
    "source" "Source" false false Text(|row| row.source.clone()),
        "Under transfer: the model that the attack could see.";
    "status" "Status" true false Text(|row| Some(status(row).into())),
        "ok, or why there is no result: failed, invalid, skipped.";
    "robust_accuracy" "Robust acc." true false Share,
        "Share of all items that are right without perturbation and stay right under attack: the headline.";
    "clean_accuracy" "Clean acc." true true Share,
        "Share of all items that are classified right without perturbation.";
    "robust_uar" "Robust UAR" true false Share,
        "Unweighted average recall under attack.";
    "clean_uar" "Clean UAR" false true Share,
        "Unweighted average recall without perturbation.";
    "asr" "ASR" true true Share,
        "Attack success rate: valid successes per clean-correct item.";
    "robust_accuracy_pcm16" "Robust acc., PCM16" false false Share,
        "Robust accuracy after the audio was stored as 16-bit PCM.";
    "robust_uar_pcm16" "Robust UAR, PCM16" false false Share,
        "Unweighted average recall under attack, after the audio was stored as 16-bit PCM.";
    "asr_pcm16" "ASR, PCM16" false true Share,
        "Attack success rate after the audio was stored as 16-bit PCM.";
    "flip_rate" "Flip rate" false true Share,
        "Share of attacked items whose prediction changed, right or wrong.";
    "snr_db" "SNR, dB" true false Real(1),
        "Signal-to-noise ratio by energy over attacked items.";
    "n" "Items" true true Count(|row| results(row).then_some(row.record.n.total)),
        "Items of the split.";
    "n_attacked" "Attacked" false true Count(|row| results(row).then_some(row.record.n.attacked)),
        "Items that the attack was given.";
    "n_invalid" "Invalid" false true Count(|row| results(row).then_some(row.record.n.invalid)),
        "Attacked items whose audio breaks the threat's constraints; no success.";
    "n_failed" "Failed" false true Count(|row| results(row).then_some(row.record.n.failed)),
        "Attacked items for which the attack gave nothing usable; no success.";
    "forward_queries" "Forward queries" true false Real(0),
        "Model evaluations per attacked item, counted by the host.";
    "gradient_queries" "Gradient queries" true false Real(0),
        "Gradients per attacked item, counted by the host.";
    "seconds_per_item" "Seconds" false false Plain(2, |row| row.seconds_per_item),
        "Median seconds per attacked item, attack and oracle together. Measured, so no two runs agree: not part of the records.";
    "isolation_tier" "Tier" false true Count(|row| row.record.isolation.tier.map(u64::from)),
        "Isolation tier that all workers of the cell reached.";
    "flags" "Flags" false false List(|row| row.record.flags.iter().map(|flag| flag.name.clone()).collect()),
        "What to know before trusting the numbers.";
    "unranked" "Not ranked because" false false Text(|row| row.unranked.clone()),
        "Why the row has no place.";
    "seed" "Seed" false false Count(|row| Some(row.record.cell.seed)),
        "The master seed.";
    "cell" "Cell" false false Text(|row| Some(row.record.id.clone())),
        "Name of the record, journal and audio of the row.";
}

fn results(row: &Row) -> bool {
    row.has_results()
}

fn status(row: &Row) -> &'static str {
    match row.record.status {
        Status::Ok => "ok",
        Status::Failed => "failed",
        Status::Invalid => "invalid",
        Status::Skipped => "skipped",
    }
}

impl Column {
    /// What stands in this column of `row`.
    pub fn of(&self, row: &Row) -> Cell {
        let metric = || row.metric(self.key).filter(|_| row.has_results());
        let filled = match self.content {
            Text(get) => get(row).map(Cell::Text),
            Count(get) => get(row).map(Cell::Count),
            Share => metric().map(Cell::Share),
            Real(n_decimals) => metric().map(|estimate| Cell::Real(estimate, n_decimals)),
            Plain(n_decimals, get) => {
                get(row).map(|value| Cell::Real(Estimate { value, low: None, high: None }, n_decimals))
            }
            List(get) => Some(get(row)).filter(|list| !list.is_empty()).map(Cell::List),
        };
        filled.unwrap_or(Cell::Missing)
    }

    /// Whether the column holds estimates with intervals.
    pub fn has_interval(&self) -> bool {
        matches!(self.content, Share | Real(_))
    }

    /// Whether the column is words, not numbers.
    pub fn is_text(&self) -> bool {
        matches!(self.content, Text(_) | List(_))
    }
}

impl Cell {
    /// For people, without the interval: shares in percent, missing as "–".
    pub fn short(&self) -> String {
        match self {
            Cell::Missing => "–".into(),
            Cell::Text(text) => text.clone(),
            Cell::Count(count) => count.to_string(),
            Cell::Share(estimate) => percent(estimate.value),
            Cell::Real(estimate, n_decimals) => decimals(estimate.value, *n_decimals),
            Cell::List(list) => list.join(", "),
        }
    }

    /// The interval for people, eg "[58.0, 68.9]".
    pub fn interval(&self) -> Option<String> {
        match self {
            Cell::Share(estimate) => estimate.percent_interval(),
            Cell::Real(estimate, n_decimals) => {
                let end = |value| decimals(value, *n_decimals);
                Some(format!("[{}, {}]", end(estimate.low?), end(estimate.high?)))
            }
            _ => None,
        }
    }
}

/// The columns that any row fills: a column that is missing everywhere says nothing.
pub fn filled<'a>(rows: &'a [Row], narrow_only: bool) -> impl Iterator<Item = &'static Column> + use<'a> {
    let wanted = COLUMNS.iter().filter(move |column| column.narrow || !narrow_only);
    wanted.filter(move |column| rows.iter().any(|row| column.of(row) != Cell::Missing))
}
