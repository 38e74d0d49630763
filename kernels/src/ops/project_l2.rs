//! Projection onto L2 balls.

use super::clip::Bounds;
use super::norms::{Norm, norms};
use crate::device::{Buffer, Device, DeviceRows};
use crate::error::check_radius;
use crate::parallel::map_rows;
use crate::{Error, Rows};

/// Moves each row of `x` to the nearest point with `‖x[r] − x0[r]‖₂ ≤ radius`; rows inside are untouched.
///
/// * `x`, `x0`: `[n_rows, n_samples]`, full scale = 1.0; `x` is changed in place, its padding becomes that of `x0`
/// * `radius`: full-scale units, not dB
///
/// The scale is float64, each sample is rounded to float32 once: a row can end up half a unit in the last place
/// per sample outside. A row with a NaN or an infinity is not moved. A device gives the same bits.
///
/// Source: Madry et al. 2018 (arXiv:1706.06083), section 2.1, the projection of PGD.
pub fn project_l2(x: &mut [f32], x0: &[f32], rows: &Rows, radius: f32) -> Result<(), Error> {
    rows.check("x", x.len())?;
    rows.check("x0", x0.len())?;
    check_radius("radius", radius)?;
    let lengths = norms(x, Some(x0), rows, Norm::L2)?;
    map_rows(rows, x, x0, |row| {
        let keep = keep(lengths[row], radius);
        move |x: f32, x0: f32| shrink(x, x0, keep)
    });
    Ok(())
}

/// What of a perturbation of this norm stays so that it fits the radius: 1 when it does, or when it is no number.
#[inline(always)]
pub(crate) fn keep(norm: f64, radius: f32) -> f64 {
    let radius = f64::from(radius);
    if norm > radius && norm < f64::INFINITY { radius / norm } else { 1.0 }
}

/// `x0 + keep·(x − x0)`, and `x` itself when all is kept.
#[inline(always)]
pub(crate) fn shrink(x: f32, x0: f32, keep: f64) -> f32 {
    let (x64, base) = (f64::from(x), f64::from(x0));
    if keep == 1.0 { x } else { (base + keep * (x64 - base)) as f32 }
}

impl Device {
    /// [`project_l2`] on a device.
    pub fn project_l2(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        radius: f32,
    ) -> Result<(), Error> {
        const NO_BOUNDS: Bounds = Bounds { low: f32::NEG_INFINITY, high: f32::INFINITY };
        check_radius("radius", radius)?;
        self.shrink_rows(x, x0, rows, radius, NO_BOUNDS)
    }

    /// Projects to the L2 ball, then clips.
    pub(crate) fn shrink_rows(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        radius: f32,
        bounds: Bounds,
    ) -> Result<(), Error> {
        rows.shape().check("x0", x0.len())?;
        let norms = self.norms(x, Some(x0), rows, Norm::L2)?;
        let tensors = [x.into(), x0.into(), rows.lengths().into(), (&norms).into()];
        let scalars = [radius.into(), bounds.low.into(), bounds.high.into()];
        let sizes = [rows.n_rows().into(), rows.n_samples().into()];
        self.launch("shrink_rows", rows.samples(), &[&tensors[..], &scalars, &sizes].concat())
    }
}
