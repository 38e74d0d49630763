//! The page of operators, written from the registry so that it cannot drift from it.

use std::fmt::Write;

use crate::lower::LOWERINGS;
use crate::model::OPSETS;
use crate::opset::changed_forms;
use crate::registry::{Gradient, operators};

/// The operator set in which each operator appeared, as ONNX's schemas say.
#[rustfmt::skip]
const SINCE: &[(&str, i64)] = &[
    ("Abs", 1), ("Acos", 7), ("Acosh", 9), ("Add", 1), ("And", 1), ("ArgMax", 1), ("ArgMin", 1),
    ("Asin", 7), ("Asinh", 9), ("Atan", 7), ("Atanh", 9), ("Attention", 23), ("AveragePool", 1),
    ("BatchNormalization", 1), ("BlackmanWindow", 17), ("Cast", 1), ("CastLike", 15), ("Ceil", 1),
    ("Celu", 12), ("Clip", 1), ("Concat", 1), ("ConstantOfShape", 9), ("Conv", 1), ("ConvTranspose", 1),
    ("Cos", 7), ("Cosh", 9), ("CumSum", 11), ("DFT", 17), ("DepthToSpace", 1), ("DequantizeLinear", 10),
    ("Div", 1), ("Dropout", 1), ("Einsum", 12), ("Elu", 1), ("Equal", 1), ("Erf", 9), ("Exp", 1),
    ("Expand", 8), ("EyeLike", 9), ("Flatten", 1), ("Floor", 1), ("GRU", 1), ("Gather", 1),
    ("GatherElements", 11), ("GatherND", 11), ("Gelu", 20), ("Gemm", 1), ("GlobalAveragePool", 1),
    ("GlobalLpPool", 1), ("GlobalMaxPool", 1), ("Greater", 1), ("GreaterOrEqual", 12),
    ("GroupNormalization", 18), ("HammingWindow", 17), ("HannWindow", 17), ("HardSigmoid", 1),
    ("HardSwish", 14), ("Hardmax", 1), ("Identity", 1), ("If", 1), ("InstanceNormalization", 1),
    ("IsInf", 10), ("IsNaN", 9), ("LSTM", 1), ("LayerNormalization", 17), ("LeakyRelu", 1), ("Less", 1),
    ("LessOrEqual", 12), ("Log", 1), ("LogSoftmax", 1), ("Loop", 1), ("LpNormalization", 1), ("LpPool", 1),
    ("MatMul", 1), ("Max", 1), ("MaxPool", 1), ("MaxUnpool", 9), ("Mean", 1),
    ("MeanVarianceNormalization", 9), ("MelWeightMatrix", 17), ("Min", 1), ("Mish", 18), ("Mod", 10),
    ("Mul", 1), ("Neg", 1), ("NonZero", 9), ("Not", 1), ("OneHot", 9), ("Or", 1), ("PRelu", 1), ("Pad", 1),
    ("Pow", 1), ("QuantizeLinear", 10), ("RMSNormalization", 23), ("RNN", 1), ("Range", 11),
    ("Reciprocal", 1), ("ReduceL1", 1), ("ReduceL2", 1), ("ReduceLogSum", 1), ("ReduceLogSumExp", 1),
    ("ReduceMax", 1), ("ReduceMean", 1), ("ReduceMin", 1), ("ReduceProd", 1), ("ReduceSum", 1),
    ("ReduceSumSquare", 1), ("Relu", 1), ("Reshape", 1), ("Resize", 10), ("Round", 11), ("STFT", 17),
    ("Scan", 8), ("ScatterElements", 11), ("ScatterND", 11), ("Selu", 1), ("Shape", 1), ("Shrink", 9),
    ("Sigmoid", 1), ("Sign", 9), ("Sin", 7), ("Sinh", 9), ("Size", 1), ("Slice", 1), ("Softmax", 1),
    ("Softplus", 1), ("Softsign", 1), ("SpaceToDepth", 1), ("Split", 1), ("Sqrt", 1), ("Squeeze", 1),
    ("Sub", 1), ("Sum", 1), ("Swish", 24), ("Tan", 7), ("Tanh", 1), ("ThresholdedRelu", 10), ("Tile", 1),
    ("TopK", 1), ("Transpose", 1), ("Trilu", 14), ("Unsqueeze", 1), ("Where", 9), ("Xor", 1),
];

const HEAD: &str = "# Operators

Written by `cargo test -p seraph-autodiff --test documentation` with `UPDATE_GOLDEN=1`; the same test holds it against the
registry. Models of the operator sets OPSETS are read; every operator is read in each form that it had there, and
written in the form of operator set 18, in which everything emitted is.

* *rule*: the vector-Jacobian product is written directly, in the file named after the family in `src/ops/`
* *zero*: integers, booleans or steps; no gradient flows, and nothing breaks
* *lowered*: written in simpler operators first (`src/lower/`), whose rules then apply
* *unrolled*: written out step by step where the number of steps is known; else run as it is, without a gradient
* *forward only*: emitted or run, never differentiated

Every rule is held to central differences in float64 and to ONNX Runtime by the table of cases in `tests/rules.rs`, and in
whole models by `tests/fixtures.rs` and `tests/victims.rs`. An operator that is not here is refused by name, with its
operator set and node.

| operator | since opset | old form until | family | gradient |
|---|---|---|---|---|
";

/// The page as Markdown.
pub fn operators_page() -> String {
    let mut rows: Vec<String> = Vec::new();
    for (family, operator) in operators() {
        let gradient = match operator.gradient {
            Gradient::Rule(_) => "rule",
            Gradient::Zero => "zero",
            Gradient::Missing if matches!(operator.name, "Loop" | "Scan") => "unrolled",
            Gradient::Missing if operator.name == "If" => "the branch, where the condition is known",
            Gradient::Missing => "forward only",
        };
        rows.push(row(operator.name, family, gradient));
    }
    for (name, words, _) in LOWERINGS {
        rows.push(row(name, "composite", &format!("lowered: {words}")));
    }
    rows.sort();
    let head = HEAD.replace("OPSETS", &format!("{} to {}", OPSETS.start(), OPSETS.end()));
    rows.iter().fold(head, |mut page, row| {
        let _ = writeln!(page, "{row}");
        page
    })
}

fn row(name: &str, family: &str, gradient: &str) -> String {
    let since =
        SINCE.iter().find(|(op, _)| *op == name).map_or(String::new(), |(_, since)| since.to_string());
    let changed =
        changed_forms().find(|(op, _)| *op == name).map_or(String::new(), |(_, last)| last.to_string());
    format!("| {name} | {since} | {changed} | {family} | {gradient} |")
}

/// Operators with a gradient of their own or by lowering: what the tests must have cases for.
pub fn differentiable() -> Vec<&'static str> {
    let rules = operators().filter(|(_, operator)| matches!(operator.gradient, Gradient::Rule(_)));
    rules.map(|(_, operator)| operator.name).chain(LOWERINGS.iter().map(|row| row.0)).collect()
}
