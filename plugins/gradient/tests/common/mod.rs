//! Scenes with known answers.
#![allow(dead_code)] // each test file uses its part

use seraph_plugin::analytic::{Linear, Model};
use seraph_plugin::loss::{argmax, runner_up};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::Scene;

/// Wide enough that only the ball binds.
pub const NO_BOX: (f32, f32) = (-100.0, 100.0);

pub fn utterance(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = Rng::new(&[2; 32], seed);
    (0..n).map(|_| rng.uniform(-0.5, 0.5)).collect()
}

/// The dual norm of `w`: a ball of radius r moves w.x by at most r times this.
pub fn dual_norm(norm: Norm, w: &[f64]) -> f64 {
    let size = w.iter().map(|w| w.abs());
    match norm {
        Norm::Linf => size.sum(),
        Norm::L2 => size.map(|w| w * w).sum::<f64>().sqrt(),
        Norm::L1 => size.fold(0.0, f64::max),
        Norm::L0 => panic!("an L0 ball has no dual norm"),
    }
}

/// The least radius at which a linear model can be moved from its class to class `k`.
pub fn radius_to(model: &Linear, x: &[f32], norm: Norm, k: usize) -> f64 {
    let mut z = vec![0.0; model.n_classes()];
    model.logits(x, &mut z);
    let y = argmax(&z);
    (z[y] - z[k]) / dual_norm(norm, &model.direction(y, k))
}

/// The class second to the one that a model gives `x`.
pub fn second(model: &dyn Model, x: &[f32]) -> usize {
    let mut z = vec![0.0; model.n_classes()];
    model.logits(x, &mut z);
    runner_up(&z, argmax(&z))
}

/// The least radius at which a linear model can be moved from its class to any other.
pub fn least_radius(model: &Linear, x: &[f32], norm: Norm) -> f64 {
    let mut z = vec![0.0; model.n_classes()];
    model.logits(x, &mut z);
    let y = argmax(&z);
    let others = (0..model.n_classes()).filter(|k| *k != y);
    others.map(|k| radius_to(model, x, norm, k)).fold(f64::INFINITY, f64::min)
}

/// One utterance in a ball, no box.
pub fn scene<'m>(model: &'m dyn Model, x: &[f32], norm: Norm, radius: f64) -> Scene<'m> {
    Scene { norm, radius: vec![radius as f32], clip: NO_BOX, ..Scene::new(model, vec![x.to_vec()]) }
}

/// A batch of utterances of several lengths in the usual box, with random streams of their own.
pub fn batch<'m>(model: &'m dyn Model, norm: Norm, radius: f32) -> Scene<'m> {
    let audio = (0..6).map(|i| utterance([400, 400, 250, 1, 400, 33][i], 40 + i as u64)).collect();
    Scene { norm, radius: vec![radius], streams: Some((10..16).collect()), ..Scene::new(model, audio) }
}

/// The scene of one item of a scene, padded as there.
pub fn alone<'m>(scene: &Scene<'m>, item: usize) -> Scene<'m> {
    Scene {
        audio: vec![scene.audio[item].clone()],
        norm: scene.norm,
        radius: vec![scene.radius[0]],
        targets: scene.targets.as_ref().map(|targets| vec![targets[item]]),
        streams: scene.streams.as_ref().map(|streams| vec![streams[item]]),
        clip: scene.clip,
        ..Scene::new(scene.model, Vec::new())
    }
}
