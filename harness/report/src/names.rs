//! Tells namesakes apart: attacks or victims that share a name but not their plugin, model or parameters.

use seraph_core::cell::{AttackId, VictimId};
use seraph_core::{Record, digest};
use std::collections::{BTreeMap, BTreeSet};

/// Names that need more to be unique.
#[derive(Debug, Default)]
pub struct Names {
    ambiguous: BTreeSet<String>,
}

impl Names {
    /// The names in `records`.
    pub fn of(records: &[Record]) -> Names {
        let mut identities: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for cell in records.iter().map(|record| &record.cell) {
            identities.entry(&cell.attack.name).or_default().insert(digest::sha256_of_json(&cell.attack));
            for victim in std::iter::once(&cell.victim).chain(&cell.source) {
                identities.entry(&victim.id).or_default().insert(digest::sha256_of_json(victim));
            }
        }
        identities.retain(|_, identities| identities.len() > 1);
        Names { ambiguous: identities.into_keys().map(str::to_owned).collect() }
    }

    /// The attack's name, with the start of its identity's digest where that is needed.
    pub fn attack(&self, attack: &AttackId) -> String {
        self.unique(&attack.name, || digest::sha256_of_json(attack))
    }

    /// The victim's name, with the start of its identity's digest where that is needed.
    pub fn victim(&self, victim: &VictimId) -> String {
        self.unique(&victim.id, || digest::sha256_of_json(victim))
    }

    fn unique(&self, name: &str, identity: impl FnOnce() -> String) -> String {
        if self.ambiguous.contains(name) { format!("{name} #{}", &identity()[..6]) } else { name.to_owned() }
    }
}
