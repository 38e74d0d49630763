//! Every metric that is a function of additive counts. One function per metric, as its definition reads.

use crate::tally::{ClassTally, Tally};
use crate::uar::uar;
use crate::wilson::{wilson, wilson_of_least, wilson_of_mean};

/// Numerator and denominator of a proportion.
pub type Parts = fn(&Tally) -> (f64, f64);
/// Numerator and denominator of a proportion of one class's items.
pub type ClassParts = fn(&ClassTally) -> (f64, f64);

/// How a metric follows from counts.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// A proportion of items.
    Proportion(Parts),
    /// The mean over classes of a proportion.
    MeanOverClasses(ClassParts),
    /// The least of the classes' proportions.
    LeastOfClasses(ClassParts),
    /// No proportion.
    Other(fn(&Tally) -> Option<f64>),
}

/// A metric as a function of a [`Tally`]; `None`: undefined.
#[derive(Clone, Copy, Debug)]
pub struct Estimator {
    /// Its name in records.
    pub name: &'static str,
    /// How it follows from counts.
    pub form: Form,
}

/// Every estimator, in the order of the registry.
pub const ESTIMATORS: [Estimator; 25] = [
    proportion("clean_accuracy", |t| (t.all().correct, t.all().n)),
    mean_over_classes("clean_uar", |c| (c.correct, c.n)),
    proportion("robust_accuracy", |t| (robust(&t.all()), t.all().eligible)),
    mean_over_classes("robust_uar", |c| (robust(c), c.eligible)),
    least_of_classes("worst_class_recall", |c| (robust(c), c.eligible)),
    proportion("asr", |t| (t.all().broken, t.all().eligible_correct)),
    proportion("asr_all", |t| (t.all().eligible - robust(&t.all()), t.all().eligible)),
    proportion("flip_rate", |t| (t.flipped, t.attacked)),
    proportion("acc_drop", |t| (t.all().broken, t.all().eligible)),
    mean_over_classes("uar_drop", |c| (c.broken, c.eligible)),
    proportion("adv_accuracy", |t| (t.all().still_right, t.all().n)),
    mean_over_classes("adv_uar", |c| (c.still_right, c.n)),
    proportion("robust_accuracy_pcm16", |t| (robust_pcm16(&t.all()), t.all().eligible)),
    mean_over_classes("robust_uar_pcm16", |c| (robust_pcm16(c), c.eligible)),
    proportion("asr_pcm16", |t| (t.all().broken_pcm16, t.all().eligible_correct)),
    proportion("flip_rate_pcm16", |t| (t.flipped_pcm16, t.attacked)),
    other("clean_prediction_entropy", |t| entropy(&t.clean_predictions)),
    other("prediction_entropy", |t| entropy(&t.predictions)),
    proportion("dominant_prediction", dominant),
    other("forward_queries", |t| ratio((t.forward, t.attacked))),
    other("gradient_queries", |t| ratio((t.gradient, t.attacked))),
    other("queries_to_success", |t| ratio((t.restricted, t.all().eligible_correct))),
    proportion("asr_at_100", |t| (t.within[0], t.all().eligible_correct)),
    proportion("asr_at_1000", |t| (t.within[1], t.all().eligible_correct)),
    proportion("asr_at_10000", |t| (t.within[2], t.all().eligible_correct)),
];

/// The estimators that are given for each group of items.
pub const GROUP_METRICS: [&str; 6] =
    ["clean_accuracy", "robust_accuracy", "asr", "flip_rate", "acc_drop", "asr_pcm16"];

const fn proportion(name: &'static str, of: Parts) -> Estimator {
    Estimator { name, form: Form::Proportion(of) }
}

const fn mean_over_classes(name: &'static str, of: ClassParts) -> Estimator {
    Estimator { name, form: Form::MeanOverClasses(of) }
}

const fn least_of_classes(name: &'static str, of: ClassParts) -> Estimator {
    Estimator { name, form: Form::LeastOfClasses(of) }
}

const fn other(name: &'static str, of: fn(&Tally) -> Option<f64>) -> Estimator {
    Estimator { name, form: Form::Other(of) }
}

impl Estimator {
    /// The estimate from counts.
    pub fn of(&self, tally: &Tally) -> Option<f64> {
        match self.form {
            Form::Proportion(parts) => ratio(parts(tally)),
            Form::MeanOverClasses(parts) => uar(&by_class(tally, parts)).ok(),
            Form::LeastOfClasses(parts) => least(&by_class(tally, parts)),
            Form::Other(estimate) => estimate(tally),
        }
    }

    /// Wilson's interval, where this is made of proportions.
    pub fn wilson(&self, tally: &Tally) -> Option<(f64, f64)> {
        match self.form {
            Form::Proportion(parts) => {
                let (successes, n) = parts(tally);
                wilson(successes, n)
            }
            Form::MeanOverClasses(parts) => wilson_of_mean(&by_class(tally, parts)),
            Form::LeastOfClasses(parts) => wilson_of_least(&by_class(tally, parts)),
            Form::Other(_) => None,
        }
    }
}

fn by_class(tally: &Tally, parts: ClassParts) -> Vec<(f64, f64)> {
    tally.classes.iter().map(parts).collect()
}

/// The least proportion; `None` where a class has no items.
fn least(classes: &[(f64, f64)]) -> Option<f64> {
    let shares: Option<Vec<f64>> = classes.iter().copied().map(ratio).collect();
    shares?.into_iter().min_by(f64::total_cmp)
}

/// Numerator over denominator; `None` over nothing.
pub fn ratio((numerator, denominator): (f64, f64)) -> Option<f64> {
    (denominator > 0.0).then(|| numerator / denominator)
}

/// Σ c (1 - s) over eligible items.
fn robust(class: &ClassTally) -> f64 {
    class.eligible_correct - class.broken
}

fn robust_pcm16(class: &ClassTally) -> f64 {
    class.eligible_correct - class.broken_pcm16
}

/// Shannon entropy of the shares of the predicted classes over log K: 0 if one class takes all, 1 if all are equal.
pub fn entropy(predictions: &[f64]) -> Option<f64> {
    let total: f64 = predictions.iter().sum();
    if total <= 0.0 || predictions.len() < 2 {
        return None;
    }
    let shares = predictions.iter().map(|n| n / total).filter(|&p| p > 0.0);
    let nats: f64 = shares.map(|p| -p * p.ln()).sum();
    Some((nats / (predictions.len() as f64).ln()).max(0.0))
}

/// The share of the class that is predicted most under attack.
fn dominant(tally: &Tally) -> (f64, f64) {
    let most = tally.predictions.iter().fold(0.0, |most: f64, &n| most.max(n));
    (most, tally.predictions.iter().sum())
}
