//! The fused step of PGD under L2.

use super::clip::Bounds;
use super::norms::{Norm, norms};
use super::project_l2::{keep, shrink};
use crate::device::{Buffer, Device, DeviceRows};
use crate::error::{check_finite, check_radius};
use crate::parallel::map_rows;
use crate::{Error, Rows};

/// What an L2 step is: how far it goes and what it may not leave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L2Step {
    /// Length of the step, in full-scale units; negative to descend.
    pub alpha: f32,
    /// Radius of the L2 ball around `x0`, in full-scale units.
    pub epsilon: f32,
    /// The box that samples stay in.
    pub bounds: Bounds,
}

impl L2Step {
    pub(crate) fn check(&self) -> Result<(), Error> {
        check_finite("alpha", self.alpha)?;
        check_radius("epsilon", self.epsilon)?;
        self.bounds.check()
    }
}

/// Per row: `x ← x + α·g/‖g‖₂`, then projected to `‖x − x0‖₂ ≤ ε`, then clipped to the box.
///
/// * `x`: `[n_rows, n_samples]`, full scale = 1.0, changed in place; its padding becomes that of `x0`
/// * `x0`: clean samples, shape of `x`, inside the box (clipping then brings no row outside its ball)
/// * `g`: gradient of the loss, shape of `x`
///
/// A row whose gradient is all zero, or holds a NaN or an infinity, makes no step but is still projected and
/// clipped. Norms and scales are float64, samples are rounded to float32 after the step and after the projection.
/// A device gives the same bits.
///
/// Source: Madry et al. 2018 (arXiv:1706.06083), section 2.1 and its appendix on L2-bounded attacks.
pub fn l2_step(x: &mut [f32], x0: &[f32], g: &[f32], rows: &Rows, step: &L2Step) -> Result<(), Error> {
    step.check()?;
    rows.check("x", x.len())?;
    rows.check("x0", x0.len())?;
    let gradient = norms(g, None, rows, Norm::L2)?;
    map_rows(rows, x, g, |row| {
        let scale = scale(step.alpha, gradient[row]);
        move |x: f32, g: f32| advance(x, g, scale)
    });
    let moved = norms(x, Some(x0), rows, Norm::L2)?;
    map_rows(rows, x, x0, |row| {
        let (keep, bounds) = (keep(moved[row], step.epsilon), step.bounds);
        move |x: f32, x0: f32| bounds.clamp(shrink(x, x0, keep))
    });
    Ok(())
}

/// Factor that makes a gradient of this norm a step of length `alpha`; 0 when there is no direction to go.
#[inline(always)]
fn scale(alpha: f32, norm: f64) -> f64 {
    if norm > 0.0 && norm < f64::INFINITY { f64::from(alpha) / norm } else { 0.0 }
}

/// `x + scale·g`, and `x` itself when there is no step.
#[inline(always)]
fn advance(x: f32, g: f32, scale: f64) -> f32 {
    if scale == 0.0 { x } else { (f64::from(x) + scale * f64::from(g)) as f32 }
}

impl Device {
    /// [`l2_step`] on a device.
    pub fn l2_step(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        g: &Buffer<f32>,
        rows: &DeviceRows,
        step: &L2Step,
    ) -> Result<(), Error> {
        step.check()?;
        rows.shape().check("x", x.len())?;
        rows.shape().check("x0", x0.len())?;
        rows.shape().check("g", g.len())?;
        let norms = self.norms(g, None, rows, Norm::L2)?;
        let tensors = [(&mut *x).into(), g.into(), rows.lengths().into(), (&norms).into()];
        let scalars = [step.alpha.into(), rows.n_rows().into(), rows.n_samples().into()];
        self.launch("l2_advance", rows.samples(), &[&tensors[..], &scalars].concat())?;
        self.shrink_rows(x, x0, rows, step.epsilon, step.bounds)
    }
}
