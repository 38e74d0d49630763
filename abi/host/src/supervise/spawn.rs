//! Starts a worker's process: this program again, with nothing inherited but the descriptors meant for it.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock};

/// The hidden first argument of a worker.
pub(crate) const WORKER_ARGUMENT: &str = "__worker";
/// Descriptors of a worker: 0 to 2 standard, then these in order, then the blobs.
pub(crate) const UP_FD: i32 = 3;
pub(crate) const DOWN_FD: i32 = 4;
pub(crate) const HOST_BELL_FD: i32 = 5;
pub(crate) const WORKER_BELL_FD: i32 = 6;
pub(crate) const PLUGIN_FD: i32 = 7;
pub(crate) const FIRST_BLOB_FD: i32 = 8;

/// Copies of descriptors are made from here on, out of the way of the worker's.
const COPIES_FROM: i32 = 256;

/// Starts `program` with `fds` as its descriptors 3, 4, …
pub(crate) fn spawn(program: &Path, env: &[(String, String)], fds: &[BorrowedFd<'_>]) -> io::Result<Child> {
    let copies = fds.iter().map(copy_high).collect::<io::Result<Vec<_>>>()?;
    let mut command = Command::new(program);
    command
        .arg0("seraph-worker")
        .arg(WORKER_ARGUMENT)
        .env_clear()
        .envs(env.iter().filter(|(key, _)| !key.starts_with("LD_")).map(|(key, value)| (key, value)))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let host = std::process::id();
    // SAFETY: between fork and exec the closure makes system calls only: no lock, no allocation.
    unsafe { command.pre_exec(move || die_with(host).and_then(|()| place(&copies))) };
    on_spawner(command)
}

/// Ties the process's life to the host's from its first moment: a host that is killed while its worker starts
/// leaves nobody behind. Changing the user undoes it, so the worker does it again.
fn die_with(host: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get() as u32);
    if parent == Some(host) { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::ESRCH)) }
}

/// Gives the copies their numbers; everything above is closed by exec.
fn place(copies: &[OwnedFd]) -> io::Result<()> {
    let mut number = UP_FD;
    for copy in copies {
        // SAFETY: both are numbers of this process; what had the target's number before is closed, as meant.
        if unsafe { libc::dup2(copy.as_raw_fd(), number) } < 0 {
            return Err(io::Error::last_os_error());
        }
        number += 1;
    }
    // Marked and not closed: the descriptor through which the failure of exec is told is among them.
    const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
    // SAFETY: a system call on numbers alone.
    let failed =
        unsafe { libc::syscall(libc::SYS_close_range, number as libc::c_uint, !0u32, CLOSE_RANGE_CLOEXEC) };
    if failed != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn copy_high(fd: &BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: a system call on numbers alone.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, COPIES_FROM) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call above made this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

type Job = Box<dyn FnOnce() + Send>;

/// Starts the process from a thread that lives as long as the host: a worker dies with the thread that started
/// it, not with the host, and threads of the host come and go.
fn on_spawner(mut command: Command) -> io::Result<Child> {
    static SPAWNER: OnceLock<Mutex<Sender<Job>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (sender, jobs) = channel::<Job>();
        std::thread::Builder::new()
            .name("seraph-spawner".to_owned())
            .spawn(move || jobs.into_iter().for_each(|job| job()))
            .expect("a thread can be started before any worker is");
        Mutex::new(sender)
    });
    let (reply, answer) = channel();
    let job = Box::new(move || {
        // The receiver waits right below; that it is gone can only mean that its thread is.
        let _ = reply.send(command.spawn());
    });
    spawner
        .lock()
        .map_err(|_| io::Error::other("the spawner's lock is poisoned"))?
        .send(job)
        .map_err(|_| io::Error::other("the spawner has ended"))?;
    answer.recv().map_err(|_| io::Error::other("the spawner has ended"))?
}
