//! The victims through their C tables: values by hand, gradients by differences, bad input by its message.
#![allow(clippy::unwrap_used)]

use seraph_plugin::prelude::*;
use seraph_plugin::testing::Loaded;
use seraph_victim_linear::{LinearVictim, PiecewiseVictim, SphereVictim};

const SMALL: [(&str, Value); 2] = [("n_classes", Value::I64(3)), ("n_samples", Value::I64(5))];

fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn a_model_file_gives_its_own_logits_and_gradients() {
    let values = [("n_classes", Value::I64(2)), ("n_samples", Value::I64(3))];
    let file = bytes(&[1.0, 2.0, 3.0, -1.0, 0.0, 4.0, 0.5, -0.5]);
    let mut victim = Loaded::new::<LinearVictim>(&values, &[("model", file)]).unwrap();
    assert_eq!((victim.n_classes, victim.n_samples), (2, 3));
    let x = [1.0, 1.0, 1.0, 0.0, 0.5, 0.0];
    assert_eq!(victim.logits(&x, 2).unwrap(), [6.5, 2.5, 1.5, -0.5]);
    let loss = Loss { classes: Some(&[0, 1]), ..Loss::MARGIN };
    let answer = victim.loss_grad(&x, 2, &loss).unwrap();
    assert_eq!(answer.loss, [4.0, -2.0]);
    assert_eq!(answer.grad, [2.0, 2.0, -1.0, -2.0, -2.0, 1.0]);
    assert_eq!(answer.logits, [6.5, 2.5, 1.5, -0.5]);
}

fn check_gradient(mut victim: Loaded) {
    let x = [0.3, -0.2, 0.1, 0.0, 0.4];
    for loss in [Loss::CE, Loss::MARGIN, Loss::DLR, Loss::DLR_TARGETED] {
        let loss = Loss { classes: Some(&[1]), targets: Some(&[2]), ..loss };
        let grad = victim.loss_grad(&x, 1, &loss).unwrap().grad;
        for i in 0..5 {
            let mut at = |delta: f32| {
                let mut x = x;
                x[i] += delta;
                victim.loss_grad(&x, 1, &loss).unwrap().loss[0]
            };
            let difference = (at(0.01) - at(-0.01)) / 0.02;
            assert!((difference - grad[i]).abs() < 0.01 * (1.0 + grad[i].abs()), "{difference} {}", grad[i]);
        }
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    check_gradient(Loaded::new::<LinearVictim>(&SMALL, &[]).unwrap());
    check_gradient(Loaded::new::<SphereVictim>(&SMALL, &[]).unwrap());
    check_gradient(Loaded::new::<PiecewiseVictim>(&SMALL, &[]).unwrap());
}

#[test]
fn a_row_does_not_depend_on_its_batch() {
    let mut victim = Loaded::new::<SphereVictim>(&SMALL, &[]).unwrap();
    let x = [0.1, 0.2, 0.3, 0.4, 0.5, -0.5, -0.4, -0.3, -0.2, -0.1];
    let together = victim.logits(&x, 2).unwrap();
    assert_eq!(together[3..], victim.logits(&x[5..], 1).unwrap());
}

#[test]
fn bad_input_is_named() {
    let message = |error: Option<Error>| {
        let error = error.unwrap();
        (error.status(), error.to_string())
    };
    let short = Loaded::new::<LinearVictim>(&SMALL, &[("model", bytes(&[1.0; 17]))]).err();
    let expected = "model has 68 bytes, float32 weights [3, 5] and biases [3] have 72";
    assert_eq!(message(short), (Status::Model, expected.to_owned()));
    let mut numbers = [1.0; 18];
    numbers[4] = f32::NAN;
    let nan = Loaded::new::<LinearVictim>(&SMALL, &[("model", bytes(&numbers))]).err();
    assert_eq!(message(nan), (Status::Model, "number 4 of the model is not finite".to_owned()));
    let mut victim = Loaded::new::<LinearVictim>(&SMALL, &[]).unwrap();
    let length = victim.logits(&[0.0; 4], 1).err();
    let expected = "x has 4 samples per row, the model takes 5";
    assert_eq!(message(length), (Status::Argument, expected.to_owned()));
    let class = victim.loss_grad(&[0.0; 5], 1, &Loss { classes: Some(&[3]), ..Loss::CE }).err();
    assert_eq!(message(class), (Status::Argument, "class 3 is not in 0..3".to_owned()));
    let missing = victim.loss_grad(&[0.0; 5], 1, &Loss::CE).err();
    assert_eq!(message(missing), (Status::Argument, "loss.classes is null".to_owned()));
}
