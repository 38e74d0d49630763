//! What can be measured in an utterance: pitch, level, tilt, rate of change. Independent of the synthesiser.

use seraph_audio::{Stft, Window};

/// Acoustic statistics of one utterance.
#[derive(Clone, Copy, Debug, Default)]
pub struct Acoustics {
    /// Mean pitch of voiced frames.
    pub f0_hz: f64,
    /// From the lowest to the highest fifth of the pitch, in semitones.
    pub f0_range: f64,
    /// RMS level.
    pub level_dbfs: f64,
    /// Energy above 1 kHz over energy below.
    pub tilt_db: f64,
    /// Length.
    pub seconds: f64,
}

impl Acoustics {
    pub fn of(samples: &[f32], sample_rate_hz: u32) -> Self {
        let pitch: Vec<f64> =
            samples.chunks_exact(640).filter_map(|frame| pitch_hz(frame, sample_rate_hz)).collect();
        let mut semitones: Vec<f64> = pitch.iter().map(|hz| 12.0 * hz.log2()).collect();
        semitones.sort_by(f64::total_cmp);
        let fifth = |part: usize| semitones.get(part * semitones.len() / 5).copied().unwrap_or(0.0);
        let power = samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / samples.len() as f64;
        Acoustics {
            f0_hz: mean(&pitch),
            f0_range: fifth(4) - fifth(1),
            level_dbfs: 10.0 * power.log10(),
            tilt_db: tilt_db(samples, sample_rate_hz),
            seconds: samples.len() as f64 / f64::from(sample_rate_hz),
        }
    }
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

pub fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    mean(&values.iter().map(|v| (v - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// The lag of the highest normalised autocorrelation between 60 and 500 Hz, where it is above 0.6.
fn pitch_hz(frame: &[f32], sample_rate_hz: u32) -> Option<f64> {
    let halved: Vec<f32> = frame.chunks_exact(2).map(|pair| pair[0] + pair[1]).collect();
    let rate = f64::from(sample_rate_hz) / 2.0;
    let (shortest, longest) = ((rate / 500.0) as usize, (rate / 60.0) as usize);
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let likeness = |lag: usize| {
        let (early, late) = (&halved[..halved.len() - lag], &halved[lag..]);
        dot(early, late) / (dot(early, early) * dot(late, late)).sqrt().max(1e-4)
    };
    let scores: Vec<f32> = (shortest..=longest).map(likeness).collect();
    let best = scores.iter().copied().fold(0.0, f32::max);
    // The first peak that is about as good as the best: multiples of the period are as periodic.
    let first = (1..scores.len() - 1)
        .find(|i| scores[*i] > 0.97 * best && scores[*i] >= scores[i - 1] && scores[*i] >= scores[i + 1])?;
    (best > 0.6).then(|| rate / (shortest + first) as f64)
}

fn tilt_db(samples: &[f32], sample_rate_hz: u32) -> f64 {
    let stft = Stft { fft_size: 512, hop_samples: 256, window: Window::Hann, center: false };
    let power = stft.power(samples).expect("the settings are possible");
    let knee = (1_000.0 / stft.bin_hz(sample_rate_hz)) as usize;
    let (mut low, mut high) = (1e-12, 1e-12);
    for frame in 0..power.n_frames {
        let bins = power.frame(frame);
        low += bins[..knee].iter().map(|p| f64::from(*p)).sum::<f64>();
        high += bins[knee..].iter().map(|p| f64::from(*p)).sum::<f64>();
    }
    10.0 * (high / low).log10()
}
