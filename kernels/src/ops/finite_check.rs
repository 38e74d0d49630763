//! Finding samples that are not numbers.

use crate::device::{Buffer, Device, DeviceRows};
use crate::{Error, Rows, parallel};

/// How many samples of each row, before its padding, are NaN or infinite; `[n_rows]`.
///
/// * `x`: `[n_rows, n_samples]`
///
/// A device gives the same counts.
pub fn finite_check(x: &[f32], rows: &Rows) -> Result<Vec<u64>, Error> {
    rows.check("x", x.len())?;
    Ok(parallel::collect(rows.n_rows(), rows.n_samples(), |row| {
        parallel::collect_chunks(rows.row(x, row), count_broken).into_iter().map(u64::from).sum()
    }))
}

fn count_broken(x: &[f32]) -> u32 {
    x.iter().map(|x| u32::from(!x.is_finite())).sum()
}

impl Device {
    /// [`finite_check`] on a device.
    pub fn finite_check(&self, x: &Buffer<f32>, rows: &DeviceRows) -> Result<Buffer<u64>, Error> {
        rows.shape().check("x", x.len())?;
        let mut counts = self.zeros(rows.shape().n_rows())?;
        let shape = [rows.n_rows().into(), rows.n_samples().into()];
        let arguments = [x.into(), rows.lengths().into(), (&mut counts).into(), shape[0], shape[1]];
        self.launch("finite_check", rows.samples(), &arguments)?;
        Ok(counts)
    }
}
