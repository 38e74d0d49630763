//! Curves, optimality and the worst case, on cases whose answers are exact.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use seraph_core::Seed;
use seraph_metrics::bootstrap::Bootstrap;
use seraph_metrics::curve::{eps50, global_optimality, normalised_area, optimality, robust_accuracy_at};
use seraph_metrics::paired::paired_difference;
use seraph_metrics::worst_case::{WorstCaseError, best_distances, worst_case};

const INF: f64 = f64::INFINITY;

#[test]
fn the_security_curve_is_a_step_function() {
    let distances = [0.0, 0.1, 0.2, INF];
    for (eps, expected) in [(0.0, 0.75), (0.0999, 0.75), (0.1, 0.5), (0.2, 0.25), (1e9, 0.25)] {
        assert_eq!(robust_accuracy_at(&distances, eps), Some(expected));
    }
    assert_eq!(normalised_area(&distances, 0.4), Some((0.0 + 0.25 + 0.5 + 1.0) / 4.0));
    assert_eq!(
        (robust_accuracy_at(&[], 0.1), normalised_area(&[], 0.1), normalised_area(&[0.1], 0.0)),
        (None, None, None)
    );
    assert_eq!(eps50(&[0.1, 0.2, INF]), Some(0.2));
    assert_eq!(eps50(&[0.1, INF, INF]), Some(INF));
    assert_eq!(eps50(&[0.1, INF]), Some(INF));
}

#[test]
fn total_failure_has_optimality_zero_and_the_envelope_itself_one() {
    let envelope = [0.0, 0.1, 0.2, 0.3];
    let of = |distances: &[f64]| optimality(distances, &envelope, 1.0).unwrap().value;
    assert_eq!(of(&[0.0, INF, INF, INF]), 0.0);
    assert!((of(&envelope) - 1.0).abs() < 1e-12);
    // A M = 0.225, envelope area 0.15: room 0.075. Twice the distance on the first item gives 0.05 of it.
    assert!((of(&[0.0, 0.2, 0.2, 0.3]) - 0.05 / 0.075).abs() < 1e-12);
    assert!(
        optimality(&[0.0, 0.05, 0.2, 0.3], &envelope, 1.0).unwrap().value > 1.0,
        "the envelope must be renewed"
    );
}

#[test]
fn what_nothing_breaks_is_capped_at_the_declared_maximum() {
    let found = optimality(&[0.1, INF, INF], &[0.1, 0.2, INF], 0.5).unwrap();
    assert_eq!((found.eps_max, found.unbroken_by_all), (0.5, 1));
    assert!((found.value - 0.4 / 0.7).abs() < 1e-12);
    assert_eq!(optimality(&[0.0, 0.0], &[0.0, 0.0], 1.0), None);
    assert_eq!(optimality(&[INF], &[INF], 1.0), None);
    assert_eq!(optimality(&[], &[], 1.0), None);
    assert_eq!(global_optimality(&[0.25, 0.75]), Some((0.5, 0.25, 0.75)));
    assert_eq!(global_optimality(&[]), None);
}

#[test]
fn the_worst_case_is_per_item() {
    // Two attacks, each breaking what the other does not.
    let worst = worst_case(&["wssrr", "wrrss"]).unwrap().unwrap();
    assert_eq!(worst.fates, "wssss");
    assert_eq!((worst.robust_accuracy, worst.asr), (0.0, Some(1.0)));
    assert_eq!(worst.marginal, [2.0 / 5.0, 2.0 / 5.0]);
    let subset = worst_case(&["wssr", "wsrr"]).unwrap().unwrap();
    assert_eq!((subset.marginal, subset.robust_accuracy), (vec![0.25, 0.0], 0.25));
    assert_eq!(worst_case(&["rfi", "fff"]).unwrap().unwrap().fates, "rfi");
    assert_eq!(worst_case(&["tsr"]).unwrap().unwrap().robust_accuracy, 0.5);
    assert_eq!(worst_case(&[]).unwrap(), None);
    assert_eq!(
        worst_case(&["ws", "wsr"]).unwrap_err(),
        WorstCaseError::Length { attack: 1, expected: 2, found: 3 }
    );
    assert_eq!(worst_case(&["ws", "ss"]).unwrap_err(), WorstCaseError::Clean { item: 0 });
    assert_eq!(best_distances(&[&[0.1, INF], &[0.2, 0.3]]), [0.1, 0.3]);
}

#[test]
fn a_difference_that_all_clusters_share_is_certain() {
    let bootstrap = Bootstrap { resamples: 500, seed: Seed::derive("test", &[]) };
    let items = [("s1", 1.0, 0.5), ("s1", 0.5, 0.0), ("s2", 0.75, 0.25)];
    assert_eq!(paired_difference(&items, &bootstrap), Some((0.5, (0.5, 0.5))));
    let (difference, (low, high)) =
        paired_difference(&[("s1", 1.0, 0.0), ("s2", 0.0, 0.5)], &bootstrap).unwrap();
    assert_eq!((difference, low, high), (0.25, -0.5, 1.0));
    assert_eq!(paired_difference(&[], &bootstrap), None);
}

#[test]
fn resamples_depend_on_the_seed_alone() {
    let run = |purpose| Bootstrap { resamples: 50, seed: Seed::derive(purpose, &[]) }.run(9, <[u32]>::to_vec);
    assert_eq!(run("one"), run("one"));
    assert_ne!(run("one"), run("two"));
    let distinct: std::collections::BTreeSet<_> = run("one").into_iter().collect();
    assert!(distinct.len() > 45, "draws are independent");
    assert!(distinct.iter().all(|counts| counts.iter().sum::<u32>() == 9));
}

proptest! {
    #[test]
    fn optimality_against_an_envelope_with_the_attack_in_it_lies_between_0_and_1(
        pairs in prop::collection::vec((0.0f64..1.0, prop::option::of(0.0f64..1.0)), 1..30)
    ) {
        let distances: Vec<f64> = pairs.iter().map(|p| p.1.unwrap_or(INF)).collect();
        let other: Vec<f64> = pairs.iter().map(|p| p.0).collect();
        if let Some(found) = optimality(&distances, &best_distances(&[&distances, &other]), 1.0) {
            prop_assert!((-1e-9..=1.0 + 1e-9).contains(&found.value), "{found:?}");
        }
    }
}
