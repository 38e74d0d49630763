//! What an attack asks is what its parameters say, item by item, and nothing is asked in vain.
#![allow(clippy::unwrap_used)]

mod common;

use common::{batch, least_radius, scene, utterance};
use seraph_gradient::{Apgd, Bim, Fgsm, MiFgsm, Pgd, SnrFgsm};
use seraph_plugin::analytic::{Linear, PiecewiseLinear};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::Outcome;

/// Forward and gradient queries that every item used, if they all used the same.
fn used(outcome: &Outcome) -> (u64, u64) {
    assert_eq!(outcome.status, Ok(()));
    let each: Vec<(u64, u64)> =
        outcome.budgets.iter().map(|used| (used.forward_used, used.gradient_used)).collect();
    assert!(each.windows(2).all(|pair| pair[0] == pair[1]), "{each:?}");
    each[0]
}

#[test]
fn each_step_is_one_gradient_and_the_last_iterate_at_most_one_forward() {
    let model = PiecewiseLinear::random(4, 400, 2, 7);
    let linf = batch(&model, Norm::Linf, 1e-6);
    let l2 = batch(&model, Norm::L2, 1e-6);
    let best = [("keep", Value::Choice("best"))];
    assert_eq!(used(&linf.run::<Fgsm>(None, &[])), (1, 1));
    assert_eq!(used(&l2.run::<SnrFgsm>(None, &[])), (1, 1));
    assert_eq!(used(&linf.run::<Bim>(None, &[])), (10, 10));
    assert_eq!(used(&linf.run::<MiFgsm>(None, &best)), (11, 10));
    assert_eq!(used(&linf.run::<Pgd>(None, &[])), (20, 20));
    assert_eq!(used(&linf.run::<Pgd>(None, &best)), (21, 20));
    assert_eq!(used(&linf.run::<Pgd>(Some("strong"), &[])), (505, 500));
    assert_eq!(used(&linf.run::<Apgd>(None, &[])), (101, 100));
    // Three other classes, and one look at the clean audio to rank them.
    assert_eq!(used(&linf.run::<Apgd>(Some("targeted"), &[])), (304, 300));
}

#[test]
fn a_broken_item_is_left_alone_and_an_early_stop_stops_it_there() {
    let (model, x) = (Linear::random(3, 200, 4), utterance(200, 5));
    let radius = 3.0 * least_radius(&model, &x, Norm::Linf);
    let scene = scene(&model, &x, Norm::Linf, radius);
    let restarts = [("restarts", Value::I64(7)), ("loss", Value::Choice("margin"))];
    let outcome = scene.run::<Pgd>(None, &restarts);
    assert!(outcome.succeeded(0));
    assert_eq!(used(&outcome), (21, 20), "the second restart ran on a broken item");
    let stopping = [("early_stop", Value::Bool(true)), ("loss", Value::Choice("margin"))];
    let outcome = scene.run::<Pgd>(None, &stopping);
    assert!(outcome.succeeded(0) && outcome.budgets[0].gradient_used < 10, "{:?}", outcome.budgets[0]);
    let confident = [stopping[0], stopping[1], ("confidence", Value::F64(1e6))];
    assert_eq!(scene.run::<Pgd>(None, &confident).budgets[0].gradient_used, 20);
}

#[test]
fn every_gradient_of_a_budget_is_used() {
    let model = PiecewiseLinear::random(4, 400, 2, 7);
    for (budget, expected) in [((20, 20), (20, 20)), ((9, 20), (9, 9)), ((20, 6), (6, 6))] {
        let scene = seraph_plugin::testing::Scene { budget, ..batch(&model, Norm::Linf, 1e-6) };
        assert_eq!(used(&scene.run::<Pgd>(None, &[])), expected, "{budget:?}");
        assert_eq!(used(&scene.run::<Apgd>(None, &[])), expected, "{budget:?}");
    }
}
