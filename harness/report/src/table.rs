//! The one table that every format is a view of: a row per cell, in boards of cells that may be compared.

use crate::estimate::Estimate;
use crate::folder::{RunFolder, Timings};
use crate::names::Names;
use seraph_core::record::{Metric, Outcomes};
use seraph_core::{Record, Status, Threat};
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// All boards of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Boards, those of one family side by side with growing perturbation.
    pub boards: Vec<Board>,
}

/// Cells that may be compared: the same utterances, threat and kind of device.
#[derive(Clone, Debug, PartialEq)]
pub struct Board {
    /// What the cells share.
    pub key: BoardKey,
    /// One row per cell: victims by name, and the strongest attack on each first.
    pub rows: Vec<Row>,
    /// The speaker of each item; empty where no journal says.
    pub speakers: Vec<String>,
}

/// What the cells of a board share.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardKey {
    /// What the boards of one family share.
    pub family: Family,
    /// Size of the perturbation.
    pub eps: f64,
}

/// What the points of a security curve share: everything but eps.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// The corpus's id.
    pub corpus: String,
    /// Its split; empty for all items.
    pub split: String,
    /// Items of the split that were taken, spread over emotions and speakers; 0 = all.
    pub limit: usize,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// What the attacker may ask.
    pub access: seraph_core::Access,
    /// How its perturbation is measured.
    pub norm: seraph_core::Norm,
    /// What it wants.
    pub goal: seraph_core::Goal,
    /// The target class of a targeted goal.
    pub target: Option<String>,
    /// Which items are attacked.
    pub labels: seraph_core::Labels,
    /// Forward and gradient queries that one utterance may cost.
    pub queries: (u64, u64),
    /// "cpu" or "cuda": numbers of the two are never mixed.
    pub device: String,
}

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Where it stands in the board's order of merit among attacks on its victim; `None`: it is not ranked.
    pub rank: Option<usize>,
    /// Name of the attack, unique in the table.
    pub attack: String,
    /// Name of the victim, unique in the table.
    pub victim: String,
    /// Victim whose oracle answered, under transfer.
    pub source: Option<String>,
    /// Why the row is not ranked; `None`: it is.
    pub unranked: Option<String>,
    /// Whether the attack is a control that every other attack should beat.
    pub is_control: bool,
    /// Median seconds per attacked item, attack and oracle together.
    pub seconds_per_item: Option<f64>,
    /// What the record says, but for what no format shows: its curves, and its items' distances and queries.
    pub record: Record,
}

/// Attacks that measure the harness or chance, not the victim.
const CONTROLS: [&str; 4] = ["null", "noise", "noise-uniform", "noise-gaussian"];

impl Table {
    /// Sorts the cells into boards, and raises the flags that only a comparison of cells raises.
    pub fn new(run: RunFolder) -> Table {
        let names = Names::of(&run.records);
        let mut flags = seraph_metrics::flags::across(&run.records);
        // A cell that never ran names no device: it stands with those that did.
        let device =
            run.records.iter().map(|record| record.environment.device.clone()).find(|d| !d.is_empty());
        let mut boards: Vec<Board> = Vec::new();
        for (mut record, timings) in run.records.into_iter().zip(run.timings) {
            record.flags.extend(flags.remove(&record.id).unwrap_or_default());
            let mut key = BoardKey::of(&record);
            if key.family.device.is_empty() {
                key.family.device = kind_of_device(device.as_deref().unwrap_or_default());
            }
            let row = Row::new(record, &names, timings);
            match boards.iter_mut().find(|board| board.key == key) {
                Some(board) => board.rows.push(row),
                None => boards.push(Board { key, rows: vec![row], speakers: Vec::new() }),
            }
        }
        boards.sort_by(|a, b| a.key.order(&b.key));
        boards.iter_mut().for_each(Board::arrange);
        Table { boards }
    }

    /// All rows with the board that they stand on.
    pub fn rows(&self) -> impl Iterator<Item = (&Board, &Row)> {
        self.boards.iter().flat_map(|board| board.rows.iter().map(move |row| (board, row)))
    }

    /// Boards of the same family, one slice each.
    pub fn families(&self) -> impl Iterator<Item = &[Board]> {
        self.boards.chunk_by(|a, b| a.key.family == b.key.family)
    }
}

impl BoardKey {
    fn of(record: &Record) -> BoardKey {
        BoardKey { family: Family::of(record), eps: record.cell.threat.eps.0 }
    }

    /// By family, then growing perturbation.
    fn order(&self, other: &BoardKey) -> Ordering {
        let by_eps = self.eps.total_cmp(&other.eps);
        let by_strength = if self.family.norm.grows_with_eps() { by_eps } else { by_eps.reverse() };
        self.family.cmp(&other.family).then(by_strength)
    }

    /// What the cells share, in one line, eg "emodb, test split: white-box, L∞ ≤ 0.001, untargeted, 1000 queries".
    pub fn heading(&self) -> String {
        let sign = if self.family.norm.grows_with_eps() { '≤' } else { '≥' };
        let size = format!("{} {sign} {}", norm_name(self.family.norm), self.eps);
        format!("{}: {}", self.family.corpus_name(), self.family.threat_of_size(&size))
    }

    /// A short name that is a valid HTML id.
    pub fn slug(&self) -> String {
        format!("{}-{}", self.family.slug(), self.eps).chars().map(id_char).collect()
    }
}

impl Family {
    fn of(record: &Record) -> Family {
        let (corpus, threat) = (&record.cell.corpus, &record.cell.threat);
        Family {
            corpus: corpus.id.clone(),
            split: corpus.split.clone().unwrap_or_default(),
            limit: corpus.limit,
            manifest_sha256: corpus.manifest_sha256.clone(),
            access: threat.access,
            norm: threat.norm,
            goal: threat.goal,
            target: threat.target.clone().map(String::from),
            labels: threat.labels,
            queries: (threat.queries, threat.gradient_queries),
            device: kind_of_device(&record.environment.device),
        }
    }

    /// A short name that is a valid HTML id and tells the families of one table apart.
    pub fn slug(&self) -> String {
        let hash = &seraph_core::digest::sha256_hex(format!("{self:?}").as_bytes())[..6];
        let parts =
            [&self.corpus, self.access.as_str(), self.norm.as_str(), self.goal.as_str(), &self.device, hash];
        parts.join("-").chars().map(id_char).collect()
    }

    /// The utterances, eg "emodb, test split".
    pub fn corpus_name(&self) -> String {
        let split = if self.split.is_empty() { String::new() } else { format!(", {} split", self.split) };
        let limit = if self.limit == 0 { String::new() } else { format!(", {}", limited_to(self.limit)) };
        format!("{}{split}{limit}", self.corpus)
    }

    /// The threat without its size, eg "white-box, L∞, untargeted, 1000 queries".
    pub fn threat_name(&self) -> String {
        self.threat_of_size(norm_name(self.norm))
    }

    fn threat_of_size(&self, size: &str) -> String {
        let target = self.target.as_ref().map(|target| format!(" (to {target})")).unwrap_or_default();
        let labels = if self.labels == seraph_core::Labels::Predicted { ", labels as predicted" } else { "" };
        let queries = match self.queries {
            (forward, gradient) if gradient == forward || gradient == 0 => format!("{forward} queries"),
            (forward, gradient) => format!("{forward} forward and {gradient} gradient queries"),
        };
        let device = if matches!(self.device.as_str(), "" | "cpu") {
            String::new()
        } else {
            format!(", on {}", self.device)
        };
        format!("{}, {size}, {}{target}{labels}, {queries}{device}", self.access.as_str(), self.goal.as_str())
    }
}

/// What a limit takes of a corpus.
fn limited_to(n_items: usize) -> String {
    let ending = if n_items == 1 { "" } else { "s" };
    format!("{n_items} item{ending}, spread over emotions and speakers")
}

/// How a norm is written.
pub fn norm_name(norm: seraph_core::Norm) -> &'static str {
    use seraph_core::Norm;
    match norm {
        Norm::Linf => "L∞",
        Norm::L2 => "L2",
        Norm::L1 => "L1",
        Norm::L0 => "L0",
        Norm::Snr => "SNR",
    }
}

/// The unit of a norm's eps.
pub fn norm_unit(norm: seraph_core::Norm) -> &'static str {
    use seraph_core::Norm;
    match norm {
        Norm::Linf | Norm::L2 | Norm::L1 => "full scale = 1",
        Norm::L0 => "changed samples",
        Norm::Snr => "dB",
    }
}

fn id_char(c: char) -> char {
    if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }
}

/// "cuda:1" is a "cuda"; a record of a cell that never ran names none.
fn kind_of_device(device: &str) -> String {
    device.split(':').next().unwrap_or_default().to_owned()
}

impl Board {
    fn arrange(&mut self) {
        self.rows.sort_by(Row::order);
        self.rank();
    }

    /// Within a victim, the lower robust accuracy the better the attack; equal values share a rank.
    fn rank(&mut self) {
        for rows in self.rows.chunk_by_mut(|a, b| a.victim == b.victim) {
            let strength: Vec<Option<f64>> = rows.iter().map(Row::ranked_by).collect();
            for (row, own) in rows.iter_mut().zip(&strength) {
                let better = |own: &f64| strength.iter().flatten().filter(|other| *other < own).count();
                row.rank = own.as_ref().map(|own| 1 + better(own));
            }
        }
    }

    /// The victims' names, sorted.
    pub fn victims(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rows.iter().map(|row| row.victim.as_str()).collect();
        names.dedup();
        names
    }

    /// The victim's rows that have results to rank.
    pub fn ranked_rows_of<'a>(&'a self, victim: &'a str) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(move |row| row.victim == victim && row.rank.is_some())
    }
}

/// Why no row of the victim is ranked on any of the boards, each reason once; `None`: one is.
pub fn why_none_is_ranked(boards: &[Board], victim: &str) -> Option<String> {
    let rows: Vec<&Row> =
        boards.iter().flat_map(|board| &board.rows).filter(|row| row.victim == victim).collect();
    let reasons: BTreeSet<&str> = rows.iter().filter_map(|row| row.unranked.as_deref()).collect();
    let is_ranked = rows.iter().any(|row| row.rank.is_some());
    (!is_ranked).then(|| match reasons.len() {
        0 => "it has no robust accuracy".to_owned(),
        _ => reasons.into_iter().collect::<Vec<_>>().join("; "),
    })
}

impl Row {
    fn new(record: Record, names: &Names, timings: Timings) -> Row {
        let spec = &record.cell;
        Row {
            rank: None,
            attack: names.attack(&spec.attack),
            victim: names.victim(&spec.victim),
            source: spec.source.as_ref().map(|source| names.victim(source)),
            unranked: why_unranked(&record),
            is_control: CONTROLS.contains(&spec.attack.id.as_str()),
            seconds_per_item: timings.seconds_per_item.map(|spread| spread.median),
            record,
        }
    }

    fn names(&self) -> (String, String, Option<String>, u64) {
        (self.attack.clone(), self.victim.clone(), self.source.clone(), self.record.cell.seed)
    }

    /// Victims by name; on each the strongest attack first, rows without a result last.
    fn order(&self, other: &Row) -> Ordering {
        let strength = |row: &Row| row.robust_accuracy().map_or(f64::INFINITY, |e| e.value);
        (self.victim.cmp(&other.victim))
            .then(strength(self).total_cmp(&strength(other)))
            .then_with(|| self.names().cmp(&other.names()))
            .then_with(|| self.record.id.cmp(&other.record.id))
    }

    fn ranked_by(&self) -> Option<f64> {
        let ranked = self.unranked.is_none();
        self.robust_accuracy().filter(|_| ranked).map(|estimate| estimate.value)
    }

    /// A metric, where the cell has a value for it.
    pub fn metric(&self, name: &str) -> Option<Estimate> {
        self.record.metrics.get(name).and_then(estimate)
    }

    /// The headline: the share of all items that stay right under attack.
    pub fn robust_accuracy(&self) -> Option<Estimate> {
        self.metric("robust_accuracy").filter(|_| self.has_results())
    }

    /// Whether the cell ran to its end.
    pub fn has_results(&self) -> bool {
        matches!(self.record.status, Status::Ok | Status::Invalid)
    }

    /// The threat of the cell.
    pub fn threat(&self) -> &Threat {
        &self.record.cell.threat
    }

    /// The fate of each item.
    pub fn outcomes(&self) -> &Outcomes {
        &self.record.outcomes
    }
}

/// The metric as an estimate; `None` where it has no value.
pub fn estimate(metric: &Metric) -> Option<Estimate> {
    let value = metric.value?.0;
    Some(Estimate { value, low: metric.ci_low.map(f64::from), high: metric.ci_high.map(f64::from) })
}

fn why_unranked(record: &Record) -> Option<String> {
    let (isolation, run) = (&record.isolation, &record.run);
    if record.status != Status::Ok {
        return Some(record.reason.clone().unwrap_or_else(|| "no reason was recorded".into()));
    }
    if isolation.in_process {
        return Some("plugins ran inside the host (--in-process)".into());
    }
    if isolation.tier.is_none_or(|tier| tier < run.min_tier) {
        let reached =
            isolation.tier.map_or("no isolation tier is recorded".into(), |t| format!("isolation tier {t}"));
        return Some(format!("{reached}, tier {} is demanded", run.min_tier));
    }
    if record.cell.corpus.limit != 0 {
        return Some(format!("only {} (--limit)", limited_to(record.cell.corpus.limit)));
    }
    (!run.ranked).then(|| record.reason.clone().unwrap_or_else(|| "the plan asks for no ranking".into()))
}
