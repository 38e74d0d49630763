//! Short-time Fourier transform: magnitude and power spectrograms.

use crate::Window;
use realfft::RealFftPlanner;

/// What a short-time Fourier transform looks at: frames of `fft_size` samples, every `hop_samples`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stft {
    /// Length of a frame and of its transform, in samples; at least 2.
    pub fft_size: usize,
    /// Distance between the starts of neighbouring frames, in samples; at least 1.
    pub hop_samples: usize,
    /// Window of `fft_size` samples that each frame is multiplied with.
    pub window: Window,
    /// Whether frame `i` is centred on sample `i * hop_samples`, with zeros beyond both ends (librosa's
    /// `center=True, pad_mode="constant"`). Otherwise frame `i` starts there and no frame passes the end.
    pub center: bool,
}

/// A spectrogram, frame after frame: `values[frame * n_bins + bin]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectrogram {
    /// Number of frames.
    pub n_frames: usize,
    /// Number of frequency bins (or mel bands) in a frame.
    pub n_bins: usize,
    /// `[n_frames, n_bins]`, row-major.
    pub values: Vec<f32>,
}

impl Spectrogram {
    /// Bins of one frame.
    ///
    /// # Panics
    ///
    /// When `frame` is not below `n_frames`.
    pub fn frame(&self, frame: usize) -> &[f32] {
        &self.values[frame * self.n_bins..][..self.n_bins]
    }

    /// Every value through `f`, in place of the old one.
    pub fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|value| *value = f(*value));
        self
    }

    /// A power spectrogram in dB, at most `top_db` below its own loudest bin.
    pub fn power_to_db(self, top_db: f32) -> Self {
        let peak = self.values.iter().copied().fold(1e-20f32, f32::max);
        let floor = peak * 10f32.powf(-top_db / 10.0);
        self.map(|power| crate::power_to_db(power, 1.0, floor.max(1e-20)))
    }
}

/// Why a spectrogram could not be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StftError {
    /// Frames need at least two samples.
    #[error("fft_size is {0}, it must be at least 2")]
    FftSize(usize),
    /// Frames must advance.
    #[error("hop_samples is 0, it must be at least 1")]
    Hop,
}

impl Stft {
    /// Hann window, centred frames.
    pub fn new(fft_size: usize, hop_samples: usize) -> Self {
        Stft { fft_size, hop_samples, window: Window::Hann, center: true }
    }

    /// Frequency bins per frame: `fft_size / 2 + 1`.
    pub fn n_bins(&self) -> usize {
        self.fft_size / 2 + 1
    }

    /// Frames of a signal of `n_samples`: `1 + n / hop` when centred, else those that fit whole.
    pub fn n_frames(&self, n_samples: usize) -> usize {
        if self.center {
            1 + n_samples / self.hop_samples
        } else {
            n_samples.checked_sub(self.fft_size).map_or(0, |room| 1 + room / self.hop_samples)
        }
    }

    /// Hz between neighbouring bins.
    pub fn bin_hz(&self, sample_rate_hz: u32) -> f64 {
        f64::from(sample_rate_hz) / self.fft_size as f64
    }

    /// `|X[frame, bin]|²`, unnormalised: a sine of amplitude `a` on a bin gives `(a · Σw / 2)²` there.
    pub fn power(&self, samples: &[f32]) -> Result<Spectrogram, StftError> {
        self.check()?;
        let (n_frames, n_bins) = (self.n_frames(samples.len()), self.n_bins());
        let fft = RealFftPlanner::<f32>::new().plan_fft_forward(self.fft_size);
        let window = self.window.samples(self.fft_size);
        let (mut frame, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
        let mut scratch = fft.make_scratch_vec();
        let mut values = Vec::with_capacity(n_frames * n_bins);
        for i in 0..n_frames {
            self.cut_frame(samples, i, &window, &mut frame);
            fft.process_with_scratch(&mut frame, &mut bins, &mut scratch)
                .expect("the buffers were made by the transform for its own size");
            values.extend(bins.iter().map(|bin| bin.norm_sqr()));
        }
        Ok(Spectrogram { n_frames, n_bins, values })
    }

    /// `|X[frame, bin]|`.
    pub fn magnitude(&self, samples: &[f32]) -> Result<Spectrogram, StftError> {
        Ok(self.power(samples)?.map(f32::sqrt))
    }

    fn check(&self) -> Result<(), StftError> {
        match (self.fft_size, self.hop_samples) {
            (0 | 1, _) => Err(StftError::FftSize(self.fft_size)),
            (_, 0) => Err(StftError::Hop),
            _ => Ok(()),
        }
    }

    /// Windowed samples of frame `i`; what lies outside of the signal is zero.
    fn cut_frame(&self, samples: &[f32], i: usize, window: &[f32], frame: &mut [f32]) {
        let lead = if self.center { self.fft_size / 2 } else { 0 };
        for (k, (out, weight)) in frame.iter_mut().zip(window).enumerate() {
            let position = (i * self.hop_samples + k).checked_sub(lead);
            let sample = position.and_then(|p| samples.get(p)).copied().unwrap_or(0.0);
            *out = sample * weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::TAU;

    fn sine(n_samples: usize, cycles_per_sample: f64, amplitude: f64) -> Vec<f32> {
        (0..n_samples).map(|n| (amplitude * (TAU * cycles_per_sample * n as f64).sin()) as f32).collect()
    }

    #[test]
    fn sine_on_a_bin_has_the_power_that_theory_gives() {
        for window in [Window::Rectangular, Window::Hann, Window::Hamming] {
            let stft = Stft { fft_size: 256, hop_samples: 256, window, center: false };
            let power = stft.power(&sine(1024, 20.0 / 256.0, 0.5)).unwrap();
            let gain: f64 = window.samples(256).iter().map(|w| f64::from(*w)).sum();
            let expected = (0.5 * gain / 2.0).powi(2);
            for frame in 0..power.n_frames {
                let found = f64::from(power.frame(frame)[20]);
                assert!((found / expected - 1.0).abs() < 1e-4, "{window:?}: {found} {expected}");
            }
        }
    }

    #[test]
    fn frames_of_librosa_and_of_scipy() {
        let centred = Stft::new(368, 184);
        assert_eq!(centred.n_frames(48_000), 261); // Facchinetti et al. 2024: 3 s give 261 frames
        let whole = Stft { center: false, ..Stft::new(512, 256) };
        assert_eq!(whole.n_frames(95_744), 373); // Ren et al. 2020: 373 frames
        assert_eq!(whole.n_frames(511), 0);
    }

    #[test]
    fn impossible_settings_are_refused() {
        assert_eq!(Stft::new(1, 1).power(&[0.0]), Err(StftError::FftSize(1)));
        assert_eq!(Stft::new(8, 0).power(&[0.0]), Err(StftError::Hop));
    }

    #[test]
    fn decibels_stop_at_the_floor() {
        let spectrogram = Spectrogram { n_frames: 1, n_bins: 3, values: vec![100.0, 1.0, 0.0] };
        assert_eq!(spectrogram.power_to_db(40.0).values, [20.0, 0.0, -20.0]);
    }

    proptest! {
        // Parseval: Σ|x|² = (1/N) Σ|X|², where a real signal's inner bins stand for two.
        #[test]
        fn energy_is_the_same_on_both_sides(samples in prop::collection::vec(-1.0f32..1.0, 128)) {
            let stft = Stft { fft_size: 128, hop_samples: 128, window: Window::Rectangular, center: false };
            let power = stft.power(&samples).unwrap();
            let bins = power.frame(0);
            let twice: f64 = bins[1..64].iter().map(|p| 2.0 * f64::from(*p)).sum();
            let spectral = (f64::from(bins[0]) + f64::from(bins[64]) + twice) / 128.0;
            let temporal: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
            prop_assert!((spectral - temporal).abs() < 1e-4 * temporal.max(1.0));
        }

        // A shift by one hop moves the frames by one and changes nothing else.
        #[test]
        fn a_delay_of_one_hop_moves_the_frames(samples in prop::collection::vec(-1.0f32..1.0, 200)) {
            let stft = Stft { fft_size: 32, hop_samples: 16, window: Window::Hann, center: false };
            let delayed: Vec<f32> = std::iter::repeat_n(0.0, 16).chain(samples.iter().copied()).collect();
            let (now, later) = (stft.power(&samples).unwrap(), stft.power(&delayed).unwrap());
            for frame in 0..now.n_frames {
                prop_assert_eq!(now.frame(frame), later.frame(frame + 1));
            }
        }
    }
}
