//! Signal front ends: the Fourier transform, windows and the mel matrix. STFT is lowered to a convolution.

use std::f64::consts::PI;

use super::row::{exact, rule};
use crate::attribute::Attributes;
use crate::dim::{Arith, Dim};
use crate::dtype::DataType;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    rule("DFT", dft_shape, dft_forward, Gradient::Rule(dft)),
    exact(rule("HannWindow", window_shape, |call| window(call, &[0.5, 0.5]), Gradient::Zero)),
    exact(rule(
        "HammingWindow",
        window_shape,
        |call| window(call, &[25.0 / 46.0, 21.0 / 46.0]),
        Gradient::Zero,
    )),
    exact(rule("BlackmanWindow", window_shape, |call| window(call, &[0.42, 0.5, 0.08]), Gradient::Zero)),
    exact(rule("MelWeightMatrix", mel_shape, mel_forward, Gradient::Zero)),
];

/// The axis that is transformed.
fn dft_axis(attributes: &Attributes, rank: usize) -> Result<usize, String> {
    axis(attributes.int_or("axis", 1), rank)
}

fn dft_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let mut dims = infer.dims(0)?;
    let along = dft_axis(infer.attributes, dims.len())?;
    let n = if infer.has(1) { infer.ints(1).map(|n| n[0]) } else { Some(dims[along]) };
    let n = n.unwrap_or_else(|| infer.fresh());
    let onesided = infer.attributes.int_or("onesided", 0) == 1;
    let symbols = &mut infer.graph.symbols;
    dims[along] = if onesided {
        let half = symbols.arith(Arith::Div, n, Dim::Known(2));
        symbols.arith(Arith::Add, half, Dim::Known(1))
    } else {
        n
    };
    *dims.last_mut().ok_or("needs at least two axes")? = Dim::Known(2);
    Ok(vec![Type::new(infer.dtype(0)?, dims)])
}

fn dft_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let x = call.input(0)?;
    let rank = x.shape.len();
    let along = dft_axis(call.attributes, rank)?;
    let n = call.optional(1).map_or(x.shape[along], |n| n.to_ints()[0] as usize);
    let inverse = call.attributes.int_or("inverse", 0) == 1;
    let bins = if call.attributes.int_or("onesided", 0) == 1 { n / 2 + 1 } else { n };
    let parts = x.shape[rank - 1];
    let inner: usize = x.shape[along + 1..rank - 1].iter().product();
    let outer: usize = x.shape[..along].iter().product();
    let data = x.to_floats();
    let mut shape = x.shape.clone();
    (shape[along], shape[rank - 1]) = (bins, 2);
    let mut out = vec![0.0; numel(&shape)];
    let sign = if inverse { 1.0 } else { -1.0 };
    let scale = if inverse { 1.0 / n as f64 } else { 1.0 };
    for line in 0..outer * inner {
        let (o, i) = (line / inner, line % inner);
        for k in 0..bins {
            let (mut re, mut im) = (0.0, 0.0);
            for t in 0..n.min(x.shape[along]) {
                let at = ((o * x.shape[along] + t) * inner + i) * parts;
                let (a, b) = (data[at], if parts == 2 { data[at + 1] } else { 0.0 });
                let (sin, cos) = (sign * 2.0 * PI * ((k * t) % n) as f64 / n as f64).sin_cos();
                re += a * cos - b * sin;
                im += a * sin + b * cos;
            }
            let at = ((o * bins + k) * inner + i) * 2;
            (out[at], out[at + 1]) = (re * scale, im * scale);
        }
    }
    Ok(vec![Tensor::floats(x.dtype, &shape, out)])
}

/// The adjoint of a transform is the other one without its 1/n: bins that were left out come back as zeros, samples
/// that were added are cut.
fn dft(v: &Vjp<'_>) -> Result<(), String> {
    let (x, g) = (v.x(0), v.g);
    let rank = x.rank()?;
    let along = dft_axis(v.attributes(), rank)?;
    let size =
        x.known(along).ok_or("transforms an axis whose size only a run knows: pin the input shapes")?;
    let n = match v.optional(1) {
        Some(n) => n.value().ok_or("transforms to a length that only a run knows")?.to_ints()[0],
        None => size,
    };
    let inverse = v.attributes().int_or("inverse", 0);
    let onesided = v.attributes().int_or("onesided", 0) == 1;
    if onesided && inverse == 1 {
        return Err("an inverse one-sided transform has no rule".into());
    }
    let resize = |t: Var<'_>, by: i64| {
        let mut pads = vec![0; 2 * rank];
        pads[rank + along] = by;
        g.var(t.id).pad(&pads)
    };
    let dy = if onesided { resize(v.dy(0), n - (n / 2 + 1)) } else { v.dy(0) };
    let attributes = Attributes::new().with("axis", along as i64).with("inverse", 1 - inverse);
    let back = g.op("DFT", &[dy], attributes);
    let scale = if inverse == 1 { 1.0 / n as f64 } else { n as f64 };
    let back = resize(back * scale, size - n);
    v.give(0, if x.known(rank - 1) == Some(1) { back.slice(-1, 0, 1) } else { back });
    Ok(())
}

fn output_type(attributes: &Attributes) -> DataType {
    DataType::from_code(attributes.int_or("output_datatype", 1) as i32)
}

fn window_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let n = match infer.ints(0) {
        Some(n) => n[0],
        None => infer.fresh(),
    };
    Ok(vec![Type::new(output_type(infer.attributes), vec![n])])
}

/// A sum of cosines: a0 - a1 cos(2 pi t / n) + a2 cos(4 pi t / n).
fn window(call: &Call<'_>, terms: &[f64]) -> Result<Vec<Tensor>, String> {
    let n = call.input(0)?.to_ints()[0].max(0) as usize;
    let period =
        if call.attributes.int_or("periodic", 1) == 1 { n } else { n.saturating_sub(1) }.max(1) as f64;
    let term = |t: usize, (k, a): (usize, &f64)| {
        let sign = if k % 2 == 1 { -1.0 } else { 1.0 };
        sign * a * (2.0 * PI * (k * t) as f64 / period).cos()
    };
    let data = (0..n).map(|t| terms.iter().enumerate().map(|row| term(t, row)).sum()).collect();
    Ok(vec![Tensor::floats(output_type(call.attributes), &[n], data)])
}

fn mel_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (bands, length) = (infer.known_ints(0), infer.known_ints(1));
    let bands = bands.map_or_else(|| infer.fresh(), |n| Dim::Known(n[0]));
    let bins = length.map_or_else(|| infer.fresh(), |n| Dim::Known(n[0] / 2 + 1));
    Ok(vec![Type::new(output_type(infer.attributes), vec![bins, bands])])
}

/// Triangles between points evenly spaced in mel, as ONNX defines them: by whole bins.
fn mel_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let scalar = |i: usize| call.input(i).map(|t| t.to_floats()[0]);
    let (bands, length, rate, low, high) =
        (scalar(0)? as usize, scalar(1)?, scalar(2)?, scalar(3)?, scalar(4)?);
    let bins = (length / 2.0).floor() as usize + 1;
    let mel = |hz: f64| 2595.0 * (1.0 + hz / 700.0).log10();
    let (low, high) = (mel(low), mel(high));
    let step = (high - low) / (bands + 2) as f64;
    let bin = |i: usize| {
        let hz = 700.0 * (10f64.powf((low + i as f64 * step) / 2595.0) - 1.0);
        (((length + 1.0) * hz) / rate).floor() as usize
    };
    let mut data = vec![0.0; bins * bands];
    for band in 0..bands {
        let (left, centre, right) = (bin(band), bin(band + 1), bin(band + 2));
        for at in left..=centre.min(bins - 1) {
            data[at * bands + band] =
                if centre == left { 1.0 } else { (at - left) as f64 / (centre - left) as f64 };
        }
        for at in centre + usize::from(centre > left)..right.min(bins) {
            data[at * bands + band] = (right - at) as f64 / (right - centre) as f64;
        }
    }
    Ok(vec![Tensor::floats(output_type(call.attributes), &[bins, bands], data)])
}
