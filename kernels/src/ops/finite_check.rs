//! Finding samples that are not numbers.

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
