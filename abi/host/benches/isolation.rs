//! What isolation costs: a query of 256 KB across the sandbox, a gradient batch across both, the start of a worker.
#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use seraph_host::{
    AttackWorker, Broker, Fault, Grants, Limits, Loss, LossGradOut, Param, ParamValue, PluginFile, Task,
    Victim, VictimDesc, VictimWorker, WorkerOptions, read_plugin,
};
use seraph_sys::{SERAPH_ACCESS_GRADIENT, SERAPH_ACCESS_LOGITS, SERAPH_LOSS_CE};
use std::time::{Duration, Instant};
use support::{compile, model, options, slope_params, task};

const SAMPLES_256_KB: usize = 65_536;

fn patient() -> WorkerOptions {
    let limits = Limits { wall_s: 1e6, cpu_s: 1e6, ..Limits::default() };
    WorkerOptions { limits, ..options() }
}

/// One question of an attack, answered by a victim in memory: snapshot, checks, count, two wake-ups.
fn query(criterion: &mut Criterion) {
    let plugin = read_plugin(&compile("asker", &[])).unwrap();
    criterion.bench_function("attack query 256 KB", |bencher| {
        bencher.iter_custom(|queries| ask(&plugin, queries));
    });
    let free = read_plugin(&compile("plain", &["-DFREE_OF_CHARGE"])).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let params = slope_params(&model(&dir, b"m"), 1.0);
    let mut victim = VictimWorker::start(&free, "slope", &params, &patient()).unwrap();
    let mut logits = [0.0; 2];
    criterion.bench_function("victim query 256 KB", |bencher| {
        bencher.iter(|| {
            victim.input(SAMPLES_256_KB).unwrap().fill(0.25);
            victim.logits_of_input(1, &mut logits).unwrap();
        });
    });
    let ce =
        Loss { kind: SERAPH_LOSS_CE, kappa: 0.0, classes: Some(vec![1; 8]), targets: None, cotangent: None };
    let (mut loss, mut grad, mut logits) = (vec![0.0; 8], vec![0.0; 8 * 48_000], vec![0.0; 16]);
    criterion.bench_function("victim gradient 8 x 48000", |bencher| {
        bencher.iter(|| {
            victim.input(8 * 48_000).unwrap().fill(0.25);
            let out = LossGradOut { loss: &mut loss, grad: &mut grad, logits: &mut logits };
            victim.loss_grad_of_input(8, &ce, out).unwrap();
        });
    });
}

fn ask(plugin: &PluginFile, queries: u64) -> Duration {
    let params = [Param { id: 1, name: "queries".to_owned(), value: ParamValue::I64(queries as i64) }];
    let mut worker = AttackWorker::start(plugin, "asker", &params, &patient()).unwrap();
    let task = Task { ..task(1, SAMPLES_256_KB) };
    let mut victim = Free::new();
    let grants = Grants { access: SERAPH_ACCESS_LOGITS, forward: u64::MAX / 2, gradient: 0 };
    let mut broker = Broker::new(&mut victim, &task, grants);
    let start = Instant::now();
    let outcome = worker.run(&task, &mut broker);
    let elapsed = start.elapsed();
    assert_eq!((outcome.fault, outcome.status, outcome.used[0].forward), (None, 0, queries));
    elapsed
}

/// From the call to a worker that is confined and has its instance, and its end.
fn start(criterion: &mut Criterion) {
    let plugin = read_plugin(&compile("asker", &[])).unwrap();
    let params = [Param { id: 1, name: "queries".to_owned(), value: ParamValue::I64(0) }];
    criterion.bench_function("worker start and end", |bencher| {
        bencher.iter(|| AttackWorker::start(&plugin, "asker", &params, &patient()).unwrap());
    });
}

/// A victim that costs nothing.
struct Free {
    desc: VictimDesc,
    input: Vec<f32>,
}

impl Free {
    fn new() -> Self {
        let desc = VictimDesc {
            access: SERAPH_ACCESS_LOGITS | SERAPH_ACCESS_GRADIENT,
            n_classes: 7,
            sample_rate_hz: 16_000,
            n_samples: 0,
            max_rows: 0,
            domain: 1,
            arch: String::new(),
            classes: None,
            gradient_note: String::new(),
            device: String::new(),
            runtime: String::new(),
        };
        Self { desc, input: Vec::new() }
    }
}

impl Victim for Free {
    fn desc(&self) -> &VictimDesc {
        &self.desc
    }

    fn input(&mut self, len: usize) -> Result<&mut [f32], Fault> {
        self.input.resize(len, 0.0);
        Ok(&mut self.input)
    }

    fn logits_of_input(&mut self, _: usize, logits: &mut [f32]) -> Result<(), Fault> {
        logits.fill(0.0);
        Ok(())
    }

    fn loss_grad_of_input(&mut self, _: usize, _: &Loss, _: LossGradOut<'_>) -> Result<(), Fault> {
        unreachable!("the attack asks for logits")
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(30).measurement_time(Duration::from_secs(4));
    targets = query, start
}
criterion_main!(benches);
