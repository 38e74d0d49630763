//! What the host offers at any time: log, progress, cancellation, extensions.

use std::ffi::{CStr, c_void};
use std::marker::PhantomData;

use seraph_sys as sys;

use crate::{Error, Status};

/// How much a log message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For the author.
    Debug,
    /// For a curious user.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
    /// The host broke the contract.
    HostMisbehaving,
}

/// The host, during one call into the plugin.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    raw: *const sys::seraph_host,
    ctx: *mut sys::seraph_ctx,
    during: PhantomData<&'a ()>,
}

impl Host<'_> {
    /// # Safety
    /// `raw` is a host of this ABI that outlives `'a`, and `ctx` belongs to the call in progress.
    pub(crate) unsafe fn new(raw: *const sys::seraph_host, ctx: *mut sys::seraph_ctx) -> Self {
        Host { raw, ctx, during: PhantomData }
    }

    /// Logs a message; truncated at 4096 bytes, rate-limited.
    pub fn log(&self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => sys::SERAPH_LOG_DEBUG,
            Level::Info => sys::SERAPH_LOG_INFO,
            Level::Warn => sys::SERAPH_LOG_WARN,
            Level::Error => sys::SERAPH_LOG_ERROR,
            Level::HostMisbehaving => sys::SERAPH_LOG_HOST_MISBEHAVING,
        };
        // SAFETY: the host outlives `self`; the message is borrowed for the call.
        unsafe { ((*self.raw).log)(self.ctx, level, message.as_ptr().cast(), message.len() as u64) }
    }

    /// Says that `step` of `steps` is done for an item, and the current loss (NaN: none). Advisory.
    pub fn progress(&self, item: usize, step: usize, steps: usize, loss: f64) {
        // SAFETY: the host outlives `self`.
        unsafe { ((*self.raw).progress)(self.ctx, item as u32, step as u64, steps as u64, loss) }
    }

    /// True once the task is cancelled: clean up and return [`Status::Cancelled`].
    pub fn cancelled(&self) -> bool {
        // SAFETY: the host outlives `self`.
        unsafe { ((*self.raw).cancelled)(self.ctx) != 0 }
    }

    /// An error once the task is cancelled: for the `?` of a loop that asks the oracle nothing.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        if self.cancelled() { Err(Status::Cancelled.into()) } else { Ok(()) }
    }

    /// The table of an optional extension, eg `c"seraph.jacobian/1"`, or null.
    pub fn extension(&self, id: &CStr) -> *const c_void {
        // SAFETY: the host outlives `self`; the id is borrowed for the call.
        unsafe { ((*self.raw).get_extension)(self.raw, id.as_ptr()) }
    }

    pub(crate) fn ctx(&self) -> *mut sys::seraph_ctx {
        self.ctx
    }

    /// Says why the call in progress is about to return a negative status.
    pub(crate) fn set_error(&self, status: Status, message: &str) {
        // SAFETY: the host outlives `self`; the message is borrowed for the call.
        unsafe {
            ((*self.raw).set_error)(self.ctx, status.code(), message.as_ptr().cast(), message.len() as u64);
        }
    }
}
