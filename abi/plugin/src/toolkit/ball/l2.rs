//! Euclidean norm of the change.

use super::lane_sum;
use crate::Rng;

/// Clips to the box first: it holds the centre, so shrinking towards that stays inside, and the radius is used up.
pub(super) fn project(x: &mut [f32], clean: &[f32], radius: f32, clip: (f32, f32)) {
    x.iter_mut().for_each(|x| *x = x.max(clip.0).min(clip.1));
    let radius = f64::from(radius);
    // 16: rounding the samples may lengthen the change again, by less each time.
    for attempt in 0..16 {
        let length = norm(x, clean);
        if length <= radius {
            return;
        }
        let scale = radius / length * (1.0 - 1e-7 * f64::from(attempt));
        for (x, clean) in x.iter_mut().zip(clean) {
            let change = f64::from(*x) - f64::from(*clean);
            *x = (f64::from(*clean) + scale * change) as f32;
        }
    }
    shorten(x, clean, radius);
}

/// Undoes changes one by one: for radii that rounding alone would pass.
fn shorten(x: &mut [f32], clean: &[f32], radius: f64) {
    let mut square = norm(x, clean).powi(2);
    for (x, clean) in x.iter_mut().zip(clean) {
        if square.sqrt() <= radius {
            return;
        }
        square -= (f64::from(*x) - f64::from(*clean)).powi(2);
        *x = *clean;
    }
}

pub(super) fn ascend(x: &mut [f32], grad: &[f32], step: f32) {
    let length = lane_sum(grad.len(), |i| f64::from(grad[i]).powi(2)).sqrt();
    if length > 0.0 {
        let scale = f64::from(step) / length;
        x.iter_mut().zip(grad).for_each(|(x, grad)| *x += (scale * f64::from(*grad)) as f32);
    }
}

/// Uniform in the ball: a normal direction, and a radius with density r^(n-1).
pub(super) fn random_start(x: &mut [f32], clean: &[f32], radius: f32, rng: &mut Rng) {
    let direction: Vec<f32> = clean.iter().map(|_| rng.normal()).collect();
    let length = f64::from(radius) * rng.f64_positive().powf(1.0 / clean.len().max(1) as f64);
    x.copy_from_slice(clean);
    ascend(x, &direction, length as f32);
}

pub(super) fn norm(x: &[f32], clean: &[f32]) -> f64 {
    lane_sum(x.len().min(clean.len()), |i| (f64::from(x[i]) - f64::from(clean[i])).powi(2)).sqrt()
}
