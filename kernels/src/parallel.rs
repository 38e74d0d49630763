//! Loops over samples and rows, on one thread when small and on rayon's pool when large.
//!
//! Every result is the same on any number of threads: element-wise loops have no order, and sums keep the one
//! that `reduce` defines.

use crate::Rows;
use rayon::prelude::*;

/// Values from which a loop is spread over threads: below it, waking a thread costs more than the loop.
pub const PARALLEL_FROM: usize = 1 << 17;

/// Values that one thread takes at a time: 64 KiB per stream, so that a few streams fit a second-level cache.
const CHUNK: usize = 1 << 14;

/// `f()`, compiled once more for the wide vectors that most machines have. Wider vectors change no result: nothing
/// is reordered, and multiplications are not fused with additions.
#[inline(always)]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as was just asked.
        return unsafe { with_avx2(f) };
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn with_avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// `x[i] = f(x[i])`.
pub(crate) fn map1(x: &mut [f32], f: impl Fn(f32) -> f32 + Sync) {
    let serial = |x: &mut [f32]| vectorised(|| x.iter_mut().for_each(|x| *x = f(*x)));
    if x.len() < PARALLEL_FROM { serial(x) } else { x.par_chunks_mut(CHUNK).for_each(serial) }
}

/// `x[i] = f(x[i], a[i])`; both of one length.
pub(crate) fn map2(x: &mut [f32], a: &[f32], f: impl Fn(f32, f32) -> f32 + Sync) {
    debug_assert_eq!(x.len(), a.len());
    let serial = |(x, a): (&mut [f32], &[f32])| {
        vectorised(|| x.iter_mut().zip(a).for_each(|(x, a)| *x = f(*x, *a)));
    };
    if x.len() < PARALLEL_FROM {
        return serial((x, a));
    }
    x.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).for_each(serial);
}

/// `x[i] = f(x[i], a[i], b[i])`; all of one length.
pub(crate) fn map3(x: &mut [f32], a: &[f32], b: &[f32], f: impl Fn(f32, f32, f32) -> f32 + Sync) {
    debug_assert!(x.len() == a.len() && x.len() == b.len());
    let serial = |((x, a), b): ((&mut [f32], &[f32]), &[f32])| {
        vectorised(|| x.iter_mut().zip(a).zip(b).for_each(|((x, a), b)| *x = f(*x, *a, *b)));
    };
    if x.len() < PARALLEL_FROM {
        return serial(((x, a), b));
    }
    x.par_chunks_mut(CHUNK).zip(a.par_chunks(CHUNK)).zip(b.par_chunks(CHUNK)).for_each(serial);
}

/// Calls `f(row, x of the row)` for every row, padding included in the slice.
pub(crate) fn for_rows(rows: &Rows, x: &mut [f32], f: impl Fn(usize, &mut [f32]) + Sync) {
    if rows.n_samples() == 0 {
        return;
    }
    if rows.n_values() < PARALLEL_FROM || rows.n_rows() == 1 {
        return x.chunks_exact_mut(rows.n_samples()).enumerate().for_each(|(row, x)| f(row, x));
    }
    x.par_chunks_exact_mut(rows.n_samples()).enumerate().for_each(|(row, x)| f(row, x));
}

/// `x[i] = of_row(r)(x[i], x0[i])` for the samples `i` of row `r`; the padding becomes that of `x0`.
pub(crate) fn map_rows<F: Fn(f32, f32) -> f32 + Sync>(
    rows: &Rows,
    x: &mut [f32],
    x0: &[f32],
    of_row: impl Fn(usize) -> F + Sync,
) {
    for_rows(rows, x, |row, x| {
        let (x, padding) = x.split_at_mut(rows.length(row));
        let (x0, padding0) = x0[row * rows.n_samples()..][..rows.n_samples()].split_at(rows.length(row));
        map2(x, x0, of_row(row));
        padding.copy_from_slice(padding0);
    });
}

/// `f(0), f(1), …, f(n - 1)`, where each stands for about `work` values.
pub(crate) fn collect<T: Send>(n: usize, work: usize, f: impl Fn(usize) -> T + Sync + Send) -> Vec<T> {
    if n < 2 || n.saturating_mul(work) < PARALLEL_FROM {
        return (0..n).map(f).collect();
    }
    (0..n).into_par_iter().map(f).collect()
}

/// `f` of each piece of `x`, in order.
pub(crate) fn collect_chunks<T: Send>(x: &[f32], f: impl Fn(&[f32]) -> T + Sync + Send) -> Vec<T> {
    collect(x.len().div_ceil(CHUNK), CHUNK, |chunk| {
        let piece = &x[chunk * CHUNK..x.len().min((chunk + 1) * CHUNK)];
        vectorised(|| f(piece))
    })
}
