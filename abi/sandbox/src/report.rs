//! What confined a worker, for the record.

use crate::layer;
use seraph_wire::{Layer, LayerState};
use serde::{Deserialize, Serialize};

/// The tier reached and the layers behind it. The same on every run of one machine: no pids, no times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IsolationReport {
    /// 0 to 4; see the crate's table.
    pub tier: u8,
    /// Each layer and whether it holds.
    pub layers: Vec<Layer>,
}

impl IsolationReport {
    /// Of a plugin that runs in the host's own process.
    pub fn in_process() -> Self {
        Self { tier: 0, layers: vec![layer("process", LayerState::Off, "in-process, for debugging")] }
    }

    /// Of a worker process that reported these layers.
    pub fn of_process(layers: Vec<Layer>) -> Self {
        let mut all = vec![layer("process", LayerState::Enforced, "")];
        all.extend(layers);
        Self { tier: tier(&all), layers: all }
    }

    /// The layers that a tier needs and that do not hold, eg "landlock (this kernel does not enforce it)".
    pub fn missing_for(&self, tier: u8) -> Vec<String> {
        NEEDED
            .iter()
            .filter(|(needed_from, name)| *needed_from <= tier && !holds(&self.layers, name))
            .map(|(_, name)| self.describe(name))
            .collect()
    }

    fn describe(&self, name: &str) -> String {
        match self.layers.iter().find(|layer| layer.name == name) {
            Some(layer) if !layer.detail.is_empty() => format!("{name} ({})", layer.detail),
            _ => name.to_owned(),
        }
    }
}

/// The first tier that needs each layer.
const NEEDED: [(u8, &str); 7] = [
    (1, "process"),
    (1, "limits"),
    (2, "seccomp"),
    (2, "dumpable"),
    (2, "no-new-privs"),
    (3, "landlock"),
    (4, "namespaces"),
];

fn tier(layers: &[Layer]) -> u8 {
    NEEDED
        .iter()
        .filter(|(_, name)| !holds(layers, name))
        .map(|(needed_from, _)| needed_from - 1)
        .min()
        .unwrap_or(4)
}

fn holds(layers: &[Layer], name: &str) -> bool {
    layers.iter().any(|layer| layer.name == name && layer.state == LayerState::Enforced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_needs_every_layer_below_it() {
        let all = ["limits", "dumpable", "no-new-privs", "landlock", "seccomp"];
        for (missing, expected) in [("", 3), ("landlock", 2), ("seccomp", 1), ("dumpable", 1), ("limits", 0)]
        {
            let layers = all
                .iter()
                .map(|name| {
                    let state = if *name == missing { LayerState::Unavailable } else { LayerState::Enforced };
                    layer(name, state, "")
                })
                .collect();
            let report = IsolationReport::of_process(layers);
            assert_eq!(report.tier, expected, "without {missing:?}");
            assert_eq!(report.missing_for(3).is_empty(), missing.is_empty());
        }
    }
}
