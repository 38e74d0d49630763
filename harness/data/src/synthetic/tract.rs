//! The vocal tract: formants as a cascade of resonators.

use super::SAMPLE_RATE_HZ;
use std::f64::consts::{PI, TAU};

/// Bandwidths of the four formants (Klatt 1980, table I, typical values).
const BANDWIDTHS_HZ: [f64; 4] = [60.0, 90.0, 150.0, 200.0];

/// A second-order resonator with unit gain at 0 Hz: `y[n] = A x[n] + B y[n-1] + C y[n-2]`.
///
/// Source: Klatt 1980, "Software for a cascade/parallel formant synthesizer", equations 2 and 3.
#[derive(Clone, Debug, Default)]
pub(super) struct Resonator {
    a: f64,
    b: f64,
    c: f64,
    y1: f64,
    y2: f64,
}

impl Resonator {
    pub fn new(centre_hz: f64, bandwidth_hz: f64) -> Self {
        let mut resonator = Resonator::default();
        resonator.tune(centre_hz, bandwidth_hz);
        resonator
    }

    /// Moves the resonance; what rings goes on ringing.
    pub fn tune(&mut self, centre_hz: f64, bandwidth_hz: f64) {
        let period = 1.0 / f64::from(SAMPLE_RATE_HZ);
        self.c = -(-TAU * bandwidth_hz * period).exp();
        self.b = 2.0 * (-PI * bandwidth_hz * period).exp() * (TAU * centre_hz * period).cos();
        self.a = 1.0 - self.b - self.c;
    }

    pub fn filter(&mut self, x: f64) -> f64 {
        let y = self.a * x + self.b * self.y1 + self.c * self.y2;
        (self.y1, self.y2) = (y, self.y1);
        y
    }
}

/// Four formants in cascade.
#[derive(Clone, Debug, Default)]
pub(super) struct Tract {
    formants: [Resonator; 4],
}

impl Tract {
    pub fn tune(&mut self, formants_hz: &[f64; 4]) {
        for ((formant, hz), bandwidth) in self.formants.iter_mut().zip(formants_hz).zip(BANDWIDTHS_HZ) {
            formant.tune(*hz, bandwidth);
        }
    }

    pub fn filter(&mut self, x: f64) -> f64 {
        self.formants.iter_mut().fold(x, |x, formant| formant.filter(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gain_is_one_at_rest_and_highest_at_the_resonance() {
        let gain = |hz: f64| {
            let mut resonator = Resonator::new(1_500.0, 90.0);
            let wave = (0..8_000).map(|n| (TAU * hz * f64::from(n) / f64::from(SAMPLE_RATE_HZ)).cos());
            wave.map(|x| resonator.filter(x)).skip(4_000).fold(0.0f64, |peak, y| peak.max(y.abs()))
        };
        assert!((gain(0.0) - 1.0).abs() < 1e-9);
        assert!(gain(1_500.0) > 5.0 * gain(1_000.0) && gain(1_500.0) > 5.0 * gain(2_500.0));
    }
}
