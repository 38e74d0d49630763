//! Projection onto L1 balls.

use super::norms::Term;
use super::project_l2::keep;
use crate::device::{Buffer, Device, DeviceRows, Work};
use crate::error::check_radius;
use crate::parallel::{collect, map_rows};
use crate::{Error, Rows, reduce};

/// Steps that the search for the threshold makes at most. Speech-like rows need about ten; when a row is not
/// done by then, the last rescaling still brings it into the ball.
pub(crate) const MAX_STEPS: usize = 32;

/// Moves each row of `x` to the nearest point with `‖x[r] − x0[r]‖₁ ≤ radius`; rows inside are untouched.
///
/// * `x`, `x0`: `[n_rows, n_samples]`, full scale = 1.0; `x` is changed in place, its padding becomes that of `x0`
/// * `radius`: full-scale units, summed over samples
///
/// With `d = x − x0`, the nearest point is `x0 + sign(d)·max(|d| − θ, 0)` for the `θ` at which its norm is the
/// radius. `θ` is searched from below by `θ ← (Σ_{|d| > θ} |d| − radius) / #{|d| > θ}` until it stands still.
/// All of it is float64; each sample is rounded to float32 once. A row with a NaN or an infinity is not moved.
/// A device gives the same bits.
///
/// Source: Duchi et al. 2008, "Efficient projections onto the l1-ball", section 4, for the projection; Condat
/// 2016, "Fast projection onto the simplex and the l1 ball", section 3, for Michelot's search.
pub fn project_l1(x: &mut [f32], x0: &[f32], rows: &Rows, radius: f32) -> Result<(), Error> {
    rows.check("x", x.len())?;
    rows.check("x0", x0.len())?;
    check_radius("radius", radius)?;
    let shrinks = collect(rows.n_rows(), rows.n_samples(), |row| {
        find_shrink(rows.row(x, row), rows.row(x0, row), radius)
    });
    map_rows(rows, x, x0, |row| {
        let shrink = shrinks[row];
        move |x: f32, x0: f32| soft_threshold(x, x0, shrink)
    });
    Ok(())
}

/// What a row goes through: magnitudes lose `threshold`, and what is left is multiplied with `keep`.
#[derive(Clone, Copy)]
struct Shrink {
    threshold: f64,
    keep: f64,
}

fn find_shrink(x: &[f32], x0: &[f32], radius: f32) -> Shrink {
    let norm = reduce::row_sum(x, x0, magnitude);
    if keep(norm, radius) == 1.0 {
        return Shrink { threshold: 0.0, keep: 1.0 };
    }
    let threshold = find_threshold(x, x0, radius);
    let left = reduce::row_sum(x, x0, |x, x0| above(magnitude(x, x0), threshold));
    Shrink { threshold, keep: keep(left, radius) }
}

fn find_threshold(x: &[f32], x0: &[f32], radius: f32) -> f64 {
    let mut threshold = 0.0;
    for _ in 0..MAX_STEPS {
        let [sum, count] = reduce::row_sums(x, x0, |x, x0| {
            let d = magnitude(x, x0);
            if d > threshold { [d, 1.0] } else { [0.0, 0.0] }
        });
        let next = (sum - f64::from(radius)) / count;
        if count == 0.0 || next <= threshold {
            break;
        }
        threshold = next;
    }
    threshold
}

#[inline(always)]
fn magnitude(x: f32, x0: f32) -> f64 {
    (f64::from(x) - f64::from(x0)).abs()
}

#[inline(always)]
fn above(magnitude: f64, threshold: f64) -> f64 {
    if magnitude > threshold { magnitude - threshold } else { 0.0 }
}

/// `x0 + sign(x − x0)·keep·max(|x − x0| − threshold, 0)`, and `x` itself when nothing is taken away.
#[inline(always)]
fn soft_threshold(x: f32, x0: f32, shrink: Shrink) -> f32 {
    if shrink.threshold == 0.0 && shrink.keep == 1.0 {
        return x;
    }
    let base = f64::from(x0);
    let difference = f64::from(x) - base;
    let left = shrink.keep * above(difference.abs(), shrink.threshold);
    let moved = if difference < 0.0 { base - left } else { base + left };
    moved as f32
}

impl Device {
    /// [`project_l1`] on a device. The search makes all its steps, so that the host need not wait to see its end.
    pub fn project_l1(
        &self,
        x: &mut Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        radius: f32,
    ) -> Result<(), Error> {
        rows.shape().check("x", x.len())?;
        rows.shape().check("x0", x0.len())?;
        check_radius("radius", radius)?;
        let thresholds = self.find_thresholds(x, x0, rows, radius)?;
        let left = self.row_sums(x, Some(x0), rows, Term::Excess, &thresholds)?;
        let tensors = [x.into(), x0.into(), rows.lengths().into(), (&thresholds).into(), (&left).into()];
        let scalars = [radius.into(), rows.n_rows().into(), rows.n_samples().into()];
        self.launch("soft_threshold", rows.samples(), &[&tensors[..], &scalars].concat())
    }

    /// Thresholds of all rows; below 0 for those that stay as they are.
    fn find_thresholds(
        &self,
        x: &Buffer<f32>,
        x0: &Buffer<f32>,
        rows: &DeviceRows,
        radius: f32,
    ) -> Result<Buffer<f64>, Error> {
        let per_row = Work::flat(rows.n_rows());
        let scalars = [radius.into(), rows.n_rows().into()];
        let mut thresholds = self.zeros(rows.shape().n_rows())?;
        let norms = self.row_sums(x, Some(x0), rows, Term::Magnitude, &thresholds)?;
        self.launch(
            "l1_start",
            per_row,
            &[(&norms).into(), (&mut thresholds).into(), scalars[0], scalars[1]],
        )?;
        for _ in 0..MAX_STEPS {
            let sums = self.row_sums(x, Some(x0), rows, Term::Above, &thresholds)?;
            let counts = self.row_sums(x, Some(x0), rows, Term::CountAbove, &thresholds)?;
            let tensors = [(&sums).into(), (&counts).into(), (&mut thresholds).into()];
            self.launch("l1_advance", per_row, &[&tensors[..], &scalars].concat())?;
        }
        Ok(thresholds)
    }
}
