//! The record of a cell: a pure function of its journal, written whole.

use crate::error::RunError;
use crate::folder::{Folder, write_atomically};
use crate::journal_file::{JournalFileError, read_journal};
use crate::timings::Timing;
use seraph_core::{Journal, Record};
use std::path::{Path, PathBuf};

/// The record of a finished journal.
pub fn record_of(path: &Path, journal: &Journal) -> Result<Record, RunError> {
    let Some(header) = &journal.header else {
        return Err(JournalFileError::Empty { path: path.to_owned() }.into());
    };
    seraph_metrics::aggregate(journal)
        .map_err(|error| RunError::Aggregate { cell: header.id.clone(), problem: error.to_string() })
}

/// Writes record and timing of a finished journal.
pub(crate) fn finish(folder: &Folder, journal: &Journal) -> Result<(), RunError> {
    let record = record_of(folder.root(), journal)?;
    let timing =
        serde_json::to_vec_pretty(&Timing::of(&record.id, journal)).expect("plain data is serialisable");
    write_atomically(&folder.timing(&record.id), &timing)?;
    // Last: that it is there says that the cell is done.
    Ok(write_atomically(&folder.record(&record.id), record.to_json().as_bytes())?)
}

/// What [`recompute`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recomputed {
    /// Records that were made.
    pub records: usize,
    /// Cells whose record was there with other bytes.
    pub changed: Vec<String>,
    /// Cells whose journal has no end.
    pub unfinished: Vec<String>,
}

/// Makes all records of an output folder anew from its journals.
pub fn recompute(dir: &Path) -> Result<Recomputed, RunError> {
    let folder = Folder::at(dir);
    let _held = folder.lock_existing()?;
    let mut done = Recomputed::default();
    for path in journals(&folder)? {
        let journal = read_journal(&path)?;
        if journal.end.is_none() {
            done.unfinished.push(path.file_stem().unwrap_or_default().to_string_lossy().into_owned());
            continue;
        }
        let record = record_of(&path, &journal)?;
        let path = folder.record(&record.id);
        let (before, after) = (crate::folder::read_if_present(&path)?, record.to_json());
        if before.as_deref() != Some(after.as_bytes()) {
            done.changed.extend(before.map(|_| record.id.clone()));
            write_atomically(&path, after.as_bytes())?;
        }
        done.records += 1;
    }
    Ok(done)
}

fn journals(folder: &Folder) -> Result<Vec<PathBuf>, RunError> {
    let dir = folder.journals();
    let nothing = || RunError::Occupied {
        path: folder.root().to_owned(),
        problem: "holds no journals; give the output folder of a run".into(),
    };
    let entries = std::fs::read_dir(&dir).map_err(|_| nothing())?;
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| is_journal(path)).collect();
    paths.sort();
    if paths.is_empty() { Err(nothing()) } else { Ok(paths) }
}

fn is_journal(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "jsonl")
}
