//! Mel filter banks and log-mel spectrograms.

use crate::{Spectrogram, Stft, StftError};
use std::ops::Range;

/// Which formula turns Hz into mel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MelScale {
    /// `2595 log10(1 + f/700)` (O'Shaughnessy 1987; HTK book, equation 5.13).
    Htk,
    /// Linear below 1 kHz, logarithmic above (Slaney 1998, Auditory Toolbox); librosa's default.
    Slaney,
}

/// How high the triangles of a filter bank are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MelNorm {
    /// Peak of one.
    None,
    /// Area of one in Hz: the triangle over `[left, right]` peaks at `2 / (right - left)`; librosa's default.
    Slaney,
}

// Slaney 1998: 200/3 Hz per mel up to 1 kHz, then 27 steps per factor 6.4.
const SLANEY_HZ_PER_MEL: f64 = 200.0 / 3.0;
const SLANEY_KNEE_HZ: f64 = 1000.0;
const SLANEY_KNEE_MEL: f64 = SLANEY_KNEE_HZ / SLANEY_HZ_PER_MEL;
const SLANEY_STEPS: f64 = 27.0;
const SLANEY_FACTOR: f64 = 6.4;

impl MelScale {
    /// Mel of a frequency in Hz.
    pub fn from_hz(self, hz: f64) -> f64 {
        match self {
            MelScale::Htk => 2595.0 * (1.0 + hz / 700.0).log10(),
            MelScale::Slaney if hz < SLANEY_KNEE_HZ => hz / SLANEY_HZ_PER_MEL,
            MelScale::Slaney => {
                SLANEY_KNEE_MEL + SLANEY_STEPS * (hz / SLANEY_KNEE_HZ).ln() / SLANEY_FACTOR.ln()
            }
        }
    }

    /// Frequency in Hz of a mel value.
    pub fn to_hz(self, mel: f64) -> f64 {
        match self {
            MelScale::Htk => 700.0 * (10f64.powf(mel / 2595.0) - 1.0),
            MelScale::Slaney if mel < SLANEY_KNEE_MEL => mel * SLANEY_HZ_PER_MEL,
            MelScale::Slaney => SLANEY_KNEE_HZ * SLANEY_FACTOR.powf((mel - SLANEY_KNEE_MEL) / SLANEY_STEPS),
        }
    }
}

/// Triangular filters, equally spaced in mel.
#[derive(Clone, Debug, PartialEq)]
pub struct MelBank {
    /// Number of bands.
    pub n_mels: usize,
    /// Number of STFT bins that a filter weighs.
    pub n_bins: usize,
    /// `[n_mels, n_bins]`, row-major.
    pub weights: Vec<f32>,
    /// Bins that each filter weighs at all: a few per cent of them.
    spans: Vec<Range<usize>>,
}

/// Why a filter bank could not be built or used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MelError {
    /// No bands.
    #[error("n_mels is 0, it must be at least 1")]
    NoBands,
    /// The bands' range is empty or passes half the rate.
    #[error("mel bands from {min_hz} to {max_hz} Hz do not fit below half of {sample_rate_hz} Hz")]
    Range {
        /// Lower edge of the lowest band.
        min_hz: f64,
        /// Upper edge of the highest band.
        max_hz: f64,
        /// Rate of the audio.
        sample_rate_hz: u32,
    },
    /// The spectrogram has another number of bins.
    #[error("the spectrogram has {found} bins, the mel filters expect {expected}")]
    Bins {
        /// Bins that the filters were built for.
        expected: usize,
        /// Bins of the spectrogram.
        found: usize,
    },
    /// The transform's settings are impossible.
    #[error(transparent)]
    Stft(#[from] StftError),
}

impl MelBank {
    /// Filters for the bins of `stft` on audio at `sample_rate_hz`, from `min_hz` to `max_hz`.
    ///
    /// Filter `m` rises from the centre of `m-1` to its own and falls to that of `m+1`:
    /// `w = max(0, min((f - left)/(centre - left), (right - f)/(right - centre)))`, evaluated at each bin's
    /// frequency (Davis and Mermelstein 1980, figure 1).
    pub fn new(
        stft: &Stft,
        sample_rate_hz: u32,
        n_mels: usize,
        (min_hz, max_hz): (f64, f64),
        scale: MelScale,
        norm: MelNorm,
    ) -> Result<Self, MelError> {
        if n_mels == 0 {
            return Err(MelError::NoBands);
        }
        if !(0.0 <= min_hz && min_hz < max_hz && max_hz <= f64::from(sample_rate_hz) / 2.0) {
            return Err(MelError::Range { min_hz, max_hz, sample_rate_hz });
        }
        let edges = band_edges_hz(n_mels, (min_hz, max_hz), scale);
        let (n_bins, bin_hz) = (stft.n_bins(), stft.bin_hz(sample_rate_hz));
        let mut weights = Vec::with_capacity(n_mels * n_bins);
        for band in edges.windows(3) {
            let height = if norm == MelNorm::Slaney { 2.0 / (band[2] - band[0]) } else { 1.0 };
            weights.extend((0..n_bins).map(|bin| (height * triangle(band, bin as f64 * bin_hz)) as f32));
        }
        let spans = weights.chunks_exact(n_bins).map(nonzero_span).collect();
        Ok(MelBank { n_mels, n_bins, weights, spans })
    }

    /// Weighted sums of each frame's bins: `[n_frames, n_bins]` to `[n_frames, n_mels]`.
    pub fn apply(&self, spectrogram: &Spectrogram) -> Result<Spectrogram, MelError> {
        if spectrogram.n_bins != self.n_bins {
            return Err(MelError::Bins { expected: self.n_bins, found: spectrogram.n_bins });
        }
        let mut values = Vec::with_capacity(spectrogram.n_frames * self.n_mels);
        for frame in 0..spectrogram.n_frames {
            let bins = spectrogram.frame(frame);
            let filters = self.weights.chunks_exact(self.n_bins).zip(&self.spans);
            values.extend(filters.map(|(filter, span)| dot(&filter[span.clone()], &bins[span.clone()])));
        }
        Ok(Spectrogram { n_frames: spectrogram.n_frames, n_bins: self.n_mels, values })
    }
}

/// `n_mels + 2` frequencies, equally spaced in mel: band `m` spans edges `m`, `m+1`, `m+2`.
fn band_edges_hz(n_mels: usize, (min_hz, max_hz): (f64, f64), scale: MelScale) -> Vec<f64> {
    let (low, high) = (scale.from_hz(min_hz), scale.from_hz(max_hz));
    let step = (high - low) / (n_mels + 1) as f64;
    (0..n_mels + 2).map(|i| scale.to_hz(low + step * i as f64)).collect()
}

fn triangle(band: &[f64], hz: f64) -> f64 {
    let rising = (hz - band[0]) / (band[1] - band[0]);
    let falling = (band[2] - hz) / (band[2] - band[1]);
    rising.min(falling).max(0.0)
}

fn nonzero_span(filter: &[f32]) -> Range<usize> {
    let first = filter.iter().position(|w| *w != 0.0).unwrap_or(0);
    let end = filter.iter().rposition(|w| *w != 0.0).map_or(0, |last| last + 1);
    first..end
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// A log-mel front end: transform, filters and the offset that keeps the logarithm finite.
#[derive(Clone, Debug, PartialEq)]
pub struct LogMel {
    /// The transform.
    pub stft: Stft,
    /// The filters.
    pub bank: MelBank,
    /// Added before the logarithm.
    pub offset: f32,
}

impl LogMel {
    /// `ln(mel(|X|²) + offset)`: `[n_frames, n_mels]`.
    pub fn of_power(&self, samples: &[f32]) -> Result<Spectrogram, MelError> {
        Ok(self.bank.apply(&self.stft.power(samples)?)?.map(|value| (value + self.offset).ln()))
    }

    /// `ln(mel(|X|) + offset)`: `[n_frames, n_mels]`, the magnitude form of Ren et al. 2020.
    pub fn of_magnitude(&self, samples: &[f32]) -> Result<Spectrogram, MelError> {
        Ok(self.bank.apply(&self.stft.magnitude(samples)?)?.map(|value| (value + self.offset).ln()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn published_points_of_the_scales() {
        // Slaney: 1 kHz is mel 15, 6.4 kHz is 27 steps above. HTK: 1 kHz is close to 1000 mel by design.
        assert!((MelScale::Slaney.from_hz(1000.0) - 15.0).abs() < 1e-12);
        assert!((MelScale::Slaney.from_hz(6400.0) - 42.0).abs() < 1e-12);
        assert!((MelScale::Htk.from_hz(700.0) - 2595.0 * 2f64.log10()).abs() < 1e-9);
        assert!((MelScale::Htk.from_hz(1000.0) - 1000.0).abs() < 0.1);
    }

    proptest! {
        #[test]
        fn hz_to_mel_and_back(hz in 0.0f64..24_000.0) {
            for scale in [MelScale::Htk, MelScale::Slaney] {
                prop_assert!((scale.to_hz(scale.from_hz(hz)) - hz).abs() < 1e-6);
            }
        }
    }

    fn bank(n_mels: usize, scale: MelScale, norm: MelNorm) -> MelBank {
        MelBank::new(&Stft::new(512, 256), 16_000, n_mels, (0.0, 8000.0), scale, norm).unwrap()
    }

    #[test]
    fn neighbouring_unnormalised_triangles_sum_to_one() {
        let bank = bank(20, MelScale::Htk, MelNorm::None);
        let centres = band_edges_hz(20, (0.0, 8000.0), MelScale::Htk);
        for bin in 0..bank.n_bins {
            let hz = bin as f64 * 16_000.0 / 512.0;
            if hz >= centres[1] && hz <= centres[20] {
                let sum: f32 = (0..20).map(|m| bank.weights[m * bank.n_bins + bin]).sum();
                assert!((sum - 1.0).abs() < 1e-5, "{hz} Hz: {sum}");
            }
        }
    }

    #[test]
    fn slaney_triangles_have_unit_area_in_hz() {
        let stft = Stft::new(16_384, 256);
        let bank = MelBank::new(&stft, 16_000, 40, (0.0, 8000.0), MelScale::Slaney, MelNorm::Slaney).unwrap();
        for filter in bank.weights.chunks(bank.n_bins) {
            let area: f64 = filter.iter().map(|w| f64::from(*w)).sum::<f64>() * stft.bin_hz(16_000);
            assert!((area - 1.0).abs() < 0.01, "{area}");
        }
    }

    #[test]
    fn a_tone_is_loudest_in_the_band_around_it() {
        let front_end = LogMel {
            stft: Stft::new(512, 256),
            bank: bank(32, MelScale::Slaney, MelNorm::None),
            offset: 1e-8,
        };
        let edges = band_edges_hz(32, (0.0, 8000.0), MelScale::Slaney);
        for band in [8, 16, 24, 31] {
            let hz = edges[band + 1];
            let tone: Vec<f32> = (0..8000)
                .map(|n| (std::f64::consts::TAU * hz * f64::from(n) / 16_000.0).sin() as f32)
                .collect();
            for mel in [front_end.of_power(&tone).unwrap(), front_end.of_magnitude(&tone).unwrap()] {
                let frame = mel.frame(10);
                let loudest = (0..32).max_by(|a, b| frame[*a].total_cmp(&frame[*b]));
                assert_eq!(loudest, Some(band), "{hz} Hz");
            }
        }
    }

    #[test]
    fn apply_is_the_matrix_product() {
        let bank = bank(24, MelScale::Slaney, MelNorm::Slaney);
        let frame: Vec<f32> = (0..257).map(|n| ((n * 37) % 101) as f32).collect();
        let mel = bank.apply(&Spectrogram { n_frames: 1, n_bins: 257, values: frame.clone() }).unwrap();
        for (m, found) in mel.values.iter().enumerate() {
            let row = &bank.weights[m * 257..][..257];
            let expected: f64 = row.iter().zip(&frame).map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
            assert!((f64::from(*found) - expected).abs() < 1e-4 * expected.max(1.0), "{m}");
        }
    }

    #[test]
    fn silence_is_the_logarithm_of_the_offset() {
        let front_end =
            LogMel { stft: Stft::new(512, 256), bank: bank(8, MelScale::Htk, MelNorm::None), offset: 1e-8 };
        assert!(front_end.of_power(&[0.0; 1000]).unwrap().values.iter().all(|v| *v == 1e-8f32.ln()));
    }

    #[test]
    fn ranges_that_do_not_fit_are_refused() {
        let stft = Stft::new(512, 256);
        for (n_mels, range) in
            [(0, (0.0, 8000.0)), (8, (0.0, 8001.0)), (8, (500.0, 500.0)), (8, (-1.0, 100.0))]
        {
            MelBank::new(&stft, 16_000, n_mels, range, MelScale::Htk, MelNorm::None).unwrap_err();
        }
        let short = Spectrogram { n_frames: 1, n_bins: 3, values: vec![0.0; 3] };
        let error = bank(8, MelScale::Htk, MelNorm::None).apply(&short).unwrap_err();
        assert_eq!(error.to_string(), "the spectrogram has 3 bins, the mel filters expect 257");
    }
}
