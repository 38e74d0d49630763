//! Against SciPy, scikit-learn, statsmodels and lifelines: `fixtures/reference.py` wrote what they say.
#![allow(clippy::unwrap_used)]

use seraph_core::Seed;
use seraph_metrics::bootstrap::Bootstrap;
use seraph_metrics::{estimators, paired, quantile, queries, uar, wilson};
use serde_json::Value;

fn reference(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("fixtures/reference.json")).unwrap();
    all[name].clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn cases(name: &str) -> Vec<Value> {
    reference(name).as_array().unwrap().clone()
}

fn assert_near(found: f64, expected: f64, tolerance: f64, what: &Value) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected}: {what}");
}

#[test]
fn wilson_is_that_of_statsmodels() {
    for case in cases("wilson") {
        let (low, high) = wilson::wilson(number(&case["k"]), number(&case["n"])).unwrap();
        assert_near(low, number(&case["low"]), 1e-12, &case);
        assert_near(high, number(&case["high"]), 1e-12, &case);
    }
    assert_eq!(wilson::wilson(0.0, 0.0), None);
}

#[test]
fn wilson_of_one_class_is_wilsons() {
    for (successes, n) in [(0.0, 7.0), (3.0, 8.0), (12.0, 12.0)] {
        let (low, high) = wilson::wilson(successes, n).unwrap();
        let (mean_low, mean_high) = wilson::wilson_of_mean(&[(successes, n)]).unwrap();
        assert!((mean_low - low).abs() < 1e-15 && (mean_high - high).abs() < 1e-15);
        assert_eq!(wilson::wilson_of_least(&[(successes, n)]), Some((low, high)));
    }
    for empty in [&[][..], &[(1.0, 2.0), (0.0, 0.0)]] {
        assert_eq!((wilson::wilson_of_mean(empty), wilson::wilson_of_least(empty)), (None, None));
    }
}

#[test]
fn uar_is_balanced_accuracy_of_scikit_learn() {
    for case in cases("uar") {
        let classes = case["classes"].as_u64().unwrap() as usize;
        let mut recalls = vec![(0.0, 0.0); classes];
        let mut predicted = vec![0.0; classes];
        for (y, p) in numbers(&case["labels"]).into_iter().zip(numbers(&case["predictions"])) {
            recalls[y as usize].1 += 1.0;
            recalls[y as usize].0 += f64::from(u8::from(y == p));
            predicted[p as usize] += 1.0;
        }
        assert_near(uar::uar(&recalls).unwrap(), number(&case["uar"]), 1e-12, &case);
        assert_near(estimators::entropy(&predicted).unwrap(), number(&case["entropy"]), 1e-12, &case);
    }
}

#[test]
fn mcnemar_is_that_of_statsmodels() {
    for case in cases("mcnemar") {
        let p = paired::mcnemar_exact(case["b"].as_u64().unwrap(), case["c"].as_u64().unwrap());
        assert_near(p, number(&case["p"]), 1e-10 * number(&case["p"]).max(1e-3), &case);
    }
}

#[test]
fn wilcoxon_is_that_of_scipy() {
    for case in cases("wilcoxon") {
        let pairs: Vec<_> = numbers(&case["a"]).into_iter().zip(numbers(&case["b"])).collect();
        assert_near(paired::wilcoxon_greater(&pairs).unwrap(), number(&case["p"]), 1e-12, &case);
    }
    assert_eq!(paired::wilcoxon_greater(&[(f64::INFINITY, f64::INFINITY), (1.0, 1.0)]), None);
}

#[test]
fn an_unbroken_item_is_further_than_any_broken_one() {
    let held = [(f64::INFINITY, 0.1), (f64::INFINITY, 0.2), (0.3, 0.1), (0.5, 0.1), (0.2, 0.1)];
    assert!(paired::wilcoxon_greater(&held).unwrap() < 0.05);
}

#[test]
fn the_normal_tail_is_that_of_scipy() {
    for case in cases("normal") {
        let expected = number(&case["p"]);
        assert_near(
            paired::normal_upper_tail(number(&case["z"])),
            expected,
            1e-9 * expected.max(1e-6),
            &case,
        );
    }
}

#[test]
fn holm_is_that_of_statsmodels() {
    let case = reference("holm");
    for (found, expected) in paired::holm(&numbers(&case["p"])).into_iter().zip(numbers(&case["adjusted"])) {
        assert_near(found, expected, 1e-12, &case);
    }
}

#[test]
fn kaplan_meier_is_that_of_lifelines() {
    for case in cases("kaplan_meier") {
        let events = case["e"].as_array().unwrap().iter().map(|e| e.as_bool().unwrap());
        let times = numbers(&case["t"]).into_iter().map(|t| t as u64);
        let observations: Vec<_> = times.zip(events).collect();
        assert_eq!(queries::kaplan_meier_median(&observations), case["median"].as_u64());
        let steps = queries::survival(&observations);
        assert_eq!(steps.len(), case["steps"].as_array().unwrap().len());
        for ((time, share), expected) in steps.into_iter().zip(case["steps"].as_array().unwrap()) {
            assert_eq!(time, expected[0].as_u64().unwrap());
            assert_near(share, number(&expected[1]), 1e-12, expected);
        }
    }
}

#[test]
fn quantiles_are_those_of_numpy() {
    let case = reference("quantile");
    let x = numbers(&case["x"]);
    for pair in case["q"].as_array().unwrap() {
        assert_near(quantile::quantile(&x, number(&pair[0])).unwrap(), number(&pair[1]), 1e-12, pair);
    }
}

#[test]
fn the_cluster_bootstrap_is_numpys_up_to_chance() {
    let case = reference("bootstrap");
    let (n, k) = (numbers(&case["n"]), numbers(&case["k"]));
    let weigh = |v: &[f64], drawn: &[u32]| v.iter().zip(drawn).map(|(v, &m)| v * f64::from(m)).sum::<f64>();
    let bootstrap = Bootstrap { resamples: 10_000, seed: Seed::derive("test", &[]) };
    let estimates = bootstrap.run(n.len(), |drawn| weigh(&k, drawn) / weigh(&n, drawn));
    let (low, high) = quantile::percentile_interval(estimates).unwrap();
    // Of 10,000 resamples, the 2.5 % quantile has a standard error of 0.0016 / density: about 0.002 here.
    assert_near(low, number(&case["low"]), 0.006, &case["low"]);
    assert_near(high, number(&case["high"]), 0.006, &case["high"]);
}
