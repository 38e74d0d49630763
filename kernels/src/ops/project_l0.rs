//! Projection onto L0 balls.

use super::top_k_mask::{find_cut, key};
use crate::device::{Buffer, Device, DeviceRows};
use crate::parallel::for_rows;
use crate::{Error, Rows};
use std::cell::Cell;

/// Keeps in each row the `k[r]` samples that are furthest from `x0`; the others return to `x0`.
///
/// * `x`, `x0`: `[n_rows, n_samples]`; `x` is changed in place, its padding becomes that of `x0`
/// * `k`: `[n_rows]`, samples that may differ
///
/// Distances are compared as float32 differences; of equal ones the earlier sample stays. Samples that stay keep
/// their bits. A difference that is NaN ranks with zeros, so a NaN goes first. A device gives the same bits.
pub fn project_l0(x: &mut [f32], x0: &[f32], rows: &Rows, k: &[usize]) -> Result<(), Error> {
    rows.check("x", x.len())?;
    rows.check("x0", x0.len())?;
    rows.check_per_row("k", k.len())?;
    for_rows(rows, x, |row, x| {
        let x0 = &x0[row * rows.n_samples()..][..rows.n_samples()];
        let cut = find_cut(rows.length(row), k[row], |i| key(x[i] - x0[i]));
        let (x, padding) = x.split_at_mut(rows.length(row));
        let (x0, padding0) = x0.split_at(rows.length(row));
        let x = Cell::from_mut(x).as_slice_of_cells();
        cut.for_each(
            x.len(),
            |i| key(x[i].get() - x0[i]),
            |i, is_in| {
                if !is_in {
                    x[i].set(x0[i]);
                }
            },
        );
        padding.copy_from_slice(padding0);
    });
    Ok(())
}

impl Device {
    /// [`project_l0`] on a device.
    pub fn project_l0(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        k: &Buffer<u64>,
    ) -> Result<(), Error> {
        rows.shape().check("x", x.len())?;
        rows.shape().check("x0", x0.len())?;
        let found = self.find_cuts(x, Some(x0), rows, k)?;
        let inputs = [x.into(), x0.into(), rows.lengths().into()];
        let arguments = [&inputs[..], &found.tensors(), &found.sizes(rows)].concat();
        self.launch("restore_rest", rows.samples(), &arguments)
    }
}
