//! An instance of a victim.

use super::attack::unusable;
use super::context::{Context, host_table};
use super::library::Library;
use super::{Configuration, NotCreated, copy, tensor};
use crate::victim::{Loss, LossGradOut};
use seraph_sys::*;
use seraph_wire::{Config, Ended, VictimDesc};
use std::ffi::CString;

/// A loaded victim.
pub(crate) struct Victim {
    factory: &'static seraph_victim_factory,
    instance: *mut seraph_self,
    context: Box<Context>,
    _config: Configuration,
}

impl Victim {
    /// Loads victim `id` of a library and asks what it is.
    pub fn create(
        library: &Library,
        id: &str,
        config: &Config,
        context: Box<Context>,
    ) -> Result<(Self, VictimDesc), NotCreated> {
        let factory =
            library.victims().map_err(unusable)?.ok_or_else(|| unusable("it has no factory of victims"))?;
        let config = Configuration::new(config).map_err(unusable)?;
        let id = CString::new(id).map_err(unusable)?;
        let mut instance = std::ptr::null_mut();
        let raw = config.raw();
        let status = context.enter(None, || {
            // SAFETY: a checked slot; everything passed lives through the call.
            unsafe { (factory.create)(host_table(), context.raw(), id.as_ptr(), &raw, &mut instance) }
        });
        if status != SERAPH_OK {
            return Err(NotCreated::Refused(Ended { status, message: context.error_message() }));
        }
        let victim = Self { factory, instance, context, _config: config };
        let desc = victim.describe()?;
        Ok((victim, desc))
    }

    /// Writes the logits `[n, n_classes]` of the rows `x`.
    pub fn logits(&mut self, x: &[f32], n: usize, logits: &mut [f32]) -> Result<(), Ended> {
        let x = tensor(x.as_ptr().cast_mut(), &[n, x.len() / n], SERAPH_TENSOR_READONLY);
        let mut out = tensor(logits.as_mut_ptr(), &[n, logits.len() / n], 0);
        let status = self.context.enter(None, || {
            // SAFETY: a checked slot; the tensors are of the shapes that the contract says, and live through the call.
            unsafe { (self.factory.logits)(self.instance, self.context.raw(), &x, &mut out) }
        });
        self.settle(status)
    }

    /// Writes losses, gradients and logits of the rows `x`.
    pub fn loss_grad(&mut self, x: &[f32], n: usize, loss: &Loss, out: LossGradOut<'_>) -> Result<(), Ended> {
        let width = x.len() / n;
        let x = tensor(x.as_ptr().cast_mut(), &[n, width], SERAPH_TENSOR_READONLY);
        let mut grad = tensor(out.grad.as_mut_ptr(), &[n, width], 0);
        let mut logits = tensor(out.logits.as_mut_ptr(), &[n, out.logits.len() / n], 0);
        let list = |list: &Option<Vec<i32>>| list.as_ref().map_or(std::ptr::null(), |list| list.as_ptr());
        let raw = seraph_loss {
            struct_size: size_of::<seraph_loss>() as u32,
            kind: loss.kind,
            kappa: loss.kappa,
            reserved: 0,
            classes: list(&loss.classes),
            targets: list(&loss.targets),
            cotangent: loss.cotangent.as_ref().map_or(std::ptr::null(), |list| list.as_ptr()),
        };
        let losses = out.loss.as_mut_ptr();
        let status = self.context.enter(None, || {
            // SAFETY: as in `logits`; the broker filled in every class.
            unsafe {
                let ctx = self.context.raw();
                (self.factory.loss_grad)(self.instance, ctx, &x, &raw, losses, &mut grad, &mut logits)
            }
        });
        self.settle(status)
    }

    fn describe(&self) -> Result<VictimDesc, NotCreated> {
        // SAFETY: integers and pointers, all of which may be zero.
        let mut raw: seraph_victim_desc = unsafe { std::mem::zeroed() };
        raw.struct_size = size_of::<seraph_victim_desc>() as u32;
        let status = self.context.enter(None, || {
            // SAFETY: a checked slot; `raw` is of the size that it says.
            unsafe { (self.factory.describe)(self.instance, self.context.raw(), &mut raw) }
        });
        self.settle(status).map_err(NotCreated::Refused)?;
        // SAFETY: filled in by the call that has just returned; the instance lives.
        unsafe { copy::victim_desc(&raw) }.map_err(unusable)
    }

    fn settle(&self, status: i32) -> Result<(), Ended> {
        if status == SERAPH_OK {
            Ok(())
        } else {
            Err(Ended { status, message: self.context.error_message() })
        }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // SAFETY: a checked slot; made by `create`, and not used again.
        self.context.enter(None, || unsafe { (self.factory.destroy)(self.instance) });
    }
}
