//! Quantise and dequantise. Rounding has no useful derivative: a quantise-dequantise pair passes gradients straight
//! through where nothing saturates, and the emitted model's metadata says so.

use super::row::rule;
use crate::attribute::Attributes;
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, coordinates};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("QuantizeLinear", quantize_shape, quantize_forward, Gradient::Rule(quantize)),
    rule("DequantizeLinear", dequantize_shape, dequantize_forward, Gradient::Rule(dequantize)),
];

fn quantize_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let dtype = if infer.has(2) { infer.dtype(2)? } else { DataType::U8 };
    Ok(vec![Type { dtype, ..infer.ty(0)? }])
}

fn dequantize_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    Ok(vec![Type { dtype: infer.dtype(1)?, ..infer.ty(0)? }])
}

fn limits(dtype: DataType) -> Result<(f64, f64), String> {
    match dtype {
        DataType::U8 => Ok((0.0, 255.0)),
        DataType::I8 => Ok((-128.0, 127.0)),
        DataType::U16 => Ok((0.0, 65535.0)),
        DataType::I16 => Ok((-32768.0, 32767.0)),
        DataType::I32 => Ok((f64::from(i32::MIN), f64::from(i32::MAX))),
        other => Err(format!("quantises to {other}, which has no rule")),
    }
}

/// Scale (or zero point) for every element: one for all, or one per position of an axis.
fn per_element(
    x: &Tensor,
    list: Option<&Tensor>,
    attributes: &Attributes,
    default: f64,
) -> Result<Vec<f64>, String> {
    let Some(list) = list else { return Ok(vec![default; x.len()]) };
    let values = list.to_floats();
    if values.len() == 1 {
        return Ok(vec![values[0]; x.len()]);
    }
    let along = axis(attributes.int_or("axis", 1), x.shape.len())?;
    Ok(coordinates(&x.shape).map(|at| values[at[along]]).collect())
}

fn quantize_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let dtype = call.optional(2).map_or(DataType::U8, |zero| zero.dtype);
    let (low, high) = limits(dtype)?;
    let scale = per_element(x, call.optional(1), call.attributes, 1.0)?;
    let zero = per_element(x, call.optional(2), call.attributes, 0.0)?;
    let data = x.to_floats();
    let quantised = |i: usize| ((data[i] / scale[i]).round_ties_even() + zero[i]).clamp(low, high);
    Ok(vec![Tensor::floats(DataType::F64, &x.shape, (0..data.len()).map(quantised).collect()).cast(dtype)])
}

fn dequantize_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let scale = per_element(x, call.optional(1), call.attributes, 1.0)?;
    let zero = per_element(x, call.optional(2), call.attributes, 0.0)?;
    let data = x.to_floats();
    let value = |i: usize| (data[i] - zero[i]) * scale[i];
    Ok(vec![Tensor::floats(call.input(1)?.dtype, &x.shape, (0..data.len()).map(value).collect())])
}

/// A scale or zero point shaped to broadcast over the data.
fn along_axis<'g>(v: &Vjp<'g>, list: Var<'g>) -> Result<Var<'g>, String> {
    let rank = v.x(0).rank()?;
    match list.rank()? {
        0 => Ok(list),
        1 => {
            let mut shape = vec![1; rank];
            shape[axis(v.attributes().int_or("axis", 1), rank)?] = -1;
            Ok(if list.known(0) == Some(1) { list.squeeze(&[0]) } else { list.reshape_to(&shape) })
        }
        _ => Err("blocked quantisation has no rule".into()),
    }
}

fn quantize(v: &Vjp<'_>) -> Result<(), String> {
    let (x, scale) = (v.x(0), along_axis(v, v.x(1))?);
    let (low, high) = limits(v.y(0).dtype())?;
    let zero = v.optional(2).map(|zero| along_axis(v, zero)).transpose()?;
    let place = x / scale + zero.map_or(x.scalar(0.0), |zero| zero.cast(x.dtype()));
    let inside = place.greater(place.scalar(low - 0.5)).and(place.less(place.scalar(high + 0.5)));
    v.give_if_wanted(0, || (v.dy(0) / scale).only_where(inside));
    Ok(())
}

fn dequantize(v: &Vjp<'_>) -> Result<(), String> {
    let scale = along_axis(v, v.x(1))?;
    v.give_if_wanted(0, || v.dy(0) * scale);
    Ok(())
}
