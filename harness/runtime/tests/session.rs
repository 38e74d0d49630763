//! Opening and running a model through the wrapper, and what it says when that cannot be.
#![allow(clippy::unwrap_used)]

use seraph_runtime::{Error, Runtime, Session, SessionConfig, TensorView};

/// y = x + x for x float32 [N, 3], opset 13, written out by hand: the smallest model with a dynamic axis.
fn doubling_model() -> Vec<u8> {
    fn field(tag: u8, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![tag << 3 | 2, u8::try_from(body.len()).unwrap()];
        bytes.extend_from_slice(body);
        bytes
    }
    let dims = [field(1, &field(2, b"N")), field(1, &[0x08, 3])].concat();
    let tensor_type = field(1, &[vec![0x08, 1], field(2, &dims)].concat());
    let value = |name: &[u8]| [field(1, name), field(2, &tensor_type)].concat();
    let node = [field(1, b"x"), field(1, b"x"), field(2, b"y"), field(4, b"Add")].concat();
    let graph = [field(1, &node), field(2, b"g"), field(11, &value(b"x")), field(12, &value(b"y"))].concat();
    [vec![0x08, 8], field(7, &graph), field(8, &[0x10, 13])].concat()
}

fn open() -> Option<Session> {
    match Runtime::from_env() {
        Err(Error::NoLibrary) => {
            eprintln!("skipped: ORT_DYLIB_PATH is not set");
            None
        }
        Err(error) => panic!("{error}"),
        Ok(_) => Some(Session::from_bytes(&doubling_model(), &SessionConfig::default()).unwrap()),
    }
}

#[test]
fn a_run_reads_a_borrowed_slice_and_returns_every_output() {
    let Some(mut session) = open() else { return };
    assert_eq!(session.inputs()[0].dims, [-1, 3]);
    let x = [1.0, -2.0, 0.5, 4.0, 5.0, 6.0];
    let outputs = session.run(&[("x", TensorView::f32(&[2, 3], &x))]).unwrap();
    assert_eq!(outputs[0].dims, [2, 3]);
    assert_eq!(outputs[0].as_f32().unwrap(), [2.0, -4.0, 1.0, 8.0, 10.0, 12.0]);
    let mut y = [0.0; 3];
    session.run_into(&[("x", TensorView::f32(&[1, 3], &x[..3]))], &mut [("y", &mut y)]).unwrap();
    assert_eq!(y, [2.0, -4.0, 1.0]);
}

#[test]
fn a_wrong_call_is_an_error_that_names_the_input() {
    let Some(mut session) = open() else { return };
    let x = [0.0f32; 6];
    let ints = [0i64; 3];
    let cases: [(&[(&str, TensorView<'_>)], &str); 5] = [
        (&[], "input `x` was not given"),
        (&[("x", TensorView::f32(&[3, 2], &x))], "`x` has shape [-1, 3] (-1 = any), not [3, 2]"),
        (&[("x", TensorView::f32(&[1, 3], &x))], "`x` has shape [1, 3] (-1 = any), not 6 elements"),
        (&[("x", TensorView::i64(&[1, 3], &ints))], "`x` is float32, not int64"),
        (
            &[("x", TensorView::f32(&[2, 3], &x)), ("z", TensorView::f32(&[2, 3], &x))],
            "the model has no input `z`; its inputs are `x`",
        ),
    ];
    for (inputs, message) in cases {
        assert_eq!(session.run(inputs).unwrap_err().to_string(), message);
    }
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    if open().is_none() {
        return;
    }
    let error = Session::from_bytes(b"not a model", &SessionConfig::default()).err().unwrap();
    assert!(error.to_string().starts_with("the model could not be opened on cpu: "), "{error}");
}
