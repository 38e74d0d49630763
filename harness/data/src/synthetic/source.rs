//! The glottal source: pulses that are never quite regular, duller or brighter, with breath.

use super::SAMPLE_RATE_HZ;
use super::rng::Stream;
use super::style::Style;
use std::f64::consts::{PI, TAU};

/// Rising and falling part of the open phase, as parts of the period (Rosenberg 1971, pulse C).
const RISE: f64 = 0.40;
const FALL: f64 = 0.16;

/// Airflow through the glottis, sample by sample.
pub(super) struct Source {
    random: Stream,
    jitter: f64,
    shimmer: f64,
    breath: f64,
    /// Coefficient of the one-pole low-pass that sets the spectral tilt.
    smoothing: f64,
    phase: f64,
    period_factor: f64,
    height: f64,
    flow: f64,
}

impl Source {
    pub fn new(style: &Style, random: Stream) -> Self {
        Source {
            random,
            jitter: style.jitter,
            shimmer: style.shimmer,
            breath: style.breath,
            smoothing: (-TAU * style.tilt_hz / f64::from(SAMPLE_RATE_HZ)).exp(),
            phase: 0.0,
            period_factor: 1.0,
            height: 1.0,
            flow: 0.0,
        }
    }

    /// The next sample at pitch `f0_hz`.
    pub fn next(&mut self, f0_hz: f64) -> f64 {
        self.phase += f0_hz * self.period_factor / f64::from(SAMPLE_RATE_HZ);
        if self.phase >= 1.0 {
            self.phase -= 1.0;
            self.period_factor = 1.0 + self.jitter * self.random.normal();
            self.height = 1.0 + self.shimmer * self.random.normal();
        }
        let pulse = self.height * rosenberg(self.phase);
        self.flow = (1.0 - self.smoothing) * pulse + self.smoothing * self.flow;
        // Breath is made at the open glottis and is not dulled.
        self.flow + 0.05 * self.breath * self.random.uniform() * (0.3 + pulse)
    }
}

/// One period of airflow, from 0 over 1 back to 0: Rosenberg 1971, "Effect of glottal pulse shape on the
/// quality of natural vowels", pulse C.
fn rosenberg(phase: f64) -> f64 {
    if phase < RISE {
        0.5 * (1.0 - (PI * phase / RISE).cos())
    } else if phase < RISE + FALL {
        (0.5 * PI * (phase - RISE) / FALL).cos()
    } else {
        0.0
    }
}
