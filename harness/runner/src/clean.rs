//! The clean pass: what a victim says about the untouched items, asked once per run and kept.

use crate::error::RunError;
use crate::folder::{self, Folder};
use crate::progress::Event;
use crate::setup::{Setup, Victim};
use crate::watch::Watch;
use seraph_core::digest;
use seraph_host::{Fault, Victim as _, VictimWorker, predicted_class};
use serde::{Deserialize, Serialize};

/// What a victim says about every item of the corpus, in the corpus's order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CleanPass {
    /// SHA-256 of what it depends on.
    pub key: String,
    /// One answer per item.
    pub items: Vec<CleanItem>,
    /// Why there are none: the victim failed.
    pub failure: Option<String>,
}

/// What a victim says about one clean item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CleanItem {
    /// The class of the largest logit.
    pub class: usize,
    /// The logits.
    pub logits: Vec<f32>,
}

/// The clean pass of `victim`: from the output folder if it lies there, else from a new worker, row by row as the
/// judge asks. `None`: stopped on request.
///
/// A victim that fails here has failed for all its cells, and what it did is in `failure`.
pub(crate) fn clean_pass(
    setup: &Setup,
    victim: &Victim,
    folder: &Folder,
    watch: Watch<'_>,
) -> Result<Option<CleanPass>, RunError> {
    let key = key(setup, victim);
    let path = folder.clean(&victim.facts.identity.id);
    if let Some(kept) = kept(&path, &key)? {
        watch.tell(Event::Resumed { items: setup.corpus.items.len() });
        return Ok(Some(kept));
    }
    let pass = match ask(setup, victim, watch)? {
        Asked::All(items) => CleanPass { key, items, failure: None },
        Asked::Failed(fault) => return Ok(Some(CleanPass { key, items: vec![], failure: Some(fault) })),
        Asked::Stopped => return Ok(None),
    };
    let bytes = serde_json::to_vec(&pass).expect("plain data has no unserialisable part");
    folder::write_atomically(&path, &bytes)?;
    Ok(Some(pass))
}

fn key(setup: &Setup, victim: &Victim) -> String {
    let identity = &victim.facts.identity;
    digest::sha256_of_json(&(identity, setup.corpus_id(), &setup.data_sha256, setup.environment(victim)))
}

fn kept(path: &std::path::Path, key: &str) -> Result<Option<CleanPass>, RunError> {
    let bytes = folder::read_if_present(path)?;
    // One that cannot be read is made again: nothing is lost with it.
    let pass = bytes.and_then(|bytes| serde_json::from_slice::<CleanPass>(&bytes).ok());
    Ok(pass.filter(|pass| pass.key == key))
}

enum Asked {
    All(Vec<CleanItem>),
    Failed(String),
    Stopped,
}

fn ask(setup: &Setup, victim: &Victim, watch: Watch<'_>) -> Result<Asked, RunError> {
    let mut worker = match setup.start_victim(victim) {
        Ok(worker) => worker,
        Err(fault) => return Ok(Asked::Failed(fault.to_string())),
    };
    let mut items = Vec::with_capacity(setup.corpus.items.len());
    for item in &setup.corpus.items {
        if watch.stop.asked() {
            return Ok(Asked::Stopped);
        }
        let audio = setup.read(victim, item)?;
        match predict(&mut worker, &audio) {
            Ok(answer) => items.push(answer),
            Err(fault) => return Ok(Asked::Failed(format!("on clean item {}: {fault}", item.id))),
        }
        watch.tell(Event::Item);
    }
    Ok(Asked::All(items))
}

/// What the victim says about one row.
pub(crate) fn predict(worker: &mut VictimWorker, audio: &[f32]) -> Result<CleanItem, Fault> {
    let logits = worker.logits(audio, 1)?;
    Ok(CleanItem { class: predicted_class(&logits), logits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_logits_the_first_wins() {
        assert_eq!(predicted_class(&[0.0, 2.0, 2.0]), 1);
        assert_eq!(predicted_class(&[-1.0, -3.0]), 0);
    }
}
