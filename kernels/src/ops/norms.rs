//! Norms of rows, and the distances between the rows of two tensors.

use crate::device::{Arg, Buffer, Device, DeviceRows, Work};
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

/// What is summed over a row, of the difference `d` and the row's threshold `t`; `cu/norms.cu` has the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Term {
    /// 1 where `d` is not 0.
    NonZero = 0,
    /// `|d|`
    Magnitude = 1,
    /// `d²`
    Square = 2,
    /// `|d|` where it is above `t`.
    Above = 3,
    /// 1 where `|d|` is above `t`.
    CountAbove = 4,
    /// `|d| − t` where `|d|` is above `t`.
    Excess = 5,
}

impl Device {
    /// [`norms`] on a device.
    pub fn norms(
        &self,
        x: &Buffer<f32>,
        base: Option<&Buffer<f32>>,
        rows: &DeviceRows,
        norm: Norm,
    ) -> Result<Buffer<f64>, Error> {
        rows.shape().check("x", x.len())?;
        rows.shape().check("base", base.map_or(x.len(), Buffer::len))?;
        let zeros = || self.zeros(rows.shape().n_rows());
        match norm {
            Norm::L0 => self.row_sums(x, base, rows, Term::NonZero, &zeros()?),
            Norm::L1 => self.row_sums(x, base, rows, Term::Magnitude, &zeros()?),
            Norm::L2 => {
                let mut sums = self.row_sums(x, base, rows, Term::Square, &zeros()?)?;
                let n = rows.n_rows();
                self.launch("square_roots", Work::flat(n), &[(&mut sums).into(), n.into()])?;
                Ok(sums)
            }
            Norm::Linf => self.row_maxima(x, base, rows),
        }
    }

    /// The sums of `reduce::row_sum`, for all rows at once and in the same order.
    pub(crate) fn row_sums(
        &self,
        x: &Buffer<f32>,
        base: Option<&Buffer<f32>>,
        rows: &DeviceRows,
        term: Term,
        thresholds: &Buffer<f64>,
    ) -> Result<Buffer<f64>, Error> {
        let n_rows = rows.shape().n_rows();
        let mut n_tiles = rows.shape().n_samples().div_ceil(reduce::TILE);
        if n_tiles == 0 {
            return self.zeros(n_rows);
        }
        let mut lanes = self.scratch(n_rows * n_tiles * reduce::LANES)?;
        let work = |n_tiles: usize| rows.each((n_tiles * reduce::LANES) as u64);
        let [x, base, has_base] = with_base(x, base);
        let term = Arg::from(term as u32);
        let inputs = [x, base, has_base, rows.lengths().into(), thresholds.into(), term, (&mut lanes).into()];
        let sizes = [rows.n_rows().into(), rows.n_samples().into(), (n_tiles as u64).into()];
        self.launch("lane_sums", work(n_tiles), &[&inputs[..], &sizes].concat())?;
        let mut sums = self.fold_lanes(&lanes, n_rows * n_tiles)?;
        while n_tiles > 1 {
            let n_sums = n_tiles;
            n_tiles = n_sums.div_ceil(reduce::TILE);
            let sizes = [rows.n_rows().into(), (n_sums as u64).into(), (n_tiles as u64).into()];
            let arguments = [&[(&sums).into(), (&mut lanes).into()][..], &sizes].concat();
            self.launch("lane_sums_of_tiles", work(n_tiles), &arguments)?;
            sums = self.fold_lanes(&lanes, n_rows * n_tiles)?;
        }
        Ok(sums)
    }

    fn fold_lanes(&self, lanes: &Buffer<f64>, n_tiles: usize) -> Result<Buffer<f64>, Error> {
        let mut sums = self.scratch(n_tiles)?;
        let n = n_tiles as u64;
        self.launch("fold_lanes", Work::flat(n), &[lanes.into(), (&mut sums).into(), n.into()])?;
        Ok(sums)
    }

    fn row_maxima(
        &self,
        x: &Buffer<f32>,
        base: Option<&Buffer<f32>>,
        rows: &DeviceRows,
    ) -> Result<Buffer<f64>, Error> {
        let n_rows = rows.shape().n_rows();
        let mut bits = self.zeros::<u64>(n_rows)?;
        let [x, base, has_base] = with_base(x, base);
        let sizes = [rows.n_rows().into(), rows.n_samples().into()];
        let arguments = [x, base, has_base, rows.lengths().into(), (&mut bits).into(), sizes[0], sizes[1]];
        self.launch("row_max_bits", rows.samples(), &arguments)?;
        let mut maxima = self.scratch(n_rows)?;
        let n = rows.n_rows();
        self.launch("from_bits", Work::flat(n), &[(&bits).into(), (&mut maxima).into(), n.into()])?;
        Ok(maxima)
    }
}

/// The arguments `x, base, has_base`: without a base, `x` stands in its place and is not read there.
pub(crate) fn with_base(x: &Buffer<f32>, base: Option<&Buffer<f32>>) -> [Arg; 3] {
    [x.into(), base.unwrap_or(x).into(), u32::from(base.is_some()).into()]
}
