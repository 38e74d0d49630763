//! Older forms of operators, rewritten to the canonical operator set 18, one row per change.

use crate::attribute::{Attribute, Attributes};
use crate::dtype::DataType;
use crate::tensor::Tensor;
use crate::var::{Builder, Var};

/// A node on its way into the graph.
pub(crate) struct Spec<'g> {
    pub g: &'g Builder,
    pub op: String,
    pub version: i64,
    pub inputs: Vec<Option<Var<'g>>>,
    pub attributes: Attributes,
    pub outputs: usize,
}

type Change = fn(&mut Spec<'_>) -> Result<(), String>;

/// Operator, the last operator set with the old form, and how the old form becomes the new one.
const CHANGES: &[(&str, i64, Change)] = &[
    ("ReduceSum", 12, axes_to_input),
    ("ReduceMean", 17, axes_to_input),
    ("ReduceMax", 17, axes_to_input),
    ("ReduceMin", 17, axes_to_input),
    ("ReduceProd", 17, axes_to_input),
    ("ReduceL1", 17, axes_to_input),
    ("ReduceL2", 17, axes_to_input),
    ("ReduceSumSquare", 17, axes_to_input),
    ("ReduceLogSum", 17, axes_to_input),
    ("ReduceLogSumExp", 17, axes_to_input),
    ("Squeeze", 12, axes_to_input),
    ("Unsqueeze", 12, axes_to_input),
    ("Split", 12, |spec| list_to_input(spec, "split", 1)),
    ("Slice", 9, slice_lists),
    ("Pad", 10, pad_lists),
    ("Clip", 10, clip_bounds),
    ("TopK", 9, topk_count),
    ("Scatter", 10, |spec| rename(spec, "ScatterElements")),
    ("Upsample", 9, upsample),
    ("Resize", 10, resize),
];

/// Operators whose form changed, with the last operator set of the old form: for the documentation.
pub(crate) fn changed_forms() -> impl Iterator<Item = (&'static str, i64)> {
    CHANGES.iter().map(|(op, last, _)| (*op, *last)).chain([
        ("Softmax", 12),
        ("LogSoftmax", 12),
        ("Hardmax", 12),
    ])
}

/// Brings a node to its canonical form.
pub(crate) fn modernise(spec: &mut Spec<'_>) -> Result<(), String> {
    let change = CHANGES.iter().find(|(op, last, _)| spec.op == *op && spec.version <= *last);
    if let Some((_, _, change)) = change {
        change(spec)?;
    }
    if spec.op == "TopK" {
        spec.outputs = 2; // Neither may be left out, though either may be unused.
    }
    if spec.op == "DFT" && spec.version >= 20 {
        dft_axis(spec)?;
    }
    if spec.op == "Split" && spec.inputs.get(1).copied().flatten().is_none() {
        let n = spec.outputs as i64;
        spec.attributes.set("num_outputs", n);
    }
    Ok(())
}

fn set_input<'g>(spec: &mut Spec<'g>, i: usize, value: Var<'g>) {
    if spec.inputs.len() <= i {
        spec.inputs.resize(i + 1, None);
    }
    spec.inputs[i] = Some(value);
}

fn list_to_input(spec: &mut Spec<'_>, name: &str, i: usize) -> Result<(), String> {
    if let Some(Attribute::Ints(values)) = spec.attributes.remove(name) {
        let list = spec.g.ints(&values);
        set_input(spec, i, list);
    }
    Ok(())
}

fn axes_to_input(spec: &mut Spec<'_>) -> Result<(), String> {
    list_to_input(spec, "axes", 1)
}

fn rename(spec: &mut Spec<'_>, op: &str) -> Result<(), String> {
    op.clone_into(&mut spec.op);
    Ok(())
}

fn slice_lists(spec: &mut Spec<'_>) -> Result<(), String> {
    list_to_input(spec, "starts", 1)?;
    list_to_input(spec, "ends", 2)?;
    list_to_input(spec, "axes", 3)
}

fn first_dtype(spec: &Spec<'_>) -> DataType {
    spec.inputs.first().copied().flatten().map_or(DataType::F32, Var::dtype)
}

fn float_to_input(spec: &mut Spec<'_>, name: &str, i: usize) {
    if let Some(Attribute::Float(value)) = spec.attributes.remove(name) {
        let scalar = spec.g.scalar(first_dtype(spec), f64::from(value));
        set_input(spec, i, scalar);
    }
}

fn pad_lists(spec: &mut Spec<'_>) -> Result<(), String> {
    list_to_input(spec, "pads", 1)?;
    float_to_input(spec, "value", 2);
    Ok(())
}

fn clip_bounds(spec: &mut Spec<'_>) -> Result<(), String> {
    float_to_input(spec, "min", 1);
    float_to_input(spec, "max", 2);
    Ok(())
}

fn topk_count(spec: &mut Spec<'_>) -> Result<(), String> {
    if let Some(Attribute::Int(k)) = spec.attributes.remove("k") {
        let count = spec.g.ints(&[k]);
        set_input(spec, 1, count);
    }
    Ok(())
}

/// From opset 20 the axis is the third input, and the last but one where it is not given.
fn dft_axis(spec: &mut Spec<'_>) -> Result<(), String> {
    let axis = match spec.inputs.get(2).copied().flatten() {
        Some(axis) => axis.value().ok_or("has an axis that only a run knows")?.to_ints()[0],
        None => -2,
    };
    let rank = spec.inputs.first().copied().flatten().ok_or("input 0 is missing")?.rank()? as i64;
    spec.inputs.truncate(2);
    spec.attributes.set("axis", if axis < 0 { axis + rank } else { axis });
    Ok(())
}

fn upsample(spec: &mut Spec<'_>) -> Result<(), String> {
    if let Some(Attribute::Floats(scales)) = spec.attributes.remove("scales") {
        let scales = spec.g.constant(Tensor::f32(&[scales.len()], scales));
        set_input(spec, 1, scales);
    }
    rename(spec, "Resize")?;
    resize(spec)
}

/// Before opset 11: scales as second input, pixels aligned at their corners.
fn resize(spec: &mut Spec<'_>) -> Result<(), String> {
    let scales = spec.inputs.get(1).copied().flatten();
    spec.inputs.truncate(1);
    if let Some(scales) = scales {
        set_input(spec, 2, scales);
    }
    spec.attributes.set("coordinate_transformation_mode", "asymmetric");
    if spec.attributes.text_or("mode", "nearest") == "nearest" {
        spec.attributes.set("nearest_mode", "floor");
    }
    Ok(())
}
