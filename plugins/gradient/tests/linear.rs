//! On linear victims the least radius is known: attacks succeed above it and nothing succeeds below.
#![allow(clippy::unwrap_used)]

mod common;

use common::{least_radius, radius_to, scene, second, utterance};
use seraph_gradient::{Apgd, Bim, Fgsm, MiFgsm, Pgd, PgdSparse, SnrFgsm};
use seraph_plugin::analytic::{Linear, Model, PiecewiseLinear, Sphere};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::Scene;

const CLASSES: [usize; 5] = [2, 3, 4, 7, 8];
/// For searches that go towards every class in turn.
const FEW_CLASSES: [usize; 2] = [2, 4];
const LENGTHS: [usize; 3] = [1, 1600, 16_000];

/// Runs `attack` at radii on both sides of the least for the runner-up, which is what a first-order method follows,
/// and below the least for any class, where nothing can succeed.
fn check_linear<A: Attack>(norm: Norm, preset: &str, classes: &[usize]) {
    for &k in classes {
        for n in if k == 4 { &LENGTHS[..] } else { &LENGTHS[..2] } {
            let n = *n;
            let model = Linear::random(k, n, 11 + k as u64);
            let x = utterance(n, 3);
            let reachable = radius_to(&model, &x, norm, second(&model, &x));
            let least = least_radius(&model, &x, norm);
            for (radius, expected) in [(1.02 * reachable, true), (0.98 * least, false)] {
                let scene = scene(&model, &x, norm, radius);
                let outcome = scene.run::<A>(Some(preset), &[]);
                assert_eq!(outcome.status, Ok(()));
                outcome.assert_valid();
                let what = format!("{} {preset} {norm:?} K {k} n {n} radius {radius}", A::INFO.id);
                assert_eq!(outcome.succeeded(0), expected, "{what}");
            }
        }
    }
}

#[test]
fn fgsm_succeeds_exactly_where_it_can() {
    for preset in ["paper-default", "strong"] {
        // Cross entropy weighs all classes: with 2 there is one way to go, with more the margin says which.
        if preset == "strong" {
            check_linear::<Fgsm>(Norm::Linf, preset, &CLASSES);
            check_linear::<Fgsm>(Norm::L2, preset, &CLASSES);
        }
        for n in LENGTHS {
            let (model, x) = (Linear::random(2, n, 5), utterance(n, 8));
            for (norm, factor) in
                [(Norm::Linf, 1.001), (Norm::Linf, 0.999), (Norm::L2, 1.001), (Norm::L2, 0.999)]
            {
                let scene = scene(&model, &x, norm, factor * least_radius(&model, &x, norm));
                let outcome = scene.run::<Fgsm>(Some(preset), &[]);
                assert_eq!(outcome.succeeded(0), factor > 1.0, "{preset} {norm:?} n {n} factor {factor}");
            }
        }
    }
}

#[test]
fn pgd_succeeds_exactly_where_it_can() {
    for norm in [Norm::Linf, Norm::L2] {
        check_linear::<Pgd>(norm, "strong", &CLASSES);
    }
    check_linear::<Pgd>(Norm::L1, "strong", &CLASSES);
}

#[test]
fn targeted_attacks_reach_their_target_where_they_can() {
    for norm in [Norm::Linf, Norm::L2] {
        for k in CLASSES {
            let (model, x) = (Linear::random(k, 1600, 21), utterance(1600, 4));
            let reference = Scene::new(&model, vec![x.clone()]).predict(&x);
            let target = (reference + 1) % k as i32;
            let least = radius_to(&model, &x, norm, target as usize);
            for loss in ["ce", "margin", "dlr"] {
                for (factor, expected) in [(if k == 2 { 1.02 } else { 3.0 }, true), (0.98, false)] {
                    let scene =
                        Scene { targets: Some(vec![target]), ..scene(&model, &x, norm, factor * least) };
                    let values = [("loss", Value::Choice(loss)), ("keep", Value::Choice("best"))];
                    let outcome = scene.run::<Pgd>(None, &values);
                    assert_eq!(outcome.status, Ok(()));
                    assert_eq!(outcome.succeeded(0), expected, "{norm:?} K {k} {loss} factor {factor}");
                }
            }
        }
    }
}

#[test]
fn pgd_finds_the_boundary_of_curved_and_kinked_victims() {
    for k in CLASSES {
        let x = utterance(1600, 6);
        let sphere = Sphere::random(k, 1600, 2);
        let kinked = PiecewiseLinear::random(k, 1600, 3, 2);
        // The boundary between two centres is the plane half-way: the distance to it is exact.
        let (y, other) = (Scene::new(&sphere, vec![x.clone()]).predict(&x) as usize, second(&sphere, &x));
        let mut z = vec![0.0; k];
        sphere.logits(&x, &mut z);
        let apart: f64 =
            sphere.centres[y].iter().zip(&sphere.centres[other]).map(|(a, b)| (a - b).powi(2)).sum();
        let radius = (z[y] - z[other]) / (2.0 * apart.sqrt());
        assert!(
            scene(&sphere, &x, Norm::L2, 1.05 * radius).run::<Pgd>(Some("strong"), &[]).succeeded(0),
            "K {k}"
        );
        // The piece that is active at x bounds the others from below, so its own least radius is enough.
        assert!(scene(&kinked, &x, Norm::Linf, 0.2).run::<Pgd>(Some("strong"), &[]).succeeded(0), "K {k}");
    }
}

#[test]
fn l0_changes_the_samples_that_gain_most() {
    let (model, x) = (Linear::random(2, 400, 3), utterance(400, 9));
    let y = Scene::new(&model, vec![x.clone()]).predict(&x) as usize;
    let w = model.direction(y, 1 - y);
    let mut z = [0.0; 2];
    model.logits(&x, &mut z);
    let mut gains: Vec<f64> =
        w.iter().zip(&x).map(|(w, x)| (w * (w.signum() - f64::from(*x))).max(0.0)).collect();
    gains.sort_by(|a, b| b.total_cmp(a));
    let mut margin = z[y] - z[1 - y];
    let fewest = 1 + gains
        .iter()
        .position(|gain| {
            margin -= gain;
            margin < 0.0
        })
        .unwrap();
    let at = |count: usize| Scene {
        norm: Norm::L0,
        radius: vec![count as f32],
        ..Scene::new(&model, vec![x.clone()])
    };
    assert!(!at(fewest - 1).run::<Pgd>(Some("strong"), &[]).succeeded(0));
    let generous = at((fewest + 1) * 5 / 4 + 1);
    let outcome = generous.run::<Pgd>(Some("strong"), &[]);
    outcome.assert_valid();
    assert!(outcome.succeeded(0), "fewest {fewest}");
}

#[test]
fn iterated_methods_succeed_exactly_where_they_can() {
    for norm in [Norm::Linf, Norm::L2] {
        check_linear::<Bim>(norm, "strong", &CLASSES);
        check_linear::<MiFgsm>(norm, "strong", &CLASSES);
        check_linear::<Apgd>(norm, "strong", &FEW_CLASSES);
        check_linear::<Apgd>(norm, "targeted", &FEW_CLASSES);
    }
}

#[test]
fn apgd_with_every_target_finds_the_nearest_class_whichever_it_is() {
    for norm in [Norm::Linf, Norm::L2] {
        for seed in 0..6 {
            let (model, x) = (Linear::random(5, 200, seed), utterance(200, 70 + seed));
            let least = least_radius(&model, &x, norm);
            for (factor, expected) in [(1.05, true), (0.98, false)] {
                let scene = scene(&model, &x, norm, factor * least);
                let outcome = scene.run::<Apgd>(Some("targeted"), &[]);
                assert_eq!(outcome.succeeded(0), expected, "{norm:?} seed {seed} factor {factor}");
            }
        }
    }
}

#[test]
fn snr_fgsm_adds_equal_steps_of_the_allowed_energy() {
    let (model, x) = (Linear::random(2, 1600, 5), utterance(1600, 8));
    let y = Scene::new(&model, vec![x.clone()]).predict(&x) as usize;
    // Equal steps along the sign move the margin by radius / sqrt(n) times |w|_1.
    let w = model.direction(y, 1 - y);
    let least = radius_to(&model, &x, Norm::Linf, 1 - y) * (x.len() as f64).sqrt();
    assert!(w.iter().all(|w| *w != 0.0));
    for factor in [1.001, 0.999] {
        let scene = scene(&model, &x, Norm::L2, factor * least);
        let outcome = scene.run::<SnrFgsm>(None, &[]);
        outcome.assert_valid();
        assert_eq!(outcome.succeeded(0), factor > 1.0);
        assert!((outcome.distance(0) / (factor * least) - 1.0).abs() < 1e-5);
    }
}

#[test]
fn pgd_sparse_changes_its_share_of_the_samples_that_matter_most() {
    let (model, x) = (Linear::random(2, 1000, 3), utterance(1000, 9));
    let y = Scene::new(&model, vec![x.clone()]).predict(&x) as usize;
    let w = model.direction(y, 1 - y);
    let mut sizes: Vec<f64> = w.iter().map(|w| w.abs()).collect();
    sizes.sort_by(|a, b| b.total_cmp(a));
    let scene = scene(&model, &x, Norm::Linf, 0.01);
    let changed = |positions: &'static str| -> Vec<usize> {
        let values = [("density", Value::F64(0.05)), ("positions", Value::Choice(positions))];
        let found = scene.run::<PgdSparse>(None, &values).adversarial(0);
        (0..1000).filter(|i| found[*i] != x[*i]).collect()
    };
    let (by_gradient, random) = (changed("gradient"), changed("random"));
    assert_eq!((by_gradient.len(), random.len()), (50, 50));
    assert!(by_gradient.iter().all(|i| w[*i].abs() >= sizes[50]));
    assert!(random != by_gradient);
}
