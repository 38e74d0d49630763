//! CSV manifests: which files a corpus has and what is said in them.
//!
//! Columns `path`, `speaker`, `gender`, `language`, `emotion` are required (gender and language may be empty),
//! `text_id`, `split` and `duration_s` are optional. Paths are relative to the manifest.

use crate::corpus::{Item, Source};
use crate::{Emotion, Gender, UnknownEmotion, UnknownGender};
use csv::StringRecord;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

const REQUIRED: [&str; 5] = ["path", "speaker", "gender", "language", "emotion"];
const OPTIONAL: [&str; 3] = ["text_id", "split", "duration_s"];

/// Why a manifest was refused; all but the first name a line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file could not be opened or is no CSV.
    #[error("cannot read manifest {}: {reason}", manifest.display())]
    Unreadable {
        /// The manifest.
        manifest: PathBuf,
        /// What was wrong.
        reason: String,
    },
    /// A required column is not there.
    #[error("{} line 1: no column '{column}'{hint}; a manifest has path,speaker,gender,language,emotion and may have text_id,split,duration_s", manifest.display())]
    MissingColumn {
        /// The manifest.
        manifest: PathBuf,
        /// The column.
        column: &'static str,
        /// A column that may be meant.
        hint: String,
    },
    /// A column is there twice.
    #[error("{} line 1: column '{column}' is there twice", manifest.display())]
    DuplicateColumn {
        /// The manifest.
        manifest: PathBuf,
        /// The column.
        column: String,
    },
    /// A header and nothing below it.
    #[error("{} has no rows", manifest.display())]
    NoRows {
        /// The manifest.
        manifest: PathBuf,
    },
    /// A required value is empty.
    #[error("{} line {line}: '{column}' is empty", manifest.display())]
    EmptyValue {
        /// The manifest.
        manifest: PathBuf,
        /// The line.
        line: u64,
        /// The column.
        column: &'static str,
    },
    /// A label that is not in the vocabulary.
    #[error("{} line {line}: {source}", manifest.display())]
    Emotion {
        /// The manifest.
        manifest: PathBuf,
        /// The line.
        line: u64,
        /// The word and its nearest.
        source: UnknownEmotion,
    },
    /// A gender that is not in the vocabulary.
    #[error("{} line {line}: {source}", manifest.display())]
    Gender {
        /// The manifest.
        manifest: PathBuf,
        /// The line.
        line: u64,
        /// The word.
        source: UnknownGender,
    },
    /// A duration that is no positive number.
    #[error("{} line {line}: duration_s '{value}' is not a positive number of seconds", manifest.display())]
    Duration {
        /// The manifest.
        manifest: PathBuf,
        /// The line.
        line: u64,
        /// The value.
        value: String,
    },
    /// One file in two rows.
    #[error("{} line {line}: '{path}' is already in line {first_line}", manifest.display())]
    DuplicateRow {
        /// The manifest.
        manifest: PathBuf,
        /// The second line.
        line: u64,
        /// The first line.
        first_line: u64,
        /// The file.
        path: String,
    },
    /// Files that are not there.
    #[error("{} line {line}: file '{path}' does not exist{more}", manifest.display())]
    MissingFile {
        /// The manifest.
        manifest: PathBuf,
        /// The first such line.
        line: u64,
        /// The first such file.
        path: String,
        /// How many others.
        more: String,
    },
}

/// Items of a manifest, and notes on columns that it has beyond the known ones.
pub(crate) fn read_manifest(manifest: &Path) -> Result<(Vec<Item>, Vec<String>), ManifestError> {
    let unreadable =
        |e: csv::Error| ManifestError::Unreadable { manifest: manifest.to_owned(), reason: explain(&e) };
    let mut reader =
        csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(manifest).map_err(unreadable)?;
    let columns = Columns::new(manifest, reader.headers().map_err(unreadable)?)?;
    let mut rows = Rows { manifest, columns, lines: HashMap::new(), items: Vec::new(), missing: Vec::new() };
    for record in reader.records() {
        rows.push(&record.map_err(unreadable)?)?;
    }
    let notes = rows.columns.notes();
    Ok((rows.finish()?, notes))
}

/// What a user can do about a row that is no CSV.
fn explain(error: &csv::Error) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => format!(
            "line {line}: has {len} values, the header has {expected_len}; check its commas and quotes, and that the file \
             is whole"
        ),
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: is not UTF-8; save the manifest as UTF-8"),
        _ => error.to_string(),
    }
}

/// Where each column stands.
struct Columns {
    position: BTreeMap<&'static str, usize>,
    unused: Vec<String>,
}

impl Columns {
    fn new(manifest: &Path, header: &StringRecord) -> Result<Self, ManifestError> {
        let mut columns = Columns { position: BTreeMap::new(), unused: Vec::new() };
        for (i, name) in header.iter().enumerate() {
            match REQUIRED.into_iter().chain(OPTIONAL).find(|known| *known == name) {
                None => columns.unused.push(name.to_owned()),
                Some(known) => {
                    if columns.position.insert(known, i).is_some() {
                        let (manifest, column) = (manifest.to_owned(), name.to_owned());
                        return Err(ManifestError::DuplicateColumn { manifest, column });
                    }
                }
            }
        }
        match REQUIRED.into_iter().find(|name| !columns.position.contains_key(name)) {
            None => Ok(columns),
            Some(column) => {
                let (manifest, hint) = (manifest.to_owned(), columns.hint(column));
                Err(ManifestError::MissingColumn { manifest, column, hint })
            }
        }
    }

    fn hint(&self, column: &str) -> String {
        let near = self.unused.iter().find(|name| strsim::jaro_winkler(name, column) > 0.8);
        near.map_or(String::new(), |name| format!(" (is '{name}' meant?)"))
    }

    fn value<'r>(&self, record: &'r StringRecord, column: &str) -> &'r str {
        self.position.get(column).and_then(|i| record.get(*i)).unwrap_or("")
    }

    fn notes(&self) -> Vec<String> {
        self.unused.iter().map(|name| format!("manifest column '{name}' is not used")).collect()
    }
}

/// Rows read so far.
struct Rows<'m> {
    manifest: &'m Path,
    columns: Columns,
    lines: HashMap<PathBuf, u64>,
    items: Vec<Item>,
    missing: Vec<(u64, String)>,
}

impl Rows<'_> {
    fn push(&mut self, record: &StringRecord) -> Result<(), ManifestError> {
        let line = record.position().map_or(0, csv::Position::line);
        let manifest = || self.manifest.to_owned();
        let value = |column| self.columns.value(record, column);
        let some = |column| Some(value(column)).filter(|v| !v.is_empty()).map(str::to_owned);
        for column in ["path", "speaker", "emotion"] {
            if value(column).is_empty() {
                return Err(ManifestError::EmptyValue { manifest: manifest(), line, column });
            }
        }
        let path = value("path").to_owned();
        if let Some(first_line) = self.lines.insert(without_dots(&path), line) {
            return Err(ManifestError::DuplicateRow { manifest: manifest(), line, first_line, path });
        }
        let emotion = value("emotion").parse::<Emotion>().map_err(|source| ManifestError::Emotion {
            manifest: manifest(),
            line,
            source,
        })?;
        let gender = some("gender")
            .map(|word| word.parse::<Gender>())
            .transpose()
            .map_err(|source| ManifestError::Gender { manifest: manifest(), line, source })?;
        if let Some(value) = some("duration_s").filter(|v| !v.parse::<f64>().is_ok_and(|s| s > 0.0)) {
            return Err(ManifestError::Duration { manifest: manifest(), line, value });
        }
        let file = self.manifest.parent().unwrap_or(Path::new("")).join(&path);
        if !file.is_file() {
            self.missing.push((line, path.clone()));
        }
        self.items.push(Item {
            id: path,
            source: Source::File(file),
            speaker: value("speaker").to_owned(),
            gender,
            language: some("language"),
            emotion,
            text_id: some("text_id"),
            split: some("split"),
        });
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<Item>, ManifestError> {
        let manifest = self.manifest.to_owned();
        if let Some((line, path)) = self.missing.first().cloned() {
            let more = match self.missing.len() - 1 {
                0 => String::new(),
                n => format!(" ({n} more do not exist either)"),
            };
            return Err(ManifestError::MissingFile { manifest, line, path, more });
        }
        if self.items.is_empty() {
            return Err(ManifestError::NoRows { manifest });
        }
        name_items(&mut self.items);
        Ok(self.items)
    }
}

/// `./a/./b.wav` and `a/b.wav` are one file.
fn without_dots(path: &str) -> PathBuf {
    Path::new(path).components().filter(|part| *part != Component::CurDir).collect()
}

/// Turns paths into ids: the file's stem where all stems differ, else the path with `_` for what a file name
/// should not hold, numbered where that makes two alike.
fn name_items(items: &mut [Item]) {
    let stem = |id: &str| plain(&Path::new(id).file_stem().unwrap_or_default().to_string_lossy());
    let distinct = items.iter().map(|item| stem(&item.id)).collect::<HashSet<_>>().len() == items.len();
    let mut taken = HashSet::new();
    for item in items {
        let base = if distinct { stem(&item.id) } else { plain(&item.id) };
        let candidates = std::iter::once(base.clone()).chain((2..).map(|n: u32| format!("{base}_{n}")));
        let id = candidates.into_iter().find(|id| !taken.contains(id)).unwrap_or(base);
        taken.insert(id.clone());
        item.id = id;
    }
}

fn plain(text: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '_' };
    let text: String = text.chars().map(keep).collect();
    // No item may be called `.` or `..`, or be hidden.
    if text.starts_with('.') || text.is_empty() { format!("_{text}") } else { text }
}
