//! The verdict on every mode of the hostile plugin.

use crate::house::{BUDGET, House, options, run, task};
use seraph_host::{Fault, TaskOutcome, WorkerOptions};
use seraph_sys::{SERAPH_E_DENIED, SERAPH_E_NONFINITE, SERAPH_OK};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What must have come of a misdeed.
enum Verdict {
    /// A fault with these words.
    Fault(&'static str),
    /// A fault whose words begin so.
    FaultLike(&'static str),
    /// It ran, and nothing that it tried succeeded.
    Denied,
    /// It returned this status.
    Status(i32),
    /// More than one outcome is right, or there is more to look at.
    Check(fn(&TaskOutcome)),
}
use Verdict::{Check, Denied, FaultLike, Status};

const VERDICTS: &[(&str, Verdict)] = &[
    ("behave", Check(behaved)),
    ("null-write", Verdict::Fault("crashed with SIGSEGV")),
    ("abort", Verdict::Fault("crashed with SIGABRT")),
    // Rust's handler reports the overflow and aborts; in other languages it is a SIGSEGV.
    ("stack-overflow", FaultLike("crashed with SIG")),
    ("jump-nowhere", Verdict::Fault("crashed with SIGSEGV")),
    ("write-task", Verdict::Fault("crashed with SIGSEGV")),
    ("past-region", Verdict::Fault("crashed with SIGSEGV")),
    ("exit-0", Verdict::Fault("exited with code 0 instead of returning")),
    ("raw-exit-0", Verdict::Fault("exited with code 0 instead of returning")),
    ("exit-after-commit", Check(kept_its_commits)),
    ("foreign-syscall", FaultLike("crashed with SIG")),
    // Which clock runs out first depends on how busy the machine is; the next test tells them apart.
    ("spin", FaultLike("timed out: ")),
    ("sleep", Verdict::Fault("timed out: wall time over 0.6 s")),
    ("stop-itself", Verdict::Fault("timed out: wall time over 0.6 s")),
    ("spin-threads", FaultLike("timed out: ")),
    ("memory-bomb", Check(memory_was_limited)),
    ("thread-bomb", Check(threads_were_limited)),
    ("commit-forever", FaultLike("timed out: ")),
    ("fork-bomb", Denied),
    ("print-flood", Verdict::Fault("printed more than 4194304 bytes")),
    ("log-flood", Check(logs_were_limited)),
    ("open-files", Denied),
    ("change-files", Denied),
    ("open-sockets", Denied),
    ("run-programs", Denied),
    ("reach-host", Denied),
    ("raise-rights", Denied),
    ("kernel-surface", Denied),
    ("break-seals", Denied),
    ("list-descriptors", Denied),
    ("forge-done", Check(forged_success_is_worth_nothing)),
    ("forge-victim-answer", FaultLike("broke the protocol: a message that belongs to another time")),
    ("stale-sequence", FaultLike("broke the protocol: message")),
    ("future-sequence", FaultLike("broke the protocol: message 18446744073709551615 instead of")),
    ("huge-span", FaultLike("broke the protocol: span of")),
    ("huge-body", FaultLike("broke the protocol: a message whose body lies outside")),
    ("huge-count", FaultLike("broke the protocol: message ends")),
    ("unknown-opcode", FaultLike("broke the protocol: 9999 is no message")),
    ("garbage-header", FaultLike("broke the protocol: not a message header")),
    ("ring-for-nothing", FaultLike("broke the protocol: message")),
    ("fill-bells", Check(ended_by_itself)),
    ("commit-nan", Check(rejected_as_non_finite)),
    ("commit-infinity", Check(rejected_as_non_finite)),
    ("commit-then-nan", Check(kept_the_last_finite)),
    ("commit-outside", Check(arrived_as_it_was)),
    ("commit-in-padding", Check(lost_its_padding)),
    ("query-nan", Check(was_charged_and_noted)),
    ("overspend", Check(spent_the_budget_and_no_more)),
    ("ask-ungranted", Status(SERAPH_E_DENIED)),
    ("forge-context", Denied),
    ("wrong-thread", Denied),
    ("strange-tensors", Denied),
    ("flip-while-asking", Check(counted_every_row)),
];

#[test]
fn every_misdeed_has_its_verdict() {
    let house = House::enter();
    for (mode, _) in seraph_hostile_plugins::MODES {
        let listed = *mode == "ignore-cancel" || VERDICTS.iter().any(|(name, _)| name == mode);
        assert!(listed, "no verdict for {mode}");
    }
    for (mode, verdict) in VERDICTS {
        let outcome = run(mode, &options_for(mode, verdict), &task());
        let said = outcome.fault.as_ref().map(ToString::to_string).unwrap_or_default();
        assert_eq!(outcome.victim_fault, None, "{mode}");
        match verdict {
            Verdict::Fault(words) => assert_eq!(said, *words, "{mode}"),
            FaultLike(words) => assert!(said.starts_with(words), "{mode}: {said}"),
            Denied => assert_eq!((&*said, outcome.status, &*outcome.message), ("", 0, ""), "{mode}"),
            Status(status) => assert_eq!((&*said, outcome.status), ("", *status), "{mode}"),
            Check(check) => {
                eprintln!("{mode}: {said} {} {}", outcome.status, outcome.message);
                check(&outcome);
            }
        }
        house.check(mode);
    }
    house.leave();
}

/// Short clocks for those that must run out of one; no other verdict depends on how busy the machine is.
fn options_for(mode: &str, verdict: &Verdict) -> WorkerOptions {
    let mut options = options();
    if matches!(verdict, Verdict::Fault(words) | FaultLike(words) if words.starts_with("timed out")) {
        (options.limits.cpu_s, options.limits.wall_s) = (0.3, 0.6);
    }
    if mode == "thread-bomb" {
        options.limits.memory_bytes = 16 << 30; // so that memory for threads is not what runs out
    }
    options
}

#[test]
fn each_clock_is_named() {
    let house = House::enter();
    for (mode, cpu_s, wall_s, words) in [
        ("spin", 0.1, 60.0, "timed out: CPU time over 0.1 s"),
        ("spin-threads", 0.1, 60.0, "timed out: CPU time over 0.1 s"),
        ("spin", 60.0, 0.2, "timed out: wall time over 0.2 s"),
    ] {
        let mut options = options();
        (options.limits.cpu_s, options.limits.wall_s) = (cpu_s, wall_s);
        let fault = run(mode, &options, &task()).fault.unwrap();
        assert_eq!(fault.to_string(), words);
    }
    house.leave();
}

#[test]
fn a_cancelled_worker_that_does_not_return_is_killed() {
    let house = House::enter();
    let mut options = options();
    options.cancel = Some(Arc::new(AtomicBool::new(true)));
    let outcome = run_started("ignore-cancel", &options);
    assert_eq!(outcome.fault, Some(Fault::Cancelled));
    house.leave();
}

/// As `run`, but cancelled only once the worker is there.
fn run_started(mode: &str, options: &WorkerOptions) -> TaskOutcome {
    let cancel = options.cancel.clone().expect("given above");
    cancel.store(false, std::sync::atomic::Ordering::Relaxed);
    let later = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        cancel.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    let outcome = run(mode, options, &task());
    later.join().unwrap();
    outcome
}

fn behaved(outcome: &TaskOutcome) {
    assert_eq!((&outcome.fault, outcome.status), (&None, SERAPH_OK));
    let clean = task();
    for (item, commit) in outcome.commits.iter().enumerate() {
        assert_eq!(commit.as_deref(), Some(&clean.audio[8 * item..][..8]));
    }
}

fn kept_its_commits(outcome: &TaskOutcome) {
    assert_eq!(outcome.fault, Some(Fault::EarlyExit { code: 0 }));
    assert!(outcome.commits.iter().all(Option::is_some));
}

fn memory_was_limited(outcome: &TaskOutcome) {
    if outcome.fault != Some(Fault::OutOfMemory) {
        let mebibytes: u64 = outcome.message.parse().unwrap();
        assert!(mebibytes > 0 && mebibytes <= 256, "{mebibytes} MiB");
    }
}

/// Either the kernel counts them (a user per worker), or the host does, if memory for them does not run out first.
fn threads_were_limited(outcome: &TaskOutcome) {
    if !matches!(outcome.fault, Some(Fault::TooManyThreads { limit: 16 } | Fault::OutOfMemory)) {
        assert_eq!(outcome.fault, None);
        let started: u64 = outcome.message.parse().unwrap();
        assert!(started < 16, "{started} threads");
    }
}

/// A bucket of 200 lines and 200 more per second, over at most the CPU limit.
fn logs_were_limited(outcome: &TaskOutcome) {
    assert_eq!(outcome.fault, None);
    assert!((200..=256).contains(&outcome.logs.len()), "{} lines", outcome.logs.len());
}

fn forged_success_is_worth_nothing(outcome: &TaskOutcome) {
    assert_eq!(outcome.fault, None);
    assert_eq!(outcome.commits, [None, None]);
}

/// Its own bell is its own business: its worker may lose step. What counts is that the host was not stopped.
fn ended_by_itself(outcome: &TaskOutcome) {
    assert!(matches!(outcome.fault, None | Some(Fault::EarlyExit { code: 71 })), "{:?}", outcome.fault);
}

fn rejected_as_non_finite(outcome: &TaskOutcome) {
    assert_eq!((&outcome.fault, outcome.status), (&None, SERAPH_E_NONFINITE));
    assert_eq!(outcome.commits[0], None);
    assert_eq!(outcome.rejected[0].as_ref().unwrap().to_string(), "handed in NaN or infinity in a commit");
}

fn kept_the_last_finite(outcome: &TaskOutcome) {
    assert_eq!(outcome.commits[0].as_deref(), Some(&task().audio[..8]));
    assert!(matches!(outcome.rejected[0], Some(Fault::NonFinite { .. })));
}

fn arrived_as_it_was(outcome: &TaskOutcome) {
    let edge = 0.25f32 + 0.01;
    assert_eq!(outcome.commits[0].as_ref().unwrap()[1].to_bits(), edge.to_bits() + 2);
}

fn lost_its_padding(outcome: &TaskOutcome) {
    assert_eq!(outcome.commits[0].as_deref(), Some(&task().audio[..8]));
}

fn was_charged_and_noted(outcome: &TaskOutcome) {
    assert_eq!(outcome.status, SERAPH_E_NONFINITE);
    assert_eq!(outcome.used[0].forward, 1);
    assert_eq!(outcome.misbehaviour, ["queried with samples that are NaN or infinite"]);
}

fn spent_the_budget_and_no_more(outcome: &TaskOutcome) {
    assert_eq!(outcome.message, BUDGET.to_string());
    assert_eq!((outcome.used[0].forward, outcome.refused[0].forward), (BUDGET, 1));
    assert_eq!(outcome.used[1].forward, 0);
}

fn counted_every_row(outcome: &TaskOutcome) {
    assert_eq!((&outcome.fault, outcome.used[0].forward), (&None, 300));
}
