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

/// Calls the function that was compiled for the widest vectors of this processor. A closure handed to
/// `parallel::vectorised` would be too long to be inlined there, and stay narrow.
macro_rules! widest {
    ($plain:ident, $wide:ident, ($($argument:expr),*)) => {{
        #[cfg(target_arch = "x86_64")]
        let result = if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2, as was just asked.
            unsafe { $wide($($argument),*) }
        } else {
            $plain($($argument),*)
        };
        #[cfg(not(target_arch = "x86_64"))]
        let result = $plain($($argument),*);
        result
    }};
}

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
        widest!(tile_sums, tile_sums_avx2, (&x[range.clone()], &base[range], &terms))
    });
    while sums.len() > 1 {
        sums = sums.chunks(TILE).map(|tile| tile_sums(tile, tile, |sums, _| sums)).collect();
    }
    sums.first().copied().unwrap_or([0.0; N])
}

/// Largest `|term(x[i], base[i])|` over one row without its padding; NaN if any is NaN.
pub(crate) fn row_max(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64 + Sync) -> f64 {
    debug_assert_eq!(x.len(), base.len());
    let tiles = parallel::collect(x.len().div_ceil(TILE), TILE, |tile| {
        let range = tile * TILE..x.len().min((tile + 1) * TILE);
        widest!(tile_max, tile_max_avx2, (&x[range.clone()], &base[range], &term))
    });
    f64::from_bits(tiles.into_iter().max().unwrap_or(0).cast_unsigned())
}

/// Bits of the largest magnitude. Bits of magnitudes order as the magnitudes do, and NaN comes last.
#[inline(always)]
fn tile_max(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64) -> i64 {
    let bits = |x: f32, base: f32| term(x, base).abs().to_bits().cast_signed();
    let mut lanes = [0; LANES];
    let (x, x_rest) = x.as_chunks::<LANES>();
    let (base, base_rest) = base.as_chunks::<LANES>();
    for (x, base) in x.iter().zip(base) {
        for lane in 0..LANES {
            lanes[lane] = lanes[lane].max(bits(x[lane], base[lane]));
        }
    }
    let rest = x_rest.iter().zip(base_rest).map(|(x, base)| bits(*x, *base));
    lanes.into_iter().chain(rest).fold(0, i64::max)
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

/// [`tile_sums`] in wide vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tile_sums_avx2<const N: usize>(x: &[f32], base: &[f32], terms: impl Fn(f32, f32) -> [f64; N]) -> [f64; N] {
    tile_sums(x, base, terms)
}

/// [`tile_max`] in wide vectors.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tile_max_avx2(x: &[f32], base: &[f32], term: impl Fn(f32, f32) -> f64) -> i64 {
    tile_max(x, base, term)
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
