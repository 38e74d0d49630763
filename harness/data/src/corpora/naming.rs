//! Corpora whose file names say everything: what the loaders of EmoDB, RAVDESS and the like share.

use super::CorpusInfo;
use crate::corpus::{CorpusError, Found, Item, Source};
use crate::files::files_below;
use crate::{Emotion, Gender};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Extensions of the original files and of lossless copies.
const AUDIO: [&str; 2] = ["wav", "flac"];
/// A user's own division of the speakers, beside the audio; columns `speaker,split`.
const SPLITS_FILE: &str = "splits.csv";

/// What a file's name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub speaker: String,
    pub gender: Option<Gender>,
    /// `None`: a file of the corpus whose label is not among those that are kept.
    pub emotion: Option<Emotion>,
    pub text_id: Option<String>,
    pub split: Option<&'static str>,
}

/// Items of all files below `root` whose stem `parse` understands, then the user's own splits if there are any.
pub(super) fn scan(
    info: &'static CorpusInfo,
    root: &Path,
    parse: impl Fn(&str) -> Option<Named>,
) -> Result<Found, CorpusError> {
    let mut found = Found::default();
    let (mut ids, mut tally) = (HashSet::new(), Tally::default());
    for path in files_below(root, &AUDIO)? {
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        match parse(&id) {
            None => tally.other_names += 1,
            Some(Named { emotion: None, .. }) => tally.other_labels += 1,
            Some(_) if !ids.insert(id.clone()) => tally.copies += 1,
            Some(Named { speaker, gender, emotion: Some(emotion), text_id, split }) => {
                found.items.push(Item {
                    id,
                    source: Source::File(path),
                    speaker,
                    gender,
                    language: info.language.map(str::to_owned),
                    emotion,
                    text_id,
                    split: split.map(str::to_owned),
                });
            }
        }
    }
    if found.items.is_empty() {
        return Err(CorpusError::NoItems { path: root.to_owned(), id: info.id, layout: info.layout });
    }
    found.notes = tally.notes(info, found.items.len());
    apply_own_splits(root, &mut found)?;
    Ok(found)
}

/// Files that did not become items.
#[derive(Default)]
struct Tally {
    other_names: usize,
    other_labels: usize,
    copies: usize,
}

impl Tally {
    fn notes(&self, info: &CorpusInfo, n_items: usize) -> Vec<String> {
        let mut notes = Vec::new();
        let mut note = |n: usize, what: &str| {
            if n > 0 {
                notes.push(format!("left out: {n} {what}"));
            }
        };
        note(self.other_names, "audio files with names that are not those of the corpus");
        note(self.other_labels, "files with labels that are not used");
        note(self.copies, "files with the name of another one");
        if let Some(published) = info.n_items.filter(|n| *n != n_items) {
            notes.push(format!("{n_items} items found, the complete corpus has {published}"));
        }
        notes
    }
}

/// Reads `splits.csv`, where there is one: it replaces the built-in division of the speakers it names.
fn apply_own_splits(root: &Path, found: &mut Found) -> Result<(), CorpusError> {
    let path = root.join(SPLITS_FILE);
    if !path.is_file() {
        return Ok(());
    }
    let wrong = |reason: String| CorpusError::Annotation { path: path.clone(), reason };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(&path).map_err(|e| wrong(e.to_string()))?;
    let mut own = BTreeMap::new();
    for row in reader.deserialize::<(String, String)>() {
        let (speaker, split) = row.map_err(|e| wrong(format!("{e}; the columns are speaker,split")))?;
        if !found.items.iter().any(|item| item.speaker == speaker) {
            return Err(wrong(format!("no item has speaker '{speaker}'")));
        }
        if own.insert(speaker.clone(), split).is_some() {
            return Err(wrong(format!("speaker '{speaker}' is in two rows")));
        }
    }
    for item in &mut found.items {
        if let Some(split) = own.get(&item.speaker) {
            item.split = Some(split.clone());
        }
    }
    found.notes.push(format!("{SPLITS_FILE} places {} speakers", own.len()));
    Ok(())
}

/// `true` for a text of exactly `n` ASCII digits.
pub(super) fn is_number(text: &str, n: usize) -> bool {
    text.len() == n && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The value that a table has for a code.
pub(super) fn lookup<T: Copy>(table: &[(&str, T)], code: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == code).map(|(_, value)| *value)
}
