//! Models with the run time's own operators give what the standard operators give.
#![allow(clippy::unwrap_used)]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use seraph_autodiff::{Model, Options, differentiate, for_runtime};

/// float32 sums in another order.
const TOLERANCE: f64 = 5e-6;

fn fused_operators(model: &Model) -> Vec<&str> {
    model.operators().filter(|op| op.starts_with("MaxPool") && op.ends_with("Grad")).collect()
}

#[test]
fn fused_gradients_are_the_standard_ones() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/victims");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there", folder.display());
        return;
    }
    if !common::has_runtime() {
        return;
    }
    for (name, file, operators) in [
        ("emo18-emodb", "emo18-emodb.onnx", ["MaxPoolConvGrad"; 3].as_slice()),
        ("emo18-emodb", "emo18-emodb.dynamo.onnx", &["MaxPoolConvGrad"; 3]),
        ("zhao19-emodb", "zhao19-emodb.onnx", &[]),
        ("cnn4-logmel-emodb", "cnn4-logmel-emodb.onnx", &["MaxPoolGrad"; 4]),
    ] {
        let model = Model::from_bytes(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        let reference = common::npz::read(&folder.join(format!("{name}.reference.npz")));
        let shapes = BTreeMap::from([("audio".to_owned(), vec![None, Some(48000)])]);
        let standard = differentiate(&model, &Options { shapes, ..Options::default() }).unwrap();
        let fused = for_runtime(&standard);
        assert_eq!(fused_operators(&fused), operators, "{file}");
        assert_eq!(fused_operators(&standard), Vec::<&str>::new(), "{file}");
        let inputs = [("audio", &reference["audio"]), ("labels", &reference["labels"])];
        let (expected, found) = (common::run(&standard, &inputs), common::run(&fused, &inputs));
        for output in ["logits", "loss", "d_audio"] {
            let error = common::relative_error(&found[output], &expected[output]);
            assert!(error <= TOLERANCE, "{file}: {output} is off by {error:.1e}");
        }
    }
}
