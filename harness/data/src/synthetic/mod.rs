//! Emotional speech-like utterances by formant synthesis, as a pure function of a few numbers.
//!
//! A glottal source with jitter, shimmer and spectral tilt (`source`) excites a cascade of formant resonators
//! (`tract`) along a random string of syllables (`plan`). Emotions differ in pitch, range, rate, level,
//! tilt and steadiness (`style`), in the directions that listeners and measurements agree on; every utterance
//! draws its own values around those, so that neighbouring emotions overlap as they do in real corpora.
//!
//! It exists so that everything runs with no corpus at hand. A model learns it, one hears the difference, and
//! no number measured on it says anything about human speech.

mod plan;
mod rng;
mod source;
mod speakers;
mod style;
mod tract;

use crate::Emotion;
use plan::Plan;
use rng::Stream;
use source::Source;
pub use speakers::{SPEAKERS, Voice};
use style::Style;
use tract::{Resonator, Tract};

/// Rate of the synthetic audio.
pub const SAMPLE_RATE_HZ: u32 = 16_000;
/// Seed of the corpus `synthetic`.
pub const DEFAULT_SEED: u64 = 1;
/// Emotions that are synthesised, alphabetical.
pub const EMOTIONS: [Emotion; 4] = [Emotion::Anger, Emotion::Happiness, Emotion::Neutral, Emotion::Sadness];
/// Utterances of each speaker in each emotion.
pub const ITEMS_PER_CELL: usize = 10;

/// Counts up whenever the sound of an utterance changes: part of every fingerprint.
const GENERATOR_VERSION: u64 = 1;
/// Samples per frame of control values: 5 ms.
const FRAME_SAMPLES: usize = 80;
/// Level of the recording noise below full scale.
const NOISE_FLOOR_DBFS: f64 = -62.0;

/// One synthetic utterance. Its samples are a function of these four values alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Utterance {
    /// Seed of the whole corpus.
    pub seed: u64,
    /// Index into [`SPEAKERS`]; larger ones go round.
    pub speaker: usize,
    /// One of [`EMOTIONS`]; any other sounds neutral.
    pub emotion: Emotion,
    /// Which utterance of this speaker in this emotion.
    pub index: usize,
}

/// What a random number is for; each has its own stream, so that none moves another.
#[derive(Clone, Copy)]
enum Purpose {
    Style,
    Words,
    Glottis,
    Noise,
}

impl Utterance {
    /// The speaker's voice.
    pub fn voice(&self) -> &'static Voice {
        &SPEAKERS[self.speaker % SPEAKERS.len()]
    }

    /// One to three seconds at [`SAMPLE_RATE_HZ`], 16-bit values, within `[-1, 1]`.
    pub fn samples(&self) -> Vec<f32> {
        let voice = self.voice();
        let style = Style::draw(self.emotion, &mut self.stream(Purpose::Style));
        let plan = Plan::draw(voice, &style, &mut self.stream(Purpose::Words));
        let speech = self.speak(&plan, voice, &style);
        self.record(speech, style.level_dbfs)
    }

    /// The values that determine the samples, as bytes.
    pub fn fingerprint(&self) -> Vec<u8> {
        self.words().iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn words(&self) -> [u64; 5] {
        let emotion = Emotion::ALL.iter().position(|e| *e == self.emotion).unwrap_or(0);
        [GENERATOR_VERSION, self.seed, self.speaker as u64, emotion as u64, self.index as u64]
    }

    fn stream(&self, purpose: Purpose) -> Stream {
        Stream::new(&self.words(), purpose as u64)
    }

    /// Source, tract and frication along the plan.
    fn speak(&self, plan: &Plan, voice: &Voice, style: &Style) -> Vec<f64> {
        let mut source = Source::new(style, self.stream(Purpose::Glottis));
        let mut hiss = self.stream(Purpose::Noise);
        let mut tract = Tract::default();
        let mut palate = Resonator::new(4_500.0 * voice.formant_scale, 1_800.0);
        let mut speech = Vec::with_capacity(plan.frames.len() * FRAME_SAMPLES);
        let mut previous = 0.0;
        for (now, next) in plan.frames.iter().zip(plan.frames.iter().skip(1)) {
            tract.tune(&now.formants_hz);
            for k in 0..FRAME_SAMPLES {
                let moment = now.towards(next, k as f64 / FRAME_SAMPLES as f64);
                let voice = tract.filter(source.next(moment.f0_hz) * moment.voicing);
                let mouth = voice + palate.filter(hiss.uniform() * moment.frication);
                // Lips: radiation is close to a derivative (Klatt 1980, section II.C).
                speech.push(mouth - previous);
                previous = mouth;
            }
        }
        speech
    }

    /// Sets the level, adds the noise of a recording and rounds to 16 bits.
    ///
    /// The rounding also hides last-bit differences between mathematical libraries.
    fn record(&self, speech: Vec<f64>, level_dbfs: f64) -> Vec<f32> {
        let n_samples = speech.len().max(1) as f64;
        let rms = (speech.iter().map(|x| x * x).sum::<f64>() / n_samples).sqrt().max(1e-12);
        let peak = speech.iter().fold(0.0f64, |peak, x| peak.max(x.abs())).max(1e-12);
        let gain = (amplitude(level_dbfs) / rms).min(0.97 / peak);
        let mut room = self.stream(Purpose::Noise);
        // A uniform number in [-1, 1] has the RMS 1/sqrt(3).
        let floor = amplitude(NOISE_FLOOR_DBFS) * 3f64.sqrt();
        let round = |x: f64| ((x * 32_768.0).round().clamp(-32_768.0, 32_767.0) / 32_768.0) as f32;
        speech.into_iter().map(|x| round(gain * x + floor * room.uniform())).collect()
    }
}

fn amplitude(dbfs: f64) -> f64 {
    10f64.powf(dbfs / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utterance(speaker: usize, emotion: Emotion, index: usize) -> Utterance {
        Utterance { seed: DEFAULT_SEED, speaker, emotion, index }
    }

    #[test]
    fn samples_are_a_function_of_the_four_values() {
        let base = utterance(0, Emotion::Anger, 0);
        assert_eq!(base.samples(), base.samples());
        for other in [
            Utterance { seed: 2, ..base },
            utterance(1, Emotion::Anger, 0),
            utterance(0, Emotion::Sadness, 0),
            utterance(0, Emotion::Anger, 1),
        ] {
            assert_ne!(base.samples(), other.samples(), "{other:?}");
            assert_ne!(base.fingerprint(), other.fingerprint(), "{other:?}");
        }
    }

    /// Published results name the corpus by [`GENERATOR_VERSION`]: whoever changes the sound changes both.
    #[test]
    fn the_sound_is_that_of_this_generator_version() {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        for (speaker, emotion) in
            [(0, Emotion::Anger), (5, Emotion::Happiness), (9, Emotion::Neutral), (15, Emotion::Sadness)]
        {
            let samples = utterance(speaker, emotion, 7).samples();
            hash.update(samples.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
        }
        let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            (GENERATOR_VERSION, found.as_str()),
            (1, "0ec06cdbcfef212be21134fe639ca06b63456d9ce1cb7fa5c84b7fe14f8865a9")
        );
    }

    #[test]
    fn every_utterance_is_audible_unclipped_16_bit_speech_of_a_plausible_length() {
        for speaker in 0..SPEAKERS.len() {
            for emotion in EMOTIONS {
                let samples = utterance(speaker, emotion, 3).samples();
                let seconds = samples.len() as f64 / f64::from(SAMPLE_RATE_HZ);
                assert!((0.7..4.0).contains(&seconds), "{speaker} {emotion}: {seconds} s");
                let rms = (samples.iter().map(|x| x * x).sum::<f32>() / samples.len() as f32).sqrt();
                assert!((0.01..0.3).contains(&rms), "{speaker} {emotion}: rms {rms}");
                assert!(samples.iter().all(|x| x.abs() < 0.99 && (x * 32_768.0).fract() == 0.0));
            }
        }
    }

    #[test]
    fn every_split_has_both_genders_and_no_voice_twice() {
        use crate::Gender;
        for split in ["train", "val", "test"] {
            for gender in [Gender::Female, Gender::Male] {
                assert!(SPEAKERS.iter().any(|voice| voice.split == split && voice.gender == gender));
            }
        }
        for (i, voice) in SPEAKERS.iter().enumerate() {
            assert!(SPEAKERS[..i].iter().all(|other| other.id != voice.id && other.f0_hz != voice.f0_hz));
        }
    }
}
