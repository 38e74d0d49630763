//! What boards say when their cells are put together: how each victim holds up against all attacks at once, and how each
//! attack does against all victims.
//!
//! The worst case over attacks is taken item by item, as in Croce and Hein 2020 (arXiv:2003.01690), section 5: an item counts
//! as robust only if no attack of the board succeeds on it. Differences are paired, item by item, and their intervals
//! resample whole speakers.

use crate::estimate::Estimate;
use crate::table::{Board, Row};
use seraph_core::Seed;
use seraph_core::record::Fate;
use seraph_metrics::bootstrap::Bootstrap;
use seraph_metrics::paired::paired_difference;
use seraph_metrics::wilson::wilson;
use seraph_metrics::worst_case::worst_case;
use std::collections::BTreeSet;

/// A victim against all ranked attacks of one board.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstCase<'a> {
    /// The victim.
    pub victim: &'a str,
    /// Its accuracy without perturbation.
    pub clean: Option<Estimate>,
    /// Share of the items that stay right whichever attack is used.
    pub robust_accuracy: Estimate,
    /// The attack that alone comes nearest to that.
    pub strongest: &'a str,
    /// For each item, whether it stays right whichever attack is used; `None`: it is left out of the shares.
    pub stays_right: Vec<Option<f64>>,
}

/// The place of a victim or an attack within a family of boards.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing<'a> {
    /// The victim or attack.
    pub name: &'a str,
    /// Mean robust accuracy over the items of all boards.
    pub robust_accuracy: f64,
    /// By how much it differs from the one that follows.
    pub lead: Option<Lead<'a>>,
}

/// The difference of two neighbours in a ranking, as a paired estimate.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead<'a> {
    /// The one that follows.
    pub over: &'a str,
    /// Absolute difference of their robust accuracies.
    pub difference: Estimate,
}

impl Lead<'_> {
    /// Whether the data cannot tell the two apart: the interval of their difference includes 0.
    pub fn is_tie(&self) -> bool {
        self.difference.value == 0.0 || self.difference.low.is_some_and(|low| low <= 0.0)
    }
}

/// All victims of a board that have a ranked row, by name. A victim whose records contradict each other has none.
pub fn worst_cases(board: &Board) -> Vec<WorstCase<'_>> {
    board.victims().into_iter().filter_map(|victim| worst_case_of(board, victim)).collect()
}

fn worst_case_of<'a>(board: &'a Board, victim: &'a str) -> Option<WorstCase<'a>> {
    let rows: Vec<&Row> = board.ranked_rows_of(victim).collect();
    let fates: Vec<&str> = rows.iter().map(|row| row.outcomes().fates.as_str()).collect();
    let worst = worst_case(&fates).ok()??;
    let stays_right = stays_right(&worst.fates);
    // Rows are sorted: the first is the strongest.
    let strongest = rows.first()?;
    Some(WorstCase {
        victim,
        clean: strongest.metric("clean_accuracy"),
        robust_accuracy: share(board, &stays_right, worst.robust_accuracy),
        strongest: &strongest.attack,
        stays_right,
    })
}

/// The share with the interval that resamples speakers; Wilson's where all items agree and a resample has nothing to vary.
fn share(board: &Board, stays_right: &[Option<f64>], value: f64) -> Estimate {
    let interval = if value == 0.0 || value == 1.0 {
        let n = stays_right.iter().flatten().count() as f64;
        wilson(value * n, n)
    } else {
        let nothing = vec![Some(0.0); stays_right.len()];
        difference(&board.speakers, stays_right, &nothing, &bootstrap(board)).map(|(_, interval)| interval)
    };
    Estimate { value, low: interval.map(|(low, _)| low), high: interval.map(|(_, high)| high) }
}

/// Victims of a family, the one that holds up best first. One that lacks a board cannot be compared, and is left out.
pub fn victims(boards: &[Board]) -> Vec<Standing<'_>> {
    let worst: Vec<(&Board, Vec<WorstCase>)> = boards
        .iter()
        .map(|board| (board, worst_cases(board)))
        .filter(|(_, worst)| !worst.is_empty())
        .collect();
    let names: BTreeSet<&str> = worst.iter().flat_map(|(_, worst)| worst).map(|w| w.victim).collect();
    let contender = |name| {
        let own =
            worst.iter().map(|(_, worst)| Some(worst.iter().find(|w| w.victim == name)?.stays_right.clone()));
        Some(Contender { name, scores: own.collect::<Option<Vec<_>>>()?.concat() })
    };
    let speakers = worst.iter().flat_map(|(board, _)| &board.speakers).map(String::as_str).collect();
    place(names.into_iter().filter_map(contender).collect(), speakers, boards, Order::HighestFirst)
}

/// Attacks of a family, the strongest first. One that lacks a victim on some board cannot be compared, and is left out.
pub fn attacks(boards: &[Board]) -> Vec<Standing<'_>> {
    let fields: Vec<(&Board, &str)> = boards
        .iter()
        .flat_map(|board| board.victims().into_iter().map(move |victim| (board, victim)))
        .filter(|(board, victim)| board.ranked_rows_of(victim).next().is_some())
        .collect();
    let names = boards.iter().flat_map(|board| &board.rows).filter(|row| row.rank.is_some());
    let names: BTreeSet<&str> = names.map(|row| row.attack.as_str()).collect();
    let contender = |name| {
        let own = fields.iter().map(|(board, victim)| mean_over_runs(board, victim, name));
        Some(Contender { name, scores: own.collect::<Option<Vec<_>>>()?.concat() })
    };
    let speakers = fields.iter().flat_map(|(board, _)| &board.speakers).map(String::as_str).collect();
    place(names.into_iter().filter_map(contender).collect(), speakers, boards, Order::LowestFirst)
}

/// For each item, the share of the attack's runs (seeds, sources) that it withstands.
fn mean_over_runs(board: &Board, victim: &str, attack: &str) -> Option<Vec<Option<f64>>> {
    let runs =
        board.rows.iter().filter(|row| row.rank.is_some() && row.victim == victim && row.attack == attack);
    let runs: Vec<Vec<Option<f64>>> = runs.map(|row| stays_right(&row.outcomes().fates)).collect();
    let n_items = runs.iter().map(Vec::len).min()?;
    let mean = |item: usize| {
        runs.iter().map(|run| run[item]).sum::<Option<f64>>().map(|sum| sum / runs.len() as f64)
    };
    Some((0..n_items).map(mean).collect())
}

/// 1 where an item is right without perturbation and under attack, else 0; `None` where it has no part in the shares.
fn stays_right(fates: &str) -> Vec<Option<f64>> {
    let score = |letter| match Fate::from_letter(letter) {
        Some(Fate::TargetIsLabel) | None => None,
        Some(Fate::CleanWrong | Fate::Success) => Some(0.0),
        Some(Fate::Robust | Fate::Invalid | Fate::Failed) => Some(1.0),
    };
    fates.chars().map(score).collect()
}

struct Contender<'a> {
    name: &'a str,
    scores: Vec<Option<f64>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Order {
    HighestFirst,
    LowestFirst,
}

impl Contender<'_> {
    fn mean(&self) -> f64 {
        let counted: Vec<f64> = self.scores.iter().flatten().copied().collect();
        counted.iter().sum::<f64>() / counted.len() as f64
    }
}

fn place<'a>(
    mut all: Vec<Contender<'a>>,
    speakers: Vec<&str>,
    boards: &[Board],
    order: Order,
) -> Vec<Standing<'a>> {
    all.retain(|contender| contender.mean().is_finite());
    all.sort_by(|a, b| {
        let ascending = a.mean().total_cmp(&b.mean());
        (if order == Order::LowestFirst { ascending } else { ascending.reverse() }).then(a.name.cmp(b.name))
    });
    let resampling = bootstrap(&boards[0]);
    let lead = |i: usize| {
        let (own, next) = (&all[i], all.get(i + 1)?);
        let (high, low) = if order == Order::HighestFirst { (own, next) } else { (next, own) };
        let interval =
            difference(&speakers, &high.scores, &low.scores, &resampling).map(|(_, interval)| interval);
        let value = high.mean() - low.mean();
        let difference = Estimate { value, low: interval.map(|i| i.0), high: interval.map(|i| i.1) };
        Some(Lead { over: next.name, difference })
    };
    let standing =
        |(i, c): (usize, &Contender<'a>)| Standing { name: c.name, robust_accuracy: c.mean(), lead: lead(i) };
    all.iter().enumerate().map(standing).collect()
}

/// Mean of `a - b` over the items that both count, and its interval; `None` where the speakers are not known.
fn difference<S: AsRef<str>>(
    speakers: &[S],
    a: &[Option<f64>],
    b: &[Option<f64>],
    bootstrap: &Bootstrap,
) -> Option<(f64, (f64, f64))> {
    if speakers.len() != a.len() || a.len() != b.len() {
        return None;
    }
    let items =
        speakers.iter().zip(a).zip(b).filter_map(|((speaker, a), b)| Some((speaker.as_ref(), (*a)?, (*b)?)));
    paired_difference(&items.collect::<Vec<_>>(), bootstrap)
}

/// The resamples that the records were made with; the same for every comparison, so that the page is a function of them.
fn bootstrap(board: &Board) -> Bootstrap {
    let resamples = board.rows.iter().map(|row| row.record.run.bootstrap).max().unwrap_or(0);
    Bootstrap { resamples: resamples as usize, seed: Seed::derive("seraph/report/1", &[]) }
}
