//! What crosses the boundary badly comes back as a status and a message, and nothing unwinds.
#![allow(clippy::unwrap_used)]

use seraph_plugin::analytic::{Linear, Model};
use seraph_plugin::prelude::*;
use seraph_plugin::testing::{Outcome, Scene};

/// Does what its parameter says.
struct Misbehaving(&'static str);

impl Attack for Misbehaving {
    const INFO: AttackInfo = AttackInfo {
        id: "misbehaving",
        version: "1.0.0",
        params: &[
            Param::choice(
                "how",
                &[
                    "not",
                    "panic",
                    "short-commit",
                    "short-question",
                    "nan",
                    "bad-class",
                    "stranger",
                    "over-budget",
                ],
                "",
            ),
            Param::f64("level", 0.5, 0.0, 1.0, ""),
        ],
        presets: &[Preset { name: "loud", doc: "", values: &[("level", Value::F64(1.0))] }],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        config.f64("level")?;
        config.choice("how").map(Misbehaving)
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let (mut x, mut logits) = (task.audio(0).to_vec(), Vec::new());
        oracle.commit(0, &x)?;
        match self.0 {
            "panic" => panic!("on purpose"),
            "short-commit" => oracle.commit(0, &x[1..]),
            "short-question" => oracle.logits(&x[1..], &[0], &mut logits),
            "nan" => {
                x[0] = f32::NAN;
                oracle.logits(&x, &[0], &mut logits)
            }
            "bad-class" => {
                let loss = Loss { classes: Some(&[99]), ..Loss::CE };
                oracle.loss_grad(&x, &[0], &loss, &mut Gradients::default())
            }
            "stranger" => oracle.logits(&x, &[7], &mut logits),
            "over-budget" => (0..9).try_for_each(|_| oracle.logits(&x, &[0], &mut logits)),
            _ => Ok(()),
        }
    }
}

fn run<'s>(scene: &'s Scene<'s>, how: &'static str) -> Outcome<'s> {
    scene.run::<Misbehaving>(None, &[("how", Value::Choice(how))])
}

#[test]
fn each_misdeed_has_its_status_and_its_sentence_and_keeps_the_commit() {
    let model = Linear::random(3, 16, 1);
    let scene = Scene { budget: (4, 4), ..Scene::new(&model, vec![vec![0.1; 16]]) };
    for (how, status, sentence) in [
        ("panic", Status::Fail, "panicked: on purpose"),
        ("short-commit", Status::Argument, "commit of 15 samples, a row has 16"),
        ("short-question", Status::Argument, "x has 15 samples, 1 rows have 16"),
        ("nan", Status::NonFinite, "NaN or infinity"),
        ("bad-class", Status::Argument, "an argument breaks its contract"),
        ("stranger", Status::Argument, "an argument breaks its contract"),
        ("over-budget", Status::Budget, "the query budget is spent"),
    ] {
        let outcome = run(&scene, how);
        let error = outcome.status.as_ref().unwrap_err();
        assert_eq!((error.status(), error.to_string().as_str()), (status, sentence), "{how}");
        outcome.assert_valid();
    }
    assert_eq!(run(&scene, "not").status, Ok(()));
}

#[test]
fn parameters_are_checked_before_anything_is_made() {
    let model = Linear::random(3, 16, 1);
    let scene = Scene::new(&model, vec![vec![0.1; 16]]);
    let message = |preset: Option<&str>, values: &[(&str, Value)]| {
        scene.run::<Misbehaving>(preset, values).status.unwrap_err().to_string()
    };
    assert_eq!(message(Some("quiet"), &[]), "no preset 'quiet'");
    assert_eq!(message(None, &[("lvel", Value::F64(0.1))]), "no parameter 'lvel'");
    assert!(message(None, &[("level", Value::F64(2.0))]).starts_with("level: F64(2.0) does not fit"));
    assert!(message(None, &[("how", Value::Choice("well"))]).starts_with("how: 'well' is not one of"));
    assert_eq!(scene.run::<Misbehaving>(Some("loud"), &[]).status, Ok(()));
}

#[test]
fn a_large_question_is_asked_in_parts_and_charged_once() {
    /// Asks for 10 rows of one item at once.
    struct Many;
    impl Attack for Many {
        const INFO: AttackInfo = AttackInfo { id: "many", version: "1.0.0", ..AttackInfo::EMPTY };
        fn create(_config: &Config, _host: &Host) -> Result<Self, Error> {
            Ok(Many)
        }
        fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
            let x: Vec<f32> = (0..10).flat_map(|row| [row as f32, 0.5]).collect();
            let (items, mut logits, mut classes) = ([0; 10], Vec::new(), Vec::new());
            oracle.logits(&x, &items, &mut logits)?;
            oracle.decision(&x, &items, &mut classes)?;
            let mut answer = Gradients::default();
            oracle.loss_grad(&x, &items, &Loss { classes: Some(&[1; 10]), ..Loss::MARGIN }, &mut answer)?;
            for row in 0..10 {
                let expected = [f32::from(row as u8), 0.5];
                assert_eq!(logits[2 * row..2 * row + 2], expected);
                assert_eq!(classes[row], i32::from(row == 0));
                assert_eq!(answer.logits_row(row), expected);
                assert_eq!((answer.loss[row], answer.row(row)), (0.5 - row as f32, &[-1.0, 1.0][..]));
            }
            let budget = oracle.budget(0)?;
            assert_eq!((budget.forward_used, budget.gradient_used), (30, 10));
            oracle.commit(0, task.audio(0))
        }
    }
    let model = Linear { weights: vec![vec![1.0, 0.0], vec![0.0, 1.0]], bias: vec![0.0; 2] };
    assert_eq!(model.n_classes(), 2);
    let scene = Scene { max_rows: 3, ..Scene::new(&model, vec![vec![0.0, 0.0]]) };
    let outcome = scene.run::<Many>(None, &[]);
    assert_eq!(outcome.status, Ok(()));
    assert_eq!(outcome.calls, 12);
}
