//! Where nobody knows the smallest success, no attack is far behind the best of its norm.
#![allow(clippy::unwrap_used)]

mod common;

use common::utterance;
use seraph_minimum_norm::{Cw, Ddn, DeepFool, Fab, Fmn, Jsma, SigmaZero, SparseFool};
use seraph_plugin::analytic::Model;
use seraph_plugin::prelude::*;
use seraph_plugin::testing::Scene;

const SAMPLES: usize = 200;
const HIDDEN: usize = 24;
const CLASSES: usize = 4;

/// z = B tanh(A x): curved boundaries, vanishing gradients.
struct Network {
    a: Vec<Vec<f64>>,
    b: Vec<Vec<f64>>,
}

impl Network {
    fn random(seed: u64) -> Network {
        let mut rng = Rng::new(&[0x4e; 32], seed);
        let mut matrix = |rows: usize, columns: usize, scale: f32| {
            let row = |_| (0..columns).map(|_| f64::from(scale * rng.normal())).collect();
            (0..rows).map(row).collect::<Vec<Vec<f64>>>()
        };
        let a = matrix(HIDDEN, SAMPLES, 3.0 / (SAMPLES as f32).sqrt());
        Network { a, b: matrix(CLASSES, HIDDEN, 1.0) }
    }

    fn hidden(&self, x: &[f32]) -> Vec<f64> {
        let sum = |row: &Vec<f64>| row.iter().zip(x).map(|(a, x)| a * f64::from(*x)).sum::<f64>();
        self.a.iter().map(|row| sum(row).tanh()).collect()
    }
}

impl Model for Network {
    fn n_classes(&self) -> usize {
        CLASSES
    }
    fn logits(&self, x: &[f32], z: &mut [f64]) {
        let hidden = self.hidden(x);
        for (z, row) in z.iter_mut().zip(&self.b) {
            *z = row.iter().zip(&hidden).map(|(b, h)| b * h).sum();
        }
    }
    fn add_vjp(&self, x: &[f32], v: &[f64], gradient: &mut [f64]) {
        for (j, h) in self.hidden(x).iter().enumerate() {
            let back = (0..CLASSES).map(|k| v[k] * self.b[k][j]).sum::<f64>() * (1.0 - h * h);
            gradient.iter_mut().zip(&self.a[j]).for_each(|(g, a)| *g += back * a);
        }
    }
}

/// Sizes of the successes on 6 utterances of 3 networks.
fn sizes<A: Attack>(norm: Norm, preset: &str) -> Vec<f64> {
    let of_network = |seed: u64| {
        let network = Network::random(seed);
        let audio: Vec<Vec<f32>> = (0..6).map(|i| utterance(SAMPLES, 300 + i)).collect();
        let scene = Scene { norm, radius: vec![1000.0], max_rows: 64, ..Scene::new(&network, audio) };
        let outcome = scene.run::<A>(Some(preset), &[]);
        assert_eq!(outcome.status, Ok(()));
        outcome.assert_valid();
        (0..6)
            .map(|item| if outcome.succeeded(item) { outcome.distance(item) } else { f64::INFINITY })
            .collect::<Vec<f64>>()
    };
    (0..3).flat_map(of_network).collect()
}

type Entry = (&'static str, Vec<f64>);

fn entry<A: Attack>(norm: Norm, preset: &str) -> Entry {
    (A::INFO.id, sizes::<A>(norm, preset))
}

/// Each attack's median ratio to the best of all is at most what is allowed.
fn check(norm: Norm, entries: &[Entry], allowed: f64) {
    let n = entries[0].1.len();
    let best: Vec<f64> =
        (0..n).map(|i| entries.iter().map(|entry| entry.1[i]).fold(f64::INFINITY, f64::min)).collect();
    for (id, sizes) in entries {
        let mut ratios: Vec<f64> = sizes.iter().zip(&best).map(|(size, best)| size / best).collect();
        ratios.sort_by(f64::total_cmp);
        assert!(ratios[n / 2] <= allowed, "{norm:?} {id}: {ratios:?}");
    }
}

#[test]
fn l2_attacks_agree() {
    let norm = Norm::L2;
    let entries = [
        entry::<DeepFool>(norm, "strong"),
        entry::<Cw>(norm, "strong"),
        entry::<Ddn>(norm, "strong"),
        entry::<Fmn>(norm, "strong"),
        entry::<Fab>(norm, "strong"),
    ];
    check(norm, &entries, 1.1);
}

#[test]
fn linf_attacks_agree() {
    let norm = Norm::Linf;
    let entries = [
        entry::<DeepFool>(norm, "strong"),
        entry::<Cw>(norm, "strong"),
        entry::<Fmn>(norm, "strong"),
        entry::<Fab>(norm, "strong"),
    ];
    check(norm, &entries, 1.1);
}

#[test]
fn l1_attacks_agree() {
    check(Norm::L1, &[entry::<Fmn>(Norm::L1, "strong"), entry::<Fab>(Norm::L1, "strong")], 1.1);
}

#[test]
fn l0_attacks_agree() {
    let norm = Norm::L0;
    let entries = [
        entry::<Fmn>(norm, "strong"),
        entry::<Jsma>(norm, "strong"),
        entry::<SparseFool>(norm, "strong"),
        entry::<SigmaZero>(norm, "strong"),
    ];
    check(norm, &entries, 1.25);
}
