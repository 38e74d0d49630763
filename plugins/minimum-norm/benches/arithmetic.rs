//! Time of each attack's own arithmetic: 20 steps on 4 utterances of 6 s with a victim that costs next to nothing,
//! beside `questions`, which asks as often and computes nothing.
#![allow(missing_docs, clippy::unwrap_used)]

use criterion::{Criterion, criterion_group, criterion_main};
use seraph_minimum_norm::{Cw, Ddn, DeepFool, Fab, Fmn, SigmaZero};
use seraph_plugin::analytic::Model;
use seraph_plugin::prelude::*;
use seraph_plugin::testing::Scene;
use seraph_plugin::toolkit::Batch;

const SAMPLES: usize = 96_000;
const STEPS: i64 = 20;

/// Two classes and a gradient that is the same everywhere.
struct Cheap {
    slope: Vec<f64>,
    lead: f64,
}

impl Model for Cheap {
    fn n_classes(&self) -> usize {
        2
    }
    fn logits(&self, x: &[f32], z: &mut [f64]) {
        let sum: f64 = x.iter().zip(&self.slope).map(|(x, slope)| f64::from(*x) * slope).sum();
        (z[0], z[1]) = (self.lead, sum);
    }
    fn add_vjp(&self, _x: &[f32], v: &[f64], gradient: &mut [f64]) {
        gradient.iter_mut().zip(&self.slope).for_each(|(g, slope)| *g = v[1] * slope);
    }
}

/// Asks for as many gradients and does nothing with them.
struct Questions;

impl Attack for Questions {
    const INFO: AttackInfo = AttackInfo {
        id: "questions",
        norms: Norms::ALL,
        params: &[Param::i64("steps", STEPS, 1, 1000, "")],
        ..AttackInfo::EMPTY
    };

    fn create(_config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Questions)
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let (batch, mut gradients) = (Batch::of(task, task.items()), Gradients::default());
        (0..STEPS).try_for_each(|_| oracle.loss_grad(batch.x(), batch.items(), &Loss::MARGIN, &mut gradients))
    }
}

fn logit(model: &Cheap, x: &[f32]) -> f64 {
    let mut z = [0.0; 2];
    model.logits(x, &mut z);
    z[1]
}

fn time<A: Attack>(criterion: &mut Criterion, norm: Norm, values: &[(&str, Value)]) {
    let mut rng = Rng::new(&[1; 32], 0);
    let slope = (0..SAMPLES).map(|_| f64::from(rng.normal())).collect();
    let audio: Vec<Vec<f32>> =
        (0..4).map(|_| (0..SAMPLES).map(|_| rng.uniform(-0.3, 0.3)).collect()).collect();
    let mut model = Cheap { slope, lead: 0.0 };
    let strongest = audio.iter().map(|x| logit(&model, x)).fold(f64::NEG_INFINITY, f64::max);
    model.lead = strongest + 100.0;
    let scene = Scene { norm, radius: vec![1e6], ..Scene::new(&model, audio) };
    criterion.bench_function(&format!("{} {norm:?}", A::INFO.id), |bencher| {
        bencher.iter(|| assert!(scene.run::<A>(None, values).status.is_ok()));
    });
}

fn arithmetic(criterion: &mut Criterion) {
    let steps = ("steps", Value::I64(STEPS));
    time::<Questions>(criterion, Norm::L2, &[steps]);
    for norm in [Norm::Linf, Norm::L2] {
        time::<DeepFool>(criterion, norm, &[steps]);
        time::<Cw>(
            criterion,
            norm,
            &[
                steps,
                ("searches", Value::I64(1)),
                ("largest_constant", Value::F64(1e-3)),
                ("abort_early", Value::Bool(false)),
            ],
        );
        time::<Fab>(criterion, norm, &[steps, ("halvings", Value::I64(0))]);
        time::<Fmn>(criterion, norm, &[steps]);
    }
    time::<Fmn>(criterion, Norm::L1, &[steps]);
    time::<Fmn>(criterion, Norm::L0, &[steps]);
    time::<Ddn>(criterion, Norm::L2, &[steps, ("loss", Value::Choice("margin"))]);
    time::<SigmaZero>(criterion, Norm::L0, &[steps]);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(std::time::Duration::from_secs(1)).warm_up_time(std::time::Duration::from_millis(100));
    targets = arithmetic
}
criterion_main!(benches);
