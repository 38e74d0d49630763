//! Controls use their budget and no query, and never more than that.
#![allow(clippy::unwrap_used)]

use seraph_controls::{Comb, Noise, Null};
use seraph_plugin::analytic::{Linear, Model, Sphere};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::{Outcome, Scene};

const NORMS: [(Norm, f32); 4] = [(Norm::Linf, 0.01), (Norm::L2, 0.5), (Norm::L1, 3.0), (Norm::L0, 12.0)];

fn audio() -> Vec<Vec<f32>> {
    let mut rng = Rng::new(&[1; 32], 0);
    [1600, 1, 900].map(|n| (0..n).map(|_| rng.uniform(-0.5, 0.5)).collect()).to_vec()
}

fn scene(model: &dyn Model, (norm, radius): (Norm, f32)) -> Scene<'_> {
    Scene { norm, radius: vec![radius], access: Access::NONE, ..Scene::new(model, audio()) }
}

fn assert_silent(outcome: &Outcome) {
    assert_eq!(outcome.status, Ok(()));
    assert_eq!(outcome.calls, 0);
    outcome.assert_valid();
}

#[test]
fn null_changes_nothing_and_asks_nothing() {
    let model = Linear::random(4, 1600, 1);
    for threat in NORMS {
        let scene = scene(&model, threat);
        let outcome = scene.run::<Null>(None, &[]);
        assert_silent(&outcome);
        assert!((0..3).all(|item| outcome.distance(item) == 0.0 && !outcome.succeeded(item)));
    }
}

#[test]
fn noise_is_on_the_surface_of_the_ball() {
    let model = Sphere::random(3, 1600, 1);
    for threat in NORMS {
        for distribution in ["uniform", "gaussian", "sign"] {
            let scene = scene(&model, threat);
            let outcome = scene.run::<Noise>(None, &[("distribution", Value::Choice(distribution))]);
            assert_silent(&outcome);
            let (distance, radius) = (outcome.distance(0), f64::from(threat.1));
            assert!((distance / radius - 1.0).abs() < 1e-4, "{threat:?} {distribution}: {distance}");
        }
    }
}

#[test]
fn noise_repeats_with_its_seed_and_differs_between_streams() {
    let model = Linear::random(3, 1600, 1);
    let base = scene(&model, NORMS[0]);
    let moved = Scene { streams: Some(vec![7, 0, 1]), ..scene(&model, NORMS[0]) };
    let swapped = Scene { streams: Some(vec![7, 0, 1]), audio: audio(), ..scene(&model, NORMS[0]) };
    let commit = |scene: &Scene| scene.run::<Noise>(None, &[]).commits[0].clone().unwrap();
    assert!(commit(&base) == commit(&base));
    assert!(commit(&base) != commit(&moved));
    assert!(commit(&moved) == commit(&swapped));
}

#[test]
fn comb_changes_its_teeth_and_nothing_else() {
    let model = Linear::random(3, 1600, 1);
    let scene = scene(&model, (Norm::Linf, 0.01));
    let outcome = scene.run::<Comb>(None, &[("phase", Value::I64(3))]);
    assert_silent(&outcome);
    let (clean, x) = (scene.clean(0), outcome.adversarial(0));
    let changed: Vec<usize> = (0..1600).filter(|i| x[*i] != clean[*i]).collect();
    let expected: Vec<usize> = (3..1600).filter(|i| (i - 3) % 16 < 2).collect();
    assert_eq!(changed, expected);
}

#[test]
fn comb_fills_each_ball() {
    let model = Linear::random(3, 1600, 1);
    for threat in NORMS {
        for preset in ["paper-default", "strong"] {
            let scene = scene(&model, threat);
            let outcome = scene.run::<Comb>(Some(preset), &[]);
            assert_silent(&outcome);
            let share = outcome.distance(0) / f64::from(threat.1);
            assert!(share > if threat.0 == Norm::L0 { 0.9 } else { 0.9999 }, "{threat:?} {preset}: {share}");
        }
    }
}

#[test]
fn more_teeth_than_period_is_a_clear_error() {
    let model = Linear::random(3, 1600, 1);
    let scene = scene(&model, NORMS[0]);
    let outcome = scene.run::<Comb>(None, &[("period", Value::I64(2)), ("teeth", Value::I64(3))]);
    let error = outcome.status.unwrap_err();
    assert_eq!(error.status(), Status::Argument);
    assert_eq!(error.to_string(), "3 teeth do not fit in a period of 2 samples");
}
