//! A victim loaded through its C table.

use std::ffi::{CStr, CString, c_char};

use seraph_sys as sys;

use super::host::{self, State};
use super::{OnlyVictim, config_values};
use crate::victim::Factory;
use crate::{Access, Budget, Error, Gradients, Loss, Value, Victim, param, tensor};

/// A victim behind its C table, as a host holds it.
pub struct Loaded {
    table: &'static sys::seraph_victim_factory,
    instance: *mut sys::seraph_self,
    // The host that the instance points to, and the blobs that it borrows, live as long as it.
    _host: Box<sys::seraph_host>,
    _blobs: Vec<Vec<u8>>,
    /// What is granted.
    pub access: Access,
    /// Logits of a row.
    pub n_classes: usize,
    /// Input length of a row; 0: any.
    pub n_samples: usize,
    /// Emotion of each logit, if the model says.
    pub classes: Vec<String>,
    /// Why there are no gradients.
    pub gradient_note: String,
    /// Rows per call; 0: any.
    pub max_rows: usize,
}

impl Loaded {
    /// Creates a `V` from defaults, values and blobs, and asks it what it is.
    pub fn new<V: Victim>(values: &[(&str, Value)], blobs: &[(&str, Vec<u8>)]) -> Result<Loaded, Error> {
        let mut values = config_values(V::INFO.params, &[], None, values)?;
        let owned: Vec<Vec<u8>> = blobs.iter().map(|(_, bytes)| bytes.clone()).collect();
        for ((name, _), bytes) in blobs.iter().zip(&owned) {
            let found = param::find(V::INFO.params, name);
            let (index, _) = found.ok_or_else(|| Error::argument(format!("no parameter '{name}'")))?;
            values[index].data = bytes.as_ptr().cast();
            values[index].data_len = bytes.len() as u64;
        }
        let host = Box::new(host::table());
        let id = CString::new(V::INFO.id).map_err(|_| Error::argument("an id with a NUL"))?;
        let table = Factory::<OnlyVictim<V>>::TABLE;
        let instance = create(table, &host, &id, &values)?;
        let mut loaded = Loaded {
            table,
            instance,
            _host: host,
            _blobs: owned,
            access: Access::NONE,
            n_classes: 0,
            n_samples: 0,
            classes: Vec::new(),
            gradient_note: String::new(),
            max_rows: 0,
        };
        loaded.describe()?;
        Ok(loaded)
    }

    fn describe(&mut self) -> Result<(), Error> {
        let mut raw = empty_description();
        // SAFETY: the instance lives; `raw` is writable and says its size.
        self.call(|this, ctx| unsafe { (this.table.describe)(this.instance, ctx, &mut raw) })?;
        self.access = Access(raw.access);
        self.n_classes = raw.n_classes as usize;
        self.n_samples = raw.n_samples as usize;
        self.max_rows = raw.max_rows as usize;
        // SAFETY: strings and arrays of a description live as long as the instance.
        unsafe {
            self.gradient_note = owned(&raw.gradient_note)?;
            let named = if raw.classes.is_null() { 0 } else { self.n_classes };
            let classes = tensor::slice(raw.classes, named)?;
            self.classes = classes.iter().map(|class| owned(class)).collect::<Result<_, _>>()?;
        }
        Ok(())
    }

    /// Logits of each row of `x` (`[n, n_samples]`).
    pub fn logits(&mut self, x: &[f32], n: usize) -> Result<Vec<f32>, Error> {
        let mut out = vec![0.0; n * self.n_classes];
        let view = tensor::view(x, n, x.len() / n.max(1));
        let mut view_out = tensor::view_mut(&mut out, n, self.n_classes);
        // SAFETY: the instance lives; the tensors are borrowed for the call.
        self.call(|this, ctx| unsafe { (this.table.logits)(this.instance, ctx, &view, &mut view_out) })?;
        Ok(out)
    }

    /// Losses, gradients and logits of each row of `x` (`[n, n_samples]`).
    pub fn loss_grad(&mut self, x: &[f32], n: usize, loss: &Loss) -> Result<Gradients, Error> {
        let n_samples = x.len() / n.max(1);
        let mut answer = Gradients::default();
        answer.resize(n, n_samples, self.n_classes);
        let view = tensor::view(x, n, n_samples);
        let mut grad = tensor::view_mut(&mut answer.grad, n, n_samples);
        let mut logits = tensor::view_mut(&mut answer.logits, n, self.n_classes);
        let (loss, losses) = (loss.raw(), answer.loss.as_mut_ptr());
        // SAFETY: the instance lives; everything else is borrowed for the call.
        self.call(|this, ctx| unsafe {
            (this.table.loss_grad)(this.instance, ctx, &view, &loss, losses, &mut grad, &mut logits)
        })?;
        Ok(answer)
    }

    fn call(
        &self,
        call: impl FnOnce(&Self, *mut sys::seraph_ctx) -> sys::seraph_status,
    ) -> Result<(), Error> {
        in_state(|ctx| call(self, ctx))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: made by `create`, destroyed once.
        unsafe { (self.table.destroy)(self.instance) }
    }
}

fn create(
    table: &sys::seraph_victim_factory,
    host: &sys::seraph_host,
    id: &CStr,
    values: &[sys::seraph_param],
) -> Result<*mut sys::seraph_self, Error> {
    let config = sys::seraph_config {
        struct_size: size_of::<sys::seraph_config>() as u32,
        n_params: values.len() as u32,
        params: values.as_ptr(),
    };
    let mut instance = std::ptr::null_mut();
    // SAFETY: every argument follows the header and outlives the call; host and blobs outlive the instance.
    in_state(|ctx| unsafe { (table.create)(host, ctx, id.as_ptr(), &config, &mut instance) })?;
    Ok(instance)
}

/// Makes one call with a ctx of its own; what it says becomes the error.
fn in_state(call: impl FnOnce(*mut sys::seraph_ctx) -> sys::seraph_status) -> Result<(), Error> {
    let mut state = State::new(None, Budget::default());
    let pointer: *mut State = &mut state;
    let code = call(pointer.cast());
    // SAFETY: the call is over: no callback runs.
    unsafe { &mut *pointer }.outcome(code)
}

fn empty_description() -> sys::seraph_victim_desc {
    let nothing = sys::seraph_str { ptr: std::ptr::null::<c_char>(), len: 0 };
    sys::seraph_victim_desc {
        struct_size: size_of::<sys::seraph_victim_desc>() as u32,
        access: 0,
        n_classes: 0,
        sample_rate_hz: 0,
        n_samples: 0,
        max_rows: 0,
        domain: 0,
        arch: nothing,
        classes: std::ptr::null(),
        gradient_note: nothing,
        device: nothing,
        runtime: nothing,
    }
}

/// # Safety
/// `text` follows the header.
unsafe fn owned(text: &sys::seraph_str) -> Result<String, Error> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { tensor::slice(text.ptr.cast::<u8>(), text.len as usize) }?;
    String::from_utf8(bytes.to_vec()).map_err(|_| Error::argument("a string that is not UTF-8"))
}
