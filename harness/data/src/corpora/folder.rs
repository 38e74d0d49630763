//! Any audio, with a CSV manifest that says what is in it.

use super::CorpusInfo;
use crate::corpus::{CorpusError, Found, Item, Load};
use crate::manifest::{ManifestError, read_manifest};
use crate::read::Channels;
use crate::select::ALL_ITEMS;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "folder",
    title: "Any folder of WAV or FLAC files with a manifest.csv",
    language: None,
    licence: "the user's own",
    citation: "",
    layout: "a folder with manifest.csv (or the path of a CSV file), columns path,speaker,gender,language,emotion[,text_id,split,duration_s]",
    classes: &[],
    splits: &[ALL_ITEMS],
    split_source: "the manifest's column 'split'",
    n_items: None,
    traps: &[],
    channels: Channels::MonoOnly,
    load: Load::Folder(load),
};

fn load(_: &'static CorpusInfo, path: &Path) -> Result<Found, CorpusError> {
    let manifest = if path.is_dir() { path.join("manifest.csv") } else { path.to_owned() };
    if !manifest.is_file() {
        let reason = format!("no such file; {}", INFO.layout);
        return Err(ManifestError::Unreadable { manifest, reason }.into());
    }
    let (items, mut notes) = read_manifest(&manifest)?;
    notes.extend(shared_speakers(&items));
    Ok(Found { items, notes })
}

/// A note where speakers are in several splits: scores on such a split do not tell about new speakers.
fn shared_speakers(items: &[Item]) -> Option<String> {
    let mut splits_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for item in items {
        splits_of.entry(&item.speaker).or_default().extend(item.split.as_deref());
    }
    let shared: Vec<&str> =
        splits_of.iter().filter(|(_, s)| s.len() > 1).map(|(speaker, _)| *speaker).collect();
    let first = shared.first()?;
    Some(format!(
        "{} speakers are in more than one split ('{first}' first): not speaker-independent",
        shared.len()
    ))
}
