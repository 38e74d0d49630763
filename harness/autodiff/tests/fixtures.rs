//! Small models of every architecture family, as both of PyTorch's exporters write them, against PyTorch's float64
//! gradients: in the interpreter to float32 rounding of the weights, in ONNX Runtime to float32.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use seraph_autodiff::{Model, Options, Tensor, differentiate, reference};

const FAMILIES: [&str; 12] = [
    "attention",
    "bilstm",
    "cnn1d",
    "gated",
    "gru",
    "logmel",
    "lstm",
    "residual2d",
    "rnn",
    "statistics",
    "wav2vec",
    "waveunet",
];

/// In float64 the only difference is the constants that exporters rounded to float32.
const EXACT: f64 = 2e-6;
const SINGLE: f64 = 1e-4;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn check(name: &str, exporter: &str, pinned: bool) {
    let label = format!("{name}.{exporter}, pinned: {pinned}");
    let truth = common::npz::read(&folder().join(format!("{name}.npz")));
    let model =
        Model::from_bytes(&std::fs::read(folder().join(format!("{name}.{exporter}.onnx"))).unwrap()).unwrap();
    let (x, labels) = (&truth["x"], &truth["labels"]);
    let shape = x.shape.iter().map(|&n| Some(n)).collect();
    let shapes = if pinned { BTreeMap::from([("x".to_owned(), shape)]) } else { BTreeMap::new() };
    let gradient = differentiate(&model, &Options { shapes, ..Options::default() })
        .unwrap_or_else(|error| panic!("{label}: {error}"));
    let inputs = [("x", x.clone()), ("labels", labels.clone())];
    let exact =
        reference::run_canonical(&gradient, &inputs).unwrap_or_else(|error| panic!("{label}: {error}"));
    let compare = |found: &BTreeMap<String, Tensor>, tolerance: f64, engine: &str| {
        for (output, expected) in [("logits", "logits"), ("loss", "loss"), ("d_x", "grad")] {
            let error = common::relative_error(&found[output], &truth[expected]);
            assert!(error <= tolerance, "{label}, {engine}: {output} is off by {error:.1e}");
        }
    };
    compare(&exact, EXACT, "interpreter");
    if common::has_runtime_quietly() {
        let found = common::try_run(&gradient, &[("x", x), ("labels", labels)]);
        compare(&found.unwrap_or_else(|error| panic!("{label}: {error}")), SINGLE, "ONNX Runtime");
    }
}

#[test]
fn torchscript_exports_are_differentiated() {
    FAMILIES.iter().for_each(|name| check(name, "torchscript", true));
}

#[test]
fn dynamo_exports_are_differentiated() {
    FAMILIES.iter().for_each(|name| check(name, "dynamo", true));
}

#[test]
fn exports_with_a_dynamic_batch_are_differentiated() {
    FAMILIES
        .iter()
        .for_each(|name| ["torchscript", "dynamo"].iter().for_each(|exporter| check(name, exporter, false)));
}
