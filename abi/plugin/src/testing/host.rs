//! A host in this process: what it is told, it keeps.

use std::alloc::Layout;
use std::ffi::{c_char, c_void};

use seraph_sys as sys;

use crate::{
    Budget, Error, Gradients, Loss, LossKind, Status, analytic, analytic::Model, tables::text, tensor,
};

/// What the callbacks of one call read and write; a ctx points to it.
pub(super) struct State<'m> {
    pub(super) error: Option<Error>,
    pub(super) log: Vec<String>,
    pub(super) budgets: Vec<Budget>,
    pub(super) commits: Vec<Option<Vec<f32>>>,
    pub(super) calls: u64,
    pub(super) cancel_after: u64,
    pub(super) victim: Option<Questioned<'m>>,
    arena: Vec<(*mut u8, Layout)>,
}

/// The victim behind an oracle, and what the task says about its items.
#[derive(Clone, Copy)]
pub(super) struct Questioned<'m> {
    pub(super) model: &'m dyn Model,
    pub(super) lengths: &'m [u32],
    pub(super) reference: &'m [i32],
    pub(super) target: Option<&'m [i32]>,
    pub(super) n_samples: usize,
    pub(super) access: u32,
}

impl<'m> State<'m> {
    pub(super) fn new(victim: Option<Questioned<'m>>, budget: Budget) -> State<'m> {
        let n_items = victim.map_or(0, |victim| victim.lengths.len());
        State {
            error: None,
            log: Vec::new(),
            budgets: vec![budget; n_items],
            commits: vec![None; n_items],
            calls: 0,
            cancel_after: u64::MAX,
            victim,
            arena: Vec::new(),
        }
    }

    /// What a call came to: its status, with the message that it left.
    pub(super) fn outcome(&mut self, code: sys::seraph_status) -> Result<(), Error> {
        let said = self.error.take();
        if code >= 0 { Ok(()) } else { Err(said.unwrap_or_else(|| Status::from_code(code).into())) }
    }

    /// Charges every row or none, as the host does; then the victim may be asked.
    fn charge(&mut self, items: &[u32], gradient: u64, access: u32) -> Result<Questioned<'m>, Error> {
        let victim = self.victim.ok_or_else(|| Error::new(Status::State, "no task is running"))?;
        self.calls += 1;
        if self.calls > self.cancel_after {
            return Err(Status::Cancelled.into());
        }
        if victim.access & access == 0 {
            return Err(Status::Denied.into());
        }
        let mut budgets = self.budgets.clone();
        for item in items {
            let budget = budgets.get_mut(*item as usize).ok_or_else(|| Error::argument("no such item"))?;
            if budget.forward_left < 1 || budget.gradient_left < gradient {
                return Err(Status::Budget.into());
            }
            budget.forward_left -= 1;
            budget.forward_used += 1;
            budget.gradient_left -= gradient;
            budget.gradient_used += gradient;
        }
        self.budgets = budgets;
        Ok(victim)
    }
}

impl Drop for State<'_> {
    fn drop(&mut self) {
        for (memory, layout) in self.arena.drain(..) {
            // SAFETY: `alloc` made each with this layout, and nothing else frees them.
            unsafe { std::alloc::dealloc(memory, layout) }
        }
    }
}

impl Questioned<'_> {
    /// Row `row` of `x` as the victim reads it: 0 past the item's length, and finite.
    fn input(&self, x: &tensor::Rows, row: usize, item: u32) -> Result<Vec<f32>, Error> {
        let mut input = x.row(row).to_vec();
        input[self.lengths[item as usize] as usize..].fill(0.0);
        if input.iter().all(|x| x.is_finite()) { Ok(input) } else { Err(Status::NonFinite.into()) }
    }

    fn logits(&self, input: &[f32]) -> Vec<f32> {
        let mut z = vec![0.0; self.model.n_classes()];
        self.model.logits(input, &mut z);
        z.into_iter().map(|z| z as f32).collect()
    }

    /// The classes and targets that the task gives where the attack left them out. Targeted DLR is between two
    /// classes: it leaves the reference for the target.
    fn defaults(&self, items: &[u32], kind: LossKind) -> (Vec<i32>, Vec<i32>) {
        let reference = |item: &u32| self.reference[*item as usize];
        let target = |item: &u32| self.target.map_or(reference(item), |target| target[*item as usize]);
        let targets = items.iter().map(target).collect::<Vec<_>>();
        match kind {
            LossKind::DlrTargeted => (items.iter().map(reference).collect(), targets),
            _ => (targets.clone(), targets),
        }
    }
}

/// A host of this ABI whose callbacks write to a [`State`].
pub(super) fn table() -> sys::seraph_host {
    sys::seraph_host {
        struct_size: size_of::<sys::seraph_host>() as u32,
        abi_major: sys::SERAPH_ABI_MAJOR,
        abi_minor: sys::SERAPH_ABI_MINOR,
        name: text("seraph testing"),
        version: text(env!("CARGO_PKG_VERSION")),
        get_extension,
        log,
        set_error,
        progress,
        cancelled,
        alloc,
    }
}

/// An oracle over the victim of a [`State`].
pub(super) fn oracle(victim: &Questioned, max_rows: u32) -> sys::seraph_oracle {
    sys::seraph_oracle {
        struct_size: size_of::<sys::seraph_oracle>() as u32,
        access: victim.access,
        n_classes: victim.model.n_classes() as u32,
        sample_rate_hz: 16_000,
        max_rows,
        reserved: 0,
        decision,
        logits,
        loss_grad,
        budget,
        commit,
    }
}

/// The state behind a ctx.
///
/// # Safety
/// `ctx` came from a `State` that is not borrowed anywhere else during the callback.
unsafe fn state<'a>(ctx: *mut sys::seraph_ctx) -> &'a mut State<'a> {
    // SAFETY: the caller's promise.
    unsafe { &mut *ctx.cast::<State<'a>>() }
}

fn code(outcome: Result<(), Error>) -> sys::seraph_status {
    outcome.map_or_else(|error| error.status().code(), |()| sys::SERAPH_OK)
}

unsafe extern "C" fn get_extension(_: *const sys::seraph_host, _: *const c_char) -> *const c_void {
    std::ptr::null()
}

unsafe extern "C" fn log(ctx: *mut sys::seraph_ctx, _: i32, utf8: *const c_char, len: u64) {
    if !ctx.is_null() {
        // SAFETY: a ctx of ours; the message is borrowed for the call.
        unsafe { state(ctx).log.push(message(utf8, len)) }
    }
}

unsafe extern "C" fn set_error(
    ctx: *mut sys::seraph_ctx,
    status: sys::seraph_status,
    utf8: *const c_char,
    len: u64,
) {
    // SAFETY: a ctx of ours; the message is borrowed for the call.
    unsafe { state(ctx).error = Some(Error::new(Status::from_code(status), message(utf8, len))) }
}

unsafe fn message(utf8: *const c_char, len: u64) -> String {
    // SAFETY: the caller promises `len` bytes.
    let bytes = unsafe { tensor::slice(utf8.cast::<u8>(), len as usize) };
    String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned()
}

unsafe extern "C" fn progress(_: *mut sys::seraph_ctx, _: u32, _: u64, _: u64, _: f64) {}

unsafe extern "C" fn cancelled(ctx: *mut sys::seraph_ctx) -> i32 {
    // SAFETY: a ctx of ours.
    let state = unsafe { state(ctx) };
    i32::from(state.calls >= state.cancel_after)
}

unsafe extern "C" fn alloc(ctx: *mut sys::seraph_ctx, bytes: u64, align: u64) -> *mut c_void {
    let layout = Layout::from_size_align((bytes as usize).max(1), align as usize);
    let Ok(layout) = layout else { return std::ptr::null_mut() };
    // SAFETY: the layout has a size.
    let memory = unsafe { std::alloc::alloc_zeroed(layout) };
    if !memory.is_null() {
        // SAFETY: a ctx of ours.
        unsafe { state(ctx).arena.push((memory, layout)) };
    }
    memory.cast()
}

unsafe extern "C" fn decision(
    ctx: *mut sys::seraph_ctx,
    x: *const sys::seraph_tensor,
    items: *const u32,
    n: u32,
    out_class: *mut i32,
) -> sys::seraph_status {
    // SAFETY: a ctx of ours; the arrays are those of the header.
    code(unsafe {
        each_row(ctx, x, (items, n), 0, sys::SERAPH_ACCESS_DECISION, |victim, row, input| {
            let out = tensor::slice_mut(out_class, n as usize)?;
            out[row] = crate::loss::argmax(&victim.logits(input)) as i32;
            Ok(())
        })
    })
}

unsafe extern "C" fn logits(
    ctx: *mut sys::seraph_ctx,
    x: *const sys::seraph_tensor,
    items: *const u32,
    n: u32,
    out_logits: *mut sys::seraph_tensor,
) -> sys::seraph_status {
    // SAFETY: a ctx of ours; the arrays are those of the header.
    code(unsafe {
        each_row(ctx, x, (items, n), 0, sys::SERAPH_ACCESS_LOGITS, |victim, row, input| {
            let k = victim.model.n_classes();
            let out = tensor::rows_mut(&*out_logits, (n as usize, k), "out_logits")?;
            out[row * k..(row + 1) * k].copy_from_slice(&victim.logits(input));
            Ok(())
        })
    })
}

unsafe extern "C" fn loss_grad(
    ctx: *mut sys::seraph_ctx,
    x: *const sys::seraph_tensor,
    items: *const u32,
    n: u32,
    loss: *const sys::seraph_loss,
    out_loss: *mut f32,
    out_grad: *mut sys::seraph_tensor,
    out_logits: *mut sys::seraph_tensor,
) -> sys::seraph_status {
    // SAFETY: a ctx of ours; the arrays are those of the header.
    code(unsafe {
        each_row(ctx, x, (items, n), 1, sys::SERAPH_ACCESS_GRADIENT, |victim, row, input| {
            let (n, k, t) = (n as usize, victim.model.n_classes(), victim.n_samples);
            let loss = Loss::open_for_oracle(&*loss, n, k)?;
            let (classes, targets) = victim.defaults(tensor::slice(items, n)?, loss.kind);
            let loss = Loss {
                classes: loss.classes.or(Some(&classes)),
                targets: loss.targets.or(Some(&targets)),
                ..loss
            };
            let mut answer = Gradients::default();
            answer.resize(1, t, k);
            let value =
                analytic::loss_grad(victim.model, input, &loss, row, &mut answer.grad, &mut answer.logits);
            let item = tensor::slice(items, n)?[row] as usize;
            answer.grad[victim.lengths[item] as usize..].fill(0.0);
            tensor::slice_mut(out_loss, n)?[row] = value;
            let grad = tensor::rows_mut(&*out_grad, (n, t), "out_grad")?;
            grad[row * t..(row + 1) * t].copy_from_slice(&answer.grad);
            if let Some(out) = out_logits.as_ref() {
                let out = tensor::rows_mut(out, (n, k), "out_logits")?;
                out[row * k..(row + 1) * k].copy_from_slice(&answer.logits);
            }
            Ok(())
        })
    })
}

/// Charges the rows of a question, then answers each.
///
/// # Safety
/// `ctx` is ours; `x` and `items` are those of an oracle call.
unsafe fn each_row(
    ctx: *mut sys::seraph_ctx,
    x: *const sys::seraph_tensor,
    (items, n): (*const u32, u32),
    gradient: u64,
    access: u32,
    mut answer: impl FnMut(&Questioned, usize, &[f32]) -> Result<(), Error>,
) -> Result<(), Error> {
    // SAFETY: the caller's promise.
    let (state, x, items) =
        unsafe { (state(ctx), tensor::rows(&*x, "x")?, tensor::slice(items, n as usize)?) };
    let victim = state.charge(items, gradient, access)?;
    if (x.n_rows, x.n_samples) != (items.len(), victim.n_samples) {
        return Err(Error::argument("x does not have one row per item"));
    }
    for (row, item) in items.iter().enumerate() {
        let input = victim.input(&x, row, *item)?;
        answer(&victim, row, &input)?;
    }
    Ok(())
}

unsafe extern "C" fn budget(
    ctx: *mut sys::seraph_ctx,
    item: u32,
    out: *mut sys::seraph_budget,
) -> sys::seraph_status {
    // SAFETY: a ctx of ours; out is writable for the call.
    let (state, out) = unsafe { (state(ctx), &mut *out) };
    let Some(budget) = state.budgets.get(item as usize) else { return sys::SERAPH_E_ARG };
    out.forward_left = budget.forward_left;
    out.forward_used = budget.forward_used;
    out.gradient_left = budget.gradient_left;
    out.gradient_used = budget.gradient_used;
    sys::SERAPH_OK
}

unsafe extern "C" fn commit(
    ctx: *mut sys::seraph_ctx,
    item: u32,
    x: *const sys::seraph_tensor,
) -> sys::seraph_status {
    // SAFETY: a ctx of ours; the tensor is borrowed for the call.
    let (state, x) = unsafe { (state(ctx), &*x) };
    let Some(victim) = state.victim else { return sys::SERAPH_E_STATE };
    if (item as usize) >= state.commits.len() || x.byte_len != victim.n_samples as u64 * 4 {
        return sys::SERAPH_E_ARG;
    }
    // SAFETY: checked above that the bytes are one row.
    let samples = unsafe { tensor::slice(x.data.cast::<f32>(), victim.n_samples) };
    state.commits[item as usize] = samples.ok().map(<[f32]>::to_vec);
    sys::SERAPH_OK
}
