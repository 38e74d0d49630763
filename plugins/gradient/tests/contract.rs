//! What every attack here owes its host, whatever its algorithm: one table of attacks, one check each.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, batch, radius_to, scene, utterance};
use seraph_gradient::{Apgd, Bim, Fgsm, MiFgsm, Pgd, PgdSparse, SnrFgsm};
use seraph_plugin::analytic::{Linear, Model, PiecewiseLinear};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::{Outcome, Scene};

/// An attack with a preset and a threat.
struct Case {
    id: &'static str,
    preset: &'static str,
    norm: Norm,
    radius: f32,
    run: for<'s> fn(&'s Scene<'s>, &str) -> Outcome<'s>,
}

fn run<'s, A: Attack>(scene: &'s Scene<'s>, preset: &str) -> Outcome<'s> {
    scene.run::<A>(Some(preset), &[])
}

fn cases_of<A: Attack>() -> Vec<Case> {
    let threats = [(Norm::Linf, 0.004), (Norm::L2, 0.05), (Norm::L1, 0.5), (Norm::L0, 9.0)];
    let mut cases = Vec::new();
    for preset in A::INFO.presets {
        for (norm, radius) in threats {
            if A::INFO.norms.0 & norm.bit() != 0 {
                cases.push(Case { id: A::INFO.id, preset: preset.name, norm, radius, run: run::<A> });
            }
        }
    }
    cases
}

fn cases() -> Vec<Case> {
    let attacks = [
        cases_of::<Fgsm>(),
        cases_of::<SnrFgsm>(),
        cases_of::<Bim>(),
        cases_of::<MiFgsm>(),
        cases_of::<Pgd>(),
        cases_of::<PgdSparse>(),
        cases_of::<Apgd>(),
    ];
    attacks.into_iter().flatten().collect()
}

fn model() -> PiecewiseLinear {
    PiecewiseLinear::random(4, 400, 2, 7)
}

fn name(case: &Case) -> String {
    format!("{} {} {:?}", case.id, case.preset, case.norm)
}

#[test]
fn every_attack_has_both_presets_and_an_id_of_its_own() {
    let mut ids: Vec<&str> = cases().iter().map(|case| case.id).collect();
    ids.dedup();
    for id in &ids {
        for preset in ["paper-default", "strong"] {
            assert!(cases().iter().any(|case| case.id == *id && case.preset == preset), "{id} {preset}");
        }
    }
    let n = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), n);
}

#[test]
fn every_item_gets_a_valid_commit() {
    let model = model();
    for case in cases() {
        let scene = batch(&model, case.norm, case.radius);
        let outcome = (case.run)(&scene, case.preset);
        assert_eq!(outcome.status, Ok(()), "{}", name(&case));
        outcome.assert_valid();
        if case.norm == Norm::Linf {
            // Better than the host's 2 ulp: the change is within the radius in float64.
            let exact = (0..6).all(|item| outcome.distance(item) <= f64::from(case.radius));
            assert!(exact, "{}", name(&case));
        }
    }
}

#[test]
fn the_box_binds_too() {
    let model = model();
    for case in cases() {
        let scene = Scene {
            clip: (-0.1, 0.2),
            audio: vec![vec![0.2, -0.1, 0.0, 0.19999]],
            ..batch(&model, case.norm, case.radius)
        };
        let scene = Scene { streams: None, ..scene };
        (case.run)(&scene, case.preset).assert_valid();
    }
}

#[test]
fn two_runs_are_the_same_and_another_seed_is_another_start() {
    let model = model();
    for case in cases() {
        let scene = batch(&model, case.norm, case.radius);
        let first = (case.run)(&scene, case.preset).commits;
        assert!(first == (case.run)(&scene, case.preset).commits, "{}", name(&case));
    }
    let pgd = |seed: u8| {
        let scene = Scene { seed: [seed; 32], ..batch(&model, Norm::Linf, 0.004) };
        scene.run::<Pgd>(None, &[("steps", Value::I64(1)), ("rel_step", Value::F64(0.01))]).commits
    };
    assert!(pgd(1) != pgd(2));
}

#[test]
fn an_item_does_not_depend_on_its_batch() {
    let model = model();
    for case in cases() {
        let together = batch(&model, case.norm, case.radius);
        let outcome = (case.run)(&together, case.preset);
        let apart = Scene { max_rows: 1, ..batch(&model, case.norm, case.radius) };
        assert!(outcome.commits == (case.run)(&apart, case.preset).commits, "{} max_rows", name(&case));
        for item in 0..6 {
            let single = alone(&together, item);
            let length = single.audio[0].len();
            let commit = (case.run)(&single, case.preset).commits[0].clone().unwrap();
            assert!(outcome.adversarial(item)[..length] == commit, "{} item {item}", name(&case));
        }
    }
}

#[test]
fn a_spent_budget_ends_in_what_was_found_so_far() {
    let model = model();
    for case in cases() {
        for budget in [(1, 1), (3, 2), (7, 7)] {
            let scene = Scene { budget, ..batch(&model, case.norm, case.radius) };
            let outcome = (case.run)(&scene, case.preset);
            assert_eq!(outcome.status, Ok(()), "{} {budget:?}", name(&case));
            outcome.assert_valid();
            assert!(outcome.budgets.iter().all(|used| used.forward_used <= budget.0));
        }
        let scene = Scene { budget: (0, 0), ..batch(&model, case.norm, case.radius) };
        let outcome = (case.run)(&scene, case.preset);
        assert!(outcome.budgets.iter().all(|used| used.forward_used == 0), "{}", name(&case));
    }
}

#[test]
fn without_gradients_it_says_so() {
    let model = model();
    for case in cases() {
        let scene = Scene { access: Access::LOGITS, ..batch(&model, case.norm, case.radius) };
        let error = (case.run)(&scene, case.preset).status.unwrap_err();
        assert_eq!(error.status(), Status::Denied);
        assert_eq!(error.to_string(), "the threat model does not grant gradients");
    }
}

#[test]
fn cancelled_work_keeps_its_commits() {
    let model = model();
    let scene = Scene { cancel_after: 3, ..batch(&model, Norm::Linf, 0.004) };
    let outcome = scene.run::<Pgd>(None, &[]);
    assert_eq!(outcome.status.as_ref().unwrap_err().status(), Status::Cancelled);
    outcome.assert_valid();
}

#[test]
fn more_radius_never_means_less_success() {
    let model = model();
    for case in cases().into_iter().filter(|case| case.preset == "strong" && case.norm != Norm::L0) {
        let broken = |factor: f32| {
            let scene = batch(&model, case.norm, case.radius * factor);
            let outcome = (case.run)(&scene, case.preset);
            (0..6).map(|item| outcome.succeeded(item)).collect::<Vec<bool>>()
        };
        let curve: Vec<Vec<bool>> = [0.1, 1.0, 4.0, 16.0].map(broken).to_vec();
        for (smaller, larger) in curve.iter().zip(&curve[1..]) {
            assert!(smaller.iter().zip(larger).all(|(s, l)| !s || *l), "{} {curve:?}", name(&case));
        }
    }
}

#[test]
fn a_target_within_reach_is_reached_and_one_beyond_is_not() {
    let (model, x) = (Linear::random(3, 400, 21), utterance(400, 4));
    let reference = Scene::new(&model, vec![x.clone()]).predict(&x);
    for case in cases().into_iter().filter(|case| matches!(case.norm, Norm::Linf | Norm::L2)) {
        for target in (0..3).filter(|class| *class != reference) {
            let least = radius_to(&model, &x, case.norm, target as usize);
            for (factor, expected) in [(8.0, true), (0.98, false)] {
                let scene =
                    Scene { targets: Some(vec![target]), ..scene(&model, &x, case.norm, factor * least) };
                let outcome = (case.run)(&scene, case.preset);
                assert_eq!(outcome.status, Ok(()), "{}", name(&case));
                assert_eq!(outcome.succeeded(0), expected, "{} target {target} x {factor}", name(&case));
            }
        }
    }
}

/// A model whose logits are those of another, shifted, scaled and permuted.
struct Disguised<'m> {
    model: &'m Linear,
    shift: f64,
    scale: f64,
    order: Vec<usize>,
}

impl Model for Disguised<'_> {
    fn n_classes(&self) -> usize {
        self.order.len()
    }
    fn logits(&self, x: &[f32], z: &mut [f64]) {
        let mut plain = vec![0.0; z.len()];
        self.model.logits(x, &mut plain);
        z.iter_mut().zip(&self.order).for_each(|(z, k)| *z = self.scale * plain[*k] + self.shift);
    }
    fn add_vjp(&self, x: &[f32], v: &[f64], gradient: &mut [f64]) {
        let mut plain = vec![0.0; v.len()];
        v.iter().zip(&self.order).for_each(|(v, k)| plain[*k] = self.scale * v);
        self.model.add_vjp(x, &plain, gradient);
    }
}

#[test]
fn shift_scale_and_order_of_the_logits_do_not_matter_to_a_margin() {
    let model = Linear::random(4, 400, 12);
    let plain = Disguised { model: &model, shift: 0.0, scale: 1.0, order: vec![0, 1, 2, 3] };
    let shifted = Disguised { model: &model, shift: -20.0, scale: 1.0, order: vec![0, 1, 2, 3] };
    let scaled = Disguised { model: &model, shift: 0.0, scale: 64.0, order: vec![0, 1, 2, 3] };
    let permuted = Disguised { model: &model, shift: 0.0, scale: 1.0, order: vec![2, 0, 3, 1] };
    let values = [("loss", Value::Choice("margin")), ("keep", Value::Choice("best"))];
    let commits = |model: &dyn Model| batch(model, Norm::Linf, 0.004).run::<Pgd>(None, &values).commits;
    let expected = commits(&plain);
    for disguised in [&shifted, &scaled, &permuted] {
        assert!(expected == commits(disguised));
    }
}
