//! `seraph run` from plan to leaderboard, and what stands in its records.

use crate::program::{Desk, linear_plan, records, tree};
use seraph_core::{ItemStatus, Journal, JournalItem, Record, Status};
use std::path::Path;

fn record(out: &Path, start: &str) -> Record {
    let files = records(out);
    let (_, bytes) = files.iter().find(|(name, _)| name.to_string_lossy().starts_with(start)).unwrap();
    Record::from_json(std::str::from_utf8(bytes).unwrap()).unwrap()
}

/// The items of all journals.
fn items(out: &Path) -> Vec<JournalItem> {
    let journals = tree(&out.join("journal"));
    journals.values().flat_map(|bytes| Journal::decode(bytes).unwrap().items_in_order()).collect()
}

#[test]
fn a_plan_runs_to_records_that_say_what_happened() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null", "pgd"]));
    let ran = desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    assert!(ran.stdout.contains("leaderboard.html"), "{}", ran.stdout);
    let out = desk.path("out");
    for file in ["html", "md", "csv", "json", "tex"] {
        assert!(out.join(format!("leaderboard.{file}")).is_file(), "{file}");
    }
    let null = record(&out, "null--victim-linear--white-box-linf-0.01");
    assert_eq!(
        (null.status, null.value("flip_rate"), null.value("linf")),
        (Status::Ok, Some(0.0), Some(0.0))
    );
    let pgd = record(&out, "pgd--victim-linear--white-box-linf-0.01");
    assert_eq!((pgd.n.total, pgd.n.attacked, pgd.n.invalid, pgd.n.failed), (12, 12, 0, 0));
    assert_eq!(pgd.value("flip_rate"), Some(1.0), "a linear model cannot withstand this budget");
    assert!(pgd.value("linf").unwrap() <= 0.01 + 1.3e-7);
    assert!(pgd.value("gradient_queries").unwrap() > 0.0);
    assert_eq!(null.value("gradient_queries"), Some(0.0));
}

#[test]
fn rendered_again_the_leaderboards_are_the_same_to_the_byte() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null"]));
    desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    desk.run(&["render", "out", "--out", "site"]).ended(0);
    for ending in ["html", "md", "csv", "json", "tex"] {
        let board = |dir: &str| std::fs::read(desk.path(dir).join(format!("leaderboard.{ending}"))).unwrap();
        assert!(board("out") == board("site"), "leaderboard.{ending} differs");
    }
}

#[test]
fn the_number_of_jobs_and_a_second_run_change_no_byte_of_a_record() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["noise", "pgd"]));
    desk.run(&["run", "plan.toml", "--out", "one"]).ended(0);
    desk.run(&["run", "plan.toml", "--out", "two", "--jobs", "3"]).ended(0);
    assert_eq!(records(&desk.path("one")), records(&desk.path("two")));
}

#[test]
fn no_clock_is_in_a_record_and_every_attacked_item_has_its_seconds_in_the_journal() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["pgd"]));
    desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    for bytes in records(&desk.path("out")).values() {
        assert!(!String::from_utf8_lossy(bytes).contains("seconds\""));
    }
    for bytes in tree(&desk.path("out/journal")).values() {
        let journal = Journal::decode(bytes).unwrap();
        assert!(journal.items.iter().all(|item| item.seconds.unwrap().0 > 0.0));
        assert!(journal.items.iter().all(|item| item.pcm16.is_some() && item.adv_sha256.is_some()));
    }
}

#[test]
fn a_cell_that_does_not_fit_is_a_record_that_says_why() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null", "pgd"]).replace("white-box", "score"));
    let ran = desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    assert!(ran.stderr.contains("attack pgd needs gradients"), "{}", ran.stderr);
    let skipped = record(&desk.path("out"), "pgd--");
    assert_eq!(skipped.status, Status::Skipped);
    assert!(skipped.metrics.is_empty(), "missing is missing");
    desk.run(&["recompute", "out"]).ended(0);
}

#[test]
fn a_limit_and_in_process_are_marked() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null"]));
    desk.run(&["run", "plan.toml", "--out", "few", "--limit", "4"]).ended(0);
    let few = record(&desk.path("few"), "null--");
    assert_eq!(few.n.total, 4);
    assert!(few.flags.iter().any(|flag| flag.name == "limited" && flag.unreliable));
    let ran = desk.run(&["run", "plan.toml", "--out", "here", "--in-process"]).ended(1);
    assert!(ran.stderr.contains("--in-process"), "{}", ran.stderr);
    let here = record(&desk.path("here"), "null--");
    assert_eq!(
        (here.status, here.isolation.in_process, here.isolation.tier),
        (Status::Invalid, true, Some(0))
    );
}

#[test]
fn sandboxed_and_in_process_attacks_commit_the_same_audio() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["noise", "pgd"]));
    desk.run(&["run", "plan.toml", "--out", "apart"]).ended(0);
    desk.run(&["run", "plan.toml", "--out", "here", "--in-process"]).ended(1);
    let hashes = |out: &str| -> Vec<_> {
        items(&desk.path(out)).into_iter().map(|item| item.adv_sha256.unwrap()).collect()
    };
    assert_eq!(hashes("apart"), hashes("here"));
}

#[test]
fn audio_made_elsewhere_is_judged_as_the_attack_that_made_it() {
    let desk = Desk::new();
    let plan =
        linear_plan(&["pgd"]).replace("[0.001, 0.01]", "0.01").replace("[run]", "[run]\naudio = \"all\"");
    desk.write("plan.toml", plan);
    desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    let made = items(&desk.path("out"));
    let audio = format!("out/audio/{}", record(&desk.path("out"), "pgd--").id);
    std::fs::remove_file(desk.path(&audio).join(format!("{}.wav", made[5].item))).unwrap();
    desk.run(&["judge", &audio, "--plan", "plan.toml", "--out", "judged"]).ended(0);
    let judged = items(&desk.path("judged"));
    assert_eq!(judged.len(), made.len());
    for (made, judged) in made.iter().zip(&judged) {
        if made.index == 5 {
            assert_eq!((judged.status, judged.fault.as_deref()), (ItemStatus::Failed, Some("no-commit")));
        } else {
            let stored = made.pcm16.as_ref().unwrap();
            assert_eq!((&judged.adv_pred, judged.success), (&stored.adv_pred, stored.success));
            assert_eq!(judged.forward_queries, 0);
        }
    }
}

#[test]
fn one_document_of_json_and_nothing_else_is_on_stdout() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null"]));
    let ran = desk.run(&["run", "plan.toml", "--out", "out", "--json"]).ended(0);
    let summary: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["cells"], &summary["done"]), (&2.into(), &2.into()));
    assert_eq!(summary["rows"][0]["attack"], "null");
}

#[test]
fn a_cell_of_a_manifest_runs_alone_and_gives_the_same_record() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["pgd"]));
    desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    let before = records(&desk.path("out"));
    std::fs::remove_dir_all(desk.path("out/records")).unwrap();
    std::fs::remove_dir_all(desk.path("out/journal")).unwrap();
    for index in ["0", "1"] {
        desk.run(&["cell", "--manifest", "out/run.json", "--index", index]).ended(0);
    }
    assert_eq!(records(&desk.path("out")), before);
    let ran = desk.run(&["cell", "--manifest", "out/run.json", "--index", "2"]).ended(2);
    assert!(ran.last_words().contains("has 2 cells"), "{}", ran.stderr);
}
