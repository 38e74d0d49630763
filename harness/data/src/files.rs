//! Finds the audio files below a folder.

use std::io;
use std::path::{Path, PathBuf};

/// Folders within folders that are looked into; published corpora need five.
const MAX_DEPTH: usize = 8;

/// Why a folder could not be listed.
#[derive(Debug, thiserror::Error)]
#[error("cannot list {}: {source}", path.display())]
pub struct FilesError {
    /// The folder.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// All files below `root` whose extension is in `extensions` (lower case), sorted by path.
///
/// Hidden files and folders (and with them the `._` companions of macOS archives) are left out.
pub(crate) fn files_below(root: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>, FilesError> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let failed = |source| FilesError { path: folder.clone(), source };
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            // Links are followed, as users link corpora together; the depth ends a loop of them.
            match std::fs::metadata(&path) {
                Ok(kind) if kind.is_dir() && depth < MAX_DEPTH => folders.push((path, depth + 1)),
                Ok(kind) if kind.is_file() && has_extension(&path, extensions) => files.push(path),
                _ => {}
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    extension.is_some_and(|e| extensions.contains(&e.as_str()))
}
