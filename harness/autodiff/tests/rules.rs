//! Every operator's rule against central differences in float64, over a table of cases, and against ONNX Runtime.
#![allow(clippy::unwrap_used)]

mod common;

use common::case::{Case, case, check_exact, check_gradient};
use seraph_autodiff::{DataType, Tensor};

fn check_all(cases: impl IntoIterator<Item = Case>) {
    cases.into_iter().for_each(|case| check_gradient(&case));
}

#[test]
fn unary_functions() {
    for op in [
        "Neg",
        "Identity",
        "Abs",
        "Exp",
        "Sin",
        "Cos",
        "Tan",
        "Atan",
        "Sinh",
        "Cosh",
        "Asinh",
        "Erf",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Selu",
        "Sigmoid",
        "Tanh",
        "Softplus",
        "Softsign",
        "HardSigmoid",
        "Celu",
        "Mish",
        "HardSwish",
    ] {
        check_gradient(&case(op).x(&[2, 3, 4]));
    }
    for op in ["Asin", "Acos", "Atanh"] {
        check_gradient(&case(op).range(&[2, 5], -0.9, 0.9));
    }
    for op in ["Log", "Sqrt", "Reciprocal"] {
        check_gradient(&case(op).range(&[2, 5], 0.4, 2.0));
    }
    check_gradient(&case("Acosh").range(&[7], 1.2, 3.0));
    check_all([
        case("LeakyRelu").float("alpha", 0.3).x(&[9]),
        case("LeakyRelu").float("alpha", -0.3).x(&[9]),
        case("Elu").float("alpha", 0.7).x(&[9]),
        case("Selu").float("alpha", 1.3).float("gamma", 1.1).x(&[9]),
        case("Celu").float("alpha", 0.6).x(&[9]),
        case("HardSigmoid").float("alpha", 0.7).float("beta", 0.4).x(&[11]),
        case("ThresholdedRelu").float("alpha", 0.2).x(&[11]),
        case("Shrink").float("lambd", 0.3).float("bias", 0.1).x(&[11]),
        case("Gelu").opset(20).x(&[2, 5]),
        case("Gelu").opset(20).text("approximate", "tanh").x(&[2, 5]),
        case("Swish").opset(24).float("alpha", 1.7).x(&[2, 5]).no_runtime(),
        case("Dropout").x(&[2, 5]),
        case("Clip").x(&[11]).constant(Tensor::f32(&[], [-0.4])).constant(Tensor::f32(&[], [0.5])),
        case("Clip").x(&[11]).range(&[], -0.5, -0.4).range(&[], 0.3, 0.6),
        case("Clip").x(&[11]).absent().constant(Tensor::f32(&[], [0.5])),
    ]);
}

#[test]
fn binary_functions_broadcast() {
    let shapes: [[&[usize]; 2]; 6] = [
        [&[2, 3], &[2, 3]],
        [&[2, 3], &[3]],
        [&[2, 1], &[1, 3]],
        [&[], &[2, 3]],
        [&[4, 2, 3], &[2, 1]],
        [&[3], &[1]],
    ];
    for op in ["Add", "Sub", "Mul", "Div", "Max", "Min", "Sum", "Mean", "Pow"] {
        for [a, b] in shapes {
            check_gradient(&case(op).range(a, 0.3, 1.7).range(b, 0.4, 1.9));
        }
    }
    check_all([
        case("Pow").x(&[5]).constant(Tensor::f32(&[], [2.0])),
        case("Pow").x(&[5]).constant(Tensor::f32(&[], [3.0])),
        case("Pow").range(&[5], 0.3, 2.0).constant(Tensor::f32(&[], [0.5])),
        case("Pow").x(&[5]).constant(Tensor::i64(&[], vec![2])),
        case("Mod").int("fmod", 1).range(&[4], 2.1, 2.9).range(&[4], 0.9, 1.0),
        case("PRelu").x(&[2, 3, 4]).x(&[3, 1]),
        case("Sum").x(&[2, 3]).x(&[3]).x(&[2, 1]),
        case("Max").x(&[2, 3]).x(&[3]).x(&[2, 1]),
        case("Sum").x(&[4]),
        case("Where").fed(Tensor::bools(&[2, 1], vec![true, false])).x(&[2, 3]).x(&[3]),
    ]);
}

#[test]
fn reductions() {
    for op in [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
    ] {
        for keep in [0, 1] {
            check_all([
                case(op).int("keepdims", keep).x(&[2, 3, 4]).list(&[1]),
                case(op).int("keepdims", keep).x(&[2, 3, 4]).list(&[0, -1]),
                case(op).int("keepdims", keep).x(&[2, 3]),
            ]);
        }
        check_gradient(&case(op).opset(11).ints("axes", &[1]).int("keepdims", 0).x(&[2, 3, 2]));
    }
    check_all([
        case("ReduceLogSum").range(&[2, 3], 0.2, 2.0).list(&[1]),
        case("CumSum").x(&[2, 4]).constant(Tensor::i64(&[], vec![1])),
        case("CumSum").int("exclusive", 1).int("reverse", 1).x(&[2, 4]).constant(Tensor::i64(&[], vec![0])),
        case("ReduceSum").int("noop_with_empty_axes", 1).x(&[2, 3]).list(&[]),
    ]);
}

#[test]
fn softmax_along_any_axis() {
    for op in ["Softmax", "LogSoftmax"] {
        check_all([
            case(op).x(&[2, 5]),
            case(op).int("axis", 1).x(&[2, 3, 4]),
            case(op).int("axis", 0).x(&[3]),
            case(op).opset(11).x(&[2, 3, 2]),
        ]);
    }
}

#[test]
fn matrix_products() {
    let shapes: [[&[usize]; 2]; 7] = [
        [&[2, 3], &[3, 4]],
        [&[5, 2, 3], &[3, 4]],
        [&[5, 2, 3], &[5, 3, 4]],
        [&[2, 1, 2, 3], &[3, 3, 2]],
        [&[3], &[3, 2]],
        [&[2, 3], &[3]],
        [&[3], &[3]],
    ];
    for [a, b] in shapes {
        check_gradient(&case("MatMul").x(a).x(b));
    }
    for (ta, tb) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let a: &[usize] = if ta == 0 { &[2, 3] } else { &[3, 2] };
        let b: &[usize] = if tb == 0 { &[3, 4] } else { &[4, 3] };
        let gemm = || case("Gemm").int("transA", ta).int("transB", tb).float("alpha", 0.7).float("beta", 1.3);
        check_all([gemm().x(a).x(b).x(&[4]), gemm().x(a).x(b).x(&[2, 1]), gemm().x(a).x(b)]);
    }
    for (equation, a, b) in [
        ("bij,bjk->bik", &[2, 3, 4][..], &[2, 4, 2][..]),
        ("bhid,bhjd->bhij", &[2, 2, 3, 2], &[2, 2, 4, 2]),
        ("ij,jk", &[2, 3], &[3, 2]),
        ("bct,dc->bdt", &[2, 3, 4], &[5, 3]),
        ("i,j->ij", &[2], &[3]),
        ("bij,bij->b", &[2, 3, 2], &[2, 3, 2]),
        ("...ij,jk->...ik", &[2, 2, 3], &[3, 2]),
    ] {
        check_gradient(&case("Einsum").text("equation", equation).x(a).x(b));
    }
    check_all([
        case("Einsum").text("equation", "bij->bji").x(&[2, 3, 2]),
        case("Einsum").text("equation", "bij->b").x(&[2, 3, 2]),
    ]);
}

#[test]
fn convolutions() {
    check_all([
        case("Conv").x(&[2, 1, 9]).x(&[3, 1, 4]).x(&[3]).ints("pads", &[1, 2]),
        case("Conv").x(&[2, 2, 9]).x(&[3, 2, 3]).x(&[3]).ints("pads", &[1, 1]),
        case("Conv").x(&[2, 2, 9]).x(&[3, 2, 3]).ints("dilations", &[2]).ints("pads", &[2, 2]),
        case("Conv").x(&[2, 2, 9]).x(&[3, 2, 3]).ints("strides", &[2]),
        case("Conv").x(&[1, 2, 10]).x(&[3, 2, 3]).ints("strides", &[3]).ints("pads", &[0, 2]),
        case("Conv").x(&[1, 1, 12]).x(&[3, 1, 4]).ints("strides", &[5]),
        case("Conv").x(&[2, 4, 7]).x(&[6, 2, 3]).int("group", 2).ints("pads", &[1, 1]),
        case("Conv").x(&[2, 3, 7]).x(&[3, 1, 3]).int("group", 3).ints("pads", &[1, 1]),
        case("Conv").x(&[2, 3, 7]).x(&[3, 1, 2]).int("group", 3).ints("strides", &[2]),
        case("Conv").x(&[1, 2, 5, 6]).x(&[3, 2, 3, 2]).x(&[3]).ints("pads", &[1, 0, 1, 1]),
        case("Conv").x(&[1, 2, 6, 5]).x(&[2, 2, 3, 3]).ints("strides", &[2, 1]).ints("pads", &[1, 1, 1, 1]),
        case("Conv").x(&[1, 2, 5]).x(&[2, 2, 1]),
        case("Conv").x(&[1, 2, 5]).x(&[2, 2, 2]).ints("pads", &[3, 3]),
        case("Conv").x(&[1, 2, 7]).x(&[3, 2, 4]).text("auto_pad", "SAME_UPPER"),
        case("Conv").x(&[1, 2, 7]).x(&[3, 2, 4]).text("auto_pad", "SAME_LOWER").ints("strides", &[2]),
        case("Conv").x(&[1, 2, 7]).x(&[3, 2, 3]).text("auto_pad", "VALID"),
        case("ConvTranspose").x(&[2, 2, 4]).x(&[2, 3, 3]).x(&[3]),
        case("ConvTranspose").x(&[2, 2, 4]).x(&[2, 3, 3]).ints("strides", &[2]).ints("pads", &[1, 1]),
        case("ConvTranspose").x(&[1, 2, 4]).x(&[2, 3, 3]).ints("strides", &[3]).ints("output_padding", &[1]),
        case("ConvTranspose").x(&[1, 4, 3]).x(&[4, 2, 2]).int("group", 2).ints("dilations", &[2]),
        case("ConvTranspose").x(&[1, 2, 3, 2]).x(&[2, 2, 2, 3]).ints("strides", &[2, 1]),
        case("ConvTranspose")
            .x(&[1, 2, 4])
            .x(&[2, 3, 3])
            .ints("strides", &[2])
            .text("auto_pad", "SAME_UPPER"),
    ]);
}

#[test]
fn pooling() {
    check_all([
        case("MaxPool").ints("kernel_shape", &[2]).ints("strides", &[2]).x(&[2, 3, 8]),
        case("MaxPool").ints("kernel_shape", &[3]).ints("strides", &[3]).x(&[2, 3, 10]),
        case("MaxPool").ints("kernel_shape", &[3]).ints("strides", &[2]).ints("pads", &[1, 1]).x(&[2, 3, 9]),
        case("MaxPool").ints("kernel_shape", &[2, 2]).ints("strides", &[2, 2]).x(&[1, 2, 5, 4]),
        case("MaxPool")
            .ints("kernel_shape", &[3, 3])
            .ints("strides", &[2, 2])
            .ints("pads", &[1, 1, 1, 1])
            .x(&[1, 2, 6, 6]),
        case("MaxPool").ints("kernel_shape", &[2]).ints("strides", &[2]).int("ceil_mode", 1).x(&[1, 2, 7]),
        case("MaxPool").ints("kernel_shape", &[2]).ints("dilations", &[2]).x(&[1, 2, 7]),
        case("AveragePool").ints("kernel_shape", &[2]).ints("strides", &[2]).x(&[2, 3, 9]),
        case("AveragePool")
            .ints("kernel_shape", &[3])
            .ints("strides", &[2])
            .ints("pads", &[1, 1])
            .x(&[2, 3, 9]),
        case("AveragePool")
            .ints("kernel_shape", &[3])
            .ints("pads", &[1, 1])
            .int("count_include_pad", 1)
            .x(&[1, 2, 6]),
        case("AveragePool").ints("kernel_shape", &[3, 2]).ints("strides", &[2, 1]).x(&[1, 2, 6, 4]),
        case("AveragePool")
            .ints("kernel_shape", &[3])
            .ints("strides", &[2])
            .int("ceil_mode", 1)
            .x(&[1, 2, 8]),
        case("LpPool").ints("kernel_shape", &[3]).ints("strides", &[2]).x(&[1, 2, 7]),
        case("GlobalAveragePool").x(&[2, 3, 4, 2]),
        case("GlobalMaxPool").x(&[2, 3, 5]),
        case("GlobalLpPool").x(&[2, 3, 5]),
    ]);
}

#[test]
fn normalisation() {
    check_all([
        case("BatchNormalization").x(&[3, 2, 4]).x(&[2]).x(&[2]).x(&[2]).range(&[2], 0.5, 2.0),
        case("BatchNormalization").x(&[3, 2]).x(&[2]).x(&[2]).x(&[2]).range(&[2], 0.5, 2.0),
        case("InstanceNormalization").x(&[2, 3, 5]).x(&[3]).x(&[3]),
        case("InstanceNormalization").x(&[2, 2, 3, 2]).x(&[2]).x(&[2]).float("epsilon", 0.01),
        case("LayerNormalization").x(&[2, 3, 4]).x(&[4]).x(&[4]),
        case("LayerNormalization").int("axis", 1).x(&[2, 3, 2]).x(&[3, 2]).x(&[3, 2]),
        case("LayerNormalization").x(&[2, 5]).x(&[5]),
        case("GroupNormalization").opset(18).int("num_groups", 2).x(&[2, 4, 3]).x(&[2]).x(&[2]),
        case("GroupNormalization").opset(21).int("num_groups", 2).x(&[2, 4, 3]).x(&[4]).x(&[4]),
        case("RMSNormalization").opset(23).x(&[2, 5]).x(&[5]).no_runtime(),
        case("MeanVarianceNormalization").x(&[2, 3, 2, 2]),
        case("LpNormalization").x(&[2, 5]),
        case("LpNormalization").int("p", 1).x(&[2, 5]),
    ]);
    let training = case("BatchNormalization").int("training_mode", 1).outputs(3);
    check_gradient(
        &training
            .x(&[3, 2, 4])
            .x(&[2])
            .x(&[2])
            .constant(Tensor::f32(&[2], [0.0, 0.1]))
            .constant(Tensor::f32(&[2], [1.0, 0.9])),
    );
}

#[test]
fn recurrent_cells() {
    let (t, b, i, h) = (4, 2, 3, 2);
    for (op, gates, outputs) in [("LSTM", 4, 3), ("GRU", 3, 2), ("RNN", 1, 2)] {
        for (direction, d) in [("forward", 1), ("reverse", 1), ("bidirectional", 2)] {
            let cell = |op: &str| {
                case(op).int("hidden_size", h as i64).text("direction", direction).outputs(outputs)
            };
            let weights = |c: Case| c.x(&[t, b, i]).x(&[d, gates * h, i]).x(&[d, gates * h, h]);
            check_gradient(&weights(cell(op)));
            check_gradient(&weights(cell(op)).x(&[d, 2 * gates * h]));
            let states = |c: Case| if op == "LSTM" { c.x(&[d, b, h]).x(&[d, b, h]) } else { c.x(&[d, b, h]) };
            check_gradient(&states(weights(cell(op)).x(&[d, 2 * gates * h]).absent()));
            let lens = Tensor { dtype: DataType::I32, ..Tensor::i64(&[b], vec![4, 2]) };
            check_gradient(&states(weights(cell(op)).x(&[d, 2 * gates * h]).constant(lens)));
            if op == "GRU" {
                let after = || cell(op).int("linear_before_reset", 1);
                check_gradient(&states(weights(after()).x(&[d, 2 * gates * h]).absent()));
            }
        }
    }
    check_gradient(
        &case("RNN")
            .int("hidden_size", 2)
            .texts("activations", &["Relu"])
            .x(&[4, 2, 3])
            .x(&[1, 2, 3])
            .x(&[1, 2, 2])
            .outputs(2),
    );
    check_gradient(
        &case("LSTM")
            .int("hidden_size", 2)
            .int("layout", 1)
            .x(&[2, 4, 3])
            .x(&[1, 8, 3])
            .x(&[1, 8, 2])
            .outputs(3)
            .no_runtime(),
    );
}

#[test]
fn layout() {
    check_all([
        case("Reshape").x(&[2, 3, 4]).list(&[0, -1]),
        case("Flatten").int("axis", 2).x(&[2, 3, 4]),
        case("Squeeze").x(&[2, 1, 3]).list(&[1]),
        case("Squeeze").opset(11).ints("axes", &[1]).x(&[2, 1, 3]),
        case("Squeeze").x(&[2, 1, 3]),
        case("Unsqueeze").x(&[2, 3]).list(&[0, -1]),
        case("Transpose").ints("perm", &[1, 2, 0]).x(&[2, 3, 4]),
        case("Transpose").x(&[2, 3, 4]),
        case("Concat").int("axis", 1).x(&[2, 3]).x(&[2, 1]).x(&[2, 2]),
        case("Concat").int("axis", -1).x(&[2, 3]).x(&[2, 1]),
        case("Split").int("axis", 1).x(&[2, 5]).list(&[2, 3]).outputs(2),
        case("Split").int("axis", 1).int("num_outputs", 2).x(&[2, 5]).outputs(2),
        case("Split").opset(13).int("axis", 0).x(&[4, 2]).outputs(2),
        case("Slice").x(&[5, 6]).list(&[1, 0]).list(&[4, 6]),
        case("Slice").x(&[5, 6]).list(&[1]).list(&[-1]).list(&[1]),
        case("Slice").x(&[5, 7]).list(&[0]).list(&[7]).list(&[1]).list(&[3]),
        case("Slice").x(&[5, 7]).list(&[-1]).list(&[i64::MIN]).list(&[1]).list(&[-1]),
        case("Slice").x(&[5, 7]).list(&[5]).list(&[0]).list(&[1]).list(&[-2]),
        case("Slice").opset(9).ints("starts", &[1]).ints("ends", &[3]).ints("axes", &[0]).x(&[4, 2]),
        case("Pad").x(&[2, 3]).list(&[1, 0, 0, 2]),
        case("Pad").x(&[2, 3]).list(&[0, -1, 0, 2]).range(&[], 0.3, 0.5),
        case("Pad").text("mode", "reflect").x(&[2, 5]).list(&[0, 2, 0, 3]),
        case("Pad").text("mode", "edge").x(&[2, 3]).list(&[0, 2, 1, 1]),
        case("Pad").opset(19).text("mode", "wrap").x(&[2, 5]).list(&[0, 2, 0, 1]),
        case("Pad").opset(18).x(&[2, 5]).list(&[1, 2]).absent().list(&[1]),
        case("Expand").x(&[2, 1, 3]).list(&[4, 2, 5, 3]),
        case("Tile").x(&[2, 3]).list(&[2, 3]),
        case("Trilu").x(&[3, 4]),
        case("Trilu").int("upper", 0).x(&[2, 3, 3]).constant(Tensor::i64(&[], vec![-1])),
        case("DepthToSpace").int("blocksize", 2).x(&[1, 8, 2, 3]),
        case("DepthToSpace").int("blocksize", 2).text("mode", "CRD").x(&[1, 8, 2, 3]),
        case("SpaceToDepth").int("blocksize", 2).x(&[1, 2, 4, 6]),
        case("Cast").int("to", 11).x(&[2, 3]),
        case("CastLike").x(&[2, 3]).constant(Tensor::floats(DataType::F64, &[], vec![1.0])),
    ]);
}

#[test]
fn reading_and_writing_at_positions() {
    let index = |shape: &[usize], data: &[i64]| Tensor::i64(shape, data.to_vec());
    check_all([
        case("Gather").x(&[4, 3]).constant(index(&[], &[2])),
        case("Gather").int("axis", 1).x(&[2, 4, 3]).constant(index(&[1], &[-1])),
        case("Gather").int("axis", 1).x(&[2, 4, 3]).constant(index(&[2, 2], &[0, 3, 3, 1])),
        case("Gather").x(&[4, 3]).fed(index(&[3], &[1, 1, -1])),
        case("GatherElements").int("axis", 1).x(&[2, 4]).constant(index(&[2, 3], &[0, 3, 3, 1, 1, -1])),
        case("GatherND").x(&[3, 4, 2]).constant(index(&[2, 2], &[0, 1, 2, -1])),
        case("ScatterElements").int("axis", 1).x(&[2, 4]).constant(index(&[2, 2], &[0, 3, 2, 1])).x(&[2, 2]),
        case("ScatterElements")
            .int("axis", 1)
            .text("reduction", "add")
            .x(&[2, 4])
            .constant(index(&[2, 2], &[0, 0, 2, 1]))
            .x(&[2, 2]),
        case("ScatterND").x(&[4, 2]).constant(index(&[2, 1], &[1, 3])).x(&[2, 2]),
        case("ScatterND").text("reduction", "add").x(&[4, 2]).constant(index(&[2, 1], &[1, 1])).x(&[2, 2]),
        case("TopK").x(&[2, 5]).list(&[2]).outputs(2),
        case("TopK").int("largest", 0).int("axis", 0).x(&[4, 2]).list(&[3]).outputs(2),
    ]);
}

#[test]
fn signals() {
    let scalar = |n: i64| Tensor::i64(&[], vec![n]);
    check_all([
        case("STFT").x(&[2, 16, 1]).constant(scalar(4)).x(&[8]).constant(scalar(8)),
        case("STFT").int("onesided", 0).x(&[1, 16, 1]).constant(scalar(3)).x(&[6]),
        case("DFT").opset(17).x(&[2, 6, 1]),
        case("DFT").opset(17).int("onesided", 1).x(&[2, 6, 1]),
        case("DFT").opset(17).x(&[2, 5, 2]),
        case("DFT").opset(17).int("inverse", 1).x(&[2, 6, 2]),
        case("DFT").opset(20).x(&[2, 6, 3, 1]).absent().constant(scalar(1)),
    ]);
}

#[test]
fn quantisation_is_straight_through() {
    // The pair's outputs are steps, so central differences say nothing: the gradient is that of the identity, and zero
    // where the range (here -1.28 to 1.27) is left.
    use common::case::{info, untyped, wrap};
    use seraph_autodiff::proto::{GraphProto, NodeProto};
    let node = |op: &str, input: &str, output: &str| NodeProto {
        op_type: Some(op.into()),
        input: vec![input.into(), "scale".into(), "zero".into()],
        output: vec![output.into()],
        ..Default::default()
    };
    let x = Tensor::f32(&[5], [-1.5, -0.3, 0.0, 0.777, 2.0]);
    let zero = Tensor { dtype: DataType::I8, ..Tensor::i64(&[], vec![0]) };
    let graph = GraphProto {
        node: vec![node("QuantizeLinear", "x", "q"), node("DequantizeLinear", "q", "y")],
        initializer: vec![Tensor::f32(&[], [0.01]).to_proto("scale"), zero.to_proto("zero")],
        input: vec![info("x", &x, true)],
        output: vec![untyped("y")],
        ..Default::default()
    };
    let options = seraph_autodiff::Options { loss: seraph_autodiff::Loss::Vjp, ..Default::default() };
    let gradient = seraph_autodiff::differentiate(&wrap(graph, 18), &options).unwrap();
    assert!(gradient.metadata().contains(&("seraph.straight_through".into(), "1 QuantizeLinear".into())));
    let dy = Tensor::f32(&[5], [1.0, 2.0, 3.0, 4.0, 5.0]);
    let found =
        seraph_autodiff::reference::run_canonical(&gradient, &[("x", x.clone()), ("d_y", dy.clone())])
            .unwrap();
    let close = |found: &Tensor| {
        let wrong =
            found.to_floats().iter().zip([0.0, 2.0, 3.0, 4.0, 0.0]).any(|(a, b)| (a - b).abs() > 1e-5);
        assert!(!wrong, "{found:?}");
    };
    close(&found["d_x"]);
    if common::has_runtime() {
        close(&common::run(&gradient, &[("x", &x), ("d_y", &dy)])["d_x"]);
    }
}

#[test]
fn resizing() {
    let sizes = |case: Case, sizes: &[i64]| case.absent().absent().list(sizes);
    let scales = |case: Case, scales: &[f32]| {
        case.absent().constant(Tensor::f32(&[scales.len()], scales.iter().copied()))
    };
    check_all([
        scales(case("Resize").text("mode", "nearest").x(&[1, 2, 4]), &[1.0, 1.0, 2.0]),
        scales(case("Resize").text("mode", "linear").x(&[1, 2, 4]), &[1.0, 1.0, 2.0]),
        scales(
            case("Resize")
                .text("mode", "linear")
                .text("coordinate_transformation_mode", "align_corners")
                .x(&[1, 2, 4]),
            &[1.0, 1.0, 1.75],
        ),
        sizes(
            case("Resize")
                .text("mode", "linear")
                .text("coordinate_transformation_mode", "pytorch_half_pixel")
                .x(&[1, 2, 5]),
            &[1, 2, 3],
        ),
        sizes(
            case("Resize")
                .text("mode", "linear")
                .text("coordinate_transformation_mode", "asymmetric")
                .x(&[1, 1, 3, 4]),
            &[1, 1, 6, 6],
        ),
        scales(
            case("Resize")
                .text("mode", "nearest")
                .text("coordinate_transformation_mode", "asymmetric")
                .text("nearest_mode", "floor")
                .x(&[1, 1, 2, 3]),
            &[1.0, 1.0, 2.0, 3.0],
        ),
        case("Upsample")
            .opset(9)
            .text("mode", "nearest")
            .x(&[1, 1, 2, 3])
            .constant(Tensor::f32(&[4], [1.0, 1.0, 2.0, 2.0])),
    ]);
}

#[test]
fn attention() {
    check_all([
        case("Attention").opset(23).x(&[2, 2, 3, 4]).x(&[2, 2, 5, 4]).x(&[2, 2, 5, 3]).no_runtime(),
        case("Attention")
            .opset(23)
            .int("is_causal", 1)
            .x(&[1, 2, 3, 4])
            .x(&[1, 2, 3, 4])
            .x(&[1, 2, 3, 4])
            .no_runtime(),
        case("Attention")
            .opset(23)
            .int("q_num_heads", 2)
            .int("kv_num_heads", 2)
            .x(&[2, 3, 8])
            .x(&[2, 5, 8])
            .x(&[2, 5, 6])
            .x(&[3, 5])
            .no_runtime(),
    ]);
}

/// At kinks and ties the choice is PyTorch's: relu'(0) = 0, leaky_relu'(0) = slope, clamp passes at its bounds, ties
/// share in max and amax, the first maximum takes all in max pooling.
#[test]
fn kinks_and_ties_are_pytorchs() {
    check_exact(&case("Relu").exactly(&[3], &[-1.0, 0.0, 1.0]), &[0.0, 0.0, 1.0]);
    check_exact(&case("Abs").exactly(&[3], &[-1.0, 0.0, 1.0]), &[-1.0, 0.0, 1.0]);
    check_exact(&case("LeakyRelu").float("alpha", 0.5).exactly(&[3], &[-1.0, 0.0, 1.0]), &[0.5, 0.5, 1.0]);
    let bounds = |c: Case| c.constant(Tensor::f32(&[], [-1.0])).constant(Tensor::f32(&[], [1.0]));
    check_exact(&bounds(case("Clip").exactly(&[4], &[-1.0, 0.0, 1.0, 2.0])), &[1.0, 1.0, 1.0, 0.0]);
    check_exact(&case("ReduceMax").exactly(&[1, 3], &[2.0, 1.0, 2.0]).list(&[1]), &[0.5, 0.0, 0.5]);
    let pool = case("MaxPool").ints("kernel_shape", &[3]).ints("strides", &[3]);
    check_exact(&pool.exactly(&[1, 1, 3], &[2.0, 1.0, 2.0]), &[1.0, 0.0, 0.0]);
    check_exact(&case("ReduceL2").exactly(&[1, 2], &[0.0, 0.0]).list(&[1]), &[0.0, 0.0]);
    check_exact(&case("ReduceProd").exactly(&[1, 3], &[0.0, 2.0, 3.0]).list(&[1]), &[6.0, 0.0, 0.0]);
}
