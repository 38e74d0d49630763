//! The trait of a victim, and the C factory that stands before its implementations.

use std::ffi::c_char;
use std::marker::PhantomData;

use seraph_sys as sys;

use crate::export::{Library, open_create};
use crate::guard::{guard, guard_or};
use crate::tables::{self, text};
use crate::{Access, Config, Domain, Error, Host, Loss, Rows, Status, VictimInfo, tensor};

/// A victim: a model that answers for a batch of inputs.
pub trait Victim: Sized + 'static {
    /// What it is.
    const INFO: VictimInfo;

    /// Loads one.
    fn create(config: &Config, host: &Host) -> Result<Self, Error>;

    /// What was loaded.
    fn describe(&self) -> Description;

    /// Logits of each row, unnormalised: `out` is `[x.n_rows, n_classes]`. A row's answer depends on that row
    /// alone, and is the same each time.
    fn logits(&mut self, x: Rows, out: &mut [f32]) -> Result<(), Error>;

    /// Loss of each row and its gradient with respect to the row. `loss.classes` is there for every loss that
    /// has classes, `loss.targets` for targeted DLR, and they are classes of this victim.
    fn loss_grad(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error>;
}

/// What a loaded victim is.
#[derive(Clone, Debug)]
pub struct Description {
    /// [`Access::LOGITS`], and [`Access::GRADIENT`] if it has gradients.
    pub access: Access,
    /// Classes, that is logits of a row.
    pub n_classes: usize,
    /// 0: the model does not say.
    pub sample_rate_hz: u32,
    /// Input length of a row; 0: any.
    pub n_samples: usize,
    /// Rows per call; 0: any.
    pub max_rows: usize,
    /// What the input is.
    pub domain: Domain,
    /// Eg "Emo18"; empty: the model does not say.
    pub arch: String,
    /// Emotion of each logit; empty: the model does not say.
    pub classes: Vec<String>,
    /// Empty, or why there are no gradients.
    pub gradient_note: String,
    /// Eg "cpu", "cuda:0".
    pub device: String,
    /// Eg "onnxruntime 1.31.1".
    pub runtime: String,
}

impl Description {
    /// A waveform victim on the CPU with gradients and this many classes; the rest says nothing.
    pub fn new(n_classes: usize) -> Description {
        Description {
            access: Access::LOGITS | Access::GRADIENT,
            n_classes,
            sample_rate_hz: 0,
            n_samples: 0,
            max_rows: 0,
            domain: Domain::Waveform,
            arch: String::new(),
            classes: Vec::new(),
            gradient_note: String::new(),
            device: "cpu".to_owned(),
            runtime: String::new(),
        }
    }
}

/// Where a victim writes losses and gradients.
#[derive(Debug)]
pub struct LossGrad<'a> {
    /// `[n_rows]`.
    pub loss: &'a mut [f32],
    /// `[n_rows, n_samples]`.
    pub grad: &'a mut [f32],
    /// `[n_rows, n_classes]` from the same forward pass, if wanted.
    pub logits: Option<&'a mut [f32]>,
}

/// `Victim::create`, whatever the type behind it.
type Create = fn(&Config, &Host) -> Result<Box<dyn Answers>, Error>;

/// A victim of a library: what it is, and how to load one.
#[doc(hidden)]
pub struct VictimEntry {
    pub(crate) info: &'static VictimInfo,
    create: Create,
}

/// The entry of `V` in its library's list.
pub const fn victim_entry<V: Victim>() -> VictimEntry {
    VictimEntry {
        info: &V::INFO,
        create: |config, host| V::create(config, host).map(|victim| Box::new(victim) as Box<dyn Answers>),
    }
}

trait Answers {
    fn describe(&self) -> Description;
    fn logits(&mut self, x: Rows, out: &mut [f32]) -> Result<(), Error>;
    fn loss_grad(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error>;
}

impl<V: Victim> Answers for V {
    fn describe(&self) -> Description {
        Victim::describe(self)
    }
    fn logits(&mut self, x: Rows, out: &mut [f32]) -> Result<(), Error> {
        Victim::logits(self, x, out)
    }
    fn loss_grad(&mut self, x: Rows, loss: &Loss, out: LossGrad) -> Result<(), Error> {
        Victim::loss_grad(self, x, loss, out)
    }
}

/// What a `seraph_self` of a victim points to. The description is taken once: its strings and arrays are what
/// `describe` hands out pointers to.
struct Instance {
    host: *const sys::seraph_host,
    victim: Box<dyn Answers>,
    description: Description,
    classes: Vec<sys::seraph_str>,
}

impl Instance {
    fn new(host: *const sys::seraph_host, victim: Box<dyn Answers>) -> Result<Box<Instance>, Error> {
        let description = victim.describe();
        let (found, expected) = (description.classes.len(), description.n_classes);
        if expected < 2 || (found != 0 && found != expected) {
            let why = format!("the victim has {expected} classes and names {found}");
            return Err(Error::new(Status::Model, why));
        }
        let mut instance = Box::new(Instance { host, victim, description, classes: Vec::new() });
        instance.classes = instance.description.classes.iter().map(|class| text(class)).collect();
        Ok(instance)
    }

    fn raw_description(&self) -> sys::seraph_victim_desc {
        let description = &self.description;
        let classes = &self.classes;
        sys::seraph_victim_desc {
            struct_size: size_of::<sys::seraph_victim_desc>() as u32,
            access: description.access.0,
            n_classes: description.n_classes as u32,
            sample_rate_hz: description.sample_rate_hz,
            n_samples: description.n_samples as u64,
            max_rows: description.max_rows as u32,
            domain: description.domain.code(),
            arch: text(&description.arch),
            classes: if classes.is_empty() { std::ptr::null() } else { classes.as_ptr() },
            gradient_note: text(&description.gradient_note),
            device: text(&description.device),
            runtime: text(&description.runtime),
        }
    }

    /// The input of a call, if it has the length that the model takes.
    ///
    /// # Safety
    /// `x` is null or a tensor whose bytes live and stay unwritten for the call.
    unsafe fn rows<'a>(&self, x: *const sys::seraph_tensor) -> Result<Rows<'a>, Error> {
        // SAFETY: the caller's promise.
        let x = unsafe { x.as_ref() }.ok_or_else(|| Error::argument("x is null"))?;
        // SAFETY: the caller's promise.
        let rows = unsafe { tensor::rows(x, "x") }?;
        let expected = self.description.n_samples;
        if expected != 0 && rows.n_samples != expected {
            let found = rows.n_samples;
            return Err(Error::argument(format!(
                "x has {found} samples per row, the model takes {expected}"
            )));
        }
        Ok(rows)
    }

    /// Where logits go.
    ///
    /// # Safety
    /// `out` is null or a tensor whose bytes nothing else touches for the call.
    unsafe fn logits_out<'a>(
        &self,
        out: *mut sys::seraph_tensor,
        n_rows: usize,
    ) -> Result<Option<&'a mut [f32]>, Error> {
        // SAFETY: the caller's promise.
        let Some(out) = (unsafe { out.as_ref() }) else { return Ok(None) };
        // SAFETY: the caller's promise.
        unsafe { tensor::rows_mut(out, (n_rows, self.description.n_classes), "out_logits") }.map(Some)
    }
}

/// The factory of the victims of `L`.
pub(crate) struct Factory<L>(PhantomData<L>);

impl<L: Library> Factory<L> {
    pub(crate) const TABLE: &'static sys::seraph_victim_factory = &sys::seraph_victim_factory {
        struct_size: size_of::<sys::seraph_victim_factory>() as u32,
        count: L::VICTIMS.len() as u32,
        info: Self::info,
        create: Self::create,
        describe: Self::describe,
        logits: Self::logits,
        loss_grad: Self::loss_grad,
        destroy: Self::destroy,
    };

    unsafe extern "C" fn info(index: u32) -> *const sys::seraph_victim_info {
        guard_or(std::ptr::null(), || {
            tables::of::<L>().victims.get(index as usize).map_or(std::ptr::null(), std::ptr::from_ref)
        })
    }

    unsafe extern "C" fn create(
        host: *const sys::seraph_host,
        ctx: *mut sys::seraph_ctx,
        id: *const c_char,
        config: *const sys::seraph_config,
        out: *mut *mut sys::seraph_self,
    ) -> sys::seraph_status {
        // SAFETY: these are the arguments of a factory's create.
        let (guarded, id) = match unsafe { open_create(host, ctx, id) } {
            Ok(opened) => opened,
            Err(status) => return status,
        };
        guard(&guarded, || {
            let entry = L::VICTIMS.iter().find(|entry| entry.info.id == id);
            let entry = entry.ok_or_else(|| Error::argument(format!("no victim '{id}' in this library")))?;
            // SAFETY: null or a config, which is borrowed for the call.
            let config = unsafe { config.as_ref() }.ok_or_else(|| Error::argument("config is null"))?;
            // SAFETY: the header promises n_params values, and blobs that outlive the instance.
            let config = unsafe { Config::new(entry.info.params, config) }?;
            let victim = (entry.create)(&config, &guarded)?;
            // SAFETY: null or writable for the call.
            let out = unsafe { out.as_mut() }.ok_or_else(|| Error::argument("out is null"))?;
            *out = Box::into_raw(Instance::new(host, victim)?).cast();
            Ok(())
        })
    }

    unsafe extern "C" fn describe(
        this: *mut sys::seraph_self,
        ctx: *mut sys::seraph_ctx,
        out: *mut sys::seraph_victim_desc,
    ) -> sys::seraph_status {
        // SAFETY: what `create` made; the ctx is this call's.
        unsafe {
            Self::enter(this, ctx, |instance| {
                let out = out.as_mut().ok_or_else(|| Error::argument("out is null"))?;
                if (out.struct_size as usize) < size_of::<sys::seraph_victim_desc>() {
                    return Err(Status::Version.into());
                }
                *out = instance.raw_description();
                Ok(())
            })
        }
    }

    unsafe extern "C" fn logits(
        this: *mut sys::seraph_self,
        ctx: *mut sys::seraph_ctx,
        x: *const sys::seraph_tensor,
        out_logits: *mut sys::seraph_tensor,
    ) -> sys::seraph_status {
        // SAFETY: what `create` made; the ctx is this call's; the tensors are borrowed for it.
        unsafe {
            Self::enter(this, ctx, |instance| {
                let x = instance.rows(x)?;
                let out = instance.logits_out(out_logits, x.n_rows)?;
                instance.victim.logits(x, out.ok_or_else(|| Error::argument("out_logits is null"))?)
            })
        }
    }

    unsafe extern "C" fn loss_grad(
        this: *mut sys::seraph_self,
        ctx: *mut sys::seraph_ctx,
        x: *const sys::seraph_tensor,
        loss: *const sys::seraph_loss,
        out_loss: *mut f32,
        out_grad: *mut sys::seraph_tensor,
        out_logits: *mut sys::seraph_tensor,
    ) -> sys::seraph_status {
        // SAFETY: what `create` made; the ctx is this call's; everything else is borrowed for it.
        unsafe {
            Self::enter(this, ctx, |instance| {
                let x = instance.rows(x)?;
                let loss = loss.as_ref().ok_or_else(|| Error::argument("loss is null"))?;
                let loss = Loss::open(loss, x.n_rows, instance.description.n_classes)?;
                let grad = out_grad.as_ref().ok_or_else(|| Error::argument("out_grad is null"))?;
                let out = LossGrad {
                    loss: tensor::slice_mut(out_loss, x.n_rows)?,
                    grad: tensor::rows_mut(grad, (x.n_rows, x.n_samples), "out_grad")?,
                    logits: instance.logits_out(out_logits, x.n_rows)?,
                };
                instance.victim.loss_grad(x, &loss, out)
            })
        }
    }

    unsafe extern "C" fn destroy(this: *mut sys::seraph_self) {
        if !this.is_null() {
            // SAFETY: what `create` made, handed back once.
            let instance = unsafe { Box::from_raw(this.cast::<Instance>()) };
            guard_or((), || drop(instance));
        }
    }

    /// Runs `body` with the instance behind `this`, guarded.
    ///
    /// # Safety
    /// `this` is null or what `create` made, held by one thread; `ctx` belongs to the call in progress.
    unsafe fn enter(
        this: *mut sys::seraph_self,
        ctx: *mut sys::seraph_ctx,
        body: impl FnOnce(&mut Instance) -> Result<(), Error>,
    ) -> sys::seraph_status {
        // SAFETY: the caller's promise.
        let Some(instance) = (unsafe { this.cast::<Instance>().as_mut() }) else { return sys::SERAPH_E_ARG };
        // SAFETY: checked in `create`; lives as long as the library.
        let host = unsafe { Host::new(instance.host, ctx) };
        guard(&host, || body(instance))
    }
}
