//! What the plugin folders hold, for people who look for a name.

use seraph_host::{AttackInfo, VictimInfo, WorkerOptions, describe, scan};
use std::path::{Path, PathBuf};

/// What the plugin folders hold.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The attacks, by id.
    pub attacks: Vec<Found<AttackInfo>>,
    /// The kinds of victim, by id.
    pub victims: Vec<Found<VictimInfo>>,
    /// Libraries that are plugins and could not say what they hold.
    pub problems: Vec<String>,
}

/// A description and the library that gave it.
#[derive(Debug)]
pub struct Found<T> {
    /// The library.
    pub library: PathBuf,
    /// What it says.
    pub info: T,
}

/// Describes every plugin in `dirs`, each in a worker of its own. Libraries that are no plugins are passed over.
pub fn read(dirs: &[PathBuf]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for plugin in scan(dirs).into_iter().flatten() {
        match describe(&plugin, &WorkerOptions { required_tier: 0, ..WorkerOptions::default() }) {
            Err(fault) => catalogue.problems.push(format!("{}: {fault}", plugin.path.display())),
            Ok(description) => {
                catalogue.attacks.extend(found_in(&plugin.path, description.attacks));
                catalogue.victims.extend(found_in(&plugin.path, description.victims));
            }
        }
    }
    catalogue.attacks.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    catalogue.victims.sort_by(|a, b| a.info.id.cmp(&b.info.id));
    catalogue
}

fn found_in<T>(library: &Path, infos: Vec<T>) -> impl Iterator<Item = Found<T>> {
    infos.into_iter().map(|info| Found { library: library.to_owned(), info })
}

/// The `SERAPH_ACCESS_*` bits in words.
pub fn access_names(bits: u32) -> String {
    seraph_core::Grants(bits).to_string()
}

/// The `SERAPH_NORM_*` bits in words.
pub fn norm_names(bits: u32) -> String {
    let names = [(1, "linf"), (2, "l2"), (4, "l1"), (8, "l0")];
    let held: Vec<_> = names.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect();
    held.join(" ")
}
