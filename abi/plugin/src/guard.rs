//! The one way in from C: a panic or an error becomes a status and a message, and never unwinds.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use seraph_sys as sys;

use crate::{Error, Host, Status};

/// Runs `body`; what goes wrong is said through `set_error` and returned as a status.
pub(crate) fn guard(host: &Host, body: impl FnOnce() -> Result<(), Error>) -> sys::seraph_status {
    // An instance whose call panicked is only destroyed or called again by its host: it decides what that means.
    let outcome = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        Err(Error::new(Status::Fail, format!("panicked: {}", panic_message(&*panic))))
    });
    match outcome {
        Ok(()) => sys::SERAPH_OK,
        Err(error) => {
            host.set_error(error.status(), &error.to_string());
            error.status().code()
        }
    }
}

/// Runs `body` where there is no status to return: a panic becomes `fallback`.
pub(crate) fn guard_or<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(fallback)
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
