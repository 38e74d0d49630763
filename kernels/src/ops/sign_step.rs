//! The fused step of FGSM and PGD under L∞.

use super::clip::{Bounds, clamp};
use crate::Error;
use crate::device::{Buffer, Device, Work};
use crate::error::{check_finite, check_len, check_radius};
use crate::parallel::map3;

/// What a sign step is: how far it goes and what it may not leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SignStep {
    /// Step size in full-scale units; negative to descend.
    pub alpha: f32,
    /// Radius of the L∞ ball around `x0`, in full-scale units.
    pub epsilon: f32,
    /// The box that samples stay in.
    pub bounds: Bounds,
}

impl SignStep {
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_finite("alpha", self.alpha)?;
        check_radius("epsilon", self.epsilon)?;
        self.bounds.check()
    }

    #[inline(always)]
    fn apply(&self, x: f32, x0: f32, g: f32) -> f32 {
        let moved = x + self.alpha * sign(g);
        self.bounds.clamp(clamp(moved, x0 - self.epsilon, x0 + self.epsilon))
    }
}

/// -1, 0 or 1; 0 for ±0 and NaN.
#[inline(always)]
fn sign(g: f32) -> f32 {
    let positive = if g > 0.0 { 1.0 } else { 0.0 };
    if g < 0.0 { -1.0 } else { positive }
}

/// `x ← clip(clip(x + α·sign(g), x0 − ε, x0 + ε), low, high)`, element by element.
///
/// * `x`: any shape, full scale = 1.0, changed in place
/// * `x0`: clean samples, shape of `x`
/// * `g`: gradient of the loss, shape of `x`; `sign` is 0 for ±0 and NaN, so padding with gradient 0 stays put
///
/// Multiplication and addition are rounded one by one (no fused multiply-add) and a device gives the same bits.
/// `x0 ± ε` is rounded to float32: a result can be `ε` plus half a unit in the last place of `x0 ± ε` away.
///
/// Source: Madry et al. 2018 (arXiv:1706.06083), section 2.1, equation (2), for the L∞ ball.
pub fn sign_step(x: &mut [f32], x0: &[f32], g: &[f32], step: &SignStep) -> Result<(), Error> {
    step.check()?;
    check_len("x0", x0.len(), x.len())?;
    check_len("g", g.len(), x.len())?;
    let step = *step;
    map3(x, x0, g, move |x, x0, g| step.apply(x, x0, g));
    Ok(())
}

impl Device {
    /// [`sign_step`] on a device.
    pub fn sign_step(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        g: &Buffer<f32>,
        step: &SignStep,
    ) -> Result<(), Error> {
        step.check()?;
        check_len("x0", x0.len(), x.len())?;
        check_len("g", g.len(), x.len())?;
        let (n, SignStep { alpha, epsilon, bounds }) = (x.len() as u64, *step);
        let scalars = [alpha.into(), epsilon.into(), bounds.low.into(), bounds.high.into(), n.into()];
        self.launch("sign_step", Work::flat(n), &[&[x.into(), x0.into(), g.into()][..], &scalars].concat())
    }
}
