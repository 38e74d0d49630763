//! A cell of six items, worked out by hand, and what every cell must obey.
#![allow(clippy::unwrap_used)]

mod sample;

use proptest::prelude::*;
use sample::{item, journal};
use seraph_core::journal::{ItemStatus, Journal, JournalItem};
use seraph_core::record::{Record, Status};
use seraph_core::{Access, Number};
use seraph_metrics::{AggregateError, aggregate, flags, metrics};
use std::collections::BTreeSet;

fn six_items() -> Vec<JournalItem> {
    let mut items = vec![
        item(0, "s1", "a", "a", Some("b")),
        item(1, "s1", "a", "a", Some("a")),
        item(2, "s1", "b", "a", None),
        item(3, "s2", "b", "b", Some("a")),
        item(4, "s2", "b", "b", Some("a")),
        item(5, "s2", "a", "a", None),
    ];
    items[0].success_forward_queries = Some(3);
    items[3].pcm16.as_mut().unwrap().success = false;
    items[3].pcm16.as_mut().unwrap().adv_pred = Some("b".into());
    items[4].status = ItemStatus::Invalid;
    items[5].status = ItemStatus::Failed;
    items[5].forward_queries = 5;
    items
}

fn record(items: Vec<JournalItem>) -> Record {
    aggregate(&journal(items)).unwrap()
}

fn flag_names(record: &Record) -> BTreeSet<&str> {
    record.flags.iter().map(|f| f.name.as_str()).collect()
}

#[test]
fn six_items_by_hand() {
    let record = record(six_items());
    let n = record.n;
    assert_eq!((n.total, n.clean_correct, n.attacked, n.succeeded, n.invalid, n.failed), (6, 5, 5, 2, 1, 1));
    assert_eq!(record.outcomes.fates, "srwsif");
    assert_eq!(record.outcomes.queries, [Some(3), None, None, Some(20), None, None]);
    let third: f64 = 1.0 / 3.0;
    for (name, expected) in [
        ("clean_accuracy", 5.0 / 6.0),
        ("clean_uar", (1.0 + 2.0 / 3.0) / 2.0),
        ("robust_accuracy", 0.5),
        ("robust_uar", (2.0 / 3.0 + 1.0 / 3.0) / 2.0),
        ("worst_class_recall", third),
        ("asr", 2.0 / 5.0),
        ("asr_all", 0.5),
        ("flip_rate", 2.0 / 5.0),
        ("acc_drop", third),
        ("uar_drop", third),
        // The invalid item 4 and the failed item 5 keep their clean predictions.
        ("adv_accuracy", 0.5),
        ("adv_uar", (2.0 / 3.0 + 1.0 / 3.0) / 2.0),
        ("asr_pcm16", 1.0 / 5.0),
        ("robust_accuracy_pcm16", 4.0 / 6.0),
        ("flip_rate_pcm16", 1.0 / 5.0),
        // b a a a b a: entropy of (4/6, 2/6) in bits.
        ("prediction_entropy", -(2.0 * third) * (2.0 * third).log2() - third * third.log2()),
        ("dominant_prediction", 4.0 / 6.0),
        ("forward_queries", 85.0 / 5.0),
        // 3, held, 20 (the host did not see which query succeeded), held, held.
        ("queries_to_success", 3023.0 / 5.0),
        ("asr_at_100", 2.0 / 5.0),
        ("pcm16_survival", 0.5),
        // Valid audio: items 0, 1 and 3.
        ("linf", 0.0005),
        ("snr_db", 31.0),
        ("snr_db_success", 31.5),
    ] {
        let found = record.value(name).unwrap();
        assert!((found - expected).abs() < 1e-12, "{name} is {found}, not {expected}");
    }
    assert_eq!(record.value("queries_median"), None, "three of five hold");
    assert_eq!(record.value("l2"), None, "missing is missing");
    let confusion = record.confusion.unwrap();
    assert_eq!(confusion.clean, [[3, 0], [1, 2]]);
    assert_eq!(confusion.adversarial, [[2, 1], [2, 1]]);
    assert_eq!(confusion.flow, [[2, 1], [1, 1]]);
    let female = &record.groups["by_gender"]["female"];
    assert_eq!((female.n.total, female.metrics["asr"].value), (3, Some(Number(0.5))));
    assert!(record.groups["by_language"].is_empty());
}

#[test]
fn a_record_has_every_listed_metric_and_no_other() {
    let listed: Vec<&str> = metrics().iter().map(|m| m.name).collect();
    let names: BTreeSet<&str> = listed.iter().copied().collect();
    assert_eq!(names.len(), listed.len(), "no metric is listed twice");
    let record = record(six_items());
    assert_eq!(record.metrics.keys().map(String::as_str).collect::<BTreeSet<_>>(), names);
}

#[test]
fn an_attack_that_does_nothing_has_no_success_but_scores_the_clean_error_under_asr_all() {
    let mut items: Vec<_> = (0..8).map(|i| item(i, &format!("s{}", i % 4), "a", "a", Some("a"))).collect();
    items.extend((8..12).map(|i| item(i, &format!("s{}", i % 4), "b", "a", None)));
    let record = record(items);
    assert_eq!((record.value("asr"), record.value("flip_rate")), (Some(0.0), Some(0.0)));
    assert_eq!(record.value("asr_all"), Some(4.0 / 12.0));
    assert_eq!(record.value("robust_accuracy"), record.value("clean_accuracy"));
}

#[test]
fn where_all_items_share_one_outcome_the_interval_is_wilsons() {
    let record = record((0..20).map(|i| item(i, &format!("s{}", i % 5), "a", "a", Some("a"))).collect());
    let asr = record.metrics["asr"];
    assert_eq!(asr.value, Some(Number(0.0)));
    // z² / (n + z²) with n = 20.
    let expected = 1.959_963_984_540_054f64.powi(2) / (20.0 + 1.959_963_984_540_054f64.powi(2));
    assert!((asr.ci_high.unwrap().0 - expected).abs() < 1e-12);
    assert_eq!(asr.ci_low, Some(Number(0.0)));
}

#[test]
fn where_every_class_shares_one_outcome_uar_is_not_certain() {
    // 16 items of a and 4 of b, all right and none broken.
    let label = |i: u64| if i.is_multiple_of(5) { "b" } else { "a" };
    let items: Vec<_> =
        (0..20).map(|i| item(i, &format!("s{}", i % 4), label(i), label(i), Some(label(i)))).collect();
    let record = record(items);
    let z2 = 1.959_963_984_540_054f64.powi(2);
    let (a, b) = (z2 / (16.0 + z2), z2 / (4.0 + z2));
    for (name, low, high) in [
        ("clean_uar", 1.0 - a.hypot(b) / 2.0, 1.0),
        ("robust_uar", 1.0 - a.hypot(b) / 2.0, 1.0),
        ("uar_drop", 0.0, a.hypot(b) / 2.0),
        ("worst_class_recall", 1.0 - b, 1.0),
        ("acc_drop", 0.0, z2 / (20.0 + z2)),
    ] {
        let metric = record.metrics[name];
        let (found_low, found_high) = (metric.ci_low.unwrap().0, metric.ci_high.unwrap().0);
        assert!((found_low - low).abs() < 1e-12, "{name}: {found_low} is not {low}");
        assert!((found_high - high).abs() < 1e-12, "{name}: {found_high} is not {high}");
    }
}

#[test]
fn a_class_without_items_has_no_uar_and_says_so() {
    let record = record((0..6).map(|i| item(i, "s1", "a", "a", Some("b"))).collect());
    assert_eq!(record.value("robust_uar"), None);
    assert!(flag_names(&record).is_superset(&BTreeSet::from(["empty-class", "few-speakers"])));
}

#[test]
fn a_target_that_is_already_the_label_leaves_the_rates_and_not_the_clean_accuracy() {
    let mut items = six_items();
    items[5].status = ItemStatus::TargetIsLabel;
    let record = record(items);
    assert_eq!(record.value("clean_accuracy"), Some(5.0 / 6.0));
    assert_eq!((record.value("asr"), record.value("robust_accuracy")), (Some(0.5), Some(2.0 / 5.0)));
    assert_eq!(record.outcomes.fates, "srwsit");
}

#[test]
fn the_order_of_the_journal_does_not_change_a_byte() {
    let mut shuffled = six_items();
    shuffled.rotate_left(2);
    shuffled.swap(0, 3);
    assert_eq!(record(shuffled).to_json(), record(six_items()).to_json());
}

#[test]
fn the_clock_is_not_in_the_record() {
    let mut slow = six_items();
    slow.iter_mut().for_each(|i| i.seconds = Some(Number(99.0)));
    assert_eq!(record(slow).to_json(), record(six_items()).to_json());
}

#[test]
fn a_cell_that_is_not_done_gives_no_record_and_a_failed_one_no_numbers() {
    let mut open = journal(six_items());
    open.end = None;
    assert!(matches!(aggregate(&open), Err(AggregateError::Incomplete { expected: 6, found: 6 })));
    let mut short = journal(six_items());
    short.items.pop();
    assert!(matches!(aggregate(&short), Err(AggregateError::Incomplete { expected: 6, found: 5 })));
    assert_eq!(aggregate(&Journal::default()), Err(AggregateError::NoHeader));
    let mut failed = journal(six_items());
    failed.end.as_mut().unwrap().status = Status::Failed;
    let record = aggregate(&failed).unwrap();
    assert_eq!((record.status, record.metrics.len(), record.n.total), (Status::Failed, 0, 0));
    assert_eq!(Record::from_json(&record.to_json()).unwrap(), record);
}

/// What turns a calm cell into one with a warning.
type Change = fn(&mut Vec<JournalItem>);

#[test]
fn each_warning_is_raised_by_what_it_warns_of() {
    let many = |adv: &'static str| -> Vec<JournalItem> {
        (0..20)
            .map(|i| {
                item(i, &format!("s{i}"), ["a", "b"][i as usize % 2], ["a", "b"][i as usize % 2], Some(adv))
            })
            .collect()
    };
    let cases: [(&str, Change); 6] = [
        ("zero-gradient", |items| items[0].zero_gradients = 1),
        ("softmax-output", |items| {
            items.iter_mut().for_each(|i| i.clean_logits = vec![Number(0.7), Number(0.3)])
        }),
        ("non-finite-logits", |items| items[3].adv_logits = vec![Number(f64::NAN)]),
        ("lost-items", |items| items[3].status = ItemStatus::Failed),
        ("unknown-label", |items| items[3].label = "joy".into()),
        ("lost-in-pcm16", |items| {
            items[0].adv_pred = Some("b".into());
            items[0].success = true;
            items[0].pcm16.as_mut().unwrap().success = false;
        }),
    ];
    let mut calm = many("a");
    calm.iter_mut().for_each(|i| {
        i.adv_pred = i.clean_pred.clone();
        i.success = false;
    });
    assert_eq!(record(calm.clone()).flags, []);
    for (name, change) in cases {
        let mut items = calm.clone();
        change(&mut items);
        assert_eq!(flag_names(&record(items)), BTreeSet::from([name]));
    }
    assert_eq!(flag_names(&record(many("a"))), BTreeSet::from(["label-collapse"]));
}

fn at(eps: f64, access: Access, robust: usize) -> Record {
    let hold = |i: u64| if (i as usize) < robust { "a" } else { "b" };
    let items: Vec<_> = (0..20).map(|i| item(i, &format!("s{i}"), "a", "a", Some(hold(i)))).collect();
    let mut journal = journal(items);
    let header = journal.header.as_mut().unwrap();
    header.cell.threat.eps = Number(eps);
    header.cell.threat.access = access;
    aggregate(&journal).unwrap()
}

#[test]
fn warnings_across_cells() {
    let (white, score) = (Access::WhiteBox, Access::Score);
    for (records, expected) in [
        (vec![at(0.001, white, 10), at(0.002, white, 8)], vec![]),
        (vec![at(0.001, white, 10), at(0.002, white, 11)], vec![]),
        (vec![at(0.002, white, 15), at(0.001, white, 10)], vec![(0, "non-monotone")]),
        (vec![at(0.001, white, 10), at(0.001, score, 5)], vec![(0, "black-box-beats-white-box")]),
        (vec![at(0.001, white, 5), at(0.001, score, 10)], vec![]),
        (vec![at(1.0, white, 15)], vec![(0, "holds-at-any-eps")]),
        (vec![at(1.0, white, 5)], vec![]),
    ] {
        let flags = flags::across(&records);
        let found: Vec<_> = flags.iter().map(|(id, flags)| (id.as_str(), flags[0].name.as_str())).collect();
        let expected: Vec<_> =
            expected.into_iter().map(|(i, name): (usize, _)| (records[i].id.as_str(), name)).collect();
        assert_eq!(found, expected);
    }
}

/// Any mix of fates over a few speakers and two classes.
fn any_items() -> impl Strategy<Value = Vec<JournalItem>> {
    prop::collection::vec((0u8..4, any::<bool>(), any::<bool>(), 0u8..5), 1..40).prop_map(|rows| {
        let one = |(index, (speaker, label, clean, fate)): (usize, (u8, bool, bool, u8))| {
            let name = |b: bool| if b { "a" } else { "b" };
            let attacked = label == clean;
            let mut item = item(index as u64, &format!("s{speaker}"), name(label), name(clean), None);
            if attacked {
                item = sample::item(
                    index as u64,
                    &format!("s{speaker}"),
                    name(label),
                    name(clean),
                    Some(name(fate < 2)),
                );
                item.status =
                    [ItemStatus::Ok, ItemStatus::Ok, ItemStatus::Ok, ItemStatus::Invalid, ItemStatus::Failed]
                        [fate as usize];
            }
            item
        };
        rows.into_iter().enumerate().map(one).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn the_identities_hold(items in any_items()) {
        let record = record(items);
        let value = |name| record.value(name);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        let (accuracy, robust) = (value("clean_accuracy").unwrap(), value("robust_accuracy").unwrap());
        if let Some(asr) = value("asr") {
            prop_assert!(near(robust, accuracy * (1.0 - asr)), "RA = A (1 - ASR)");
        }
        prop_assert!(near(value("acc_drop").unwrap(), accuracy - robust));
        prop_assert!(near(value("asr_all").unwrap(), 1.0 - robust));
        prop_assert!(value("robust_accuracy_pcm16").unwrap() <= accuracy);
        for metric in record.metrics.values() {
            if let (Some(low), Some(high)) = (metric.ci_low, metric.ci_high) {
                prop_assert!(low <= high);
            }
        }
        let emotions = &record.groups["by_emotion"];
        prop_assert_eq!(emotions.values().map(|g| g.n.succeeded).sum::<u64>(), record.n.succeeded);
        let again = Record::from_json(&record.to_json()).unwrap();
        prop_assert_eq!(again.to_json(), record.to_json());
    }
}
