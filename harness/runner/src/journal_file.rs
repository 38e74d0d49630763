//! The journal of a cell on disk: opened new or gone on with, one synced line per utterance.

use crate::folder::{self, FolderError};
use seraph_core::{Journal, JournalError, JournalHeader, JournalLine};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFileError {
    /// The file could not be opened, read, locked or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The file is no whole journal.
    #[error("{}: {source}", path.display())]
    Content {
        /// The journal.
        path: PathBuf,
        /// What is wrong, with its line.
        source: JournalError,
    },
    /// The journal has no header: its run died before the first line was whole.
    #[error("{} has no header; run its plan again with --resume", path.display())]
    Empty {
        /// The journal.
        path: PathBuf,
    },
    /// The journal was written by a run of something else.
    #[error("{} was written with {what}; use the same, or another --out", path.display())]
    Other {
        /// The journal.
        path: PathBuf,
        /// What differs.
        what: String,
    },
}

/// A journal that is being written. Locked against other processes while it lives.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    /// Opens the journal at `path` for a cell with `header`, and says what is in it already. A torn last line is
    /// cut off.
    pub fn open(path: &Path, header: &JournalHeader) -> Result<(JournalFile, Journal), JournalFileError> {
        folder::create_parent(path)?;
        let mut options = OpenOptions::new();
        let file =
            options.create(true).read(true).append(true).open(path).map_err(FolderError::write(path))?;
        folder::lock(&file, path, false)?;
        let mut opened = JournalFile { file, path: path.to_owned() };
        let mut journal = opened.read()?;
        match &journal.header {
            Some(found) if found != header => return Err(opened.other(found, header)),
            Some(_) => opened.cut_to(journal.valid_bytes)?,
            None => {
                opened.cut_to(0)?;
                opened.append(&JournalLine::Header(Box::new(header.clone())))?;
                journal = Journal { header: Some(header.clone()), ..Journal::default() };
            }
        }
        Ok((opened, journal))
    }

    /// Appends a line and waits until it is on the disk.
    pub fn append(&mut self, line: &JournalLine) -> Result<(), FolderError> {
        let written = self.file.write_all(line.encode().as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(FolderError::write(&self.path))
    }

    /// Reads the journal back as it lies on the disk.
    pub fn read(&mut self) -> Result<Journal, JournalFileError> {
        let mut bytes = Vec::new();
        let read = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.read_to_end(&mut bytes));
        read.map_err(FolderError::read(&self.path))?;
        decode(&self.path, &bytes)
    }

    fn cut_to(&mut self, bytes: usize) -> Result<(), FolderError> {
        self.file.set_len(bytes as u64).map_err(FolderError::write(&self.path))
    }

    fn other(&self, found: &JournalHeader, expected: &JournalHeader) -> JournalFileError {
        JournalFileError::Other { path: self.path.clone(), what: difference(found, expected) }
    }
}

/// Reads the journal at `path`.
pub fn read_journal(path: &Path) -> Result<Journal, JournalFileError> {
    let bytes = std::fs::read(path).map_err(FolderError::read(path))?;
    decode(path, &bytes)
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Journal, JournalFileError> {
    Journal::decode(bytes).map_err(|source| JournalFileError::Content { path: path.to_owned(), source })
}

/// The first thing that differs between two headers, in words.
fn difference(found: &JournalHeader, expected: &JournalHeader) -> String {
    let parts: [(&str, bool); 9] = [
        ("another version of the harness", found.environment.harness != expected.environment.harness),
        ("another plugin or other parameters of the attack", found.cell.attack != expected.cell.attack),
        ("another model or plugin of the victim", found.cell.victim != expected.cell.victim),
        ("another source victim", found.cell.source != expected.cell.source),
        ("another corpus or split", found.cell.corpus != expected.cell.corpus),
        ("another threat or seed", found.cell != expected.cell),
        ("another runtime, device or processor", found.environment != expected.environment),
        ("another isolation of the plugins", found.isolation != expected.isolation),
        ("other [run] settings", found.run != expected.run),
    ];
    parts.iter().find(|(_, differs)| *differs).map_or("another setting", |(what, _)| what).to_owned()
}
