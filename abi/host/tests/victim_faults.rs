//! A victim that crashes, hangs, exits, lies or fails is named for it, and costs only what is asked of it.
#![allow(clippy::unwrap_used)]

mod support;

use seraph_host::{AttackWorker, Broker, Fault, Grants, Victim, VictimWorker, WorkerOptions};
use seraph_sys::SERAPH_ACCESS_GRADIENT;
use support::{model, options, plain, slope_params, task};

fn start(fault: &[u8], options: &WorkerOptions) -> Result<VictimWorker, Fault> {
    let dir = tempfile::tempdir().unwrap();
    VictimWorker::start(plain(), "slope", &slope_params(&model(&dir, fault), 1.0), options)
}

#[test]
fn each_fault_is_named_and_stays() {
    let mut short = options();
    short.limits.wall_s = 0.5;
    for (fault, options, words) in [
        (b"c", options(), "crashed with SIGSEGV"),
        (b"e", options(), "exited with code 0 instead of returning"),
        (b"h", short, "timed out: wall time over 0.5 s"),
        (b"f", options(), "logits returned SERAPH_E_FAIL: no\\u{1b} words"),
    ] {
        let mut victim = start(fault, &options).unwrap();
        for _ in 0..2 {
            assert_eq!(victim.logits(&[0.5; 4], 2).unwrap_err().to_string(), words);
        }
    }
}

#[test]
fn impossible_descriptions_are_refused() {
    for (fault, words) in [
        (b"d", "describes itself wrongly: 1 classes"),
        (b"D", "could not be loaded: it says it has 4294967295 classes"),
    ] {
        assert!(start(fault, &options()).err().unwrap().to_string().starts_with(words), "{words}");
    }
}

/// What the victim does wrong is not the attack's fault.
#[test]
fn a_victims_fault_during_an_attack_is_the_victims() {
    for (fault, words) in [(b"c", "crashed with SIGSEGV"), (b"n", "handed in NaN or infinity in logits")] {
        let mut victim = start(fault, &options()).unwrap();
        let mut attack = AttackWorker::start(plain(), "step", &[], &options()).unwrap();
        let task = task(2, 9);
        let grants = Grants { access: SERAPH_ACCESS_GRADIENT, forward: 9, gradient: 9 };
        let outcome = attack.run(&task, &mut Broker::new(&mut victim, &task, grants));
        assert_eq!(outcome.fault, None);
        assert_eq!(outcome.victim_fault.unwrap().to_string(), words);
        assert_eq!(outcome.commits, [None, None]);
    }
}

/// A gradient that is not finite may be the loss's fault: the attack is told, and goes on.
#[test]
fn a_gradient_that_is_not_finite_is_told_to_the_attack() {
    let mut victim = start(b"g", &options()).unwrap();
    let mut attack = AttackWorker::start(plain(), "step", &[], &options()).unwrap();
    let task = task(2, 9);
    let grants = Grants { access: SERAPH_ACCESS_GRADIENT, forward: 9, gradient: 9 };
    let outcome = attack.run(&task, &mut Broker::new(&mut victim, &task, grants));
    assert_eq!((outcome.fault, outcome.victim_fault), (None, None));
    assert_eq!(outcome.status, seraph_sys::SERAPH_E_NONFINITE);
    assert_eq!(outcome.misbehaviour, ["asked for a loss whose value or gradient is not finite"]);
}

/// A batch larger than the channel is an error that says what to do, and the victim lives on.
#[test]
fn a_batch_that_does_not_fit_is_refused() {
    let mut victim = start(b"m", &WorkerOptions { payload_bytes: 4096, ..options() }).unwrap();
    let fault = victim.input(1 << 20).unwrap_err();
    assert!(matches!(fault, Fault::TooLarge { .. }), "{fault}");
    assert_eq!(victim.logits(&[0.5, 0.25], 1).unwrap(), [0.0, 0.75]);
}
