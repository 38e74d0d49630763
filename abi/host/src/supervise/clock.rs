//! How much CPU time a process has used, without asking it.

use rustix::process::Pid;

/// A process's CPU clock.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// The clock of a live process.
    pub fn of(pid: Pid) -> Option<Self> {
        let mut clock = 0;
        // SAFETY: writes one clock id to the local it is given.
        let failed = unsafe { libc::clock_getcpuclockid(pid.as_raw_nonzero().get(), &mut clock) };
        (failed == 0).then_some(Self(clock))
    }

    /// The clock of the calling thread.
    pub fn of_this_thread() -> Self {
        Self(libc::CLOCK_THREAD_CPUTIME_ID)
    }

    /// Nanoseconds of all its threads; `None` once it has been reaped.
    pub fn nanoseconds(&self) -> Option<u64> {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: writes one timespec to the local it is given.
        let failed = unsafe { libc::clock_gettime(self.0, &mut time) };
        (failed == 0).then(|| time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
    }
}
