//! Random graphs of element-wise, layout and matrix operators: gradients against central differences, outputs and
//! gradients of ONNX Runtime against the interpreter.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{info, untyped, values, wrap};
use proptest::prelude::*;
use seraph_autodiff::proto::{GraphProto, NodeProto};
use seraph_autodiff::{DataType, Loss, Model, Options, Tensor, differentiate, reference};

const SIDE: usize = 3;
const UNARY: [&str; 8] = ["Tanh", "Sigmoid", "Sin", "Softplus", "Neg", "Transpose", "Softmax", "Identity"];
const BINARY: [&str; 4] = ["Add", "Sub", "Mul", "MatMul"];

/// One step: an operator, and which of the values so far it reads.
type Step = (usize, usize, usize);

fn model(steps: &[Step], outputs: usize) -> Model {
    let mut names = vec!["x".to_owned(), "w".to_owned()];
    let mut nodes = Vec::new();
    for (i, &(op, a, b)) in steps.iter().enumerate() {
        let op = op % (UNARY.len() + BINARY.len());
        let (first, second) = (names[a % names.len()].clone(), names[b % names.len()].clone());
        let (op, input) = match UNARY.get(op) {
            Some(&unary) => (unary, vec![first]),
            None => (BINARY[op - UNARY.len()], vec![first, second]),
        };
        let output = format!("v{i}");
        nodes.push(NodeProto {
            op_type: Some(op.into()),
            name: Some("same name".into()),
            input,
            output: vec![output.clone()],
            ..Default::default()
        });
        names.push(output);
    }
    let w = Tensor::floats(DataType::F32, &[SIDE, SIDE], values(SIDE * SIDE, 5));
    let graph = GraphProto {
        node: nodes,
        name: Some("random".into()),
        initializer: vec![w.to_proto("w")],
        input: vec![info("x", &w, true)],
        output: names.iter().rev().take(outputs).map(|name| untyped(name)).collect(),
        ..Default::default()
    };
    wrap(graph, 18)
}

/// float32 values, so that both engines start from the same numbers.
fn input() -> Tensor {
    let data = values(SIDE * SIDE, 1).into_iter().map(|v| f64::from(v as f32)).collect();
    Tensor::floats(DataType::F32, &[SIDE, SIDE], data)
}

fn total(model: &Model, output: &str, at: usize, by: f64) -> f64 {
    let mut data = input().to_floats();
    data[at] += by;
    let x = Tensor::floats(DataType::F32, &[SIDE, SIDE], data);
    reference::run(model, &[("x", x)]).unwrap()[output].to_floats().iter().sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, rng_seed: proptest::test_runner::RngSeed::Fixed(3), ..ProptestConfig::default() })]
    #[test]
    fn gradients_are_central_differences(
        steps in prop::collection::vec((0usize..12, 0usize..20, 0usize..20), 1..9),
        outputs in 1usize..3,
    ) {
        let model = model(&steps, outputs);
        let output = model.outputs()[0].name.clone();
        let options = Options { loss: Loss::Vjp, output: Some(output.clone()), ..Options::default() };
        let gradient = match differentiate(&model, &options) {
            Ok(gradient) => gradient,
            Err(error) => {
                prop_assert!(matches!(error, seraph_autodiff::Error::NoPath { .. }), "{}", error);
                return Ok(());
            }
        };
        let ones = Tensor::full(DataType::F32, &[SIDE, SIDE], 1.0);
        let seed = format!("d_{output}");
        let found = reference::run_canonical(&gradient, &[("x", input()), (&seed, ones.clone())]).unwrap();
        for (at, found) in found["d_x"].to_floats().iter().enumerate() {
            let truth = (total(&model, &output, at, 1e-5) - total(&model, &output, at, -1e-5)) / 2e-5;
            prop_assert!((found - truth).abs() <= 1e-6 * truth.abs().max(1.0), "element {}: {} is not {}", at, found, truth);
        }
        if common::has_runtime_quietly() {
            let single = common::run(&gradient, &[("x", &input()), (&seed, &ones)]);
            for (name, truth) in &found {
                let size = truth.to_floats().iter().fold(1.0f64, |m, v| m.max(v.abs()));
                let close = single[name].to_floats().iter().zip(truth.to_floats()).all(|(a, b)| (a - b).abs() <= 1e-4 * size);
                prop_assert!(close, "{} differs in ONNX Runtime", name);
            }
        }
    }
}
