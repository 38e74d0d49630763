//! The losses in the graph: values against their definitions, gradients against central differences.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{case, values};
use seraph_autodiff::{DataType, Error, Loss, Model, Options, Tensor, differentiate, reference};

const N: usize = 3;

/// logits = x W, with `k` classes.
fn linear(k: usize) -> Model {
    let w = Tensor::floats(
        DataType::F32,
        &[4, k],
        values(4 * k, 3).iter().map(|v| f64::from(*v as f32)).collect(),
    );
    case("MatMul").x(&[N, 4]).constant(w).model(true)
}

fn x() -> Tensor {
    Tensor::floats(DataType::F32, &[N, 4], values(4 * N, 0))
}

fn labels(k: usize) -> Tensor {
    Tensor::i64(&[N], (0..N as i64).map(|i| i % k as i64).collect())
}

/// The definition of each loss, on the logits of one item.
fn definition(loss: Loss, z: &[f64], y: usize) -> f64 {
    let best_other = z.iter().enumerate().filter(|(j, _)| *j != y).map(|(_, v)| *v).fold(f64::MIN, f64::max);
    let mut sorted = z.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    match loss {
        Loss::CrossEntropy => z.iter().map(|v| v.exp()).sum::<f64>().ln() - z[y],
        Loss::Margin { kappa } => (best_other - z[y]).min(f64::from(kappa)),
        Loss::Dlr if z.len() > 2 => (best_other - z[y]) / (sorted[0] - sorted[2]),
        _ => best_other - z[y],
    }
}

const LOSSES: [Loss; 4] =
    [Loss::CrossEntropy, Loss::Margin { kappa: 50.0 }, Loss::Margin { kappa: f32::INFINITY }, Loss::Dlr];

#[test]
fn losses_and_their_gradients_are_as_defined() {
    for k in [2, 3, 5] {
        for loss in LOSSES {
            let model = linear(k);
            let gradient = differentiate(&model, &Options { loss, ..Options::default() }).unwrap();
            let run =
                |x: Tensor| reference::run_canonical(&gradient, &[("x0", x), ("labels", labels(k))]).unwrap();
            let outputs = run(x());
            let logits = outputs["y0"].to_floats();
            for i in 0..N {
                let truth = definition(loss, &logits[i * k..(i + 1) * k], i % k);
                let found = outputs["loss"].to_floats()[i];
                assert!((found - truth).abs() < 1e-9, "{loss:?}, {k} classes: {found} is not {truth}");
            }
            let dx = outputs["d_x0"].to_floats();
            for (at, found) in dx.iter().enumerate() {
                let total = |by: f64| {
                    let mut data = x().to_floats();
                    data[at] += by;
                    run(Tensor::floats(DataType::F32, &[N, 4], data))["loss"].to_floats().iter().sum::<f64>()
                };
                let truth = (total(1e-5) - total(-1e-5)) / 2e-5;
                assert!(
                    (found - truth).abs() < 1e-6,
                    "{loss:?}, {k} classes, element {at}: {found} is not {truth}"
                );
            }
        }
    }
}

#[test]
fn two_class_dlr_has_a_gradient() {
    let gradient = differentiate(&linear(2), &Options { loss: Loss::Dlr, ..Options::default() }).unwrap();
    let outputs = reference::run_canonical(&gradient, &[("x0", x()), ("labels", labels(2))]).unwrap();
    assert!(outputs["d_x0"].to_floats().iter().any(|v| v.abs() > 0.1));
}

#[test]
fn a_clipped_margin_has_no_gradient() {
    let loss = Loss::Margin { kappa: 0.0 };
    let gradient = differentiate(&linear(5), &Options { loss, ..Options::default() }).unwrap();
    let outputs = reference::run_canonical(&gradient, &[("x0", x()), ("labels", labels(5))]).unwrap();
    for (i, loss) in outputs["loss"].to_floats().iter().enumerate() {
        let row = &outputs["d_x0"].to_floats()[4 * i..4 * i + 4];
        assert_eq!(*loss == 0.0, row.iter().all(|v| *v == 0.0), "item {i}: loss {loss}, gradient {row:?}");
    }
}

/// Where the model is sure, 1 - p has no digits left; the sum of the other classes' probabilities has.
#[test]
fn cross_entropy_of_a_sure_model_keeps_its_gradient() {
    let w = Tensor::f32(&[1, 3], [30.0, -10.0, -11.0]);
    let model = case("MatMul").x(&[1, 1]).constant(w).model(true);
    let gradient = differentiate(&model, &Options::default()).unwrap();
    let (one, label) = (Tensor::f32(&[1, 1], [1.0]), Tensor::i64(&[1], vec![0]));
    let truth = -40.0 * (-40f64).exp() - 41.0 * (-41f64).exp();
    if common::has_runtime() {
        let found = common::run(&gradient, &[("x0", &one), ("labels", &label)])["d_x0"].to_floats()[0];
        assert!(((found - truth) / truth).abs() < 1e-4, "{found:e} is not {truth:e}");
    }
}

#[test]
fn the_seed_scale_multiplies_and_can_be_undone() {
    let run = |options: Options| {
        let gradient = differentiate(&linear(3), &options).unwrap();
        reference::run_canonical(&gradient, &[("x0", x()), ("labels", labels(3))]).unwrap()["d_x0"]
            .to_floats()
    };
    for loss in LOSSES {
        let plain = run(Options { loss, ..Options::default() });
        let scaled = run(Options { loss, seed_scale_log2: 10, ..Options::default() });
        let undone = run(Options { loss, seed_scale_log2: 10, undo_seed_scale: true, ..Options::default() });
        assert_eq!(plain, undone);
        assert_eq!(scaled, plain.iter().map(|v| v * 1024.0).collect::<Vec<_>>());
    }
}

#[test]
fn the_jacobian_is_one_gradient_per_class() {
    let (model, k) = (linear(5), 5);
    let jacobian = differentiate(&model, &Options { loss: Loss::Jacobian, ..Options::default() }).unwrap();
    let rows = reference::run_canonical(&jacobian, &[("x0", x())]).unwrap()["jacobian_x0"].clone();
    assert_eq!(rows.shape, [N, k, 4]);
    let vjp = differentiate(&model, &Options { loss: Loss::Vjp, ..Options::default() }).unwrap();
    for class in 0..k {
        let seed = (0..N * k).map(|i| if i % k == class { 1.0 } else { 0.0 });
        let seed = Tensor::f32(&[N, k], seed.map(|v| v as f32));
        let row = reference::run_canonical(&vjp, &[("x0", x()), ("d_y0", seed)]).unwrap()["d_x0"].to_floats();
        for i in 0..N {
            assert_eq!(rows.to_floats()[(i * k + class) * 4..][..4], row[i * 4..][..4]);
        }
    }
    let forwards = jacobian.operators().filter(|op| *op == "MatMul").count();
    assert_eq!(forwards, 1 + k, "one forward product and one backward product per class");
}

#[test]
fn outputs_that_carry_no_loss_are_refused_by_name() {
    let refusal = |model: &Model, options: Options| differentiate(model, &options).unwrap_err();
    let plain = Options::default;
    let three_axes = case("Relu").x(&[2, 3, 4]).model(true);
    assert!(matches!(refusal(&three_axes, plain()), Error::Output { output, .. } if output == "y0"));
    let integers = case("ArgMax").x(&[2, 3]).model(true);
    assert!(matches!(refusal(&integers, plain()), Error::Output { .. }));
    let missing = Options { output: Some("logits".into()), ..plain() };
    assert!(refusal(&linear(3), missing).to_string().contains("there are y0"));
    let no_path = case("Sign").x(&[2, 3]).model(true);
    assert_eq!(refusal(&no_path, plain()), Error::NoPath { output: "y0".into() });
    let negative = Options { loss: Loss::Margin { kappa: -1.0 }, ..plain() };
    assert!(refusal(&linear(3), negative).to_string().contains("kappa"));
}
