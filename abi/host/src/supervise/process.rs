//! A worker's process: watched through one poll, killed as a whole, always reaped.

use super::clock::CpuClock;
use super::output::Output;
use crate::fault::{Clock, Fault};
use crate::options::{Limits, WorkerOptions};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::process::Child;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often the clocks and counts that no descriptor announces are looked at.
const TICK: Duration = Duration::from_millis(50);
/// How long a cancelled worker may take to return.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// The process and what it may use.
pub(crate) struct Process {
    pid: Pid,
    pidfd: OwnedFd,
    clock: Option<CpuClock>,
    pub output: Output,
    limits: Limits,
    cancel: Option<Arc<AtomicBool>>,
    cancelled_at: Option<Instant>,
    last_tick: Instant,
    reaped: bool,
    killed_for: Option<Fault>,
}

/// What ended a wait.
pub(crate) enum Event {
    /// The bell rings.
    Bell,
    /// The run was cancelled: the worker should be told, and has the grace to return.
    Cancel,
}

/// What is left of the clocks for one piece of work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    wall_left: Duration,
    wall_limit_s: f64,
    cpu_start_ns: u64,
    cpu_limit_s: f64,
    /// How long the host has waited.
    pub waited: Duration,
}

impl Process {
    /// Takes over a child that was just started.
    pub fn new(mut child: Child, options: &WorkerOptions) -> Result<Self, Fault> {
        let pid = Pid::from_child(&child);
        let watched = rustix::process::pidfd_open(pid, PidfdFlags::empty()).map_err(std::io::Error::from);
        let output = Output::new(child.stdout.take(), child.stderr.take(), options.progress.clone());
        match (watched, output) {
            (Ok(pidfd), Ok(output)) => Ok(Self {
                pid,
                pidfd,
                clock: CpuClock::of(pid),
                output,
                limits: options.limits.clone(),
                cancel: options.cancel.clone(),
                cancelled_at: None,
                last_tick: Instant::now(),
                reaped: false,
                killed_for: None,
            }),
            (Err(error), _) | (_, Err(error)) => {
                // Nobody watches it, so it must not live.
                let _ = child.kill();
                let _ = child.wait();
                Err(Fault::not_started(error))
            }
        }
    }

    /// The clocks for one piece of work, from now on.
    pub fn allowance(&self) -> Allowance {
        Allowance {
            wall_left: Duration::try_from_secs_f64(self.limits.wall_s).unwrap_or(Duration::MAX),
            wall_limit_s: self.limits.wall_s,
            cpu_start_ns: self.cpu_ns(),
            cpu_limit_s: self.limits.cpu_s,
            waited: Duration::ZERO,
        }
    }

    /// CPU nanoseconds so far.
    pub fn cpu_ns(&self) -> u64 {
        self.clock.and_then(|clock| clock.nanoseconds()).unwrap_or(0)
    }

    /// Waits for the bell. A process that ends, goes over a limit or is cancelled and does not return is a fault.
    pub fn wait(&mut self, bell: BorrowedFd<'_>, allowance: &mut Allowance) -> Result<Event, Fault> {
        loop {
            let start = Instant::now();
            let timeout = TICK.min(allowance.wall_left.saturating_sub(allowance.waited));
            let ready = self.poll(bell, timeout)?;
            allowance.waited += start.elapsed();
            if ready.printed {
                self.output.drain();
                self.check_output()?;
            }
            // However busy the worker keeps the host, the clocks are looked at.
            if self.last_tick.elapsed() >= timeout.min(TICK) {
                self.last_tick = Instant::now();
                if !ready.ended
                    && let Some(event) = self.tick(allowance)?
                {
                    return Ok(event);
                }
            }
            if ready.bell {
                return Ok(Event::Bell);
            }
            if ready.ended {
                return Err(self.reap());
            }
        }
    }

    /// Kills the process and whatever shares its group, and waits until it is gone.
    pub fn kill(&mut self) {
        if !self.reaped {
            let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
            self.reap();
        }
    }

    /// Waits a moment for an orderly end, then kills.
    pub fn finish(&mut self, grace: Duration) {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let grace = rustix::time::Timespec {
            tv_sec: grace.as_secs() as i64,
            tv_nsec: i64::from(grace.subsec_nanos()),
        };
        let _ = poll(&mut fds, Some(&grace));
        self.kill();
    }

    fn poll(&mut self, bell: BorrowedFd<'_>, timeout: Duration) -> Result<Ready, Fault> {
        let [stdout, stderr] = self.output.fds();
        let mut fds =
            vec![PollFd::from_borrowed_fd(bell, PollFlags::IN), PollFd::new(&self.pidfd, PollFlags::IN)];
        fds.extend(
            [stdout, stderr].into_iter().flatten().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)),
        );
        let timeout = rustix::time::Timespec {
            tv_sec: timeout.as_secs() as i64,
            tv_nsec: i64::from(timeout.subsec_nanos()),
        };
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Fault::protocol(format!("it cannot be watched: {error}"))),
        }
        let happened = |fd: &PollFd<'_>| !fd.revents().is_empty();
        Ok(Ready {
            bell: happened(&fds[0]),
            ended: happened(&fds[1]),
            printed: fds[2..].iter().any(happened),
        })
    }

    fn tick(&mut self, allowance: &Allowance) -> Result<Option<Event>, Fault> {
        if allowance.waited >= allowance.wall_left {
            return Err(
                self.kill_for(Fault::TimedOut { clock: Clock::Wall, limit_s: allowance.wall_limit_s })
            );
        }
        let cpu_s = self.cpu_ns().saturating_sub(allowance.cpu_start_ns) as f64 * 1e-9;
        if cpu_s > allowance.cpu_limit_s {
            return Err(self.kill_for(Fault::TimedOut { clock: Clock::Cpu, limit_s: allowance.cpu_limit_s }));
        }
        // Where a worker has no user of its own, the kernel cannot count its threads alone.
        if self.threads().is_some_and(|threads| threads > self.limits.threads) {
            return Err(self.kill_for(Fault::TooManyThreads { limit: self.limits.threads }));
        }
        match self.cancelled_at {
            Some(at) if at.elapsed() >= CANCEL_GRACE => Err(self.kill_for(Fault::Cancelled)),
            None if self.cancel.as_ref().is_some_and(|cancel| cancel.load(Ordering::Relaxed)) => {
                self.cancelled_at = Some(Instant::now());
                Ok(Some(Event::Cancel))
            }
            _ => Ok(None),
        }
    }

    fn check_output(&mut self) -> Result<(), Fault> {
        if self.output.bytes() <= self.limits.log_bytes {
            return Ok(());
        }
        Err(self.kill_for(Fault::LogFlood { limit_bytes: self.limits.log_bytes }))
    }

    fn kill_for(&mut self, fault: Fault) -> Fault {
        self.killed_for = Some(fault.clone());
        self.kill();
        fault
    }

    fn threads(&self) -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid.as_raw_nonzero())).ok()?;
        // Behind the name, which may hold anything but ends at the last parenthesis: field 20 of the line.
        stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(17)?.parse().ok()
    }

    /// Waits for the end of the process, and says what it was.
    fn reap(&mut self) -> Fault {
        if self.reaped {
            return self.killed_for.clone().unwrap_or(Fault::EarlyExit { code: 0 });
        }
        // While the leader is not reaped its number, and so the group's, belongs to nobody else.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let mut status = 0;
        // SAFETY: waits for a child of this process, which nothing else reaps, and writes one status.
        while unsafe { libc::waitpid(self.pid.as_raw_nonzero().get(), &mut status, 0) } < 0 {
            if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                break;
            }
        }
        self.reaped = true;
        self.output.drain();
        let fault = self.killed_for.clone().unwrap_or_else(|| self.classify(status));
        self.killed_for = Some(fault.clone());
        fault
    }

    fn classify(&self, status: i32) -> Fault {
        if !libc::WIFSIGNALED(status) {
            // The dynamic loader exits with 127 when it cannot go on.
            return match libc::WEXITSTATUS(status) {
                127 if self.output.says_out_of_memory() => Fault::OutOfMemory,
                code => Fault::EarlyExit { code },
            };
        }
        match libc::WTERMSIG(status) {
            libc::SIGXCPU => Fault::TimedOut { clock: Clock::Cpu, limit_s: self.limits.cpu_s },
            // Nobody but the kernel kills a worker that the host did not: out of memory.
            libc::SIGKILL => Fault::OutOfMemory,
            libc::SIGABRT if self.output.says_out_of_memory() => Fault::OutOfMemory,
            signal => Fault::Crashed { signal },
        }
    }
}

struct Ready {
    bell: bool,
    ended: bool,
    printed: bool,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
