//! A run that is interrupted, killed or tampered with: what it goes on with, and what it refuses.

use crate::program::{Desk, linear_plan, records, tree};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Lines in all journals of a run.
fn journal_lines(out: &Path) -> usize {
    let files = std::fs::read_dir(out.join("journal")).into_iter().flatten().flatten();
    files
        .map(|file| std::fs::read(file.path()).unwrap_or_default().iter().filter(|&&b| b == b'\n').count())
        .sum()
}

/// Starts a run and sends it a signal once its journals have so many lines. Gives the exit code, if it has one.
fn interrupted(desk: &Desk, signal: &str, lines: usize, extra: &[&str]) -> (Option<i32>, String) {
    let args = [&["run", "plan.toml", "--out", "out", "--resume"], extra].concat();
    let mut child = desk.command(&args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    while journal_lines(&desk.path("out")) < lines && child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the run makes no progress");
        std::thread::sleep(Duration::from_millis(2));
    }
    let pid = child.id().to_string();
    // It may have ended already: then there is nobody to signal, and the run is simply whole.
    let _ = std::process::Command::new("kill").args([signal, &pid]).stderr(Stdio::null()).status();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_killed_run_goes_on_to_the_same_records() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["null", "noise", "pgd"]));
    desk.run(&["run", "plan.toml", "--out", "whole"]).ended(0);
    for lines in [1, 6, 17, 31, 50, 70] {
        interrupted(&desk, "-KILL", lines, &["--jobs", "2"]);
    }
    desk.run(&["run", "plan.toml", "--out", "out", "--resume"]).ended(0);
    assert_eq!(records(&desk.path("whole")), records(&desk.path("out")));
}

#[test]
fn ctrl_c_leaves_a_folder_to_go_on_with_and_says_how() {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["pgd"]).replace("limit = 12", "limit = 64"));
    desk.run(&["run", "plan.toml", "--out", "whole"]).ended(0);
    let (code, stderr) = interrupted(&desk, "-INT", 9, &[]);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("--resume") && stderr.contains("nothing judged is lost"), "{stderr}");
    desk.run(&["run", "plan.toml", "--out", "out", "--resume"]).ended(0);
    assert_eq!(records(&desk.path("whole")), records(&desk.path("out")));
}

fn finished() -> (Desk, PathBuf) {
    let desk = Desk::new();
    desk.write("plan.toml", linear_plan(&["pgd"]));
    desk.run(&["run", "plan.toml", "--out", "out"]).ended(0);
    let out = desk.path("out");
    (desk, out)
}

fn a_journal(out: &Path) -> PathBuf {
    tree(&out.join("journal")).keys().next().map(|name| out.join("journal").join(name)).unwrap()
}

#[test]
fn a_torn_last_line_is_dropped_and_its_item_done_again() {
    let (desk, out) = finished();
    let before = records(&out);
    let journal = a_journal(&out);
    let bytes = std::fs::read(&journal).unwrap();
    std::fs::write(&journal, &bytes[..bytes.len() - 700]).unwrap();
    std::fs::remove_dir_all(out.join("records")).unwrap();
    desk.run(&["run", "plan.toml", "--out", "out", "--resume"]).ended(0);
    assert_eq!(records(&out), before);
}

#[test]
fn a_journal_that_was_changed_is_refused_by_its_line() {
    let (desk, out) = finished();
    let journal = a_journal(&out);
    let text = std::fs::read_to_string(&journal).unwrap();
    let forged = text.replacen("\"success\":true", "\"success\":false", 1);
    assert_ne!(text, forged);
    std::fs::write(&journal, forged).unwrap();
    let ran = desk.run(&["recompute", "out"]).ended(2);
    assert!(ran.last_words().contains("is damaged"), "{}", ran.stderr);
}

#[test]
fn recompute_changes_nothing_that_was_honest_and_replaces_what_was_not() {
    let (desk, out) = finished();
    let before = records(&out);
    desk.run(&["recompute", "out"]).ended(0);
    assert_eq!(records(&out), before);
    let (name, bytes) = before.iter().next().unwrap();
    let forged = String::from_utf8_lossy(bytes).replacen("\"value\": 1.0", "\"value\": 0.0", 1);
    std::fs::write(out.join("records").join(name), forged).unwrap();
    let ran = desk.run(&["recompute", "out"]).ended(1);
    assert!(ran.stderr.contains(&*name.file_stem().unwrap().to_string_lossy()), "{}", ran.stderr);
    assert_eq!(records(&out), before);
}

#[test]
fn a_finished_run_is_shown_again_and_not_run_again() {
    let (desk, out) = finished();
    let before = tree(&out.join("journal"));
    let ran = desk.run(&["run", "plan.toml", "--out", "out", "--resume"]).ended(0);
    assert!(ran.stdout.contains("pgd"), "{}", ran.stdout);
    assert_eq!(tree(&out.join("journal")), before);
}

#[test]
fn a_folder_with_something_else_in_it_is_refused_and_left_alone() {
    let (desk, out) = finished();
    desk.write("other.toml", linear_plan(&["null"]));
    desk.write("renamed.toml", linear_plan(&["pgd"]).replace("name = \"linear\"", "name = \"else\""));
    desk.write("photos/a.jpg", "x");
    let before = tree(&out);
    for (args, expected) in [
        (["run", "plan.toml", "--out", "out"].as_slice(), "add --resume"),
        (&["run", "other.toml", "--out", "out", "--resume"], "before it was changed"),
        (&["run", "renamed.toml", "--out", "out", "--resume"], "another plan, 'linear'"),
        (&["run", "plan.toml", "--out", "out", "--resume", "--limit", "3"], "no --limit"),
        (&["run", "plan.toml", "--out", "photos"], "holds no run"),
    ] {
        let ran = desk.run(args).ended(2);
        assert!(ran.last_words().contains(expected), "{args:?}: {}", ran.stderr);
    }
    assert_eq!(tree(&out), before);
    assert_eq!(tree(&desk.path("photos")).len(), 1);
}
