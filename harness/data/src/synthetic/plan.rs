//! What is said: a random string of syllables as control values every 5 ms.

use super::rng::Stream;
use super::speakers::Voice;
use super::style::Style;
use super::{FRAME_SAMPLES, SAMPLE_RATE_HZ};

/// First three formants of the vowels i, ɪ, ɛ, æ, ɑ, ɔ, ʊ, u as men speak them, in Hz (Peterson and Barney
/// 1952, table II).
const VOWELS_HZ: [[f64; 3]; 8] = [
    [270.0, 2290.0, 3010.0],
    [390.0, 1990.0, 2550.0],
    [530.0, 1840.0, 2480.0],
    [660.0, 1720.0, 2410.0],
    [730.0, 1090.0, 2440.0],
    [570.0, 840.0, 2410.0],
    [440.0, 1020.0, 2240.0],
    [300.0, 870.0, 2240.0],
];
/// The fourth formant hardly moves (Klatt 1980, table I).
const FOURTH_HZ: f64 = 3300.0;

/// Brightness at which consonants have their usual strength: effort lifts hiss and voice together.
const NEUTRAL_TILT_HZ: f64 = 1_200.0;

/// Values at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    pub f0_hz: f64,
    /// Amplitude of the voice, 0 to 1.
    pub voicing: f64,
    /// Amplitude of the hiss of a consonant.
    pub frication: f64,
    pub formants_hz: [f64; 4],
}

impl Frame {
    /// Between this moment and the next; the tract is tuned once per frame and left as it is.
    pub fn towards(&self, next: &Frame, part: f64) -> Frame {
        let between = |a: f64, b: f64| a + part * (b - a);
        Frame {
            f0_hz: between(self.f0_hz, next.f0_hz),
            voicing: between(self.voicing, next.voicing),
            frication: between(self.frication, next.frication),
            formants_hz: self.formants_hz,
        }
    }
}

/// How a syllable starts.
#[derive(Clone, Copy)]
enum Onset {
    Vowel,
    Fricative,
    Stop,
}

/// An utterance as frames.
pub(super) struct Plan {
    pub frames: Vec<Frame>,
}

impl Plan {
    /// Five to eight syllables in the manner of `style`.
    pub fn draw(voice: &Voice, style: &Style, random: &mut Stream) -> Plan {
        let mut plan = Plan { frames: Vec::new() };
        plan.silence(random.between(0.03, 0.08));
        let n_syllables = 5 + (random.unit() * 4.0) as usize;
        for i in 0..n_syllables {
            plan.syllable(voice, style, i as f64 / (n_syllables - 1) as f64, random);
            if random.unit() < style.pause && i + 1 < n_syllables {
                plan.silence(random.between(0.08, 0.25));
            }
        }
        plan.silence(random.between(0.03, 0.08));
        plan.glide();
        plan
    }

    fn silence(&mut self, seconds: f64) {
        let last = self.frames.last().copied().unwrap_or_default();
        let still = Frame { voicing: 0.0, frication: 0.0, ..last };
        self.frames.extend(std::iter::repeat_n(still, n_frames(seconds)));
    }

    /// One syllable at `position` (0 first, 1 last) of the utterance.
    fn syllable(&mut self, voice: &Voice, style: &Style, position: f64, random: &mut Stream) {
        let onset = *random.pick(&[Onset::Vowel, Onset::Fricative, Onset::Fricative, Onset::Stop]);
        let accent = if random.unit() < 0.45 { 1.0 } else { random.between(0.0, 0.4) };
        let vowel = random.pick(&VOWELS_HZ);
        let [f1, f2, f3] = vowel.map(|hz| hz * voice.formant_scale * random.between(0.95, 1.05));
        let formants_hz = [f1, f2, f3, FOURTH_HZ * voice.formant_scale];
        let seconds = random.between(0.8, 1.2) / style.rate_hz;
        let n_onset = match onset {
            Onset::Vowel => 0,
            _ => n_frames(0.3 * seconds),
        };
        let n_total = n_frames(seconds).max(n_onset + 4);
        for k in 0..n_total {
            let part = k as f64 / n_total as f64;
            let semitones = style.pitch_semitones
                + style.slope_semitones * (position - 0.5)
                + style.range_semitones * accent * (std::f64::consts::PI * part).sin();
            let f0_hz = (voice.f0_hz * 2f64.powf(semitones / 12.0)).clamp(55.0, 550.0);
            let (voicing, hiss) = amplitudes(onset, k, n_onset, n_total, accent);
            let frication = hiss * style.tilt_hz / NEUTRAL_TILT_HZ;
            self.frames.push(Frame { f0_hz, voicing, frication, formants_hz });
        }
    }

    /// Formants and pitch move: each frame becomes a weighted mean of its neighbours within 25 ms.
    fn glide(&mut self) {
        const REACH: usize = 5;
        let first = self.frames.iter().position(|frame| frame.f0_hz > 0.0).unwrap_or(0);
        let start = self.frames.get(first).copied().unwrap_or_default();
        for frame in &mut self.frames[..first] {
            (frame.f0_hz, frame.formants_hz) = (start.f0_hz, start.formants_hz);
        }
        let still = self.frames.clone();
        for (i, frame) in self.frames.iter_mut().enumerate() {
            let near = &still[i.saturating_sub(REACH)..(i + REACH + 1).min(still.len())];
            let mean =
                |value: &dyn Fn(&Frame) -> f64| near.iter().map(value).sum::<f64>() / near.len() as f64;
            frame.f0_hz = mean(&|f| f.f0_hz);
            frame.formants_hz = std::array::from_fn(|n| mean(&|f| f.formants_hz[n]));
        }
    }
}

/// Voice and hiss of frame `k`: first the consonant, then a vowel that rises and falls.
fn amplitudes(onset: Onset, k: usize, n_onset: usize, n_total: usize, accent: f64) -> (f64, f64) {
    if k < n_onset {
        return match onset {
            Onset::Fricative => (0.0, 0.035 * (std::f64::consts::PI * k as f64 / n_onset as f64).sin()),
            // Closure, then a burst just before the vowel.
            Onset::Stop if k + 2 >= n_onset => (0.0, 0.05),
            _ => (0.0, 0.0),
        };
    }
    let part = (k - n_onset) as f64 / (n_total - n_onset) as f64;
    let rise = (part / 0.15).min(1.0);
    let fall = ((1.0 - part) / 0.30).min(1.0);
    ((0.7 + 0.3 * accent) * rise * fall, 0.0)
}

fn n_frames(seconds: f64) -> usize {
    (seconds * f64::from(SAMPLE_RATE_HZ) / FRAME_SAMPLES as f64).round() as usize
}
