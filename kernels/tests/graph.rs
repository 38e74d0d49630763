//! The graph operators against their definitions by standard operators, in float64.
#![allow(clippy::unwrap_used)]

use seraph_kernels::graph::in_order;
use seraph_kernels::graph::max_pool_conv_grad::{MaxPoolConv, max_pool_conv_grad};
use seraph_kernels::graph::max_pool_grad::{MaxPool, max_pool_grad};

/// Values with ties: a small grid, from a linear congruential generator.
fn values(n: usize, mut state: u64) -> Vec<f32> {
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((state >> 40) % 9) as f32 - 4.0
    };
    (0..n).map(|_| next()).collect()
}

/// MaxUnpool(dy, indices of MaxPool(x)), one window at a time.
fn unpool(pool: &MaxPool, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let mut dx = vec![0.0; x.len()];
    let mut dy = dy.iter();
    for plane in 0..pool.n_planes {
        for row in 0..pool.pooled_height() {
            for column in 0..pool.pooled_width() {
                let under = (0..pool.window_height).flat_map(|i| (0..pool.window_width).map(move |j| (i, j)));
                let position = |(i, j): (usize, usize)| {
                    let (y, x) = (row * pool.window_height + i, column * pool.window_width + j);
                    (plane * pool.height + y) * pool.width + x
                };
                let largest = under.clone().map(|at| x[position(at)]).fold(f32::MIN, f32::max);
                let first = under.map(position).find(|at| x[*at] == largest).unwrap();
                dx[first] = *dy.next().unwrap();
            }
        }
    }
    dx
}

#[test]
fn pooling_gradients_go_to_the_first_largest() {
    for (n_planes, height, width, window_height, window_width) in [
        (1, 1, 1, 1, 1),
        (3, 1, 40, 1, 10),
        (40, 1, 23, 1, 8),
        (5, 6, 8, 2, 2),
        (2, 7, 9, 2, 3),
        (1, 1, 3, 1, 5),
    ] {
        let pool = MaxPool { n_planes, height, width, window_height, window_width };
        let x = values(n_planes * height * width, 1);
        let dy = values(n_planes * pool.pooled_height() * pool.pooled_width(), 2);
        let mut dx = vec![9.0; x.len()];
        max_pool_grad(&pool, &x, &dy, &mut dx, &in_order);
        assert_eq!(dx, unpool(&pool, &x, &dy), "{pool:?}");
    }
}

/// Conv(u, w), in float64.
fn conv(shape: &MaxPoolConv, u: &[f32], w: &[f32]) -> Vec<f64> {
    let mut out = Vec::new();
    for row in 0..shape.n_rows {
        for output in 0..shape.n_outputs {
            for time in 0..shape.output_length() {
                let mut sum = 0.0;
                for channel in 0..shape.n_channels {
                    for tap in 0..shape.n_taps {
                        let Some(at) = (time + tap).checked_sub(shape.pad_before) else { continue };
                        if at < shape.length {
                            let u = u[(row * shape.n_channels + channel) * shape.length + at];
                            let w = w[(output * shape.n_channels + channel) * shape.n_taps + tap];
                            sum += f64::from(u) * f64::from(w);
                        }
                    }
                }
                out.push(sum);
            }
        }
    }
    out
}

#[test]
fn convolved_pooling_gradients_are_the_dense_ones() {
    for (n_rows, n_channels, length, window, n_outputs, n_taps, pad_before, pad_after) in [
        (1, 1, 1, 1, 1, 1, 0, 0),
        (2, 3, 40, 10, 5, 6, 3, 2),
        (1, 4, 803, 8, 16, 6, 2, 3),
        (3, 2, 33, 4, 8, 1, 0, 0),
        (1, 2, 16, 4, 3, 5, 0, 0),
        (1, 2, 16, 4, 3, 5, 7, 9),
    ] {
        let shape =
            MaxPoolConv { n_rows, n_channels, length, window, n_outputs, n_taps, pad_before, pad_after };
        let x = values(n_rows * n_channels * length, 3);
        let dy = values(n_rows * n_channels * shape.pooled(), 4);
        let w = values(n_outputs * n_channels * n_taps, 5);
        let mut out = vec![9.0; n_rows * n_outputs * shape.output_length()];
        max_pool_conv_grad(&shape, &x, &dy, &w, &mut out, &in_order);
        let n_planes = n_rows * n_channels;
        let pool = MaxPool { n_planes, height: 1, width: length, window_height: 1, window_width: window };
        let expected = conv(&shape, &unpool(&pool, &x, &dy), &w);
        // Small whole numbers: every sum is exact.
        assert!(out.iter().zip(&expected).all(|(a, b)| f64::from(*a) == *b), "{shape:?}");
    }
}
