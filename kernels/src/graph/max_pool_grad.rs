//! Gradient of max pooling whose windows neither overlap nor leave a gap, without stored indices.

use std::sync::Mutex;

use super::Spread;
use super::first_largest::{first_largest, first_largest_of_pairs};
use crate::parallel::vectorised;

/// Max pooling of planes `[height, width]` by windows `[window_height, window_width]`, stride as long as the window,
/// no padding, what is left over at the end ignored. One-dimensional pooling has height and window height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPool {
    /// Planes: items times channels.
    pub n_planes: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
    /// Rows of a window.
    pub window_height: usize,
    /// Columns of a window.
    pub window_width: usize,
}

impl MaxPool {
    /// Rows of a pooled plane.
    pub fn pooled_height(&self) -> usize {
        self.height / self.window_height
    }

    /// Columns of a pooled plane.
    pub fn pooled_width(&self) -> usize {
        self.width / self.window_width
    }
}

/// Planes that one task takes.
const PLANES: usize = 16;

/// `dx = MaxUnpool(dy, indices of MaxPool(x))`: each window's gradient goes to its first largest element.
///
/// * `x`, `dx`: `[n_planes, height, width]`
/// * `dy`: `[n_planes, height / window_height, width / window_width]`
///
/// Panics if a slice has another length.
pub fn max_pool_grad(pool: &MaxPool, x: &[f32], dy: &[f32], dx: &mut [f32], spread: Spread) {
    let (plane, pooled) = (pool.height * pool.width, pool.pooled_height() * pool.pooled_width());
    assert_eq!((x.len(), dx.len()), (pool.n_planes * plane, pool.n_planes * plane), "x and dx are planes");
    assert_eq!(dy.len(), pool.n_planes * pooled, "dy is pooled planes");
    if plane == 0 {
        return;
    }
    let parts: Vec<Mutex<&mut [f32]>> = dx.chunks_mut(PLANES * plane).map(Mutex::new).collect();
    spread(parts.len(), &|part| {
        let mut dx = parts[part].lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let first = part * PLANES;
        for (i, dx) in dx.chunks_mut(plane).enumerate() {
            let at = first + i;
            let (x, dy) = (&x[at * plane..(at + 1) * plane], &dy[at * pooled..(at + 1) * pooled]);
            vectorised(|| plane_grad(pool, x, dy, dx));
        }
    });
}

#[inline(always)]
fn plane_grad(pool: &MaxPool, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    let MaxPool { width, window_height, window_width, .. } = *pool;
    dx.fill(0.0);
    if pool.pooled_width() == 0 {
        return;
    }
    let bands = x.chunks_exact(window_height * width).zip(dx.chunks_exact_mut(window_height * width));
    for ((x, dx), dy) in bands.zip(dy.chunks_exact(pool.pooled_width())) {
        for (column, dy) in dy.iter().enumerate() {
            let start = column * window_width;
            let at = |row: usize| row * width + start;
            let window = |row: usize| &x[at(row)..at(row) + window_width];
            let first = match window_height {
                1 => first_largest(window(0)),
                2 => first_largest_of_pairs(window(0), window(1)),
                _ => first_largest_of_rows(window_height, window),
            };
            dx[at(first / window_width) + first % window_width] = *dy;
        }
    }
}

#[inline(always)]
fn first_largest_of_rows<'x>(n_rows: usize, window: impl Fn(usize) -> &'x [f32]) -> usize {
    let best = |row: usize| (row, first_largest(window(row)));
    let larger =
        |a: (usize, usize), b: (usize, usize)| if window(b.0)[b.1] > window(a.0)[a.1] { b } else { a };
    let (row, column) = (1..n_rows).map(best).fold(best(0), larger);
    row * window(0).len() + column
}
