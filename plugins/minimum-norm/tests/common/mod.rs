//! Scenes with known answers.
#![allow(dead_code)] // each test file uses its part

use seraph_minimum_norm::hyperplane::Solver;
use seraph_plugin::analytic::{Linear, Model, PiecewiseLinear, Sphere};
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

/// What a ratio to the optimum may be.
#[derive(Clone, Copy, Debug)]
pub struct Ratio {
    /// Of half of the items.
    pub median: f64,
    /// Of each item.
    pub worst: f64,
}

impl Ratio {
    /// What the field's best implementations reach.
    pub const FIELD: Ratio = Ratio { median: 1.05, worst: 1.5 };
}

pub const CLASSES: [usize; 5] = [2, 3, 4, 7, 8];
pub const LENGTHS: [usize; 3] = [1, 1600, 16_000];

/// Runs `A` on random linear victims of every class count and length, in the usual box, against the least change over
/// all classes, which `Solver` finds exactly.
pub fn linear<A: Attack>(norm: Norm, preset: &str, allowed: Ratio) {
    for k in CLASSES {
        for n in if k == 4 { &LENGTHS[..] } else { &LENGTHS[..2] } {
            let model = Linear::random(k, *n, 31 + k as u64);
            let items = if *n == 1 { 5 } else { 2 };
            let audio: Vec<Vec<f32>> = (0..items).map(|i| utterance(*n, 60 + i)).collect();
            let clip = if *n == 1 { NO_BOX } else { (-1.0, 1.0) };
            let optimum: Vec<f64> = audio.iter().map(|x| least(&model, x, norm, clip)).collect();
            let what = format!("{} {preset} {norm:?} K {k} n {n}", A::INFO.id);
            check_ratio::<A>(&model, audio, (norm, clip), preset, &optimum, allowed, &what);
        }
    }
}

/// Runs `A` on victims whose other classes are the larger of two linear forms; the reference is one form, so that
/// the least change is the least over all forms.
pub fn kinked<A: Attack>(norm: Norm, preset: &str, allowed: Ratio) {
    for k in CLASSES {
        let clip = (-1.0, 1.0);
        let what = format!("{} {preset} {norm:?} kinked K {k}", A::INFO.id);
        let mut ratios: Vec<f64> = (0..3)
            .map(|seed| {
                let x = utterance(400, 90 + seed);
                let model = kinked_at(&x, k, seed);
                let optimum = model
                    .pieces
                    .iter()
                    .map(|piece| least(piece, &x, norm, clip))
                    .fold(f64::INFINITY, f64::min);
                let ratios = ratios::<A>(&model, vec![x], (norm, clip), preset, &[optimum], &what);
                ratios[0]
            })
            .collect();
        check_ratios(&mut ratios, allowed, &what);
    }
}

/// Class 0 leads at `x` by 1, whichever form is the larger.
fn kinked_at(x: &[f32], k: usize, seed: u64) -> PiecewiseLinear {
    let mut model = PiecewiseLinear::random(k, x.len(), 2, 200 + seed);
    let first = model.pieces[0].weights[0].clone();
    let mut z = vec![0.0; k];
    for piece in &mut model.pieces {
        (piece.weights[0], piece.bias[0]) = (first.clone(), 0.0);
    }
    model.logits(x, &mut z);
    let strongest = z[1..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
    model.pieces.iter_mut().for_each(|piece| piece.bias[0] = strongest + 1.0 - z[0]);
    model
}

/// Runs `A` in L2 on victims whose boundaries lie half-way between centres.
pub fn sphere<A: Attack>(preset: &str, allowed: Ratio) {
    for k in CLASSES {
        let model = Sphere::random(k, 400, 3 + k as u64);
        let audio: Vec<Vec<f32>> = (0..3).map(|i| utterance(400, 80 + i)).collect();
        let optimum: Vec<f64> = audio.iter().map(|x| least_to_sphere(&model, x)).collect();
        let what = format!("{} {preset} sphere K {k}", A::INFO.id);
        check_ratio::<A>(&model, audio, (Norm::L2, NO_BOX), preset, &optimum, allowed, &what);
    }
}

fn check_ratio<A: Attack>(
    model: &dyn Model,
    audio: Vec<Vec<f32>>,
    threat: (Norm, (f32, f32)),
    preset: &str,
    optimum: &[f64],
    allowed: Ratio,
    what: &str,
) {
    check_ratios(&mut ratios::<A>(model, audio, threat, preset, optimum, what), allowed, what);
}

/// Of each item that can be attacked, the size of the change found in units of the least.
fn ratios<A: Attack>(
    model: &dyn Model,
    audio: Vec<Vec<f32>>,
    (norm, clip): (Norm, (f32, f32)),
    preset: &str,
    optimum: &[f64],
    what: &str,
) -> Vec<f64> {
    let radius = optimum.iter().map(|optimum| (optimum * 100.0 + 100.0) as f32).collect();
    let scene = Scene { norm, radius, clip, max_rows: 64, ..Scene::new(model, audio) };
    let outcome = scene.run::<A>(Some(preset), &[]);
    assert_eq!(outcome.status, Ok(()), "{what}");
    outcome.assert_valid();
    let attackable = (0..optimum.len()).filter(|item| optimum[*item].is_finite());
    let ratio = |item: usize| match outcome.succeeded(item) {
        true => outcome.distance(item) / optimum[item],
        false => f64::INFINITY,
    };
    attackable.map(ratio).collect()
}

fn check_ratios(ratios: &mut [f64], allowed: Ratio, what: &str) {
    ratios.sort_by(f64::total_cmp);
    assert!(!ratios.is_empty(), "{what}: nothing to attack");
    assert!(ratios.iter().all(|ratio| *ratio > 0.999), "{what}: better than the optimum {ratios:?}");
    assert!(ratios[ratios.len() / 2] <= allowed.median, "{what}: {ratios:?}");
    assert!(ratios[ratios.len() - 1] <= allowed.worst, "{what}: {ratios:?}");
}

/// The least change of a linear model's class, over all classes.
pub fn least(model: &Linear, x: &[f32], norm: Norm, clip: (f32, f32)) -> f64 {
    let mut z = vec![0.0; model.n_classes()];
    model.logits(x, &mut z);
    let y = argmax(&z);
    let others = (0..z.len()).filter(|k| *k != y);
    let to = |k: usize| {
        let w: Vec<f32> = model.direction(y, k).iter().map(|w| *w as f32).collect();
        let crossing = Solver::default().cross(norm, &w, z[y] - z[k], x, |_| clip);
        if crossing.reached { crossing.distance } else { f64::INFINITY }
    };
    others.map(to).fold(f64::INFINITY, f64::min)
}

/// The least L2 change that brings `x` nearer to another centre.
fn least_to_sphere(model: &Sphere, x: &[f32]) -> f64 {
    let mut z = vec![0.0; model.n_classes()];
    model.logits(x, &mut z);
    let y = argmax(&z);
    let to = |k: usize| {
        let apart: f64 = model.centres[y].iter().zip(&model.centres[k]).map(|(a, b)| (a - b).powi(2)).sum();
        (z[y] - z[k]) / (2.0 * apart.sqrt())
    };
    (0..z.len()).filter(|k| *k != y).map(to).fold(f64::INFINITY, f64::min)
}
