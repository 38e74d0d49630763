//! Sum of the absolute changes.

use super::{differences, lane_sum};
use crate::Rng;

/// The nearest point of the ball cut with the box. It changes sample i by sign(d_i) min(max(|d_i| - t, 0), room_i),
/// where room_i is the way to the box in that direction and t >= 0 the least that fits in the radius:
/// Croce & Hein 2021 (arXiv:2103.01208), section 3.1, "Mind the box".
pub(super) fn project(x: &mut [f32], clean: &[f32], radius: f32, clip: (f32, f32)) {
    let change: Vec<f64> = differences(x, clean).collect();
    let end = |change: f64| f64::from(if change < 0.0 { clip.0 } else { clip.1 });
    let room: Vec<f64> = change.iter().zip(clean).map(|(d, c)| (end(*d) - f64::from(*c)).abs()).collect();
    let shrunk = |i: usize, t: f64| (change[i].abs() - t).max(0.0).min(room[i]);
    let length = |t: f64| lane_sum(change.len(), |i| shrunk(i, t));
    let radius = f64::from(radius);
    let t = if length(0.0) <= radius { 0.0 } else { threshold(&change, radius, length) };
    for (i, (x, clean)) in x.iter_mut().zip(clean).enumerate() {
        if t > 0.0 || change[i].abs() > room[i] {
            *x = towards_centre(f64::from(*clean) + shrunk(i, t).copysign(change[i]), *clean);
        }
    }
}

/// The least t at which `length(t)` fits in the radius, by bisection until float64 or 1e-9 of the radius ends it.
fn threshold(change: &[f64], radius: f64, length: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (0.0, change.iter().fold(0.0, |largest: f64, d| largest.max(d.abs())));
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        let excess = length(middle) - radius;
        if excess > 0.0 {
            low = middle;
        } else {
            high = middle;
            if excess > -1e-9 * radius {
                break;
            }
        }
    }
    high
}

/// `value` as a float32 that is no farther from `clean`.
fn towards_centre(value: f64, clean: f32) -> f32 {
    let rounded = value as f32;
    let (exact, change) = (value - f64::from(clean), f64::from(rounded) - f64::from(clean));
    match () {
        () if change.abs() <= exact.abs() => rounded,
        () if change > 0.0 => rounded.next_down(),
        () => rounded.next_up(),
    }
}

/// Sparse steepest ascent: the samples with the largest gradient that are not yet at the box share the step.
/// Source: Tramer & Boneh 2019 (arXiv:1904.13000), appendix A.
pub(super) fn ascend(x: &mut [f32], grad: &[f32], step: f32, clip: (f32, f32), share: f64) {
    let usable = |i: usize| {
        let up = (grad[i] > 0.0) == (step > 0.0);
        grad[i] != 0.0 && if up { x[i] < clip.1 } else { x[i] > clip.0 }
    };
    let mut candidates: Vec<usize> = (0..x.len()).filter(|i| usable(*i)).collect();
    if candidates.is_empty() {
        return;
    }
    let count = ((x.len() as f64 * share).ceil() as usize).clamp(1, candidates.len());
    largest_first(&mut candidates, count, |i| grad[i].abs());
    for &i in &candidates[..count] {
        x[i] += (step / count as f32).copysign(grad[i] * step.signum());
    }
}

/// Moves the `count` indices with the largest key to the front; of equal keys the lower index.
pub(super) fn largest_first(indices: &mut [usize], count: usize, key: impl Fn(usize) -> f32) {
    if count < indices.len() {
        indices.select_nth_unstable_by(count, |a, b| key(*b).total_cmp(&key(*a)).then(a.cmp(b)));
    }
}

/// Uniform in the ball: signed exponentials over their sum and one more.
pub(super) fn random_start(x: &mut [f32], clean: &[f32], radius: f32, rng: &mut Rng) {
    let change: Vec<f32> = clean.iter().map(|_| rng.sign() * rng.exponential()).collect();
    let total = change.iter().map(|d| f64::from(d.abs())).sum::<f64>() + f64::from(rng.exponential());
    for ((x, clean), change) in x.iter_mut().zip(clean).zip(change) {
        *x = (f64::from(*clean) + f64::from(radius) * f64::from(change) / total) as f32;
    }
}

pub(super) fn norm(x: &[f32], clean: &[f32]) -> f64 {
    lane_sum(x.len().min(clean.len()), |i| (f64::from(x[i]) - f64::from(clean[i])).abs())
}
