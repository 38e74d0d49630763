//! The sixteen voices of the synthetic corpus.

use crate::Gender;

/// A speaker: pitch at rest and the size of the vocal tract.
#[derive(Clone, Debug, PartialEq)]
pub struct Voice {
    /// Name.
    pub id: &'static str,
    /// Gender.
    pub gender: Gender,
    /// The split that all utterances of the voice belong to.
    pub split: &'static str,
    /// Mean fundamental frequency of neutral speech.
    pub f0_hz: f64,
    /// Formants relative to an adult male vocal tract; about 1.17 for women (Peterson and Barney 1952).
    pub formant_scale: f64,
}

const fn voice(
    id: &'static str,
    gender: Gender,
    split: &'static str,
    f0_hz: f64,
    formant_scale: f64,
) -> Voice {
    Voice { id, gender, split, f0_hz, formant_scale }
}

/// All voices.
pub const SPEAKERS: [Voice; 16] = [
    voice("f01", Gender::Female, "train", 205.0, 1.16),
    voice("f02", Gender::Female, "train", 188.0, 1.13),
    voice("f03", Gender::Female, "train", 222.0, 1.20),
    voice("f04", Gender::Female, "train", 196.0, 1.18),
    voice("f05", Gender::Female, "val", 212.0, 1.15),
    voice("f06", Gender::Female, "val", 192.0, 1.19),
    voice("f07", Gender::Female, "test", 200.0, 1.17),
    voice("f08", Gender::Female, "test", 217.0, 1.14),
    voice("m01", Gender::Male, "train", 112.0, 1.00),
    voice("m02", Gender::Male, "train", 99.0, 0.97),
    voice("m03", Gender::Male, "train", 126.0, 1.04),
    voice("m04", Gender::Male, "train", 107.0, 1.02),
    voice("m05", Gender::Male, "val", 118.0, 0.98),
    voice("m06", Gender::Male, "val", 104.0, 1.03),
    voice("m07", Gender::Male, "test", 115.0, 1.01),
    voice("m08", Gender::Male, "test", 121.0, 0.99),
];
