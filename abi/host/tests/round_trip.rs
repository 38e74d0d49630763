//! A well-behaved attack and victim, through workers and in this process: the answers are those known by hand,
//! and the same bytes either way.
#![allow(clippy::unwrap_used)]

mod support;

use seraph_host::{
    AttackWorker, Broker, Grants, Loss, LossGrad, TaskOutcome, Used, Victim, VictimWorker, WorkerOptions,
};
use seraph_sys::{SERAPH_ACCESS_GRADIENT, SERAPH_LOG_WARN, SERAPH_LOSS_CE};
use support::{model, options, plain, slope_params, task};

fn here() -> WorkerOptions {
    WorkerOptions { in_process: true, ..options() }
}

fn start_victim(gain: f64, options: &WorkerOptions) -> VictimWorker {
    let dir = tempfile::tempdir().unwrap();
    VictimWorker::start(plain(), "slope", &slope_params(&model(&dir, b"m"), gain), options).unwrap()
}

fn attack(victim: &mut dyn Victim, grants: Grants, options: &WorkerOptions) -> TaskOutcome {
    let infos = seraph_host::describe(plain(), options).unwrap().attacks.remove(0);
    let params =
        seraph_host::resolve_params(&infos.params, &infos.presets, Some("strong"), &Default::default())
            .unwrap();
    let mut worker = AttackWorker::start(plain(), "step", &params, options).unwrap();
    let task = task(5, 9);
    let mut broker = Broker::new(victim, &task, grants);
    let outcome = worker.run(&task, &mut broker);
    worker.finish();
    outcome
}

const GRANTS: Grants = Grants { access: SERAPH_ACCESS_GRADIENT, forward: 10, gradient: 10 };

#[test]
fn a_victim_answers_across_the_sandbox() {
    for options in [options(), here()] {
        let mut victim = start_victim(2.0, &options);
        assert_eq!(victim.desc().classes.as_deref().unwrap(), ["calm", "anger"]);
        assert_eq!(victim.logits(&[0.5, 0.25, 1.0, 2.0], 2).unwrap(), [0.0, 1.5, 0.0, 6.0]);
        let ce = Loss {
            kind: SERAPH_LOSS_CE,
            kappa: 0.0,
            classes: Some(vec![1, 0]),
            targets: None,
            cotangent: None,
        };
        let expected = LossGrad {
            loss: vec![-1.5, 6.0],
            grad: vec![-2.0, -2.0, 2.0, 2.0],
            logits: vec![0.0, 1.5, 0.0, 6.0],
        };
        assert_eq!(victim.loss_grad(&[0.5, 0.25, 1.0, 2.0], 2, &ce).unwrap(), expected);
    }
}

#[test]
fn an_attack_runs_across_the_sandbox_as_it_does_here() {
    let [isolated, here] = [options(), here()].map(|options| {
        let outcome = attack(&mut start_victim(1.0, &options), GRANTS, &options);
        assert_eq!(
            (outcome.fault, outcome.victim_fault, outcome.status),
            (None, None, 0),
            "{}",
            outcome.message
        );
        assert_eq!(outcome.used, vec![Used { forward: 1, gradient: 1 }; 5]);
        assert_eq!(outcome.logs[0].text, "one\\nline");
        assert_eq!(outcome.logs[0].level, SERAPH_LOG_WARN);
        outcome.commits
    });
    // The loss of class 1 falls with every sample, so each goes down by the radius; padding stays 0.
    let clean = task(5, 9);
    for (item, committed) in isolated.iter().enumerate() {
        let mut expected: Vec<_> = clean.audio[9 * item..][..8].iter().map(|x| x - 0.01).collect();
        expected.push(0.0);
        assert_eq!(committed.as_ref().unwrap(), &expected);
    }
    assert_eq!(isolated, here);
}

#[test]
fn what_is_not_granted_is_denied() {
    let mut victim = start_victim(1.0, &options());
    let outcome = attack(&mut victim, Grants { access: 0, ..GRANTS }, &options());
    assert_eq!(outcome.status, seraph_sys::SERAPH_E_DENIED);
    assert_eq!(outcome.used, vec![Used::default(); 5]);
    assert_eq!(outcome.misbehaviour, ["asked for what the threat model does not grant"]);
}

#[test]
fn a_query_over_the_budget_costs_nothing() {
    let mut victim = start_victim(1.0, &options());
    let outcome = attack(&mut victim, Grants { gradient: 0, ..GRANTS }, &options());
    assert_eq!(outcome.status, seraph_sys::SERAPH_E_BUDGET);
    assert_eq!(outcome.used, vec![Used::default(); 5]);
    assert_eq!(outcome.refused, vec![Used { forward: 1, gradient: 1 }; 5]);
    assert_eq!(outcome.commits, vec![None; 5]);
}

#[test]
fn a_broken_model_is_refused_in_the_plugins_words() {
    let dir = tempfile::tempdir().unwrap();
    for options in [options(), here()] {
        let params = slope_params(&model(&dir, b"!"), 1.0);
        let fault = VictimWorker::start(plain(), "slope", &params, &options).err().unwrap();
        assert_eq!(fault.to_string(), "create returned SERAPH_E_MODEL: a model of marks");
    }
}

#[test]
fn a_worker_is_confined_and_says_so() {
    let victim = start_victim(1.0, &options());
    let report = victim.isolation();
    assert_eq!(report.tier, 3, "{report:?}");
    assert_eq!(start_victim(1.0, &here()).isolation().tier, 0);
    assert_eq!(start_victim(1.0, &options()).isolation(), report, "the report is the same on every run");
}
