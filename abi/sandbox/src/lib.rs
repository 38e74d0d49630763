//! What confines a worker, layer by layer, and the report of what holds.
//!
//! [`confine`] is called once, by a process with one thread, before it loads anything that it does not trust. It
//! gives up rights in this order: limits, identity, dumpability, new privileges, files (Landlock), system calls
//! (seccomp). Then it tries two things that must fail now; a layer that lets one through does not count.
//!
//! | tier | reached when these hold |
//! |---|---|
//! | 0 | nothing: the plugin runs in the host's own process |
//! | 1 | a process of its own, with resource limits |
//! | 2 | and a filter of system calls, no dumps, no new privileges |
//! | 3 | and no files but the system's libraries and those named: the least that is ranked |
//! | 4 | and namespaces of its own |

mod files;
mod identity;
mod limits;
mod probe;
mod report;
mod syscalls;

use seraph_wire::{Layer, LayerState, Policy};

pub use report::IsolationReport;

/// Why a layer failed in a way that is no lack of the system's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// A limit could not be set.
    #[error("cannot limit {what}: {source}")]
    Limit {
        /// Of what.
        what: &'static str,
        /// Why.
        source: rustix::io::Errno,
    },
    /// A process attribute could not be set.
    #[error("cannot set {what}: {source}")]
    Attribute {
        /// Which.
        what: &'static str,
        /// Why.
        source: rustix::io::Errno,
    },
    /// The parent died before the worker's life was tied to its own.
    #[error("the host is gone")]
    Orphaned,
}

/// Confines the calling process for ever. What the system does not offer is left out and said so in the layers.
pub fn confine(policy: &Policy) -> Result<Vec<Layer>, SandboxError> {
    let host = rustix::process::getppid();
    limits::volunteer_for_oom();
    limits::apply(policy)?;
    let identity = identity::drop_to_own_user(policy);
    if identity.state == LayerState::Enforced {
        limits::apply_threads(policy)?;
    }
    let mut layers = vec![layer("limits", LayerState::Enforced, ""), identity];
    layers.extend(identity::forbid_inspection()?);
    // Changing the user cut the tie to the host's life; it is there again, but the host may have died meanwhile.
    if rustix::process::getppid() != host {
        return Err(SandboxError::Orphaned);
    }
    layers.push(files::restrict(policy));
    layers.push(syscalls::restrict());
    probe::verify(&mut layers);
    Ok(layers)
}

/// Keeps the host's own memory from other processes of its user, workers above all. Idempotent.
pub fn harden_host() {
    // Failure leaves the other layers; a worker that can be ranked cannot open /proc at all.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

fn layer(name: &str, state: LayerState, detail: impl Into<String>) -> Layer {
    Layer { name: name.to_owned(), state, detail: detail.into() }
}
