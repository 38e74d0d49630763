//! Who a worker is: a user of its own without capabilities, whom nobody of that user can inspect.

use crate::{SandboxError, layer};
use rustix::process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal};
use seraph_wire::{Layer, LayerState, Policy};

/// Workers' users start here: far above those that systems give to people and services.
const FIRST_USER: u32 = 1_900_000_000;
/// "nobody": what is left where user ids are not mapped.
const NOBODY: u32 = 65_534;

/// Becomes a user that no other live process is, when the host is root.
pub fn drop_to_own_user(policy: &Policy) -> Layer {
    if !policy.own_user || !rustix::process::geteuid().is_root() {
        return layer("identity", LayerState::Off, "the host is not root");
    }
    let own = FIRST_USER + rustix::process::getpid().as_raw_nonzero().get() as u32;
    let (state, detail) = if become_user(own) {
        (LayerState::Enforced, "a user per worker")
    } else if become_user(NOBODY) {
        (LayerState::Partial, "nobody: user ids are not mapped here")
    } else {
        (LayerState::Unavailable, "the user cannot be changed here")
    };
    drop_capabilities();
    layer("identity", state, detail)
}

/// Forbids dumps and tracing by processes of the same user, ties this process's life to its parent's, and gives
/// up new privileges.
pub fn forbid_inspection() -> Result<[Layer; 2], SandboxError> {
    let failed = |what| move |source| SandboxError::Attribute { what, source };
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed("dumpable"))?;
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(failed("parent death signal"))?;
    rustix::thread::set_no_new_privs(true).map_err(failed("no new privileges"))?;
    Ok([layer("dumpable", LayerState::Enforced, ""), layer("no-new-privs", LayerState::Enforced, "")])
}

fn become_user(id: u32) -> bool {
    // SAFETY: plain system calls on this process, which has one thread; no pointer but a null list of length 0.
    unsafe {
        libc::setgroups(0, std::ptr::null()) == 0
            && libc::setresgid(id, id, id) == 0
            && libc::setresuid(id, id, id) == 0
    }
}

fn drop_capabilities() {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0u32; 6];
    // SAFETY: capset reads a header and, for version 3, two times three words; both outlive the call.
    unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
}
