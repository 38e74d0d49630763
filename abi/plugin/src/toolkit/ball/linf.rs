//! Largest absolute change of a sample.

use crate::Rng;

/// The lowest and highest float32 that `x` may become: in the box, and within `radius` of it in float64.
pub(super) fn bounds(x: f32, radius: f32, clip: (f32, f32)) -> (f32, f32) {
    let inside = |end: f32, inward: f32| {
        let outside = (f64::from(end) - f64::from(x)).abs() > f64::from(radius);
        if outside { inward } else { end }
    };
    let low = inside(x - radius, (x - radius).next_up());
    let high = inside(x + radius, (x + radius).next_down());
    (low.max(clip.0).min(clip.1), high.min(clip.1).max(clip.0))
}

pub(super) fn project(x: &mut [f32], bounds: &[(f32, f32)]) {
    for (x, (low, high)) in x.iter_mut().zip(bounds) {
        *x = x.max(*low).min(*high);
    }
}

pub(super) fn ascend(x: &mut [f32], grad: &[f32], step: f32) {
    for (x, grad) in x.iter_mut().zip(grad) {
        *x += step * f32::from(i8::from(*grad > 0.0) - i8::from(*grad < 0.0));
    }
}

pub(super) fn random_start(x: &mut [f32], clean: &[f32], radius: f32, rng: &mut Rng) {
    for (x, clean) in x.iter_mut().zip(clean) {
        *x = clean + rng.uniform(-radius, radius);
    }
}

pub(super) fn norm(x: &[f32], clean: &[f32]) -> f64 {
    super::differences(x, clean).fold(0.0, |largest, difference| largest.max(difference.abs()))
}
