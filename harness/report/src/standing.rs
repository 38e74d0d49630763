//! What boards say when their cells are put together: how each victim holds up against all attacks at once, and how each
//! attack does against all victims.
//!
//! The worst case over attacks is taken item by item, as in Croce and Hein 2020 (arXiv:2003.01690), section 5: an item counts
//! as robust only if no attack of the board succeeds on it.

use crate::estimate::Estimate;
use crate::table::{Board, Row};
use seraph_core::record::Fate;
use std::collections::BTreeMap;

/// A victim against all ranked attacks of one board.
#[derive(Clone, Debug, PartialEq)]
pub struct VictimStanding<'a> {
    /// The victim.
    pub victim: &'a str,
    /// Its accuracy without perturbation.
    pub clean: Option<Estimate>,
    /// Share of all items that stay right whichever attack is used.
    pub worst_case: f64,
    /// For each item, whether it stays right whichever attack is used.
    pub robust: Vec<bool>,
    /// The attack that alone comes nearest to the worst case, with its own robust accuracy and interval.
    pub strongest: (&'a str, Estimate),
    /// Attack runs that the worst case is taken over.
    pub n_attacks: usize,
}

/// An attack against all victims of one board.
#[derive(Clone, Debug, PartialEq)]
pub struct AttackStanding<'a> {
    /// The attack.
    pub attack: &'a str,
    /// Whether it is a control.
    pub is_control: bool,
    /// Mean of its robust accuracies over the victims; the lower, the stronger.
    pub robust_accuracy: f64,
    /// For each victim and item, whether the item stays right.
    pub robust: Vec<bool>,
}

/// All victims of a board that have a ranked row, the one that holds up best first.
pub fn victims(board: &Board) -> Vec<VictimStanding<'_>> {
    let mut standings: Vec<_> =
        board.victims().into_iter().filter_map(|victim| stand(board, victim)).collect();
    standings.sort_by(|a, b| b.worst_case.total_cmp(&a.worst_case).then(a.victim.cmp(b.victim)));
    standings
}

fn stand<'a>(board: &'a Board, victim: &'a str) -> Option<VictimStanding<'a>> {
    let rows: Vec<&Row> = board.ranked_rows_of(victim).collect();
    let mut robust = stays_right(rows.first()?);
    for row in &rows[1..] {
        robust.iter_mut().zip(stays_right(row)).for_each(|(so_far, here)| *so_far &= here);
    }
    let strongest = rows.iter().min_by(|a, b| value(a).total_cmp(&value(b)))?;
    Some(VictimStanding {
        victim,
        clean: rows[0].metric("clean_accuracy"),
        worst_case: share(&robust)?,
        strongest: (&strongest.attack, strongest.robust_accuracy()?),
        n_attacks: rows.len(),
        robust,
    })
}

/// Attacks that have a ranked row on every victim of the board that any attack has one on, the strongest first. An attack
/// that lacks a victim cannot be compared.
pub fn attacks(board: &Board) -> Vec<AttackStanding<'_>> {
    let victims: Vec<&str> = victims(board).iter().map(|standing| standing.victim).collect();
    let mut rows_of: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in board.rows.iter().filter(|row| row.rank.is_some()) {
        rows_of.entry(&row.attack).or_default().push(row);
    }
    let is_complete =
        |rows: &[&Row]| victims.iter().all(|victim| rows.iter().any(|row| row.victim == *victim));
    rows_of.retain(|_, rows| is_complete(rows));
    let mut standings: Vec<AttackStanding> =
        rows_of.into_iter().map(|(attack, rows)| together(attack, &rows)).collect();
    standings.sort_by(|a, b| a.robust_accuracy.total_cmp(&b.robust_accuracy).then(a.attack.cmp(b.attack)));
    standings
}

fn together<'a>(attack: &'a str, rows: &[&Row]) -> AttackStanding<'a> {
    AttackStanding {
        attack,
        is_control: rows.iter().any(|row| row.is_control),
        robust_accuracy: rows.iter().map(|row| value(row)).sum::<f64>() / rows.len() as f64,
        robust: rows.iter().flat_map(|row| stays_right(row)).collect(),
    }
}

fn value(row: &Row) -> f64 {
    row.robust_accuracy().map_or(f64::INFINITY, |estimate| estimate.value)
}

/// For each item of the cell, whether it is right without perturbation and no attack changed that.
fn stays_right(row: &Row) -> Vec<bool> {
    let fates = row.outcomes().fates.chars();
    fates.map(|letter| !matches!(Fate::from_letter(letter), Some(Fate::CleanWrong | Fate::Success))).collect()
}

fn share(robust: &[bool]) -> Option<f64> {
    let n_robust = robust.iter().filter(|stays| **stays).count();
    (!robust.is_empty()).then(|| n_robust as f64 / robust.len() as f64)
}
