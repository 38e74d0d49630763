//! Verifies a committed row against the clean one: shape, finiteness, box, norm ball.
//!
//! Tolerances are absolute, in units in the last place of float32 samples, because that is where an honest attack errs:
//! it computes `x + δ` in float32, and the sum is rounded to the grid at the sample, whatever eps is. A tolerance
//! relative to eps alone would reject honest audio at eps = 1/32768 (overshoot 2e-3 of eps).

use crate::Clean;
use seraph_core::{Norm, Threat};

/// What rounding may add to a sample's change. `x + eps` rounded to float32 is off by half an ulp, an eps that was
/// rounded itself by less than another; an attack that is 2 ulp over has not been careful.
pub const LINF_ULPS: f64 = 1.5;

/// The ball that a committed row must lie in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Constraint {
    /// The norm, as the plan states it.
    pub norm: Norm,
    /// The budget, in the norm's unit.
    pub eps: f64,
}

impl Constraint {
    /// The constraint of a threat.
    pub fn of(threat: &Threat) -> Constraint {
        Constraint { norm: threat.norm, eps: threat.eps.0 }
    }

    /// The radius of the ball around `clean`, see [`Norm::radius`].
    pub fn radius(&self, clean: &[f32]) -> f64 {
        self.norm.radius(self.eps, clean)
    }
}

/// A broken constraint: which, where, and by how much.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// The row has another number of samples than the clean one.
    #[error("{found} samples where the model takes {expected}")]
    Shape {
        /// Samples of the clean row.
        expected: usize,
        /// Samples that were committed.
        found: usize,
    },
    /// A sample is NaN or infinite.
    #[error("sample {index} is {value}")]
    NonFinite {
        /// Where, from 0.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// A sample is outside [-1, 1].
    #[error("sample {index} is {value:e}, outside [-1, 1]")]
    Box {
        /// Where the largest magnitude is, from 0.
        index: usize,
        /// What stands there.
        value: f32,
    },
    /// The perturbation is larger than the budget and the rounding of float32 allow.
    #[error("{} is {found:.5e}, over the budget of {radius:.5e} by {excess:.2e}", .norm.ball().as_str())]
    Norm {
        /// The threat's norm; of an SNR threat the L2 distance is given.
        norm: Norm,
        /// The radius of the ball.
        radius: f64,
        /// The size of the perturbation; for Linf, of the sample that is over by most.
        found: f64,
        /// `found - radius`.
        excess: f64,
    },
}

impl Violation {
    /// A short name: "shape", "nan", "box", "norm".
    pub fn name(&self) -> &'static str {
        match self {
            Violation::Shape { .. } => "shape",
            Violation::NonFinite { .. } => "nan",
            Violation::Box { .. } => "box",
            Violation::Norm { .. } => "norm",
        }
    }
}

/// Sets the padding of a row to zero; returns how many samples of it were not. A perturbation hidden in padding would
/// reach the model but no norm.
pub fn rezero_padding(row: &mut [f32], length: usize) -> usize {
    let padding = row.get_mut(length..).unwrap_or_default();
    let hidden = padding.iter().filter(|&&x| x != 0.0).count();
    padding.fill(0.0);
    hidden
}

/// Verifies the first `clean.length` samples of a committed row, in this order: shape, finiteness, box, norm ball.
///
/// * Linf: each `|x' - x| <= eps + 1.5 ulp(max(|x|, |x'|))`: see [`LINF_ULPS`]
/// * L2, SNR: `‖δ‖₂ <= r (1 + 1e-6) + (Σ ulp²)^½`, the sum over the changed samples
/// * L1: `‖δ‖₁ <= r (1 + 1e-6) + Σ ulp`, likewise
/// * L0 and the box are exact
///
/// All in float64; ulp is the spacing of float32 just below its argument, at most 2^-24 in the box.
pub fn verify(clean: &Clean<'_>, committed: &[f32], constraint: &Constraint) -> Result<(), Violation> {
    if committed.len() != clean.row.len() {
        return Err(Violation::Shape { expected: clean.row.len(), found: committed.len() });
    }
    let samples = &committed[..clean.samples().len()];
    verify_finite(samples)?;
    verify_box(samples)?;
    verify_ball(clean.samples(), samples, constraint)
}

fn verify_finite(samples: &[f32]) -> Result<(), Violation> {
    match samples.iter().position(|x| !x.is_finite()) {
        Some(index) => Err(Violation::NonFinite { index, value: samples[index] }),
        None => Ok(()),
    }
}

fn verify_box(samples: &[f32]) -> Result<(), Violation> {
    let outside = samples.iter().enumerate().filter(|(_, x)| x.abs() > 1.0);
    match outside.max_by(|(_, a), (_, b)| a.abs().total_cmp(&b.abs())) {
        Some((index, &value)) => Err(Violation::Box { index, value }),
        None => Ok(()),
    }
}

fn verify_ball(clean: &[f32], samples: &[f32], constraint: &Constraint) -> Result<(), Violation> {
    let radius = constraint.radius(clean);
    let (found, allowed) = match constraint.norm {
        Norm::Linf => worst_sample(clean, samples, radius),
        Norm::L2 | Norm::Snr => {
            let [squares, slack] = sums(clean, samples, |delta, ulp| [delta * delta, ulp * ulp]);
            (squares.sqrt(), radius * (1.0 + 1e-6) + slack.sqrt())
        }
        Norm::L1 => {
            let [sum, slack] = sums(clean, samples, |delta, ulp| [delta, ulp]);
            (sum, radius * (1.0 + 1e-6) + slack)
        }
        Norm::L0 => (sums(clean, samples, |_, _| [1.0, 0.0])[0], radius),
    };
    if found <= allowed {
        Ok(())
    } else {
        Err(Violation::Norm { norm: constraint.norm, radius, found, excess: found - radius })
    }
}

/// The change and the bound of the sample that is furthest over, or nearest to, its bound.
fn worst_sample(clean: &[f32], samples: &[f32], radius: f64) -> (f64, f64) {
    let mut worst = (0.0, radius);
    for (&x, &y) in clean.iter().zip(samples) {
        let delta = (f64::from(y) - f64::from(x)).abs();
        let allowed = radius + LINF_ULPS * ulp(x.abs().max(y.abs()));
        if delta - allowed > worst.0 - worst.1 {
            worst = (delta, allowed);
        }
    }
    worst
}

/// Sums of two terms of `(|δ|, ulp)` over the changed samples.
fn sums(clean: &[f32], samples: &[f32], terms: impl Fn(f64, f64) -> [f64; 2]) -> [f64; 2] {
    let mut sums = [0.0; 2];
    for (&x, &y) in clean.iter().zip(samples) {
        let delta = (f64::from(y) - f64::from(x)).abs();
        if delta > 0.0 {
            let [a, b] = terms(delta, ulp(x.abs().max(y.abs())));
            sums = [sums[0] + a, sums[1] + b];
        }
    }
    sums
}

/// Spacing of float32 just below `magnitude`, which is not negative.
fn ulp(magnitude: f32) -> f64 {
    let magnitude = magnitude.max(f32::MIN_POSITIVE);
    f64::from(magnitude) - f64::from(magnitude.next_down())
}
