//! Norms of rows, and the distances between the rows of two tensors.

use crate::{Error, Rows, parallel, reduce};

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Norm {
    /// Number of samples that are not zero.
    L0,
    /// Sum of magnitudes.
    L1,
    /// Square root of the sum of squares.
    L2,
    /// Largest magnitude.
    Linf,
}

/// `‖x[r] − base[r]‖` of each row `r` before its padding, or `‖x[r]‖` without a base; `[n_rows]`, float64.
///
/// * `x`, `base`: `[n_rows, n_samples]`
/// * in the unit of the samples; L0 counts samples
///
/// The difference is taken in float64 and sums are in the fixed order of float64 additions that `reduce`
/// documents: the result depends neither on threads nor on padding, and a device gives the same bits. A NaN in a
/// row makes its L1, L2 and L∞ NaN and counts 1 in L0. An empty row has norm 0.
pub fn norms(x: &[f32], base: Option<&[f32]>, rows: &Rows, norm: Norm) -> Result<Vec<f64>, Error> {
    rows.check("x", x.len())?;
    rows.check("base", base.map_or(x.len(), <[f32]>::len))?;
    Ok(parallel::collect(rows.n_rows(), rows.n_samples(), |row| {
        let x = rows.row(x, row);
        match base {
            Some(base) => row_norm(x, rows.row(base, row), norm, |x, base| f64::from(x) - f64::from(base)),
            None => row_norm(x, x, norm, |x, _| f64::from(x)),
        }
    }))
}

fn row_norm(x: &[f32], base: &[f32], norm: Norm, difference: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
    match norm {
        Norm::L0 => reduce::row_sum(x, base, |x, base| if difference(x, base) != 0.0 { 1.0 } else { 0.0 }),
        Norm::L1 => reduce::row_sum(x, base, |x, base| difference(x, base).abs()),
        Norm::L2 => reduce::row_sum(x, base, |x, base| square(difference(x, base))).sqrt(),
        Norm::Linf => reduce::row_max(x, base, |x, base| difference(x, base).abs()),
    }
}

#[inline(always)]
pub(crate) fn square(x: f64) -> f64 {
    x * x
}
