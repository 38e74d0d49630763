//! Number of changed samples.

use super::l1::largest_first;
use crate::Rng;

/// Keeps the largest changes (after clipping to the box), undoes the others.
pub(super) fn project(x: &mut [f32], clean: &[f32], radius: f32, clip: (f32, f32)) {
    for (x, clean) in x.iter_mut().zip(clean) {
        if *x != *clean {
            *x = x.max(clip.0).min(clip.1);
        }
    }
    let mut changed: Vec<usize> = (0..x.len()).filter(|i| x[*i] != clean[*i]).collect();
    let count = samples(radius);
    if changed.len() <= count {
        return;
    }
    largest_first(&mut changed, count, |i| (x[i] - clean[i]).abs());
    for &i in &changed[count..] {
        x[i] = clean[i];
    }
}

/// A step along the gradient scaled to largest component 1: its order of sizes is what `project` chooses by.
pub(super) fn ascend(x: &mut [f32], grad: &[f32], step: f32) {
    let largest = grad.iter().fold(0.0_f32, |largest, grad| largest.max(grad.abs()));
    if largest > 0.0 {
        x.iter_mut().zip(grad).for_each(|(x, grad)| *x += step * (grad / largest));
    }
}

/// Random samples, uniform in the box.
pub(super) fn random_start(x: &mut [f32], clean: &[f32], radius: f32, clip: (f32, f32), rng: &mut Rng) {
    x.copy_from_slice(clean);
    for i in rng.distinct(samples(radius), clean.len()) {
        x[i] = rng.uniform(clip.0, clip.1);
    }
}

fn samples(radius: f32) -> usize {
    radius as usize
}

pub(super) fn norm(x: &[f32], clean: &[f32]) -> f64 {
    x.iter().zip(clean).filter(|(x, clean)| x != clean).count() as f64
}
