//! Analysis windows.

use std::f64::consts::TAU;

/// Shape of an analysis window. All are periodic (`DFT-even`): the period is the window's length, as
/// spectral analysis wants it and as librosa and scipy (`fftbins=True`) make it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// All ones.
    Rectangular,
    /// `0.5 - 0.5 cos(2πn/N)`.
    Hann,
    /// `0.54 - 0.46 cos(2πn/N)`; Ren et al. 2020 use it for log-mel.
    Hamming,
}

impl Window {
    /// The window's `n_samples` values.
    ///
    /// Source: Harris 1978, "On the use of windows for harmonic analysis with the discrete Fourier transform", section V.
    pub fn samples(self, n_samples: usize) -> Vec<f32> {
        let (offset, depth) = match self {
            Window::Rectangular => (1.0, 0.0),
            Window::Hann => (0.5, 0.5),
            Window::Hamming => (0.54, 0.46),
        };
        let step = TAU / n_samples.max(1) as f64;
        (0..n_samples).map(|n| (offset - depth * (step * n as f64).cos()) as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hann_windows_at_half_overlap_sum_to_one() {
        let window = Window::Hann.samples(512);
        for n in 0..256 {
            assert!((window[n] + window[n + 256] - 1.0).abs() < 1e-6);
        }
    }

    #[test]
    fn ends_and_middles() {
        for (window, first, middle) in
            [(Window::Rectangular, 1.0, 1.0), (Window::Hann, 0.0, 1.0), (Window::Hamming, 0.08, 1.0)]
        {
            let values = window.samples(64);
            assert!((values[0] - first).abs() < 1e-6 && (values[32] - middle).abs() < 1e-6, "{window:?}");
        }
        assert!(Window::Hann.samples(0).is_empty());
    }
}
