//! The real victims, from both exporters, against PyTorch's float64 gradients.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use seraph_autodiff::{Loss, Model, Options, Tensor, differentiate};

const VICTIMS: [(&str, &str); 5] = [
    ("emo18-emodb", "emo18-emodb.onnx"),
    ("emo18-emodb", "emo18-emodb.dynamo.onnx"),
    ("zhao19-emodb", "zhao19-emodb.onnx"),
    ("zhao19-emodb", "zhao19-emodb.dynamo.onnx"),
    ("cnn4-logmel-emodb", "cnn4-logmel-emodb.onnx"),
];

/// PyTorch's own float32 gradients are off by up to 1.5e-4.
const TOLERANCE: f64 = 5e-4;

fn victims() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/victims");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return None;
    }
    common::has_runtime().then_some(folder)
}

/// The first `n` items of a batch.
fn head(tensor: &Tensor, n: usize) -> Tensor {
    let mut shape = tensor.shape.clone();
    shape[0] = n;
    let index: Vec<Option<usize>> = (0..shape.iter().product()).map(Some).collect();
    tensor.pick(&shape, &index, 0.0)
}

fn check(shapes: &BTreeMap<String, Vec<Option<usize>>>, for_cuda: bool, n: usize) {
    let Some(folder) = victims() else { return };
    for (name, file) in VICTIMS {
        let model = Model::from_bytes(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let reference = common::npz::read(&folder.join(format!("{name}.reference.npz")));
        let options =
            Options { loss: Loss::CrossEntropy, shapes: shapes.clone(), for_cuda, ..Options::default() };
        let gradient = differentiate(&model, &options).unwrap_or_else(|error| panic!("{file}: {error}"));
        let (audio, labels) = (head(&reference["audio"], n), head(&reference["labels"], n));
        let outputs = common::run(&gradient, &[("audio", &audio), ("labels", &labels)]);
        for (found, truth) in [("logits", "logits_f64"), ("loss", "loss_f64"), ("d_audio", "grad")] {
            let error = common::relative_error(&outputs[found], &head(&reference[truth], n));
            assert!(error <= TOLERANCE, "{file}: {found} is off by {error:.1e}");
        }
    }
}

#[test]
fn gradients_with_pinned_shapes_are_pytorchs() {
    check(&BTreeMap::from([("audio".to_owned(), vec![Some(8), Some(48000)])]), false, 8);
}

#[test]
fn gradients_with_a_dynamic_batch_are_pytorchs() {
    check(&BTreeMap::new(), false, 3);
}

#[test]
fn gradients_in_the_form_for_cuda_are_pytorchs() {
    check(&BTreeMap::from([("audio".to_owned(), vec![Some(2), Some(48000)])]), true, 2);
}
