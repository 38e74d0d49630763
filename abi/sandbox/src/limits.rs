//! Resource limits of a worker.

use crate::SandboxError;
use rustix::process::{Resource, Rlimit, setrlimit};
use seraph_wire::Policy;

/// Descriptors: the channel, the plugin, a few files of its own.
const DESCRIPTORS: u64 = 64;
const STACK_BYTES: u64 = 8 << 20;

/// Sets every limit but the number of threads.
pub fn apply(policy: &Policy) -> Result<(), SandboxError> {
    for (what, resource, value) in [
        ("address space", Resource::As, policy.memory_bytes),
        ("CPU time", Resource::Cpu, policy.cpu_s),
        ("descriptors", Resource::Nofile, DESCRIPTORS),
        ("file size", Resource::Fsize, 0),
        ("core dumps", Resource::Core, 0),
        ("locked memory", Resource::Memlock, 0),
        ("stack", Resource::Stack, STACK_BYTES),
    ] {
        set(what, resource, value)?;
    }
    Ok(())
}

/// Sets the number of threads. The kernel counts them per user, so only for a worker with a user of its own.
pub fn apply_threads(policy: &Policy) -> Result<(), SandboxError> {
    set("threads", Resource::Nproc, policy.threads.into())
}

/// Has the kernel kill this process first when memory runs out.
pub fn volunteer_for_oom() {
    // Not there in some containers; the address-space limit is the one that counts.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

fn set(what: &'static str, resource: Resource, value: u64) -> Result<(), SandboxError> {
    let wanted = rustix::process::getrlimit(resource).maximum.map_or(value, |hard| hard.min(value));
    setrlimit(resource, Rlimit { current: Some(wanted), maximum: Some(wanted) })
        .map_err(|source| SandboxError::Limit { what, source })
}
