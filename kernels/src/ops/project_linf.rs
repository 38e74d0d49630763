//! Projection onto L∞ balls.

use super::clip::clamp;
use crate::device::{Buffer, Device, DeviceRows};
use crate::error::check_radius;
use crate::parallel::map_rows;
use crate::{Error, Rows};

/// Moves each row of `x` to the nearest point with `‖x[r] − x0[r]‖∞ ≤ radius`.
///
/// * `x`, `x0`: `[n_rows, n_samples]`, full scale = 1.0; `x` is changed in place, its padding becomes that of `x0`
/// * `radius`: full-scale units
///
/// `x0 ± radius` is rounded to float32. NaN stays NaN. A device gives the same bits.
///
/// Source: Madry et al. 2018 (arXiv:1706.06083), section 2.1, the projection of PGD.
pub fn project_linf(x: &mut [f32], x0: &[f32], rows: &Rows, radius: f32) -> Result<(), Error> {
    rows.check("x", x.len())?;
    rows.check("x0", x0.len())?;
    check_radius("radius", radius)?;
    map_rows(rows, x, x0, |_| |x: f32, x0: f32| clamp(x, x0 - radius, x0 + radius));
    Ok(())
}

impl Device {
    /// [`project_linf`] on a device.
    pub fn project_linf(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        radius: f32,
    ) -> Result<(), Error> {
        rows.shape().check("x", x.len())?;
        rows.shape().check("x0", x0.len())?;
        check_radius("radius", radius)?;
        let sizes = [rows.n_rows().into(), rows.n_samples().into()];
        let arguments = [x.into(), x0.into(), rows.lengths().into(), radius.into(), sizes[0], sizes[1]];
        self.launch("project_linf", rows.samples(), &arguments)
    }
}
