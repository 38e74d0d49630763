//! Adding a multiple of one tensor to another.

use crate::Error;
use crate::device::{Buffer, Device, Work};
use crate::error::{check_finite, check_len};
use crate::parallel::map2;

/// `y ← y + a·x`, element by element: momentum, a perturbation added, a difference taken (`a = −1`).
///
/// * `y`: any shape, changed in place
/// * `x`: shape of `y`
///
/// The product is rounded before it is added (no fused multiply-add); a device gives the same bits.
pub fn axpy(y: &mut [f32], a: f32, x: &[f32]) -> Result<(), Error> {
    check_finite("a", a)?;
    check_len("x", x.len(), y.len())?;
    map2(y, x, |y, x| y + a * x);
    Ok(())
}

impl Device {
    /// [`axpy`] on a device.
    pub fn axpy(&self, y: &mut Buffer<f32>, a: f32, x: &Buffer<f32>) -> Result<(), Error> {
        check_finite("a", a)?;
        check_len("x", x.len(), y.len())?;
        let n = y.len() as u64;
        self.launch("axpy", Work::flat(n), &[y.into(), x.into(), a.into(), n.into()])
    }
}
