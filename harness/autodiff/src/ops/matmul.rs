//! Matrix products.

use super::row;
use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::graph::Type;
use crate::registry::{Call, Gradient, Infer, Operator};
use crate::tensor::{Tensor, broadcast_index, broadcast_shapes, numel};
use crate::var::Var;
use crate::vjp::Vjp;

pub(super) const OPERATORS: &[Operator] = &[
    row::rule("MatMul", matmul_shape, matmul_forward, Gradient::Rule(matmul)),
    row::rule("Gemm", gemm_shape, gemm_forward, Gradient::Rule(gemm)),
];

fn matmul_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (a, b) = (infer.dims(0)?, infer.dims(1)?);
    if a.is_empty() || b.is_empty() {
        return Err("multiplies a scalar".into());
    }
    let inner = (a[a.len() - 1], b[b.len().saturating_sub(2).min(b.len() - 1)]);
    let inner_b = if b.len() == 1 { b[0] } else { inner.1 };
    if let (Dim::Known(x), Dim::Known(y)) = (inner.0, inner_b)
        && x != y
    {
        return Err(format!("shapes {a:?} and {b:?} do not fit"));
    }
    let lead = |dims: &[Dim]| dims[..dims.len().saturating_sub(2)].to_vec();
    let mut shape = infer.broadcast(&lead(&a), &lead(&b))?;
    if a.len() > 1 {
        shape.push(a[a.len() - 2]);
    }
    if b.len() > 1 {
        shape.push(b[b.len() - 1]);
    }
    Ok(vec![Type::new(infer.dtype(0)?, shape)])
}

fn matmul_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let (a, b) = (call.input(0)?, call.input(1)?);
    let a_shape = if a.shape.len() == 1 { vec![1, a.shape[0]] } else { a.shape.clone() };
    let b_shape = if b.shape.len() == 1 { vec![b.shape[0], 1] } else { b.shape.clone() };
    let (ra, rb) = (a_shape.len(), b_shape.len());
    let (m, k, n) = (a_shape[ra - 2], a_shape[ra - 1], b_shape[rb - 1]);
    let lead = broadcast_shapes(&a_shape[..ra - 2], &b_shape[..rb - 2]).ok_or("leading axes do not fit")?;
    let (x, y) = (a.to_floats(), b.to_floats());
    let mut out = Vec::with_capacity(numel(&lead) * m * n);
    let pairs = broadcast_index(&a_shape[..ra - 2], &lead)
        .into_iter()
        .zip(broadcast_index(&b_shape[..rb - 2], &lead));
    for (i, j) in pairs {
        product(&x[i * m * k..(i + 1) * m * k], &y[j * k * n..(j + 1) * k * n], [m, k, n], &mut out);
    }
    let mut shape = lead;
    if a.shape.len() > 1 {
        shape.push(m);
    }
    if b.shape.len() > 1 {
        shape.push(n);
    }
    Ok(vec![Tensor::floats(crate::dtype::DataType::F64, &shape, out).cast(a.dtype)])
}

fn product(x: &[f64], y: &[f64], [m, k, n]: [usize; 3], out: &mut Vec<f64>) {
    for i in 0..m {
        let start = out.len();
        out.resize(start + n, 0.0);
        for l in 0..k {
            let factor = x[i * k + l];
            out[start..].iter_mut().zip(&y[l * n..]).for_each(|(o, v)| *o += factor * v);
        }
    }
}

/// dA = dY Bᵀ, dB = Aᵀ dY; vectors become matrices first.
fn matmul(v: &Vjp<'_>) -> Result<(), String> {
    let (mut a, mut b, mut dy) = (v.x(0), v.x(1), v.dy(0));
    if b.rank()? == 1 {
        (b, dy) = (b.unsqueeze(&[1]), dy.unsqueeze(&[-1]));
    }
    if a.rank()? == 1 {
        (a, dy) = (a.unsqueeze(&[0]), dy.unsqueeze(&[-2]));
    }
    if v.wants(0) {
        let gradient = dy.matmul(b.transposed()).unbroadcast(a);
        v.give(0, gradient.like(v.x(0)));
    }
    if v.wants(1) {
        let gradient = if b.rank()? == 2 && a.rank()? > 2 {
            rows(a)?.transposed().matmul(rows(dy)?)
        } else {
            a.transposed().matmul(dy).unbroadcast(b)
        };
        v.give(1, gradient.like(v.x(1)));
    }
    Ok(())
}

/// All leading axes made one.
fn rows(x: Var<'_>) -> Result<Var<'_>, String> {
    let last = x.rank()? - 1;
    Ok(x.reshape(x.g.concat(&[x.g.ints(&[-1]), x.shape_part(last, last + 1)], 0)))
}

fn gemm_shape(infer: &mut Infer<'_>) -> Result<Vec<Type>, String> {
    let (a, b) = (infer.dims(0)?, infer.dims(1)?);
    if a.len() != 2 || b.len() != 2 {
        return Err(format!("needs matrices, not {a:?} and {b:?}"));
    }
    let m = a[usize::from(infer.attributes.int_or("transA", 0) == 1)];
    let n = b[usize::from(infer.attributes.int_or("transB", 0) == 0)];
    Ok(vec![Type::new(infer.dtype(0)?, vec![m, n])])
}

fn gemm_forward(call: &Call<'_>) -> Result<Vec<Tensor>, String> {
    let flip = |t: &Tensor, name: &str| -> Tensor {
        if call.attributes.int_or(name, 0) == 0 {
            return t.clone();
        }
        let (rows, columns) = (t.shape[0], t.shape[1]);
        let index: Vec<Option<usize>> =
            (0..rows * columns).map(|i| Some(i % rows * columns + i / rows)).collect();
        t.pick(&[columns, rows], &index, 0.0)
    };
    let (a, b) = (flip(call.input(0)?, "transA"), flip(call.input(1)?, "transB"));
    let inputs = [Some(&a), Some(&b)];
    let none = Attributes::new();
    let y = matmul_forward(&Call { op: "MatMul", inputs: &inputs, attributes: &none, outputs: 1 })?.remove(0);
    let scale = |name: &str| f64::from(call.attributes.float_or(name, 1.0));
    let mut data: Vec<f64> = y.to_floats().iter().map(|v| v * scale("alpha")).collect();
    if let Some(c) = call.optional(2) {
        let bias = c.to_floats();
        let index = broadcast_index(&c.shape, &y.shape);
        data.iter_mut().zip(index).for_each(|(v, i)| *v += scale("beta") * bias[i]);
    }
    Ok(vec![Tensor::floats(y.dtype, &y.shape, data)])
}

fn gemm(v: &Vjp<'_>) -> Result<(), String> {
    let (a, b, dy) = (v.x(0), v.x(1), v.dy(0));
    let flag = |name: &str| v.attributes().int_or(name, 0);
    let (ta, tb) = (flag("transA"), flag("transB"));
    let alpha = v.attributes().float_or("alpha", 1.0);
    let times = |x: Var<'_>, y: Var<'_>, tx: i64, ty: i64| {
        let attributes = Attributes::new().with("alpha", alpha).with("transA", tx).with("transB", ty);
        v.g.var(v.g.op("Gemm", &[v.g.var(x.id), v.g.var(y.id)], attributes).id)
    };
    v.give_if_wanted(0, || if ta == 0 { times(dy, b, 0, 1 - tb) } else { times(b, dy, tb, 1) });
    v.give_if_wanted(1, || if tb == 0 { times(a, dy, 1 - ta, 0) } else { times(dy, a, 1, ta) });
    let beta = f64::from(v.attributes().float_or("beta", 1.0));
    v.give_if_wanted(2, || {
        let summed = dy.unbroadcast(v.x(2));
        if beta == 1.0 { summed } else { summed * beta }
    });
    Ok(())
}
