//! Rounding samples to what a 16-bit PCM file holds.

use super::clip::clamp;
use crate::Error;
use crate::device::{Buffer, Device, Work};
use crate::parallel::map1;

/// 1.5·2²³: a float32 of magnitude below 2²² added to it loses its fraction to the rounding of the addition.
const ROUNDER: f32 = 12_582_912.0;

/// `x ← clip(round(32768·x), −32768, 32767) / 32768`, ties to even: the sample that is read back after a 16-bit
/// WAV file was written.
///
/// * `x`: any shape, full scale = 1.0, changed in place; 1.0 becomes 32767/32768, NaN becomes 0 (a file holds no
///   NaN) and a zero keeps its sign
///
/// A device gives the same bits.
pub fn pcm16_round(x: &mut [f32]) {
    map1(x, |x| {
        let scaled = clamp(x * 32768.0, -32768.0, 32767.0);
        let code = (scaled + ROUNDER) - ROUNDER;
        // Adding and taking away the rounder turns −0 into +0; a number's own sign is put back.
        let signed = f32::from_bits((code.to_bits() & !SIGN) | (scaled.to_bits() & SIGN));
        if x.is_nan() { 0.0 } else { signed / 32768.0 }
    });
}

const SIGN: u32 = 1 << 31;

impl Device {
    /// [`pcm16_round`] on a device.
    pub fn pcm16_round(&self, x: &mut Buffer<f32>) -> Result<(), Error> {
        let n = x.len() as u64;
        self.launch("pcm16_round", Work::flat(n), &[x.into(), n.into()])
    }
}
