//! The oracle table: checks an attack's arguments and passes its questions on.

use super::context::Context;
use super::tensor;
use crate::victim::{Loss, LossGradOut};
use seraph_sys::*;
use seraph_wire::BudgetState;

/// Answers questions whose arguments were checked. Each returns a status.
pub(crate) trait Oracle {
    fn decision(&mut self, x: &[f32], items: &[u32], out: &mut [i32]) -> i32;
    fn logits(&mut self, x: &[f32], items: &[u32], out: &mut [f32]) -> i32;
    /// `out.logits` may be empty: not wanted.
    fn loss_grad(&mut self, x: &[f32], items: &[u32], loss: Loss, out: LossGradOut<'_>) -> i32;
    fn budget(&mut self, item: u32) -> Result<BudgetState, i32>;
    fn commit(&mut self, item: u32, x: &[f32]) -> i32;
}

/// The oracle of the call in progress and the shape of its task.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    /// Lives as long as the call.
    pub oracle: *mut dyn Oracle,
    pub shape: Shape,
}

/// Of a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub n_items: usize,
    pub n_samples: usize,
    pub n_classes: usize,
    pub max_rows: usize,
}

/// The table of a task.
pub(crate) fn oracle_table(shape: Shape, access: u32, sample_rate_hz: u32) -> seraph_oracle {
    seraph_oracle {
        struct_size: size_of::<seraph_oracle>() as u32,
        access,
        n_classes: shape.n_classes as u32,
        sample_rate_hz,
        max_rows: shape.max_rows as u32,
        reserved: 0,
        decision,
        logits,
        loss_grad,
        budget,
        commit,
    }
}

/// Why an argument is refused: the words go to the plugin through its error message.
type Refusal = (i32, &'static str);

unsafe extern "C" fn decision(
    ctx: *mut seraph_ctx,
    x: *const seraph_tensor,
    items: *const u32,
    n: u32,
    out_class: *mut i32,
) -> seraph_status {
    guarded(ctx, |oracle, shape| {
        let items = slice(items, n as usize, "items is NULL")?;
        let x = rows(x, items, shape)?;
        let out = slice_mut(out_class, items.len(), "out_class is NULL")?;
        Ok(oracle.decision(x, items, out))
    })
}

unsafe extern "C" fn logits(
    ctx: *mut seraph_ctx,
    x: *const seraph_tensor,
    items: *const u32,
    n: u32,
    out_logits: *mut seraph_tensor,
) -> seraph_status {
    guarded(ctx, |oracle, shape| {
        let items = slice(items, n as usize, "items is NULL")?;
        let x = rows(x, items, shape)?;
        let out = output(out_logits, items.len(), shape.n_classes, x)?;
        Ok(oracle.logits(x, items, out))
    })
}

unsafe extern "C" fn loss_grad(
    ctx: *mut seraph_ctx,
    x: *const seraph_tensor,
    items: *const u32,
    n: u32,
    loss: *const seraph_loss,
    out_loss: *mut f32,
    out_grad: *mut seraph_tensor,
    out_logits: *mut seraph_tensor,
) -> seraph_status {
    guarded(ctx, |oracle, shape| {
        let items = slice(items, n as usize, "items is NULL")?;
        let x = rows(x, items, shape)?;
        let loss = copy_loss(loss, items.len(), shape.n_classes)?;
        let out_loss = slice_mut(out_loss, items.len(), "out_loss is NULL")?;
        let grad = output(out_grad, items.len(), shape.n_samples, x)?;
        let logits =
            if out_logits.is_null() { &mut [] } else { output(out_logits, items.len(), shape.n_classes, x)? };
        Ok(oracle.loss_grad(x, items, loss, LossGradOut { loss: out_loss, grad, logits }))
    })
}

unsafe extern "C" fn budget(ctx: *mut seraph_ctx, item: u32, out: *mut seraph_budget) -> seraph_status {
    guarded(ctx, |oracle, _| {
        if out.is_null() || !out.is_aligned() {
            return Err((SERAPH_E_ARG, "out is NULL or not aligned"));
        }
        // SAFETY: there and aligned; its size is the plugin's, and checked before more than that is written.
        let struct_size = unsafe { (*out).struct_size };
        if (struct_size as usize) < size_of::<seraph_budget>() {
            return Err((SERAPH_E_ARG, "the struct_size of out is not set"));
        }
        match oracle.budget(item) {
            Ok(state) => {
                let answer = seraph_budget {
                    struct_size,
                    reserved: 0,
                    forward_left: state.forward_left,
                    forward_used: state.forward_used,
                    gradient_left: state.gradient_left,
                    gradient_used: state.gradient_used,
                };
                // SAFETY: as above.
                unsafe { out.write(answer) };
                Ok(SERAPH_OK)
            }
            Err(status) => Ok(status),
        }
    })
}

unsafe extern "C" fn commit(ctx: *mut seraph_ctx, item: u32, x: *const seraph_tensor) -> seraph_status {
    guarded(ctx, |oracle, shape| {
        if item as usize >= shape.n_items {
            return Err((SERAPH_E_ARG, "no such item"));
        }
        let x = numbers(x, &[shape.n_samples], &[1, shape.n_samples])?;
        Ok(oracle.commit(item, x))
    })
}

/// Every way into the oracle: a true context, a task in progress, its own thread, not cancelled.
fn guarded(
    ctx: *mut seraph_ctx,
    ask: impl FnOnce(&mut dyn Oracle, Shape) -> Result<i32, Refusal>,
) -> seraph_status {
    // SAFETY: the contract of the slots: `ctx` is what the plugin was given.
    let Some(context) = (unsafe { Context::of(ctx) }) else { return SERAPH_E_ARG };
    if !context.on_worker_thread() {
        context.complain("the oracle was asked from another thread");
        return SERAPH_E_STATE;
    }
    let Some(call) = context.call() else { return SERAPH_E_STATE };
    if context.cancelled() {
        return SERAPH_E_CANCELLED;
    }
    // SAFETY: the oracle lives as long as the call, and this is the only thread that may be here.
    match ask(unsafe { &mut *call.oracle }, call.shape) {
        Ok(status) => status,
        Err((status, why)) => {
            context.complain(why);
            status
        }
    }
}

fn rows<'a>(x: *const seraph_tensor, items: &[u32], shape: Shape) -> Result<&'a [f32], Refusal> {
    if items.is_empty() || items.len() > shape.max_rows {
        return Err((SERAPH_E_ARG, "no rows, or more than max_rows"));
    }
    if items.iter().any(|&item| item as usize >= shape.n_items) {
        return Err((SERAPH_E_ARG, "no such item"));
    }
    numbers(x, &[items.len(), shape.n_samples], &[])
}

/// The numbers of a tensor of one of two shapes.
fn numbers<'a>(x: *const seraph_tensor, shape: &[usize], or: &[usize]) -> Result<&'a [f32], Refusal> {
    let data = contiguous(x, shape)
        .or_else(|refusal| if or.is_empty() { Err(refusal) } else { contiguous(x, or) })?;
    // SAFETY: `contiguous` checked that the tensor says it has these numbers, aligned.
    Ok(unsafe { std::slice::from_raw_parts(data, shape.iter().product()) })
}

/// Room for `[n, width]` numbers that does not overlap the input.
fn output<'a>(out: *mut seraph_tensor, n: usize, width: usize, x: &[f32]) -> Result<&'a mut [f32], Refusal> {
    let data = contiguous(out, &[n, width])?;
    // SAFETY: `out` was found there and aligned by `contiguous`.
    if unsafe { (*out).flags } & SERAPH_TENSOR_READONLY != 0 {
        return Err((SERAPH_E_ARG, "an output is read-only"));
    }
    let (start, end) = (data as usize, data as usize + 4 * n * width);
    let input = x.as_ptr_range();
    if start < input.end as usize && (input.start as usize) < end {
        return Err((SERAPH_E_ARG, "an output overlaps the input"));
    }
    // SAFETY: `contiguous` checked that the tensor says it has this room, aligned; it is not the input's.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, n * width) })
}

/// The first number of a row-major float32 tensor of this shape in CPU memory.
fn contiguous(x: *const seraph_tensor, shape: &[usize]) -> Result<*mut f32, Refusal> {
    if x.is_null() || !x.is_aligned() {
        return Err((SERAPH_E_ARG, "a tensor is NULL or not aligned"));
    }
    // SAFETY: there and aligned; a tensor has a fixed size.
    let x = unsafe { &*x };
    let expected = tensor(std::ptr::null_mut(), shape, 0);
    let rank = shape.len();
    if (x.dtype_code, x.dtype_bits, x.dtype_lanes) != (SERAPH_DTYPE_FLOAT, 32, 1)
        || x.device_type != SERAPH_DEVICE_CPU
    {
        return Err((SERAPH_E_ARG, "a tensor is not float32 in CPU memory"));
    }
    if x.rank != rank as i32 || x.shape[..rank] != expected.shape[..rank] {
        return Err((SERAPH_E_ARG, "a tensor has the wrong shape"));
    }
    if x.stride[..rank] != expected.stride[..rank] {
        return Err((SERAPH_E_ARG, "a tensor is not row-major contiguous"));
    }
    let room = x.byte_len.checked_sub(x.byte_offset);
    if x.data.is_null() || room.is_none_or(|room| room < expected.byte_len) {
        return Err((SERAPH_E_ARG, "a tensor has no data, or less than its shape"));
    }
    let data = x.data.cast::<u8>().wrapping_add(x.byte_offset as usize).cast::<f32>();
    if data.is_aligned() { Ok(data) } else { Err((SERAPH_E_ARG, "the data of a tensor is not aligned")) }
}

fn slice<'a, T>(start: *const T, len: usize, why: &'static str) -> Result<&'a [T], Refusal> {
    if start.is_null() || !start.is_aligned() {
        return Err((SERAPH_E_ARG, why));
    }
    // SAFETY: the contract of the slots: as many as there are rows.
    Ok(unsafe { std::slice::from_raw_parts(start, len) })
}

fn slice_mut<'a, T>(start: *mut T, len: usize, why: &'static str) -> Result<&'a mut [T], Refusal> {
    if start.is_null() || !start.is_aligned() {
        return Err((SERAPH_E_ARG, why));
    }
    // SAFETY: the contract of the slots: as many as there are rows, and nobody else's meanwhile.
    Ok(unsafe { std::slice::from_raw_parts_mut(start, len) })
}

fn copy_loss(loss: *const seraph_loss, n: usize, n_classes: usize) -> Result<Loss, Refusal> {
    if loss.is_null() || !loss.is_aligned() {
        return Err((SERAPH_E_ARG, "loss is NULL"));
    }
    // SAFETY: there and aligned; its size is looked at before anything behind it.
    let struct_size = unsafe { (&raw const (*loss).struct_size).read() };
    if (struct_size as usize) < size_of::<seraph_loss>() {
        return Err((SERAPH_E_ARG, "the struct_size of loss is not set"));
    }
    // SAFETY: as large as the first version (above).
    let raw = unsafe { &*loss };
    let list = |start: *const i32| {
        if start.is_null() {
            Ok(None)
        } else {
            slice(start, n, "classes are not aligned").map(|list| Some(list.to_vec()))
        }
    };
    let cotangent = if raw.cotangent.is_null() {
        None
    } else {
        Some(slice(raw.cotangent, n * n_classes, "cotangent is not aligned")?.to_vec())
    };
    Ok(Loss {
        kind: raw.kind,
        kappa: raw.kappa,
        classes: list(raw.classes)?,
        targets: list(raw.targets)?,
        cotangent,
    })
}
