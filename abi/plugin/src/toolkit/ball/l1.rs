//! Sum of the absolute changes.

use super::{differences, lane_sum};
use crate::Rng;

/// The nearest point of the ball cut with the box. It changes sample i by sign(d_i) min(max(|d_i| - t, 0), room_i),
/// where room_i is the way to the box in that direction and t >= 0 the least that fits in the radius:
/// Croce & Hein 2021 (arXiv:2103.01208), section 3.1, "Mind the box".
pub(super) fn project(x: &mut [f32], clean: &[f32], radius: f32, clip: (f32, f32)) {
    let change: Vec<f64> = differences(x, clean).collect();
    let end = |change: f64| f64::from(if change < 0.0 { clip.0 } else { clip.1 });
    // (|d_i|, room_i)
    let reach = |(d, c): (&f64, &f32)| (d.abs(), (end(*d) - f64::from(*c)).abs());
    let reaches: Vec<(f64, f64)> = change.iter().zip(clean).map(reach).collect();
    let radius = f64::from(radius);
    let t = if shrunk_sum(&reaches, 0.0) <= radius { 0.0 } else { threshold(&reaches, radius) };
    for (((x, clean), change), (size, room)) in x.iter_mut().zip(clean).zip(change).zip(reaches) {
        if t > 0.0 || size > room {
            *x = towards_centre(f64::from(*clean) + shrunk((size, room), t).copysign(change), *clean);
        }
    }
}

fn shrunk((size, room): (f64, f64), t: f64) -> f64 {
    (size - t).max(0.0).min(room)
}

fn shrunk_sum(reaches: &[(f64, f64)], t: f64) -> f64 {
    lane_sum(reaches.len(), |i| shrunk(reaches[i], t))
}

/// The least t at which the shrunk changes fit in the radius, to 1e-9 of it: regula falsi on a decreasing piecewise
/// linear function, in the Illinois variant, which moves both ends (Dowell & Jarratt 1971).
fn threshold(reaches: &[(f64, f64)], radius: f64) -> f64 {
    let largest = reaches.iter().fold(0.0, |largest: f64, reach| largest.max(reach.0));
    let (mut low, mut high) = ((0.0, shrunk_sum(reaches, 0.0) - radius), (largest, -radius));
    let mut was_low = None;
    for _ in 0..100 {
        let secant = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
        let t = if secant > low.0 && secant < high.0 { secant } else { 0.5 * (low.0 + high.0) };
        let excess = shrunk_sum(reaches, t) - radius;
        let is_low = excess > 0.0;
        let (moved, kept) = if is_low { (&mut low, &mut high) } else { (&mut high, &mut low) };
        *moved = (t, excess);
        if was_low == Some(is_low) {
            kept.1 *= 0.5;
        }
        was_low = Some(is_low);
        if excess <= 0.0 && excess > -1e-9 * radius {
            break;
        }
    }
    high.0
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
