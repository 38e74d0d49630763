//! Scaled dot-product attention (opset 23), as ONNX's own definition writes it.

use crate::attribute::Attributes;
use crate::opset::Spec;
use crate::tensor::Tensor;
use crate::var::Var;

pub(super) fn attention<'g>(spec: &Spec<'g>) -> Result<Vec<Var<'g>>, String> {
    let input = |i: usize| spec.inputs.get(i).copied().flatten();
    let given = |i: usize| input(i).ok_or_else(|| format!("input {i} is missing"));
    if input(4).is_some() || input(5).is_some() || spec.outputs > 1 {
        return Err("past and present keys and values have no rule".into());
    }
    let (q, k, v) = (given(0)?, given(1)?, given(2)?);
    let flat = q.rank()? == 3;
    let heads = |name: &str| {
        spec.attributes.int(name).filter(|n| *n > 0).ok_or_else(|| format!("needs the attribute `{name}`"))
    };
    let (q, k, v) = if flat {
        let kv = heads("kv_num_heads")?;
        (split_heads(q, heads("q_num_heads")?), split_heads(k, kv), split_heads(v, kv))
    } else {
        (q, k, v)
    };
    let (k, v) = (repeated(k, q)?, repeated(v, q)?);
    let width = q.known(3).ok_or("has a head size that only a run knows")?;
    let scale = f64::from(spec.attributes.float_or("scale", (1.0 / (width as f64).sqrt()) as f32));
    let mut scores = q.matmul(k.transposed()) * scale;
    let cap = f64::from(spec.attributes.float_or("softcap", 0.0));
    if spec.attributes.int_or("is_causal", 0) == 1 {
        scores = masked(scores, causal(scores));
    }
    if let Some(mask) = input(3) {
        scores = if mask.dtype().is_float() { scores + mask } else { masked(scores, mask) };
    }
    if cap != 0.0 {
        scores = (scores / cap).tanh() * cap;
    }
    let weights = spec.g.op("Softmax", &[scores], Attributes::new().with("axis", -1));
    let y = weights.matmul(v);
    Ok(vec![if flat { join_heads(y) } else { y }])
}

/// `[batch, time, heads * width]` to `[batch, heads, time, width]`.
fn split_heads(x: Var<'_>, heads: i64) -> Var<'_> {
    let shape = [x.shape_part(0, 2), x.g.ints(&[heads, -1])];
    x.reshape(x.g.concat(&shape, 0)).transpose(&[0, 2, 1, 3])
}

fn join_heads(y: Var<'_>) -> Var<'_> {
    let y = y.transpose(&[0, 2, 1, 3]);
    y.reshape(y.g.concat(&[y.shape_part(0, 2), y.g.ints(&[-1])], 0))
}

/// Grouped queries: each key head serves several query heads.
fn repeated<'g>(k: Var<'g>, q: Var<'g>) -> Result<Var<'g>, String> {
    let (Some(have), Some(want)) = (k.known(1), q.known(1)) else {
        return Err("has a number of heads that only a run knows".into());
    };
    if have == 0 || want % have != 0 {
        return Err(format!("has {want} query heads for {have} key heads"));
    }
    if have == want {
        return Ok(k);
    }
    let g = k.g;
    let shape = g.concat(&[k.shape_part(0, 2), g.ints(&[want / have]), k.shape_part(2, 4)], 0);
    let wide = k.unsqueeze(&[2]).expand(shape);
    Ok(wide.reshape(g.concat(&[k.shape_part(0, 1), g.ints(&[want]), k.shape_part(2, 4)], 0)))
}

fn masked<'g>(scores: Var<'g>, mask: Var<'g>) -> Var<'g> {
    scores.g.select(mask, scores, scores.scalar(f64::from(f32::MIN)))
}

/// `[queries, keys]`: true where the key is not after the query.
fn causal(scores: Var<'_>) -> Var<'_> {
    let g = scores.g;
    let scalar = |n: i64| g.constant(Tensor::i64(&[], vec![n]));
    let count = |axis: usize| {
        let size = scores.shape_part(axis, axis + 1).squeeze(&[0]);
        g.op("Range", &[scalar(0), size, scalar(1)], Attributes::new())
    };
    count(3).unsqueeze(&[0]).with("LessOrEqual", count(2).unsqueeze(&[1]))
}
