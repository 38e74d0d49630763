//! An instance of an attack.

use super::context::Context;
use super::library::Library;
use super::oracle::{Call, Oracle, Shape, oracle_table};
use super::{Configuration, NotCreated, tensor};
use crate::broker::Broker;
use crate::task::Task;
use seraph_sys::*;
use seraph_wire::{Config, Ended, Span, TaskMessage};
use std::ffi::CString;

/// A created attack.
pub(crate) struct Attack {
    factory: &'static seraph_attack_factory,
    instance: *mut seraph_self,
    context: Box<Context>,
    _config: Configuration,
}

impl Attack {
    /// Creates attack `id` of a library.
    pub fn create(
        library: &Library,
        id: &str,
        config: &Config,
        context: Box<Context>,
    ) -> Result<Self, NotCreated> {
        let factory =
            library.attacks().map_err(unusable)?.ok_or_else(|| unusable("it has no factory of attacks"))?;
        let config = Configuration::new(config).map_err(unusable)?;
        let id = CString::new(id).map_err(unusable)?;
        let mut instance = std::ptr::null_mut();
        let raw = config.raw();
        let status = context.enter(None, || {
            // SAFETY: a checked slot; everything passed lives through the call.
            unsafe {
                (factory.create)(
                    super::context::host_table(),
                    context.raw(),
                    id.as_ptr(),
                    &raw,
                    &mut instance,
                )
            }
        });
        if status != SERAPH_OK {
            return Err(NotCreated::Refused(Ended { status, message: context.error_message() }));
        }
        Ok(Self { factory, instance, context, _config: config })
    }

    /// Runs a task whose samples are `audio`; the plugin can only read them.
    pub fn run(&mut self, task: &TaskMessage, audio: &[f32], oracle: &mut dyn Oracle) -> Ended {
        let shape = Shape {
            n_items: task.n_items as usize,
            n_samples: task.n_samples as usize,
            n_classes: task.n_classes as usize,
            max_rows: task.max_rows as usize,
        };
        let table = oracle_table(shape, task.access, task.sample_rate_hz);
        let raw = raw_task(task, audio, &table);
        // SAFETY: only the lifetime changes: `enter` forgets the call before `oracle` ends.
        let oracle =
            unsafe { std::mem::transmute::<*mut (dyn Oracle + '_), *mut (dyn Oracle + 'static)>(oracle) };
        let status = self.context.enter(Some(Call { oracle, shape }), || {
            // SAFETY: a checked slot; the task and everything that it points to live through the call.
            unsafe { (self.factory.run)(self.instance, self.context.raw(), &raw) }
        });
        let message = if status == SERAPH_OK { String::new() } else { self.context.error_message() };
        Ended { status, message }
    }
}

impl Drop for Attack {
    fn drop(&mut self) {
        // SAFETY: a checked slot; made by `create`, and not used again.
        self.context.enter(None, || unsafe { (self.factory.destroy)(self.instance) });
    }
}

/// What an attack is told of a task.
pub(crate) fn task_message(task: &Task, audio: Span, oracle: &Broker<'_>, max_rows: usize) -> TaskMessage {
    TaskMessage {
        n_items: task.n_items() as u32,
        n_samples: task.n_samples as u64,
        audio,
        lengths: task.lengths.clone(),
        reference: task.reference.clone(),
        target: task.target.clone(),
        streams: task.streams.clone(),
        norm: task.norm,
        domain: task.domain,
        radius: task.radius.clone(),
        eps: task.eps,
        clip_lo: task.clip_lo,
        clip_hi: task.clip_hi,
        seed: task.seed,
        access: oracle.access(),
        n_classes: oracle.n_classes() as u32,
        sample_rate_hz: oracle.sample_rate_hz(),
        max_rows: max_rows as u32,
    }
}

fn raw_task(task: &TaskMessage, audio: &[f32], oracle: &seraph_oracle) -> seraph_task {
    let shape = [task.n_items as usize, task.n_samples as usize];
    seraph_task {
        struct_size: size_of::<seraph_task>() as u32,
        n_items: task.n_items,
        audio: tensor(audio.as_ptr().cast_mut(), &shape, SERAPH_TENSOR_READONLY),
        lengths: task.lengths.as_ptr(),
        reference: task.reference.as_ptr(),
        target: task.target.as_ref().map_or(std::ptr::null(), |target| target.as_ptr()),
        streams: task.streams.as_ptr(),
        norm: task.norm,
        domain: task.domain,
        radius: task.radius.as_ptr(),
        eps: task.eps,
        clip_lo: task.clip_lo,
        clip_hi: task.clip_hi,
        reserved: 0,
        seed: task.seed,
        oracle,
    }
}

/// The library breaks its contract: no instance can be made of it.
pub(super) fn unusable(why: impl ToString) -> NotCreated {
    NotCreated::Unusable(Ended { status: SERAPH_E_VERSION, message: why.to_string() })
}
