//! The synthetic corpus is what it says: emotions differ as in the literature, a small model that has heard some
//! speakers recognises most utterances of others, and not all.
#![allow(clippy::unwrap_used)]

#[path = "support/acoustics.rs"]
mod acoustics;

use acoustics::{Acoustics, deviation, mean};
use seraph_data::{Corpus, Emotion, load};

fn measure(split: &str) -> (Corpus, Vec<(Emotion, Acoustics)>) {
    let corpus = load("synthetic", None, Some(split), 0).unwrap();
    let one = |item| Acoustics::of(&corpus.read(item, 16_000, None).unwrap(), 16_000);
    let measured = corpus.items.iter().map(|item| (item.emotion, one(item))).collect();
    (corpus, measured)
}

#[test]
fn emotions_differ_in_the_published_directions() {
    let (_, measured) = measure("train");
    let of = |emotion: Emotion, value: fn(&Acoustics) -> f64| {
        mean(&measured.iter().filter(|(e, _)| *e == emotion).map(|(_, a)| value(a)).collect::<Vec<_>>())
    };
    use Emotion::{Anger, Happiness, Neutral, Sadness};
    type Direction = (&'static str, fn(&Acoustics) -> f64, Emotion, Emotion, f64);
    let directions: [Direction; 9] = [
        ("pitch", |a| a.f0_hz, Anger, Neutral, 15.0),
        ("pitch", |a| a.f0_hz, Happiness, Neutral, 20.0),
        ("pitch", |a| a.f0_hz, Neutral, Sadness, 2.0),
        ("range", |a| a.f0_range, Happiness, Anger, 0.2),
        ("range", |a| a.f0_range, Anger, Sadness, 0.5),
        ("level", |a| a.level_dbfs, Anger, Neutral, 2.5),
        ("level", |a| a.level_dbfs, Neutral, Sadness, 1.5),
        ("tilt", |a| a.tilt_db, Anger, Sadness, 3.0),
        ("length", |a| a.seconds, Sadness, Anger, 0.3),
    ];
    for (what, value, higher, lower, at_least) in directions {
        let difference = of(higher, value) - of(lower, value);
        assert!(difference > at_least, "{what} of {higher} above {lower}: {difference}");
    }
}

/// Mean and deviation of every measure in each class: Gaussian naive Bayes.
struct NaiveBayes(Vec<(Emotion, [(f64, f64); 5])>);

impl NaiveBayes {
    fn fit(classes: &[Emotion], measured: &[(Emotion, Acoustics)]) -> Self {
        let moments = |class: Emotion| {
            std::array::from_fn(|i| {
                let of_class = measured.iter().filter(|(e, _)| *e == class);
                let values: Vec<f64> = of_class.map(|(_, a)| a.values()[i]).collect();
                (mean(&values), deviation(&values))
            })
        };
        NaiveBayes(classes.iter().map(|class| (*class, moments(*class))).collect())
    }

    fn predict(&self, acoustics: &Acoustics) -> Emotion {
        let log_likelihood = |moments: &[(f64, f64); 5]| {
            let terms = moments.iter().zip(acoustics.values());
            terms
                .map(|((centre, spread), v)| -((v - centre) / spread).powi(2) / 2.0 - spread.ln())
                .sum::<f64>()
        };
        let best = self.0.iter().max_by(|a, b| log_likelihood(&a.1).total_cmp(&log_likelihood(&b.1)));
        best.unwrap().0
    }
}

#[test]
fn new_speakers_are_recognised_mostly_but_not_always() {
    let (corpus, train) = measure("train");
    let (_, test) = measure("test");
    let model = NaiveBayes::fit(&corpus.classes, &train);
    let right = test.iter().filter(|(emotion, acoustics)| model.predict(acoustics) == *emotion).count();
    let accuracy = right as f64 / test.len() as f64;
    assert!((0.55..0.95).contains(&accuracy), "accuracy of five statistics on new speakers: {accuracy}");
}
