//! Sums whose rounding does not depend on threads or device: one order, fixed here, for CPU and GPU.
//!
//! A row is cut into tiles of [`TILE`] samples. In a tile, lane `l` of [`LANES`] adds samples `l`, `l + LANES`, …
//! in that order, in float64; the lanes are then added by halves (lane `l` takes lane `l + 16`, then `l + 8`, …
//! `l + 1`). The tiles' sums are a shorter row and treated the same, until one number is left. An empty row
//! sums to 0. Zeros appended to a row change nothing, so padding may be counted as zeros or left out.

use crate::parallel;

/// Samples in a tile.
pub(crate) const TILE: usize = 4096;

/// Partial sums in a tile; neighbouring lanes read neighbouring samples, on a vector unit as on a GPU.
pub(crate) const LANES: usize = 32;

/// Sum of `term(x[i], base[i])` over one row without its padding; both of one length.
pub(crate) fn row_sum(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
    row_sums(x, base, |x, base| [term(x, base)])[0]
}

/// Sums of several terms in one pass: the same as [`row_sum`] of each.
pub(crate) fn row_sums<const N: usize>(
    x: &[f32],
    base: &[f32],
    terms: impl Fn(f32, f32) -> [f64; N] + Sync,
) -> [f64; N] {
    debug_assert_eq!(x.len(), base.len());
    let mut sums = parallel::collect(x.len().div_ceil(TILE), TILE, |tile| {
        let range = tile * TILE..x.len().min((tile + 1) * TILE);
        let (x, base) = (&x[range.clone()], &base[range]);
        parallel::vectorised(|| tile_sums(x, base, &terms))
    });
    while sums.len() > 1 {
        sums = sums.chunks(TILE).map(|tile| tile_sums(tile, tile, |sums, _| sums)).collect();
    }
    sums.first().copied().unwrap_or([0.0; N])
}

/// Largest `term(x[i], base[i])`, all at least 0, over one row without its padding; NaN if any is NaN.
pub(crate) fn row_max(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
    debug_assert_eq!(x.len(), base.len());
    let tiles = parallel::collect(x.len().div_ceil(TILE), TILE, |tile| {
        let range = tile * TILE..x.len().min((tile + 1) * TILE);
        let (x, base) = (&x[range.clone()], &base[range]);
        parallel::vectorised(|| tile_max(x, base, &term))
    });
    tiles.into_iter().fold(0.0, larger)
}

/// The larger of two numbers; NaN if one is NaN.
fn larger(a: f64, b: f64) -> f64 {
    if a.is_nan() || a > b { a } else { b }
}

#[inline(always)]
fn tile_max(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64) -> f64 {
    // Comparisons pass NaN by; a second set of lanes remembers it.
    let (mut largest, mut broken) = ([0.0; LANES], [0.0; LANES]);
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (base, base_rest) = base.as_chunks::<LANES>();
    for (x, base) in x.iter().zip(base) {
        for lane in 0..LANES {
            let value = term(x[lane], base[lane]);
            largest[lane] = if value > largest[lane] { value } else { largest[lane] };
            broken[lane] = if value.is_nan() { value } else { broken[lane] };
        }
    }
    let rest = x_rest.iter().zip(base_rest).map(|(x, base)| term(*x, *base));
    largest.into_iter().chain(broken).chain(rest).fold(0.0, larger)
}

/// Sums over at most one tile.
#[inline(always)]
fn tile_sums<T: Copy, const N: usize>(x: &[T], base: &[T], terms: impl Fn(T, T) -> [f64; N]) -> [f64; N] {
    let mut lanes = [[0.0; LANES]; N];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (base, base_rest) = base.as_chunks::<LANES>();
    for (x, base) in x.iter().zip(base) {
        for lane in 0..LANES {
            let terms = terms(x[lane], base[lane]);
            for n in 0..N {
                lanes[n][lane] += terms[n];
            }
        }
    }
    for (lane, (x, base)) in x_rest.iter().zip(base_rest).enumerate() {
        let terms = terms(*x, *base);
        for n in 0..N {
            lanes[n][lane] += terms[n];
        }
    }
    lanes.map(fold_halves)
}

fn fold_halves(mut lanes: [f64; LANES]) -> f64 {
    let mut half = LANES / 2;
    while half > 0 {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
        half /= 2;
    }
    lanes[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(n: usize) -> Vec<f32> {
        (0..n).map(|i| (i + 1) as f32).collect()
    }

    #[test]
    fn sums_are_exact_where_float64_is() {
        for n in [0, 1, 31, 32, 33, TILE - 1, TILE, TILE + 1, 3 * TILE + 7, 200_000] {
            let x = ramp(n);
            assert_eq!(row_sum(&x, &x, |x, _| x.into()), (n * (n + 1) / 2) as f64, "{n} samples");
        }
    }

    #[test]
    fn sums_do_not_depend_on_threads() {
        let x = ramp(300_001);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
            pool.install(|| row_sum(&x, &x, |x, _| 1.0 / f64::from(x)).to_bits())
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn zeros_appended_change_nothing() {
        let x: Vec<f32> = ramp(5000).iter().map(|x| 1.0 / x).collect();
        let mut padded = x.clone();
        padded.resize(TILE * (TILE + 2), 0.0);
        assert_eq!(row_sum(&x, &x, |x, _| x.into()), row_sum(&padded, &padded, |x, _| x.into()));
    }
}
