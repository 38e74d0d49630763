//! A convolution over the gradient of max pooling, which is zero almost everywhere: only what is not is summed.

use std::sync::Mutex;

use super::Spread;
use super::first_largest::first_largest;
use crate::parallel::vectorised;

/// One-dimensional: `MaxPool` (stride as long as the window, no padding) and the `Conv` (stride 1) that its gradient
/// goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxPoolConv {
    /// Items.
    pub n_rows: usize,
    /// Channels that are pooled: the convolution's input channels.
    pub n_channels: usize,
    /// Samples of a channel before pooling.
    pub length: usize,
    /// Samples of a window.
    pub window: usize,
    /// The convolution's output channels.
    pub n_outputs: usize,
    /// The convolution's kernel length.
    pub n_taps: usize,
    /// Zeros that the convolution pads before.
    pub pad_before: usize,
    /// Zeros that the convolution pads after.
    pub pad_after: usize,
}

impl MaxPoolConv {
    /// Samples of a pooled channel.
    pub fn pooled(&self) -> usize {
        self.length / self.window
    }

    /// Samples of an output channel.
    pub fn output_length(&self) -> usize {
        (self.length + self.pad_before + self.pad_after + 1).saturating_sub(self.n_taps)
    }
}

/// Windows that are summed before the next channel: their outputs stay in a near cache.
const BLOCK: usize = 32;

/// `out = Conv(MaxUnpool(dy, indices of MaxPool(x)), w)`, with pads `[pad_before, pad_after]`.
///
/// * `x`: `[n_rows, n_channels, length]`
/// * `dy`: `[n_rows, n_channels, length / window]`
/// * `w`: `[n_outputs, n_channels, n_taps]`
/// * `out`: `[n_rows, n_outputs, output_length]`
///
/// Each sum runs over windows first, then channels, on any number of threads. Panics if a slice has another length.
pub fn max_pool_conv_grad(
    shape: &MaxPoolConv,
    x: &[f32],
    dy: &[f32],
    w: &[f32],
    out: &mut [f32],
    spread: Spread,
) {
    let MaxPoolConv { n_rows, n_channels, length, n_outputs, n_taps, .. } = *shape;
    assert_eq!(x.len(), n_rows * n_channels * length, "x is [n_rows, n_channels, length]");
    assert_eq!(dy.len(), n_rows * n_channels * shape.pooled(), "dy is [n_rows, n_channels, length / window]");
    assert_eq!(w.len(), n_outputs * n_channels * n_taps, "w is [n_outputs, n_channels, n_taps]");
    assert_eq!(
        out.len(),
        n_rows * n_outputs * shape.output_length(),
        "out is [n_rows, n_outputs, output_length]"
    );
    if out.is_empty() {
        return;
    }
    let taps = reversed_taps(shape, w);
    let parts: Vec<Mutex<&mut [f32]>> =
        out.chunks_mut(n_outputs * shape.output_length()).map(Mutex::new).collect();
    spread(parts.len(), &|row| {
        let mut out = parts[row].lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let x = &x[row * n_channels * length..][..n_channels * length];
        let dy = &dy[row * n_channels * shape.pooled()..][..n_channels * shape.pooled()];
        vectorised(|| row_grad(shape, x, dy, &taps, &mut out));
    });
}

/// `w` as `[n_channels, n_taps (last first), n_outputs]`: what one unpooled sample adds to the outputs around it.
fn reversed_taps(shape: &MaxPoolConv, w: &[f32]) -> Vec<f32> {
    let MaxPoolConv { n_channels, n_outputs, n_taps, .. } = *shape;
    let mut taps = vec![0.0; w.len()];
    for (at, value) in w.iter().enumerate() {
        let (output, channel, tap) = (at / (n_channels * n_taps), at / n_taps % n_channels, at % n_taps);
        taps[(channel * n_taps + n_taps - 1 - tap) * n_outputs + output] = *value;
    }
    taps
}

/// One item. Sums are kept `[time, n_outputs]`, with `n_taps` samples of margin on both sides, so that every sample
/// adds one unbroken stretch.
#[inline(always)]
fn row_grad(shape: &MaxPoolConv, x: &[f32], dy: &[f32], taps: &[f32], out: &mut [f32]) {
    let MaxPoolConv { n_channels, length, window, n_outputs, n_taps, .. } = *shape;
    let (pooled, stretch) = (shape.pooled(), n_taps * n_outputs);
    let mut sums = vec![0.0f32; (length + 2 * n_taps + shape.pad_before) * n_outputs];
    for block in (0..pooled).step_by(BLOCK) {
        for channel in 0..n_channels {
            let taps = &taps[channel * stretch..][..stretch];
            let (x, dy) = (&x[channel * length..][..length], &dy[channel * pooled..][..pooled]);
            for (at, dy) in dy.iter().enumerate().take(pooled.min(block + BLOCK)).skip(block) {
                let start = at * window;
                let sample = start + first_largest(&x[start..start + window]);
                // The first output that it reaches is at time `sample - (n_taps - 1) + pad_before`; sums begin
                // `n_taps - 1` earlier than time 0.
                let sums = &mut sums[(sample + shape.pad_before) * n_outputs..][..stretch];
                sums.iter_mut().zip(taps).for_each(|(sum, tap)| *sum += dy * tap);
            }
        }
    }
    transpose(&sums[(n_taps - 1) * n_outputs..], n_outputs, shape.output_length(), out);
}

/// `out[o][t] = sums[t][o]`.
#[inline(always)]
fn transpose(sums: &[f32], n_outputs: usize, output_length: usize, out: &mut [f32]) {
    const TIMES: usize = 64;
    for start in (0..output_length).step_by(TIMES) {
        let end = output_length.min(start + TIMES);
        for (output, out) in out.chunks_mut(output_length).enumerate() {
            for (time, out) in out[start..end].iter_mut().enumerate() {
                *out = sums[(start + time) * n_outputs + output];
            }
        }
    }
}
