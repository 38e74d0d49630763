//! Warnings that are stored with the numbers, because numbers alone can mislead.
//!
//! [`of_items`] looks at one cell; [`across`] compares cells, so a board raises those when it has the cells together.
//! Sources: AutoAttack's checks (Croce and Hein 2020), the indicators of attack failure (Pintor et al. 2022,
//! arXiv:2106.09947), the end-point test of ART's security curve.

use crate::tally::{is_broken, prediction};
use seraph_core::journal::{JournalHeader, JournalItem};
use seraph_core::record::{Flag, Record, Status};
use seraph_core::{Access, ItemStatus, Norm, Number};
use std::collections::{BTreeMap, BTreeSet};

/// One check of a cell: `None`, or what was seen.
type Check = fn(&JournalHeader, &[JournalItem]) -> Option<Flag>;

const CHECKS: [Check; 9] = [
    zero_gradient,
    softmax_output,
    non_finite_logits,
    label_collapse,
    lost_items,
    few_speakers,
    empty_class,
    unknown_label,
    lost_in_pcm16,
];

/// The warnings that the items of one cell raise.
pub fn of_items(header: &JournalHeader, items: &[JournalItem]) -> Vec<Flag> {
    CHECKS.iter().filter_map(|check| check(header, items)).collect()
}

fn flag(name: &str, unreliable: bool, detail: String) -> Flag {
    Flag { name: name.into(), detail, unreliable }
}

/// Gradients that are zero everywhere mask: the attack cannot see the way, the victim need not be robust.
fn zero_gradient(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let zero: u64 = items.iter().map(|i| i.zero_gradients).sum();
    let all: u64 = items.iter().map(|i| i.gradient_queries).sum();
    let detail = format!("{zero} of {all} gradients were zero in every sample");
    (zero > 0).then(|| flag("zero-gradient", 10 * zero > all, detail))
}

/// Probabilities where logits are expected: losses that take logits lose their gradients.
fn softmax_output(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let rows = || items.iter().filter(|i| i.clean_logits.len() > 1);
    let is_softmax = |item: &JournalItem| {
        let sum: f64 = item.clean_logits.iter().map(|z| z.0).sum();
        (sum - 1.0).abs() < 1e-3 && item.clean_logits.iter().all(|z| (0.0..=1.0).contains(&z.0))
    };
    let detail = "every output is a row of probabilities; a model should give logits".to_string();
    (rows().count() > 0 && rows().all(is_softmax)).then(|| flag("softmax-output", false, detail))
}

fn non_finite_logits(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let broken = |i: &&JournalItem| i.clean_logits.iter().chain(&i.adv_logits).any(|z| !z.0.is_finite());
    let n = items.iter().filter(broken).count();
    let detail = format!("the victim gave logits that are not finite on {n} of {} items", items.len());
    (n > 0).then(|| flag("non-finite-logits", true, detail))
}

/// One class takes nearly all items under attack: its ceiling on the flip rate is one minus that class's clean share.
fn label_collapse(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let attacked: Vec<_> = items.iter().filter(|i| i.status == ItemStatus::Ok).collect();
    let mut by_class: BTreeMap<&str, usize> = BTreeMap::new();
    attacked.iter().filter_map(|i| prediction(i)).for_each(|class| *by_class.entry(class).or_default() += 1);
    let clean: BTreeSet<_> = attacked.iter().filter_map(|i| i.clean_pred.as_ref()).collect();
    let (class, n) = by_class.into_iter().max_by_key(|(_, n)| *n)?;
    let detail = format!("{n} of {} attacked items are predicted as {class}", attacked.len());
    let collapsed = attacked.len() >= 10 && clean.len() > 1 && 20 * n >= 19 * attacked.len();
    collapsed.then(|| flag("label-collapse", false, detail))
}

/// Items without a usable result count as held: with many of them, robustness is overstated.
fn lost_items(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let count = |status| items.iter().filter(|i| i.status == status).count();
    let (failed, invalid) = (count(ItemStatus::Failed), count(ItemStatus::Invalid));
    let attacked = items.iter().filter(|i| i.status.is_attacked()).count();
    let detail = format!("of {attacked} attacked items {failed} failed and {invalid} were invalid");
    (failed + invalid > 0).then(|| flag("lost-items", 10 * (failed + invalid) > attacked, detail))
}

fn few_speakers(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let n = items.iter().map(|i| &i.speaker).collect::<BTreeSet<_>>().len();
    let resampled =
        if n == 1 { "items were resampled instead" } else { "intervals over so few are too narrow" };
    (1..5).contains(&n).then(|| flag("few-speakers", false, format!("{n} speakers; {resampled}")))
}

fn empty_class(header: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let labels: BTreeSet<&String> = items.iter().map(|i| &i.label).collect();
    let empty: Vec<&str> =
        header.classes.iter().filter(|c| !labels.contains(c)).map(String::as_str).collect();
    let detail =
        format!("no item is labelled {}, so there is no unweighted average recall", empty.join(", "));
    (!empty.is_empty()).then(|| flag("empty-class", false, detail))
}

fn unknown_label(header: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let unknown: BTreeSet<&str> =
        items.iter().map(|i| i.label.as_str()).filter(|l| !header.classes.iter().any(|c| c == l)).collect();
    let names = unknown.iter().copied().collect::<Vec<_>>().join(", ");
    let detail = format!("items are labelled {names}, which the victim does not have; it is wrong on them");
    (!unknown.is_empty()).then(|| flag("unknown-label", false, detail))
}

/// Successes that 16-bit audio does not keep would be lost in any file.
fn lost_in_pcm16(_: &JournalHeader, items: &[JournalItem]) -> Option<Flag> {
    let broken: Vec<_> = items.iter().filter(|i| is_broken(i)).collect();
    let lost = broken.iter().filter(|i| i.pcm16.as_ref().is_some_and(|p| !(p.valid && p.success))).count();
    let detail = format!("{lost} of {} successes are gone after 16-bit quantisation", broken.len());
    (10 * lost > broken.len()).then(|| flag("lost-in-pcm16", false, detail))
}

/// Warnings that only a comparison of cells raises, by cell id.
pub fn across(records: &[Record]) -> BTreeMap<String, Vec<Flag>> {
    let mut flags: BTreeMap<String, Vec<Flag>> = BTreeMap::new();
    let ok: Vec<&Record> = records.iter().filter(|r| r.status == Status::Ok).collect();
    for (record, flag) in
        non_monotone(&ok).into_iter().chain(black_box_wins(&ok)).chain(holds_at_any_eps(&ok))
    {
        flags.entry(record.id.clone()).or_default().push(flag);
    }
    flags
}

fn robust_accuracy(record: &Record) -> Option<f64> {
    record.value("robust_accuracy")
}

/// More than one item, and more than 2 points: what rounding and restarts explain.
fn clearly_above(a: f64, b: f64, n_items: u64) -> bool {
    a - b > 0.02_f64.max(1.5 / n_items.max(1) as f64)
}

/// Robust accuracy that rises with the budget: a larger ball holds the smaller, so the attack missed what it had found.
fn non_monotone<'r>(records: &[&'r Record]) -> Vec<(&'r Record, Flag)> {
    let mut curves: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let mut cell = record.cell.clone();
        cell.threat.eps = Number(0.0);
        curves.entry(cell.key()).or_default().push(record);
    }
    let mut found = Vec::new();
    for mut curve in curves.into_values() {
        let sign = |r: &Record| if r.cell.threat.norm.grows_with_eps() { 1.0 } else { -1.0 };
        curve.sort_by(|a, b| (sign(a) * a.cell.threat.eps.0).total_cmp(&(sign(b) * b.cell.threat.eps.0)));
        for pair in curve.windows(2) {
            let Some((small, large)) = robust_accuracy(pair[0]).zip(robust_accuracy(pair[1])) else {
                continue;
            };
            let eps = (pair[0].cell.threat.eps, pair[1].cell.threat.eps);
            let detail =
                format!("robust accuracy rises from {small:.3} at eps {} to {large:.3} at {}", eps.0, eps.1);
            if clearly_above(large, small, pair[1].n.total) {
                found.push((pair[1], flag("non-monotone", true, detail)));
            }
        }
    }
    found
}

/// A black-box attack that does better than every white-box one: the gradients mislead.
fn black_box_wins<'r>(records: &[&'r Record]) -> Vec<(&'r Record, Flag)> {
    let mut boards: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for record in records {
        let cell = &record.cell;
        let threat = &cell.threat;
        let parts =
            (&cell.victim, &cell.corpus, threat.norm, threat.eps, threat.goal, &threat.target, threat.labels);
        boards.entry(seraph_core::digest::sha256_of_json(&parts)).or_default().push(record);
    }
    let mut found = Vec::new();
    for board in boards.into_values() {
        let (white, black): (Vec<&Record>, Vec<&Record>) =
            board.into_iter().partition(|r| r.cell.threat.access == Access::WhiteBox);
        let (Some(white), Some(black)) = (strongest(&white), strongest(&black)) else { continue };
        let values = (robust_accuracy(white).unwrap_or(0.0), robust_accuracy(black).unwrap_or(0.0));
        let detail = format!(
            "{} with {} access leaves {:.3}, the best white-box attack {:.3}",
            black.cell.attack.name,
            black.cell.threat.access.as_str(),
            values.1,
            values.0
        );
        if clearly_above(values.0, values.1, white.n.total) {
            found.push((white, flag("black-box-beats-white-box", true, detail)));
        }
    }
    found
}

fn strongest<'r>(records: &[&'r Record]) -> Option<&'r Record> {
    let known = records.iter().filter(|r| robust_accuracy(r).is_some());
    known.copied().min_by(|a, b| {
        robust_accuracy(a).partial_cmp(&robust_accuracy(b)).unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// With a budget of the whole range any item can be turned into any other, so no more than 1/K can hold.
fn holds_at_any_eps<'r>(records: &[&'r Record]) -> Vec<(&'r Record, Flag)> {
    let whole_range = |r: &&&Record| {
        let threat = &r.cell.threat;
        threat.access == Access::WhiteBox && threat.norm == Norm::Linf && threat.eps.0 >= 1.0
    };
    let check = |record: &&'r Record| {
        let n_classes = record.confusion.as_ref().map_or(0, |c| c.classes.len());
        let value = robust_accuracy(record).filter(|v| n_classes > 1 && *v > 1.0 / n_classes as f64)?;
        let detail = format!("robust accuracy is {value:.3} with the whole range as budget");
        Some((*record, flag("holds-at-any-eps", true, detail)))
    };
    records.iter().filter(whole_range).filter_map(check).collect()
}
