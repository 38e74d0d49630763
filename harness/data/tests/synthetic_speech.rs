//! The synthetic corpus is what it says: emotions differ as in the literature, a small model that has heard some
//! speakers recognises most utterances of others, and not all.
#![allow(clippy::unwrap_used)]

#[path = "support/acoustics.rs"]
mod acoustics;

use acoustics::{Acoustics, deviation, mean};
use seraph_audio::{LogMel, MelBank, MelNorm, MelScale, Stft};
use seraph_data::{Emotion, load};

fn measure(split: &str) -> Vec<(Emotion, Acoustics)> {
    let corpus = load("synthetic", None, Some(split), 0).unwrap();
    let one = |item| Acoustics::of(&corpus.read(item, 16_000, None).unwrap(), 16_000);
    corpus.items.iter().map(|item| (item.emotion, one(item))).collect()
}

#[test]
fn emotions_differ_in_the_published_directions() {
    let measured = measure("train");
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

/// Mean and deviation over time of each of 32 log-mel bands, of every item of a split.
fn pooled_log_mel(split: &str) -> (Vec<usize>, Vec<Vec<f64>>) {
    let corpus = load("synthetic", None, Some(split), 0).unwrap();
    let stft = Stft::new(512, 256);
    let bank = MelBank::new(&stft, 16_000, 32, (50.0, 7_500.0), MelScale::Slaney, MelNorm::Slaney).unwrap();
    let front_end = LogMel { stft, bank, offset: 1e-8 };
    let pool = |item| {
        let frames = front_end.of_power(&corpus.read(item, 16_000, None).unwrap()).unwrap();
        let band = |b| (0..frames.n_frames).map(|i| f64::from(frames.frame(i)[b])).collect::<Vec<_>>();
        (0..32).flat_map(|b| [mean(&band(b)), deviation(&band(b))]).collect()
    };
    let labels = corpus.items.iter().map(|item| corpus.class_index(item.emotion).unwrap()).collect();
    (labels, corpus.items.iter().map(pool).collect())
}

/// Multinomial logistic regression by full-batch gradient descent; one row of weights and a bias per class.
fn fit_logistic(labels: &[usize], rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut weights = vec![vec![0.0; rows[0].len() + 1]; 4];
    for _ in 0..300 {
        let mut gradient = vec![vec![0.0; rows[0].len() + 1]; 4];
        for (label, row) in labels.iter().zip(rows) {
            let odds: Vec<f64> = scores(&weights, row).iter().map(|score| score.exp()).collect();
            for (class, slope) in gradient.iter_mut().enumerate() {
                let error = odds[class] / odds.iter().sum::<f64>() - f64::from(u8::from(class == *label));
                slope.iter_mut().zip(row.iter().chain([&1.0])).for_each(|(g, x)| *g += error * x);
            }
        }
        for (weight, slope) in weights.iter_mut().flatten().zip(gradient.iter().flatten()) {
            *weight -= 0.3 * (slope / rows.len() as f64 + 1e-3 * *weight);
        }
    }
    weights
}

fn scores(weights: &[Vec<f64>], row: &[f64]) -> Vec<f64> {
    let dot = |w: &Vec<f64>| w.iter().zip(row.iter().chain([&1.0])).map(|(w, x)| w * x).sum();
    weights.iter().map(dot).collect()
}

#[test]
fn new_speakers_are_recognised_mostly_but_not_always() {
    let (train_labels, mut train) = pooled_log_mel("train");
    let (test_labels, mut test) = pooled_log_mel("test");
    for i in 0..train[0].len() {
        let column: Vec<f64> = train.iter().map(|row| row[i]).collect();
        let (centre, spread) = (mean(&column), deviation(&column));
        train.iter_mut().chain(&mut test).for_each(|row| row[i] = (row[i] - centre) / spread);
    }
    let weights = fit_logistic(&train_labels, &train);
    let best = |row: &Vec<f64>| {
        let scores = scores(&weights, row);
        (0..4).max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap()
    };
    let right = test.iter().zip(&test_labels).filter(|(row, label)| best(row) == **label).count();
    let accuracy = right as f64 / test.len() as f64;
    eprintln!("linear model on new speakers: {accuracy}");
    assert!((0.80..0.96).contains(&accuracy), "accuracy of a linear model on new speakers: {accuracy}");
}
