//! Additive counts of a set of items: what every rate is a ratio of.
//!
//! Counts of clusters add up to the counts of a resample, so a bootstrap resamples speakers, never items.

use seraph_core::record::{Counts, Fate};
use seraph_core::{ItemStatus, JournalItem};
use std::ops::AddAssign;

/// Query budgets at which success is counted.
pub const QUERY_MARKS: [u64; 3] = [100, 1_000, 10_000];

/// Counts of the items of one label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ClassTally {
    /// Items.
    pub n: f64,
    /// Items with c = 1.
    pub correct: f64,
    /// Items that are eligible: all but those whose label is the target.
    pub eligible: f64,
    /// Eligible items with c = 1.
    pub eligible_correct: f64,
    /// Eligible items with c = 1 and s = 1.
    pub broken: f64,
    /// The same for the 16-bit audio.
    pub broken_pcm16: f64,
    /// Items whose prediction under attack is their label; without an attack, the clean prediction.
    pub still_right: f64,
}

/// Counts of a set of items. Items whose label the victim does not have are in `other`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// By label, in the victim's order of classes.
    pub classes: Vec<ClassTally>,
    /// Items of labels that the victim does not have.
    pub other: ClassTally,
    /// Attacked items.
    pub attacked: f64,
    /// Attacked items whose valid audio changes the prediction.
    pub flipped: f64,
    /// The same for the 16-bit audio.
    pub flipped_pcm16: f64,
    /// Forward queries of the attacked items.
    pub forward: f64,
    /// Gradient queries of the attacked items.
    pub gradient: f64,
    /// Forward queries until success, the budget where there is none, over eligible items with c = 1.
    pub restricted: f64,
    /// Successes within each of [`QUERY_MARKS`], over eligible items with c = 1.
    pub within: [f64; 3],
    /// Predictions on the clean audio by class, all items.
    pub clean_predictions: Vec<f64>,
    /// Predictions under attack by class, all items; the clean prediction where there was no attack.
    pub predictions: Vec<f64>,
}

/// What a tally needs to know of a cell.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The victim's classes.
    pub classes: &'a [String],
    /// Forward queries that an item may cost.
    pub budget: u64,
}

/// c: whether the clean prediction is the label.
pub fn is_correct(item: &JournalItem) -> bool {
    item.clean_pred.as_deref() == Some(item.label.as_str())
}

/// s: a success on audio that keeps the constraints.
pub fn is_broken(item: &JournalItem) -> bool {
    item.status == ItemStatus::Ok && item.success
}

fn is_broken_pcm16(item: &JournalItem) -> bool {
    item.status == ItemStatus::Ok && item.pcm16.as_ref().is_some_and(|p| p.valid && p.success)
}

fn is_flipped(item: &JournalItem, prediction: Option<&String>) -> bool {
    item.status == ItemStatus::Ok && prediction.is_some() && prediction != item.clean_pred.as_ref()
}

/// The prediction that counts: on valid audio the one under attack, else the clean one.
pub fn prediction(item: &JournalItem) -> Option<&str> {
    let attacked = item.adv_pred.as_deref().filter(|_| item.status == ItemStatus::Ok);
    attacked.or(item.clean_pred.as_deref())
}

/// Forward queries spent at a success: where the host did not see which query succeeded, all that the item cost.
pub fn queries_to_success(item: &JournalItem) -> Option<u64> {
    is_broken(item).then(|| item.success_forward_queries.unwrap_or(item.forward_queries))
}

/// What became of an item.
pub fn fate(item: &JournalItem) -> Fate {
    match item.status {
        ItemStatus::TargetIsLabel => Fate::TargetIsLabel,
        _ if !is_correct(item) => Fate::CleanWrong,
        ItemStatus::Ok if item.success => Fate::Success,
        ItemStatus::Ok => Fate::Robust,
        ItemStatus::Invalid => Fate::Invalid,
        ItemStatus::Failed | ItemStatus::CleanWrong => Fate::Failed,
    }
}

/// Items by fate, as records count them.
pub fn counts<'a>(items: impl IntoIterator<Item = &'a JournalItem>) -> Counts {
    let mut n = Counts::default();
    for item in items {
        n.total += 1;
        n.clean_correct += u64::from(is_correct(item));
        n.attacked += u64::from(item.status.is_attacked());
        n.succeeded += u64::from(is_broken(item));
        n.invalid += u64::from(item.status == ItemStatus::Invalid);
        n.failed += u64::from(item.status == ItemStatus::Failed);
    }
    n
}

impl ClassTally {
    fn of(item: &JournalItem) -> ClassTally {
        let correct = is_correct(item);
        let eligible = item.status != ItemStatus::TargetIsLabel;
        let one = |holds: bool| f64::from(u8::from(holds));
        ClassTally {
            n: 1.0,
            correct: one(correct),
            eligible: one(eligible),
            eligible_correct: one(eligible && correct),
            broken: one(eligible && correct && is_broken(item)),
            broken_pcm16: one(eligible && correct && is_broken_pcm16(item)),
            still_right: one(prediction(item) == Some(item.label.as_str())),
        }
    }

    fn add_scaled(&mut self, other: &ClassTally, times: f64) {
        self.n += times * other.n;
        self.correct += times * other.correct;
        self.eligible += times * other.eligible;
        self.eligible_correct += times * other.eligible_correct;
        self.broken += times * other.broken;
        self.broken_pcm16 += times * other.broken_pcm16;
        self.still_right += times * other.still_right;
    }
}

impl AddAssign<ClassTally> for ClassTally {
    fn add_assign(&mut self, other: ClassTally) {
        self.add_scaled(&other, 1.0);
    }
}

impl Tally {
    /// Nothing, for `n_classes` classes.
    pub fn empty(n_classes: usize) -> Tally {
        Tally {
            classes: vec![ClassTally::default(); n_classes],
            clean_predictions: vec![0.0; n_classes],
            predictions: vec![0.0; n_classes],
            ..Tally::default()
        }
    }

    /// Counts one item in.
    pub fn count(&mut self, item: &JournalItem, frame: &Frame<'_>) {
        let class_of = |name: &str| frame.classes.iter().position(|c| c == name);
        let class = ClassTally::of(item);
        match class_of(&item.label) {
            Some(label) => self.classes[label] += class,
            None => self.other += class,
        }
        if let Some(k) = item.clean_pred.as_deref().and_then(class_of) {
            self.clean_predictions[k] += 1.0;
        }
        if let Some(k) = prediction(item).and_then(class_of) {
            self.predictions[k] += 1.0;
        }
        if item.status.is_attacked() {
            self.count_attacked(item);
        }
        if class.eligible_correct > 0.0 {
            self.count_queries(queries_to_success(item), frame.budget);
        }
    }

    fn count_attacked(&mut self, item: &JournalItem) {
        let pcm16 = item.pcm16.as_ref().filter(|p| p.valid).and_then(|p| p.adv_pred.as_ref());
        self.attacked += 1.0;
        self.flipped += f64::from(u8::from(is_flipped(item, item.adv_pred.as_ref())));
        self.flipped_pcm16 += f64::from(u8::from(is_flipped(item, pcm16)));
        self.forward += item.forward_queries as f64;
        self.gradient += item.gradient_queries as f64;
    }

    fn count_queries(&mut self, at_success: Option<u64>, budget: u64) {
        self.restricted += at_success.unwrap_or(budget).min(budget) as f64;
        for (within, mark) in self.within.iter_mut().zip(QUERY_MARKS) {
            *within += f64::from(u8::from(at_success.is_some_and(|q| q <= mark)));
        }
    }

    /// Adds `other`, `times` over.
    pub fn add_scaled(&mut self, other: &Tally, times: f64) {
        for (mine, theirs) in self.classes.iter_mut().zip(&other.classes) {
            mine.add_scaled(theirs, times);
        }
        self.other.add_scaled(&other.other, times);
        for (mine, theirs) in [
            (&mut self.attacked, other.attacked),
            (&mut self.flipped, other.flipped),
            (&mut self.flipped_pcm16, other.flipped_pcm16),
            (&mut self.forward, other.forward),
            (&mut self.gradient, other.gradient),
            (&mut self.restricted, other.restricted),
        ] {
            *mine += times * theirs;
        }
        let counts = self.within.iter_mut().chain(&mut self.clean_predictions).chain(&mut self.predictions);
        let theirs = other.within.iter().chain(&other.clean_predictions).chain(&other.predictions);
        counts.zip(theirs).for_each(|(mine, theirs)| *mine += times * theirs);
    }

    /// The counts of all labels together.
    pub fn all(&self) -> ClassTally {
        let mut all = self.other;
        self.classes.iter().for_each(|class| all += *class);
        all
    }
}
