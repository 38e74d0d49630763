//! Composition: [generator] -> [victim] differentiated with respect to the generator's weights alone.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{case, values};
use seraph_autodiff::{DataType, Model, Options, Tensor, compose, differentiate, reference};

fn weights(shape: &[usize], salt: usize) -> Tensor {
    let data = values(shape.iter().product(), salt).into_iter().map(|v| f64::from(v as f32)).collect();
    Tensor::floats(DataType::F32, shape, data)
}

/// y0 = x0 * x1 with x1 a constant: both models call everything by the same names.
fn product(shape: &[usize], salt: usize) -> Model {
    case("MatMul").x(&[2, shape[0]]).constant(weights(shape, salt)).model(true)
}

/// The same model with its output under another name.
fn generator() -> Model {
    let renamed = case("MatMul").x(&[2, 3]).constant(weights(&[3, 4], 1)).model(true).to_bytes();
    let text = |bytes: &[u8], from: &[u8], to: &[u8]| -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for at in 0..bytes.len() - from.len() {
            if bytes[at..].starts_with(from) {
                bytes[at..at + from.len()].copy_from_slice(to);
            }
        }
        bytes
    };
    Model::from_bytes(&text(&text(&renamed, b"y0", b"a0"), b"x", b"g")).unwrap()
}

#[test]
fn a_composition_runs_one_model_after_the_other() {
    let (generator, victim) = (generator(), product(&[4, 3], 2));
    let both = compose(&generator, &victim, &[("a0", "x0")]).unwrap();
    let names: Vec<String> = both.outputs().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["y0", "a0"]);
    let x = weights(&[2, 3], 5);
    let found = reference::run(&both, &[("g0", x.clone())]).unwrap();
    let middle = reference::run(&generator, &[("g0", x)]).unwrap()["a0"].clone();
    assert_eq!(found["y0"], reference::run(&victim, &[("x0", middle)]).unwrap()["y0"]);
}

#[test]
fn only_the_chosen_weights_get_gradients() {
    let both = compose(&generator(), &product(&[4, 3], 2), &[("a0", "x0")]).unwrap();
    let options = Options { params: true, only_params: vec!["g1".into()], ..Options::default() };
    let gradient = differentiate(&both, &options).unwrap();
    let names: Vec<String> = gradient.outputs().into_iter().map(|info| info.name).collect();
    assert_eq!(names, ["y0", "a0", "loss", "d_g0", "d_g1"]);
    let (x, labels) = (weights(&[2, 3], 5), Tensor::i64(&[2], vec![0, 2]));
    let outputs =
        reference::run_canonical(&gradient, &[("g0", x.clone()), ("labels", labels.clone())]).unwrap();
    let found = outputs["d_g1"].to_floats();
    for (at, found) in found.iter().enumerate() {
        let total = |by: f64| {
            let mut data = weights(&[3, 4], 1).to_floats();
            data[at] += by;
            let w = Tensor::floats(DataType::F64, &[3, 4], data);
            let a = reference::run(
                &case("MatMul").x(&[2, 3]).range(&[3, 4], 0.0, 1.0).model(true),
                &[("x0", x.clone()), ("x1", w)],
            );
            let victim = differentiate(&product(&[4, 3], 2), &Options::default()).unwrap();
            let inputs = [("x0", a.unwrap()["y0"].clone()), ("labels", labels.clone())];
            reference::run_canonical(&victim, &inputs).unwrap()["loss"].to_floats().iter().sum::<f64>()
        };
        let truth = (total(1e-5) - total(-1e-5)) / 2e-5;
        assert!((found - truth).abs() < 1e-6, "{found} is not {truth}");
    }
}

#[test]
fn names_that_do_not_exist_or_clash_are_refused() {
    let (generator, victim) = (generator(), product(&[4, 3], 2));
    let refusal = |connect: &[(&str, &str)]| compose(&generator, &victim, connect).unwrap_err().to_string();
    assert!(refusal(&[("b0", "x0")]).contains("no output `b0`; it has a0"));
    assert!(refusal(&[("a0", "z0")]).contains("no input `z0`; it has x0"));
    assert!(compose(&victim, &victim, &[("y0", "x0")]).unwrap_err().to_string().contains("`y0`"));
}
