//! Where a perturbation size stands on the horizontal axis of a security curve.

/// The horizontal axis of a security curve: the clean point at the far left, then growing perturbations.
#[derive(Clone, Debug, PartialEq)]
pub struct EpsScale {
    kind: Kind,
    /// First and last eps, in the order of growing perturbation.
    ends: (f64, f64),
    /// Share of the axis between the clean point and the first eps.
    lead: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Linear,
    Log,
}

/// Beyond this ratio of largest to smallest eps, a linear axis would crowd the small ones.
const LOG_FROM_RATIO: f64 = 20.0;

impl EpsScale {
    /// A scale for `eps`, which holds at least one finite value.
    ///
    /// * `grows`: whether a larger eps is a larger perturbation; false for a signal-to-noise ratio in dB
    pub fn new(eps: &[f64], grows: bool) -> Self {
        let low = eps.iter().copied().fold(f64::INFINITY, f64::min);
        let high = eps.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let ends = if grows { (low, high) } else { (high, low) };
        let steps = eps.len().max(1) as f64;
        match (grows, low > 0.0 && high / low > LOG_FROM_RATIO) {
            (true, true) => EpsScale { kind: Kind::Log, ends, lead: 1.0 / steps },
            // A norm of zero is the clean audio, so the linear axis starts there and needs no break.
            (true, false) => EpsScale { kind: Kind::Linear, ends: (0.0, high), lead: 0.0 },
            (false, _) => EpsScale { kind: Kind::Linear, ends, lead: 1.0 / (steps + 1.0) },
        }
    }

    /// Position of `eps`, from 0 (clean) to 1 (the largest perturbation).
    pub fn position(&self, eps: f64) -> f64 {
        let (first, last) = self.ends;
        let (value, first, last) = match self.kind {
            Kind::Linear => (eps, first, last),
            Kind::Log => (eps.ln(), first.ln(), last.ln()),
        };
        let inside = if first == last { 1.0 } else { (value - first) / (last - first) };
        self.lead + (1.0 - self.lead) * inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(eps: &[f64], grows: bool, expected: &[f64]) {
        let scale = EpsScale::new(eps, grows);
        for (eps, expected) in eps.iter().zip(expected) {
            let found = scale.position(*eps);
            assert!((found - expected).abs() < 1e-9, "{scale:?} {eps}: {found}, not {expected}");
        }
    }

    #[test]
    fn norms_start_at_zero_ratios_are_logarithmic_and_snr_runs_backwards() {
        check(&[0.0005, 0.001, 0.002], true, &[0.25, 0.5, 1.0]);
        check(&[0.001], true, &[1.0]);
        check(&[0.0001, 0.001, 0.01], true, &[1.0 / 3.0, 2.0 / 3.0, 1.0]);
        check(&[40.0, 30.0, 20.0], false, &[0.25, 0.625, 1.0]);
        check(&[30.0], false, &[1.0]);
    }
}
