//! Records in, leaderboards out: HTML, Markdown, CSV, JSON and LaTeX.
//!
//! [`render`] is a pure function of the output folder of a run: the same records, journals, audio and timings give the same
//! bytes. All formats are views of one [`Table`]; what is missing in a record is missing in every one of them, never 0.

#![forbid(unsafe_code)]

mod column;
mod error;
mod estimate;
mod example;
mod export;
mod folder;
mod names;
mod page;
mod plot;
mod report;
mod speakers;
mod standing;
mod table;

pub use error::ReportError;
pub use estimate::Estimate;
pub use table::{Board, BoardKey, Family, Row, Table};

use report::Report;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// What a caller may choose.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Heading of the page and files.
    pub title: String,
    /// Utterances that the page shows, at most.
    pub max_examples: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options { title: "Robustness leaderboard".into(), max_examples: 8 }
    }
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The files, the page first.
    pub files: Vec<PathBuf>,
    /// The table that they show; its `Display` is for a terminal.
    pub table: Table,
}

/// Writes `leaderboard.{html,md,csv,json,tex}` into `out` from the output folder `dir` of a run. They may be the same.
///
/// # Errors
///
/// No records, an unreadable one, one of another schema version, or two of one cell. Nothing is written then.
pub fn render(dir: &Path, out: &Path, options: &Options) -> Result<Rendered, ReportError> {
    let mut table = Table::new(folder::read(dir)?);
    speakers::fill(dir, &mut table)?;
    let examples = example::choose(dir, &table, options)?;
    let report = Report { title: options.title.clone(), table, examples };
    fs::create_dir_all(out).map_err(ReportError::io("create", out))?;
    let mut files = Vec::new();
    for (name, export) in export::EXPORTERS {
        files.push(write_whole(&out.join(name), export(&report).as_bytes())?);
    }
    copy_audio(dir, out, &report, &mut files)?;
    Ok(Rendered { files, table: report.table })
}

/// What the page links to must lie beside the page.
fn copy_audio(dir: &Path, out: &Path, report: &Report, files: &mut Vec<PathBuf>) -> Result<(), ReportError> {
    for sound in report.examples.iter().flat_map(|e| e.clean.iter().chain([&e.adversarial])) {
        let Some(link) = &sound.link else { continue };
        let path = out.join(link);
        if path != dir.join(link) {
            let parent = path.parent().unwrap_or(out);
            fs::create_dir_all(parent).map_err(ReportError::io("create", parent))?;
            files.push(write_whole(&path, &sound.wav)?);
        }
    }
    Ok(())
}

/// A reader sees the old file or the new one, never a half.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let written = fs::write(&temporary, bytes).and_then(|()| fs::rename(&temporary, path));
    written.map_err(|error| {
        // On a full disk the half is what fills it; if it cannot be removed, the first error is the one to tell.
        let _ = fs::remove_file(&temporary);
        ReportError::io("write", path)(error)
    })?;
    Ok(path.into())
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&export::plain_text(self))
    }
}
