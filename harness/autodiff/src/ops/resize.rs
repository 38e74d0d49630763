//! Resampling of grids: nearest and linear, axis by axis.

use super::layout::{from_front, to_front};
use super::row::rule;
use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator, axis};
use crate::tensor::{Tensor, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[rule("Resize", shape, forward, Gradient::Rule(resize))];

/// Most positions whose sources are written out.
const MOST_LISTED: i64 = 1 << 24;

/// What one output position reads: two input positions and the weight of the second.
type Source = (usize, usize, f64);

/// Scales or sizes of the axes that they are given for.
struct Factors {
    axes: Vec<usize>,
    scales: Option<Vec<f64>>,
    sizes: Option<Vec<i64>>,
}

fn factors(
    attributes: &Attributes,
    rank: usize,
    scales: Option<Vec<f64>>,
    sizes: Option<Vec<i64>>,
) -> Result<Factors, String> {
    let axes = match attributes.ints("axes") {
        Some(axes) => axes.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?,
        None => (0..rank).collect(),
    };
    let scales = scales.filter(|list| !list.is_empty());
    let sizes = sizes.filter(|list| !list.is_empty());
    let given = scales.as_ref().map(Vec::len).or(sizes.as_ref().map(Vec::len));
    if given != Some(axes.len()) {
        return Err(format!("has {given:?} scales or sizes for {} axes", axes.len()));
    }
    Ok(Factors { axes, scales, sizes })
}

impl Factors {
    /// Output size and scale of axis `along` with `size` elements.
    fn of(&self, along: usize, size: i64) -> (i64, f64) {
        let Some(at) = self.axes.iter().position(|&a| a == along) else { return (size, 1.0) };
        match (&self.sizes, &self.scales) {
            (Some(sizes), _) => (sizes[at], sizes[at] as f64 / size as f64),
            (None, Some(scales)) => ((size as f64 * scales[at]).floor() as i64, scales[at]),
            (None, None) => (size, 1.0),
        }
    }
}

fn check(attributes: &Attributes) -> Result<(), String> {
    let mode = attributes.text_or("mode", "nearest");
    if !matches!(mode, "nearest" | "linear") {
        return Err(format!("mode {mode} has no rule: nearest and linear have"));
    }
    if attributes.int_or("antialias", 0) == 1 {
        return Err("antialias has no rule".into());
    }
    let policy = attributes.text_or("keep_aspect_ratio_policy", "stretch");
    if policy != "stretch" {
        return Err(format!("keep_aspect_ratio_policy {policy} has no rule"));
    }
    match attributes.text_or("coordinate_transformation_mode", "half_pixel") {
        "half_pixel" | "pytorch_half_pixel" | "align_corners" | "asymmetric" | "half_pixel_symmetric" => {
            Ok(())
        }
        other => Err(format!("coordinate_transformation_mode {other} has no rule")),
    }
}

fn shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    check(infer.attributes)?;
    let (dtype, dims) = (infer.dtype(0)?, infer.dims(0)?);
    let scales = infer.id(2).ok().and_then(|id| infer.graph.constant(id)).map(|t| t.to_floats());
    let sizes = if infer.has(3) { infer.ints(3) } else { None };
    if let Some(sizes) = sizes.filter(|sizes| sizes.len() == dims.len()) {
        return Ok(vec![Type::new(dtype, sizes)]);
    }
    let known = infer.known_ints(3);
    let Ok(factors) = factors(infer.attributes, dims.len(), scales, known) else {
        let shape = dims.iter().map(|_| infer.fresh()).collect();
        return Ok(vec![Type::new(dtype, shape)]);
    };
    let shape = (0..dims.len())
        .map(|i| match dims[i] {
            Dim::Known(size) => Dim::Known(factors.of(i, size).0),
            symbol if !factors.axes.contains(&i) => symbol,
            symbol
                if factors
                    .scales
                    .as_ref()
                    .is_some_and(|s| s[factors.axes.iter().position(|&a| a == i).unwrap_or(0)] == 1.0) =>
            {
                symbol
            }
            _ => infer.fresh(),
        })
        .collect();
    Ok(vec![Type::new(dtype, shape)])
}

/// Where each output position of one axis reads, in float32 as runtimes compute it.
fn sources(attributes: &Attributes, size: i64, out: i64, scale: f64) -> Vec<Source> {
    let coordinates = attributes.text_or("coordinate_transformation_mode", "half_pixel");
    let (size_f, out_f, scale) = (size as f32, out as f32, scale as f32);
    let original = |x: f32| match coordinates {
        "asymmetric" => x / scale,
        "align_corners" if out == 1 => 0.0,
        "align_corners" => x * (size_f - 1.0) / (out_f - 1.0),
        "pytorch_half_pixel" if out <= 1 => 0.0,
        "half_pixel_symmetric" => {
            let adjustment = out_f / (scale * size_f);
            size_f / 2.0 * (1.0 - adjustment) + (x + 0.5) / scale - 0.5
        }
        _ => (x + 0.5) / scale - 0.5,
    };
    let last = (size - 1) as f32;
    (0..out)
        .map(|x| {
            let at = original(x as f32);
            if attributes.text_or("mode", "nearest") == "nearest" {
                let nearest = match attributes.text_or("nearest_mode", "round_prefer_floor") {
                    "floor" => at.floor(),
                    "ceil" => at.ceil(),
                    "round_prefer_ceil" => (at + 0.5).floor(),
                    _ => (at - 0.5).ceil(),
                };
                let nearest = nearest.clamp(0.0, last) as usize;
                return (nearest, nearest, 0.0);
            }
            let at = at.clamp(0.0, last);
            let first = at.floor();
            (first as usize, (first + 1.0).min(last) as usize, f64::from(at - first))
        })
        .collect()
}

fn forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    check(call.attributes)?;
    let mut x = call.input(0)?.clone();
    let (scales, sizes) = (call.optional(2).map(Tensor::to_floats), call.optional(3).map(Tensor::to_ints));
    let factors = factors(call.attributes, x.shape.len(), scales, sizes)?;
    for along in 0..x.shape.len() {
        let (out, scale) = factors.of(along, x.shape[along] as i64);
        let sources = sources(call.attributes, x.shape[along] as i64, out, scale);
        x = read(&x, along, &sources);
    }
    Ok(vec![x])
}

fn read(x: &Tensor, along: usize, sources: &[Source]) -> Tensor {
    let inner: usize = x.shape[along + 1..].iter().product();
    let mut shape = x.shape.clone();
    shape[along] = sources.len();
    let data = x.to_floats();
    let value = |flat: usize| {
        let (outer, rest) = (flat / (sources.len() * inner), flat % (sources.len() * inner));
        let (first, second, weight) = sources[rest / inner];
        let at = |i: usize| data[(outer * x.shape[along] + i) * inner + rest % inner];
        at(first) * (1.0 - weight) + at(second) * weight
    };
    let data = (0..numel(&shape)).map(value).collect();
    Tensor::floats(x.dtype, &shape, data)
}

fn resize(v: &Vjp<'_>) -> Result<(), String> {
    let dims = v.x(0).dims()?;
    let list =
        |i: usize| v.optional(i).map(|list| list.value().ok_or("resizes by factors that only a run knows"));
    let (scales, sizes) = (list(2).transpose()?, list(3).transpose()?);
    let factors =
        factors(v.attributes(), dims.len(), scales.map(|t| t.to_floats()), sizes.map(|t| t.to_ints()))?;
    let mut dy = v.dy(0);
    for (along, dim) in dims.iter().enumerate().filter(|(i, _)| factors.axes.contains(i)) {
        let Some(size) = dim.known() else {
            if factors.of(along, 1).1 == 1.0 && factors.scales.is_some() {
                continue;
            }
            return Err("resizes an axis whose size only a run knows: pin the input shapes".into());
        };
        let (out, scale) = factors.of(along, size);
        if !(0..=MOST_LISTED).contains(&out) || size < 1 {
            return Err(format!("resizes an axis of {size} elements to {out}"));
        }
        if (out, scale) != (size, 1.0) {
            dy = give_back(dy, along, size, &sources(v.attributes(), size, out, scale));
        }
    }
    v.give(0, dy);
    Ok(())
}

/// Each output position adds its gradient, weighted, to the positions that it read.
fn give_back<'g>(dy: Var<'g>, along: usize, size: i64, sources: &[Source]) -> Var<'g> {
    let factor = sources.len() / size.max(1) as usize;
    let repeats = sources.iter().enumerate().all(|(i, s)| factor > 0 && s.0 == i / factor && s.2 == 0.0);
    let rank = dy.rank().unwrap_or(0);
    let g = dy.g;
    if repeats && sources.len() == factor * size as usize {
        let parts = [dy.shape_part(0, along), g.ints(&[size, factor as i64]), dy.shape_part(along + 1, rank)];
        return dy.reshape(g.concat(&parts, 0)).sum(&[along as i64 + 1], false);
    }
    let front = dy.transpose(&to_front(along, rank));
    let mut column = vec![1; rank];
    column[0] = -1;
    let zeros = dy.filled(g.concat(&[g.ints(&[size]), front.shape_part(1, rank)], 0), 0.0);
    let add = |target: Var<'g>, index: Vec<i64>, weights: Vec<f64>| {
        let weights = g.constant(Tensor::floats(dy.dtype(), &[weights.len()], weights)).reshape_to(&column);
        let attributes = Attributes::new().with("reduction", "add");
        g.op("ScatterND", &[target, g.ints(&index).unsqueeze(&[1]), front * weights], attributes)
    };
    let first =
        add(zeros, sources.iter().map(|s| s.0 as i64).collect(), sources.iter().map(|s| 1.0 - s.2).collect());
    let both = if sources.iter().all(|s| s.2 == 0.0) {
        first
    } else {
        add(first, sources.iter().map(|s| s.1 as i64).collect(), sources.iter().map(|s| s.2).collect())
    };
    both.transpose(&from_front(along, rank))
}
