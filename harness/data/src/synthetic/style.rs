//! How an emotion changes a voice.

use super::rng::Stream;
use crate::Emotion;

/// Manner of one utterance.
///
/// The directions follow Banse and Scherer 1996 ("Acoustic profiles in vocal emotion expression") and Juslin
/// and Laukka 2003: anger and happiness are higher, wider, faster, louder and brighter than neutral speech,
/// anger rougher and happiness wider still; sadness is lower, flatter, slower, softer, duller and breathier.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Style {
    /// Mean pitch above that of the speaker at rest.
    pub pitch_semitones: f64,
    /// Height of an accented syllable.
    pub range_semitones: f64,
    /// Pitch at the end minus pitch at the start.
    pub slope_semitones: f64,
    /// Syllables per second.
    pub rate_hz: f64,
    /// RMS level.
    pub level_dbfs: f64,
    /// Corner of the source's low-pass: higher is brighter.
    pub tilt_hz: f64,
    /// Deviation of a period, relative.
    pub jitter: f64,
    /// Deviation of a pulse's height, relative.
    pub shimmer: f64,
    /// Aspiration relative to the pulse.
    pub breath: f64,
    /// Probability of a pause after a syllable.
    pub pause: f64,
}

#[rustfmt::skip]
const ANGER: Style = Style {
    pitch_semitones: 3.5, range_semitones: 3.5, slope_semitones: -3.0, rate_hz: 5.4, level_dbfs: -19.0,
    tilt_hz: 3_000.0, jitter: 0.020, shimmer: 0.10, breath: 0.03, pause: 0.06,
};
#[rustfmt::skip]
const HAPPINESS: Style = Style {
    pitch_semitones: 5.0, range_semitones: 8.0, slope_semitones: 1.5, rate_hz: 5.1, level_dbfs: -21.0,
    tilt_hz: 1_800.0, jitter: 0.008, shimmer: 0.05, breath: 0.06, pause: 0.06,
};
#[rustfmt::skip]
const NEUTRAL: Style = Style {
    pitch_semitones: 0.0, range_semitones: 3.0, slope_semitones: -2.0, rate_hz: 4.6, level_dbfs: -24.0,
    tilt_hz: 1_200.0, jitter: 0.006, shimmer: 0.04, breath: 0.05, pause: 0.08,
};
#[rustfmt::skip]
const SADNESS: Style = Style {
    pitch_semitones: -1.0, range_semitones: 1.3, slope_semitones: -2.5, rate_hz: 3.5, level_dbfs: -27.0,
    tilt_hz: 550.0, jitter: 0.012, shimmer: 0.06, breath: 0.16, pause: 0.20,
};

impl Style {
    /// The manner of an emotion, with the deviations of one utterance.
    pub fn draw(emotion: Emotion, random: &mut Stream) -> Style {
        let typical = match emotion {
            Emotion::Anger => ANGER,
            Emotion::Happiness => HAPPINESS,
            Emotion::Sadness => SADNESS,
            _ => NEUTRAL,
        };
        // Some utterances are barely emotional: those are the ones that models and listeners confuse.
        let intensity = random.between(0.65, 1.25);
        typical.blend(&NEUTRAL, intensity).vary(random)
    }

    /// Neutral at intensity 0, this style at 1.
    fn blend(&self, neutral: &Style, intensity: f64) -> Style {
        let linear = |own: f64, neutral: f64| neutral + intensity * (own - neutral);
        let ratio = |own: f64, neutral: f64| neutral * (own / neutral).powf(intensity);
        Style {
            pitch_semitones: linear(self.pitch_semitones, neutral.pitch_semitones),
            range_semitones: ratio(self.range_semitones, neutral.range_semitones),
            slope_semitones: linear(self.slope_semitones, neutral.slope_semitones),
            rate_hz: ratio(self.rate_hz, neutral.rate_hz),
            level_dbfs: linear(self.level_dbfs, neutral.level_dbfs),
            tilt_hz: ratio(self.tilt_hz, neutral.tilt_hz),
            jitter: ratio(self.jitter, neutral.jitter),
            shimmer: ratio(self.shimmer, neutral.shimmer),
            breath: ratio(self.breath, neutral.breath),
            pause: linear(self.pause, neutral.pause),
        }
    }

    /// What differs from one utterance of an emotion to the next.
    fn vary(self, random: &mut Stream) -> Style {
        let mut around = |value: f64, relative: f64| value * (relative * random.normal()).exp();
        Style {
            range_semitones: around(self.range_semitones, 0.20),
            rate_hz: around(self.rate_hz, 0.08),
            tilt_hz: around(self.tilt_hz, 0.13),
            jitter: around(self.jitter, 0.30),
            shimmer: around(self.shimmer, 0.30),
            breath: around(self.breath, 0.30),
            pitch_semitones: self.pitch_semitones + 0.9 * random.normal(),
            slope_semitones: self.slope_semitones + 1.0 * random.normal(),
            level_dbfs: (self.level_dbfs + 1.6 * random.normal()).clamp(-34.0, -15.0),
            pause: self.pause,
        }
    }
}
