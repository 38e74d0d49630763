//! Which files a worker may open: the system's libraries, and those that the host names.

use crate::layer;
use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, LandlockStatus, RestrictionStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use seraph_wire::{Layer, LayerState, Policy};

/// The newest version whose rights are asked for; older kernels enforce what they know of it.
const NEWEST: ABI = ABI::V6;

const LIBRARY_FOLDERS: [&str; 5] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];
const LOADER_CACHE: &str = "/etc/ld.so.cache";

/// Denies all files, TCP and signals to others, but for what the policy allows.
pub fn restrict(policy: &Policy) -> Layer {
    match enforce(policy) {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => {
            layer("landlock", LayerState::Enforced, version(&status.landlock))
        }
        Ok(_) => layer("landlock", LayerState::Unavailable, "this kernel does not enforce it"),
        Err(error) => layer("landlock", LayerState::Unavailable, error.to_string()),
    }
}

fn enforce(policy: &Policy) -> Result<RestrictionStatus, RulesetError> {
    let run = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(LIBRARY_FOLDERS, run))?
        .add_rules(path_beneath_rules(&policy.execute_paths, run))?
        .add_rules(path_beneath_rules([LOADER_CACHE], read))?
        .add_rules(path_beneath_rules(&policy.read_paths, read))?
        .restrict_self()
}

fn version(status: &LandlockStatus) -> String {
    match status {
        LandlockStatus::Available { effective_abi, .. } => format!("abi {}", *effective_abi as i32),
        _ => String::new(),
    }
}
