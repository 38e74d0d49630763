//! Clipping to an interval, and the clamp that every operation shares.

use crate::Error;
use crate::device::{Buffer, Device, Work};
use crate::parallel::map1;

/// The interval that samples must stay in. The default is full scale, `[-1, 1]`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Lowest sample allowed.
    pub low: f32,
    /// Highest sample allowed.
    pub high: f32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { low: -1.0, high: 1.0 }
    }
}

impl Bounds {
    pub(crate) fn check(self) -> Result<(), Error> {
        if self.low <= self.high {
            return Ok(());
        }
        Err(Error::Parameter {
            name: "low",
            value: self.low.into(),
            expected: "at most high, and neither NaN",
        })
    }

    #[inline(always)]
    pub(crate) fn clamp(self, value: f32) -> f32 {
        clamp(value, self.low, self.high)
    }
}

/// `value` moved into `[low, high]`; NaN stays NaN, so that a broken sample is seen and not hidden.
///
/// Two comparisons and not `min` and `max`, whose choice between `-0` and `+0` differs between machines.
#[inline(always)]
pub(crate) fn clamp(value: f32, low: f32, high: f32) -> f32 {
    let raised = if value < low { low } else { value };
    if raised > high { high } else { raised }
}

/// `x ← min(max(x, low), high)`, element by element.
///
/// * `x`: any shape, full scale = 1.0, changed in place; NaN stays NaN
///
/// A device gives the same bits.
pub fn clip(x: &mut [f32], bounds: Bounds) -> Result<(), Error> {
    bounds.check()?;
    map1(x, |x| bounds.clamp(x));
    Ok(())
}

impl Device {
    /// [`clip`] on a device.
    pub fn clip(&self, x: &mut Buffer<f32>, bounds: Bounds) -> Result<(), Error> {
        bounds.check()?;
        let n = x.len() as u64;
        self.launch("clip", Work::flat(n), &[x.into(), bounds.low.into(), bounds.high.into(), n.into()])
    }
}
