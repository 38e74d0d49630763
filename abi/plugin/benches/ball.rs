//! What an attack's own arithmetic costs: one step and one projection of a batch, 8 utterances of 3 s at 16 kHz. A
//! gradient of the smallest victim of this size costs two orders of magnitude more.

use criterion::{Criterion, criterion_group, criterion_main};
use seraph_plugin::prelude::*;

const N_ROWS: usize = 8;
const N_SAMPLES: usize = 48_000;

fn steps(criterion: &mut Criterion) {
    let mut rng = Rng::new(&[1; 32], 0);
    let clean: Vec<f32> = (0..N_SAMPLES).map(|_| rng.uniform(-0.5, 0.5)).collect();
    let grad: Vec<f32> = (0..N_SAMPLES).map(|_| rng.normal()).collect();
    for (norm, radius) in [(Norm::Linf, 0.002), (Norm::L2, 0.4), (Norm::L1, 50.0), (Norm::L0, 480.0)] {
        let ball = Ball::new(norm, &clean, radius, (-1.0, 1.0));
        let mut x = clean.clone();
        criterion.bench_function(&format!("step and project {norm:?}, 8 x 48000"), |bench| {
            bench.iter(|| {
                for _ in 0..N_ROWS {
                    ball.ascend(&mut x, &grad, 0.25 * ball.step_unit());
                    ball.project(&mut x);
                }
            });
        });
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
