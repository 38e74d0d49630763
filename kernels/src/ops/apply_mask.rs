//! Keeping a perturbation where a mask says so.

use crate::Error;
use crate::device::{Buffer, Device, Work};
use crate::error::check_len;
use crate::parallel::map3;

/// `x ← x` where the mask is 1, `base` where it is 0, and `base + m·(x − base)` between: element by element.
///
/// * `x`: any shape, changed in place
/// * `base`: what a masked sample returns to, shape of `x`: the clean audio, or zeros to mask a perturbation
/// * `mask`: weights in `[0, 1]`, shape of `x`; exactly 0 and exactly 1 copy the sample bit for bit, whatever
///   the other holds
///
/// A device gives the same bits.
///
/// Source: STAA-Net (arXiv:2402.01227), the adversarial example `x + v ⊙ m`.
pub fn apply_mask(x: &mut [f32], base: &[f32], mask: &[f32]) -> Result<(), Error> {
    check_len("base", base.len(), x.len())?;
    check_len("mask", mask.len(), x.len())?;
    map3(x, base, mask, |x, base, m| {
        let mixed = base + m * (x - base);
        let kept = if m == 1.0 { x } else { mixed };
        if m == 0.0 { base } else { kept }
    });
    Ok(())
}

impl Device {
    /// [`apply_mask`] on a device.
    pub fn apply_mask(
        &self,
        x: &mut Buffer<f32>,
        base: &Buffer<f32>,
        mask: &Buffer<f32>,
    ) -> Result<(), Error> {
        check_len("base", base.len(), x.len())?;
        check_len("mask", mask.len(), x.len())?;
        let n = x.len() as u64;
        self.launch("apply_mask", Work::flat(n), &[x.into(), base.into(), mask.into(), n.into()])
    }
}
