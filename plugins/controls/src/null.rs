//! `null`: hands in the clean audio. Whatever success it shows is an error of the bench.

use seraph_plugin::prelude::*;

/// Commits the clean audio.
#[derive(Debug)]
pub struct Null;

impl Attack for Null {
    const INFO: AttackInfo = AttackInfo {
        id: "null",
        name: "Null",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "",
        doc: "Hands in the clean audio: the control that must never succeed.",
        norms: Norms::ALL,
        goals: Goals::ANY,
        presets: &[
            Preset { name: "paper-default", doc: "nothing to set", values: &[] },
            Preset { name: "strong", doc: "nothing to set", values: &[] },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(_config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Null)
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        task.items().try_for_each(|item| oracle.commit(item, task.audio(item)))
    }
}
