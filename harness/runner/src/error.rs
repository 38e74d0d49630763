//! Why a run cannot be carried out, each in one line that names the thing and what to do.

use crate::card::CardError;
use crate::classes::ClassError;
use crate::folder::FolderError;
use crate::journal_file::JournalFileError;
use seraph_data::CorpusError;
use seraph_host::{Fault, FindError, ParamError};
use std::path::PathBuf;

/// Why a run cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The corpus could not be loaded, or an item not be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The corpus has no items in the chosen split.
    #[error("corpus '{id}' has no items to attack; check its path, split and limit")]
    NoItems {
        /// The loader.
        id: String,
    },
    /// A plugin could not be found or is none.
    #[error("{role} '{name}': {source}")]
    Plugin {
        /// "attack" or "victim".
        role: &'static str,
        /// Its name in the plan.
        name: String,
        /// Why.
        source: FindError,
    },
    /// A parameter that the plugin does not have, or a value that it does not take.
    #[error("{role} '{name}': {source}")]
    Param {
        /// "attack" or "victim".
        role: &'static str,
        /// Its name in the plan.
        name: String,
        /// Which, and what would do.
        source: ParamError,
    },
    /// A library that does not hold what the plan wants, or several of which it does not say one.
    #[error("{role} '{name}': {} {}", library.display(), not_inside(role, wanted, held))]
    NotInside {
        /// "attack" or "victim".
        role: &'static str,
        /// Its name in the plan.
        name: String,
        /// The library.
        library: PathBuf,
        /// The `id` of the plan.
        wanted: Option<String>,
        /// The ids that it holds.
        held: Vec<String>,
    },
    /// A plugin could not say what it is, or a victim not be loaded.
    #[error("{role} '{name}'{}: {fault}", in_file(file))]
    Worker {
        /// "attack" or "victim".
        role: &'static str,
        /// Its name in the plan.
        name: String,
        /// The model, or the library.
        file: Option<PathBuf>,
        /// What happened.
        fault: Box<Fault>,
    },
    /// A file that the plan names could not be read.
    #[error("{what} '{name}': cannot read {}: {source}", path.display())]
    File {
        /// What the file is for.
        what: &'static str,
        /// The name in the plan.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A victim that cannot be judged.
    #[error("victim '{name}': {problem}")]
    Victim {
        /// Its name in the plan.
        name: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A victim's logits and the corpus's emotions do not fit.
    #[error(transparent)]
    Classes(#[from] ClassError),
    /// A model card that is none.
    #[error(transparent)]
    Card(#[from] CardError),
    /// The output folder could not be read or written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A journal could not be read or written.
    #[error(transparent)]
    Journal(#[from] JournalFileError),
    /// The output folder holds something else.
    #[error("{}: {problem}", path.display())]
    Occupied {
        /// The folder or a file in it.
        path: PathBuf,
        /// What is there and what to do.
        problem: String,
    },
    /// Every victim failed on clean audio.
    #[error("no victim could be asked: {first}")]
    NoVictim {
        /// What the first one did.
        first: String,
    },
    /// A cell that is not in the manifest.
    #[error("{} has {cells} cells, numbered from 0; there is no cell {index}", path.display())]
    NoSuchCell {
        /// The manifest.
        path: PathBuf,
        /// How many there are.
        cells: usize,
        /// Which was asked for.
        index: usize,
    },
    /// The results of a cell contradict each other.
    #[error("cell {cell}: {problem}")]
    Aggregate {
        /// The cell.
        cell: String,
        /// What metrics could not make sense of.
        problem: String,
    },
    /// The leaderboards could not be rendered.
    #[error("cannot render the leaderboards: {0}")]
    Render(String),
}

fn not_inside(role: &str, wanted: &Option<String>, held: &[String]) -> String {
    let ids = held.join(", ");
    match (wanted, held) {
        (_, []) => format!("holds no {role}"),
        (Some(wanted), _) => format!("holds no {role} '{wanted}'; give one of its ids: {ids}"),
        (None, [first, ..]) => {
            format!("holds several {role}s; say which, eg id = \"{first}\" beside plugin; there are: {ids}")
        }
    }
}

fn in_file(file: &Option<PathBuf>) -> String {
    file.as_ref().map(|file| format!(" ({})", file.display())).unwrap_or_default()
}
