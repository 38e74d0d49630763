//! Finds a plugin by the name that a plan gives it.

use crate::plugin_file::{Kind, PluginFile, PluginFileError, read_notes, read_plugin};
use std::path::{Path, PathBuf};

/// Why a name leads to no plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// The file that the name leads to cannot be used.
    #[error(transparent)]
    File(#[from] PluginFileError),
    /// No library has it.
    #[error("no {kind} '{name}' in {}{}", list_dirs(dirs), nearest(known, name))]
    Unknown {
        /// What was looked for.
        kind: Kind,
        /// By this name.
        name: String,
        /// Here.
        dirs: Vec<PathBuf>,
        /// What there is.
        known: Vec<String>,
    },
    /// Several libraries of one folder have it.
    #[error("{kind} '{name}' is in both {} and {}; name the file instead", first.display(), second.display())]
    Ambiguous {
        /// What was looked for.
        kind: Kind,
        /// By this name.
        name: String,
        /// Here.
        first: PathBuf,
        /// And here.
        second: PathBuf,
    },
}

/// Finds a plugin: `name` is an id in a note of a library in one of `dirs` (the first folder that has it counts),
/// or the path of a library.
pub fn find_plugin(name: &str, kind: Kind, dirs: &[PathBuf]) -> Result<PluginFile, FindError> {
    if name.contains('/') || name.ends_with(".so") {
        return find_by_path(name, kind);
    }
    let mut known = Vec::new();
    for dir in dirs {
        let mut found: Option<PathBuf> = None;
        for path in libraries(dir) {
            // Files that are no plugins may lie in a plugin folder; `scan` is what reports them.
            let Ok((notes, _)) = read_notes(&path) else { continue };
            known.extend(notes.iter().filter(|note| note.kind == kind).map(|note| note.id.clone()));
            if !notes.iter().any(|note| note.kind == kind && note.id == name) {
                continue;
            }
            if let Some(first) = found {
                return Err(FindError::Ambiguous { kind, name: name.to_owned(), first, second: path });
            }
            found = Some(path);
        }
        if let Some(path) = found {
            return Ok(read_plugin(&path)?);
        }
    }
    Err(FindError::Unknown { kind, name: name.to_owned(), dirs: dirs.to_vec(), known })
}

/// Every library in these folders, sorted by name within each: a plugin, or why it is none.
pub fn scan(dirs: &[PathBuf]) -> Vec<Result<PluginFile, PluginFileError>> {
    dirs.iter().flat_map(|dir| libraries(dir)).map(|path| read_plugin(&path)).collect()
}

fn find_by_path(name: &str, kind: Kind) -> Result<PluginFile, FindError> {
    let plugin = read_plugin(Path::new(name))?;
    if plugin.notes.iter().any(|note| note.kind == kind) {
        return Ok(plugin);
    }
    let known = plugin.notes.iter().map(|note| note.id.clone()).collect();
    Err(FindError::Unknown { kind, name: name.to_owned(), dirs: vec![plugin.path], known })
}

fn libraries(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "so"))
        .collect();
    found.sort();
    found
}

fn list_dirs(dirs: &[PathBuf]) -> String {
    if dirs.is_empty() {
        return "no folder at all".to_owned();
    }
    dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", ")
}

fn nearest(known: &[String], name: &str) -> String {
    match crate::param::nearest(known.iter().map(String::as_str), name) {
        Some(near) => format!("; did you mean '{near}'?"),
        None if known.is_empty() => String::new(),
        None => format!("; there are: {}", known.join(", ")),
    }
}
