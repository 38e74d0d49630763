//! Why leaderboards could not be made.

use seraph_core::journal::JournalError;
use seraph_core::record::RecordError;
use std::io;
use std::path::PathBuf;

/// Why leaderboards could not be made. Each message names the file and says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, eg "read".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// There is no `records` folder.
    #[error("{} has no 'records' folder; give the output folder of `seraph run`", dir.display())]
    NotARun {
        /// The folder that was given.
        dir: PathBuf,
    },
    /// The `records` folder holds no record: a board without cells.
    #[error("{} holds no record; let the run finish a cell first (`seraph run … --resume`)", dir.display())]
    NoRecords {
        /// The `records` folder.
        dir: PathBuf,
    },
    /// A record is half-written, of another schema version, or contradicts itself.
    #[error("{}: {source}; make it anew with `seraph recompute`, or remove it", path.display())]
    Record {
        /// The record.
        path: PathBuf,
        /// What is wrong with it.
        source: RecordError,
    },
    /// Two files hold a record of the same cell.
    #[error("{} and {} are records of one cell; remove one", first.display(), second.display())]
    TwoRecords {
        /// The first in the order of names.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A journal is damaged.
    #[error("{}: {source}", path.display())]
    Journal {
        /// The journal.
        path: PathBuf,
        /// What is wrong with it.
        source: JournalError,
    },
    /// A timings file is no JSON of the expected form.
    #[error("{}: {source}; remove it to render without times", path.display())]
    Timings {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl ReportError {
    /// Wraps an I/O error with the file that it is about.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> ReportError {
        let path = path.into();
        move |source| ReportError::Io { action, path, source }
    }
}
