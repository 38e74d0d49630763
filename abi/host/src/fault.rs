//! What a plugin did wrong, in the words of a journal line.

use serde::{Deserialize, Serialize};

/// Which clock ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Clock {
    /// Time that passed while the host waited for the worker.
    Wall,
    /// CPU time of the worker.
    Cpu,
}

/// Why a worker is of no use any more, or refused what it was asked. Its items have failed; the run goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// The worker's process could not be started.
    #[error("worker could not be started: {reason}")]
    NotStarted {
        /// Why.
        reason: String,
    },
    /// The isolation demanded cannot be had on this system.
    #[error(
        "isolation tier {tier} is below {required}: {missing} not in force; lower the tier in the plan, or run in-process"
    )]
    Isolation {
        /// Reached.
        tier: u8,
        /// Demanded.
        required: u8,
        /// The layers that do not hold.
        missing: String,
    },
    /// The library could not be loaded, or its tables break the contract.
    #[error("could not be loaded: {reason}")]
    NotLoaded {
        /// Why.
        reason: String,
    },
    /// A call into the plugin returned a negative status.
    #[error("{call} returned {}{}", status_name(*status), colon(message))]
    Refused {
        /// Which call.
        call: String,
        /// `SERAPH_E_*`.
        status: i32,
        /// What it said through `set_error`.
        message: String,
    },
    /// A signal ended it.
    #[error("crashed with {}", signal_name(*signal))]
    Crashed {
        /// Its number.
        signal: i32,
    },
    /// It ended the process instead of returning.
    #[error("exited with code {code} instead of returning")]
    EarlyExit {
        /// The code.
        code: i32,
    },
    /// It was killed when a clock ran out.
    #[error("timed out: {} time over {limit_s} s", match clock { Clock::Wall => "wall", Clock::Cpu => "CPU" })]
    TimedOut {
        /// Which.
        clock: Clock,
        /// Where it stood.
        limit_s: f64,
    },
    /// It ran out of memory.
    #[error("ran out of memory")]
    OutOfMemory,
    /// It had more threads than it may.
    #[error("had more than {limit} threads")]
    TooManyThreads {
        /// The limit.
        limit: u32,
    },
    /// It printed more than it may.
    #[error("printed more than {limit_bytes} bytes")]
    LogFlood {
        /// The limit.
        limit_bytes: u64,
    },
    /// What came through the channel is no message, or none for now.
    #[error("broke the protocol: {what}")]
    ProtocolViolation {
        /// How.
        what: String,
    },
    /// It handed in numbers that are none.
    #[error("handed in NaN or infinity in {what}")]
    NonFinite {
        /// In what.
        what: String,
    },
    /// What it says about itself is impossible, or differs from its note.
    #[error("describes itself wrongly: {what}")]
    Misdescribed {
        /// How.
        what: String,
    },
    /// The batch does not fit the channel.
    #[error("{bytes} bytes do not fit a channel of {capacity}: use smaller batches, or raise payload_bytes")]
    TooLarge {
        /// Needed.
        bytes: u64,
        /// There.
        capacity: u64,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
}

impl Fault {
    pub(crate) fn not_started(reason: impl ToString) -> Self {
        Self::NotStarted { reason: reason.to_string() }
    }

    pub(crate) fn protocol(what: impl ToString) -> Self {
        Self::ProtocolViolation { what: what.to_string() }
    }
}

/// The name of a status in the headers.
pub fn status_name(status: i32) -> &'static str {
    use seraph_sys::*;
    match status {
        SERAPH_OK => "SERAPH_OK",
        SERAPH_E_FAIL => "SERAPH_E_FAIL",
        SERAPH_E_ARG => "SERAPH_E_ARG",
        SERAPH_E_NOMEM => "SERAPH_E_NOMEM",
        SERAPH_E_UNSUPPORTED => "SERAPH_E_UNSUPPORTED",
        SERAPH_E_DENIED => "SERAPH_E_DENIED",
        SERAPH_E_BUDGET => "SERAPH_E_BUDGET",
        SERAPH_E_CANCELLED => "SERAPH_E_CANCELLED",
        SERAPH_E_NONFINITE => "SERAPH_E_NONFINITE",
        SERAPH_E_STATE => "SERAPH_E_STATE",
        SERAPH_E_VERSION => "SERAPH_E_VERSION",
        SERAPH_E_MODEL => "SERAPH_E_MODEL",
        _ => "a status that does not exist",
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGSYS => "SIGSYS",
        libc::SIGTERM => "SIGTERM",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

fn colon(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(": {message}") }
}
