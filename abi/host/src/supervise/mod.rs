//! The host's end of a worker: starts its process, watches it, talks to it, ends it.

mod channel;
mod clock;
mod output;
mod process;
mod spawn;
mod worker;

pub(crate) use channel::Channel;
pub(crate) use clock::CpuClock;
pub(crate) use output::{LOG_MARK, MAX_LOG_BYTES, PROGRESS_MARK, escape};
pub(crate) use spawn::{DOWN_FD, HOST_BELL_FD, PLUGIN_FD, UP_FD, WORKER_ARGUMENT, WORKER_BELL_FD};
pub(crate) use worker::{Allowance, Worker};
