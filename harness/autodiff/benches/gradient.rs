//! Times of differentiating the shared victims, opening the result, and running it, against the forward pass alone.
//!
//! Needs `ORT_DYLIB_PATH` and the folder of victims beside the workspace; measures nothing where one is missing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use seraph_autodiff::{Model, Options, differentiate};
use seraph_runtime::{Runtime, Session, SessionConfig, TensorView};

const VICTIMS: [&str; 3] = ["emo18-emodb", "zhao19-emodb", "cnn4-logmel-emodb"];
const SAMPLES: usize = 48000;

fn gradients(criterion: &mut Criterion) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/victims");
    if !folder.is_dir() || Runtime::from_env().is_err() {
        eprintln!("nothing measured: the victims or ONNX Runtime are not there");
        return;
    }
    let config = SessionConfig { intra_threads: 2, ..SessionConfig::default() };
    for name in VICTIMS {
        let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let model = Model::from_bytes(&bytes).unwrap();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(10);
        let options = |batch: usize| Options {
            shapes: BTreeMap::from([("audio".to_owned(), vec![Some(batch), Some(SAMPLES)])]),
            ..Options::default()
        };
        group.bench_function("differentiate", |b| {
            b.iter(|| differentiate(black_box(&model), &options(8)).unwrap())
        });
        let gradient = differentiate(&model, &options(8)).unwrap().to_bytes();
        group.bench_function("open", |b| {
            b.iter(|| Session::from_bytes(black_box(&gradient), &config).unwrap())
        });
        for batch in [1, 8, 32] {
            let audio: Vec<f32> =
                (0..batch * SAMPLES).map(|i| ((i * 7919 % 2001) as f32 - 1000.0) / 4000.0).collect();
            let labels = vec![0; batch];
            let (audio_dims, label_dims) = ([batch, SAMPLES], [batch]);
            let x = ("audio", TensorView::f32(&audio_dims, &audio));
            let mut forward = Session::from_bytes(&bytes, &config).unwrap();
            group.bench_function(BenchmarkId::new("forward", batch), |b| {
                b.iter(|| forward.run(&[x]).unwrap())
            });
            drop(forward);
            let gradient = differentiate(&model, &options(batch)).unwrap().to_bytes();
            let mut session = Session::from_bytes(&gradient, &config).unwrap();
            let inputs = [x, ("labels", TensorView::i64(&label_dims, &labels))];
            group.bench_function(BenchmarkId::new("gradient", batch), |b| {
                b.iter(|| session.run(&inputs).unwrap())
            });
        }
    }
}

criterion_group!(benches, gradients);
criterion_main!(benches);
