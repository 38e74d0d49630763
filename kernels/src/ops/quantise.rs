//! Turning soft positions into a mask of zeros and ones: the sparse quantisation of STAA-Net.

use crate::device::{Buffer, Device, DeviceRows, Work};
use crate::parallel::{for_rows, map_rows, map1};
use crate::philox::Stream;
use crate::{Error, Rows};

/// Above this probability (inclusive) a position is taken.
const HALF: f32 = 0.5;

/// `p ← 1 where p ≥ 0.5, else 0`, element by element: the mask at inference.
///
/// * `p`: soft positions in `[0, 1]`, any shape, overwritten with 0.0 and 1.0; NaN becomes 0
///
/// A device gives the same bits.
///
/// Source: STAA-Net (arXiv:2402.01227), equation (2), as its published code does it (taken from 0.5 up; the
/// equation is printed the other way round).
pub fn quantise_hard(p: &mut [f32]) {
    map1(p, |p| if p >= HALF { 1.0 } else { 0.0 });
}

/// Each position stays soft with probability 0.5, or else becomes its hard value: the mask in training.
///
/// * `p`: `[n_rows, n_samples]`, soft positions in `[0, 1]`, overwritten; padding becomes 0
/// * `stays_soft`: `[n_rows, n_samples]`, overwritten with 1 where the position stayed soft and 0 where it became
///   hard: what the gradient of the result with respect to `p` is (the hard value is detached); padding 0
/// * `streams`: `[n_rows]`; sample `i` stays soft when draw `i` of its row's stream is below 0.5
///
/// A row's result depends on its stream and its samples, not on the batch around it. A device gives the same bits.
///
/// Source: STAA-Net (arXiv:2402.01227), section on sparse quantisation, random 0-1 quantisation.
pub fn quantise_random(
    p: &mut [f32],
    stays_soft: &mut [f32],
    rows: &Rows,
    streams: &[Stream],
) -> Result<(), Error> {
    rows.check("p", p.len())?;
    rows.check("stays_soft", stays_soft.len())?;
    rows.check_per_row("streams", streams.len())?;
    for_rows(rows, stays_soft, |row, stays_soft| {
        let (stays_soft, padding) = stays_soft.split_at_mut(rows.length(row));
        for (block, soft) in (0..).zip(stays_soft.chunks_mut(4)) {
            let uniforms = streams[row].uniforms(block);
            soft.iter_mut().zip(uniforms).for_each(|(soft, u)| *soft = if u < HALF { 1.0 } else { 0.0 });
        }
        padding.fill(0.0);
    });
    map_rows(rows, p, stays_soft, |_| {
        |p: f32, soft: f32| if soft == 1.0 { p } else { f32::from(u8::from(p >= HALF)) }
    });
    Ok(())
}

impl Device {
    /// [`quantise_hard`] on a device.
    pub fn quantise_hard(&self, p: &mut Buffer<f32>) -> Result<(), Error> {
        let n = p.len() as u64;
        self.launch("quantise_hard", Work::flat(n), &[p.into(), n.into()])
    }

    /// [`quantise_random`] on a device.
    pub fn quantise_random(
        &self,
        p: &mut Buffer<f32>,
        stays_soft: &mut Buffer<f32>,
        rows: &DeviceRows,
        streams: &[Stream],
    ) -> Result<(), Error> {
        rows.shape().check("p", p.len())?;
        rows.shape().check("stays_soft", stays_soft.len())?;
        rows.shape().check_per_row("streams", streams.len())?;
        let words: Vec<u32> = streams.iter().flat_map(|stream| stream.words()).collect();
        let streams = self.upload(&words)?;
        let tensors = [p.into(), stays_soft.into(), (&streams).into(), rows.lengths().into()];
        let sizes = [rows.n_rows().into(), rows.n_samples().into()];
        let blocks = rows.each(rows.n_samples().div_ceil(4));
        self.launch("quantise_random", blocks, &[&tensors[..], &sizes].concat())
    }
}
