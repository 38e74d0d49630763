//! The victim as the threat model shows it: questions go to the host, which counts and answers them.

use std::ops::Range;

use seraph_sys as sys;

use crate::error::check;
use crate::task::require;
use crate::{Access, Error, Host, Loss, Status, tensor};

/// What is left for an item, and what was used, as the host counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Budget {
    /// Forward queries left.
    pub forward_left: u64,
    /// Forward queries used.
    pub forward_used: u64,
    /// Gradient queries left; each costs a forward query too.
    pub gradient_left: u64,
    /// Gradient queries used.
    pub gradient_used: u64,
}

/// Answers of [`Oracle::loss_grad`]; kept between calls, so that a loop allocates once.
#[derive(Clone, Debug, Default)]
pub struct Gradients {
    /// `[n]`.
    pub loss: Vec<f32>,
    /// `[n, n_samples]`; 0 past an item's length.
    pub grad: Vec<f32>,
    /// `[n, n_classes]` from the same forward pass.
    pub logits: Vec<f32>,
    n_samples: usize,
    n_classes: usize,
}

impl Gradients {
    /// The gradient of row `row`: `[n_samples]`.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.grad[row * self.n_samples..(row + 1) * self.n_samples]
    }

    /// The gradient of row `row`, for whoever works on it in place.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.grad[row * self.n_samples..(row + 1) * self.n_samples]
    }

    /// The logits of row `row`: `[n_classes]`.
    pub fn logits_row(&self, row: usize) -> &[f32] {
        &self.logits[row * self.n_classes..(row + 1) * self.n_classes]
    }

    /// Makes room for `n` rows.
    pub(crate) fn resize(&mut self, n: usize, n_samples: usize, n_classes: usize) {
        (self.n_samples, self.n_classes) = (n_samples, n_classes);
        self.loss.resize(n, 0.0);
        self.grad.resize(n * n_samples, 0.0);
        self.logits.resize(n * n_classes, 0.0);
    }
}

/// The victim, as far as the threat model grants it.
///
/// In every question, row `r` of `x` (`[items.len(), n_samples]`) is a variant of item `items[r]`. A row costs its
/// item one forward query, or one forward and one gradient query. A call that some row cannot pay returns
/// [`Status::Budget`]; one of more than [`max_rows`](Oracle::max_rows) rows is asked in parts, of which those before
/// the error were answered and charged.
pub struct Oracle<'a> {
    raw: &'a sys::seraph_oracle,
    host: Host<'a>,
    n_samples: usize,
}

impl<'a> Oracle<'a> {
    /// # Safety
    /// `raw` is null or follows `seraph/oracle.h` and lives as long as `'a`.
    pub(crate) unsafe fn open(
        raw: *const sys::seraph_oracle,
        host: Host<'a>,
        n_samples: usize,
    ) -> Result<Oracle<'a>, Error> {
        // SAFETY: the caller's promise.
        let raw = unsafe { raw.as_ref() }.ok_or_else(|| Error::argument("task.oracle is null"))?;
        if (raw.struct_size as usize) < size_of::<sys::seraph_oracle>() {
            return Err(Status::Version.into());
        }
        Ok(Oracle { raw, host, n_samples })
    }

    /// What is granted.
    pub fn access(&self) -> Access {
        Access(self.raw.access)
    }

    /// Classes, that is logits of a row.
    pub fn n_classes(&self) -> usize {
        self.raw.n_classes as usize
    }

    /// 0: the input is not audio.
    pub fn sample_rate_hz(&self) -> u32 {
        self.raw.sample_rate_hz
    }

    /// Rows of one call across the boundary; a larger question is asked in parts.
    pub fn max_rows(&self) -> usize {
        (self.raw.max_rows as usize).max(1)
    }

    /// The host: log, progress, cancellation.
    pub fn host(&self) -> &Host<'a> {
        &self.host
    }

    /// The predicted class of each row.
    pub fn decision(&mut self, x: &[f32], items: &[u32], out: &mut Vec<i32>) -> Result<(), Error> {
        require(self.access(), Access::DECISION, "decisions")?;
        out.resize(items.len(), 0);
        for part in self.parts(x, items)? {
            let view = self.view(x, &part);
            let (items, out) = (&items[part.clone()], &mut out[part]);
            // SAFETY: the oracle lives as long as `self`; every array has `items.len()` rows.
            check(unsafe {
                (self.raw.decision)(self.host.ctx(), &view, items.as_ptr(), len(items), out.as_mut_ptr())
            })?;
        }
        Ok(())
    }

    /// The logits of each row: `[items.len(), n_classes]`.
    pub fn logits(&mut self, x: &[f32], items: &[u32], out: &mut Vec<f32>) -> Result<(), Error> {
        require(self.access(), Access::LOGITS, "logits")?;
        let n_classes = self.n_classes();
        out.resize(items.len() * n_classes, 0.0);
        for part in self.parts(x, items)? {
            let view = self.view(x, &part);
            let out = &mut out[part.start * n_classes..part.end * n_classes];
            let mut out = tensor::view_mut(out, part.len(), n_classes);
            let items = &items[part];
            // SAFETY: the oracle lives as long as `self`; every array has `items.len()` rows.
            check(unsafe {
                (self.raw.logits)(self.host.ctx(), &view, items.as_ptr(), len(items), &mut out)
            })?;
        }
        Ok(())
    }

    /// The loss of each row, its gradient with respect to the row, and the logits of the same forward pass.
    pub fn loss_grad(
        &mut self,
        x: &[f32],
        items: &[u32],
        loss: &Loss,
        out: &mut Gradients,
    ) -> Result<(), Error> {
        require(self.access(), Access::GRADIENT, "gradients")?;
        loss.check(items.len(), self.n_classes())?;
        out.resize(items.len(), self.n_samples, self.n_classes());
        for part in self.parts(x, items)? {
            self.loss_grad_part(x, items, part, loss, out)?;
        }
        Ok(())
    }

    fn loss_grad_part(
        &mut self,
        x: &[f32],
        items: &[u32],
        part: Range<usize>,
        loss: &Loss,
        out: &mut Gradients,
    ) -> Result<(), Error> {
        let (n, n_samples, n_classes) = (part.len(), self.n_samples, self.n_classes());
        let view = self.view(x, &part);
        let loss = loss.part(&part, n_classes).raw();
        let items = &items[part.clone()];
        let grad = &mut out.grad[part.start * n_samples..part.end * n_samples];
        let mut grad = tensor::view_mut(grad, n, n_samples);
        let logits = &mut out.logits[part.start * n_classes..part.end * n_classes];
        let mut logits = tensor::view_mut(logits, n, n_classes);
        let out_loss = out.loss[part].as_mut_ptr();
        let (ctx, ids) = (self.host.ctx(), items.as_ptr());
        // SAFETY: the oracle lives as long as `self`; every array has `items.len()` rows, the loss's checked above.
        check(unsafe {
            (self.raw.loss_grad)(ctx, &view, ids, len(items), &loss, out_loss, &mut grad, &mut logits)
        })
    }

    /// What is left for an item. Free.
    pub fn budget(&self, item: usize) -> Result<Budget, Error> {
        let mut raw = sys::seraph_budget {
            struct_size: size_of::<sys::seraph_budget>() as u32,
            reserved: 0,
            forward_left: 0,
            forward_used: 0,
            gradient_left: 0,
            gradient_used: 0,
        };
        // SAFETY: the oracle lives as long as `self`; `raw` is writable and says its size.
        check(unsafe { (self.raw.budget)(self.host.ctx(), item as u32, &mut raw) })?;
        Ok(Budget {
            forward_left: raw.forward_left,
            forward_used: raw.forward_used,
            gradient_left: raw.gradient_left,
            gradient_used: raw.gradient_used,
        })
    }

    /// Hands in a candidate for an item, `[n_samples]`; the last one counts, even if the attack later fails. Free.
    pub fn commit(&mut self, item: usize, x: &[f32]) -> Result<(), Error> {
        if x.len() != self.n_samples {
            let (found, expected) = (x.len(), self.n_samples);
            return Err(Error::argument(format!("commit of {found} samples, a row has {expected}")));
        }
        let view = tensor::view_row(x);
        // SAFETY: the oracle lives as long as `self`; `x` is borrowed for the call.
        check(unsafe { (self.raw.commit)(self.host.ctx(), item as u32, &view) })
    }

    /// The parts in which a question of these rows is asked.
    fn parts(&self, x: &[f32], items: &[u32]) -> Result<impl Iterator<Item = Range<usize>> + use<>, Error> {
        let (found, expected) = (x.len(), items.len() * self.n_samples);
        if found != expected {
            return Err(Error::argument(format!(
                "x has {found} samples, {} rows have {expected}",
                items.len()
            )));
        }
        let (n, step) = (items.len(), self.max_rows());
        Ok((0..n).step_by(step).map(move |start| start..(start + step).min(n)))
    }

    fn view(&self, x: &[f32], part: &Range<usize>) -> sys::seraph_tensor {
        let rows = &x[part.start * self.n_samples..part.end * self.n_samples];
        tensor::view(rows, part.len(), self.n_samples)
    }
}

fn len(items: &[u32]) -> u32 {
    items.len() as u32
}
