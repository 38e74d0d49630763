//! The leaderboards of a run: where `seraph-report` is called.

use crate::error::RunError;
use crate::folder::Folder;
use std::path::PathBuf;

/// Renders the leaderboards of a run into its own folder, under the plan's name, and gives the page.
pub(crate) fn render(folder: &Folder, title: &str) -> Result<Option<PathBuf>, RunError> {
    let options = seraph_report::Options { title: title.to_owned(), ..seraph_report::Options::default() };
    let rendered = seraph_report::render(folder.root(), folder.root(), &options)
        .map_err(|error| RunError::Render(error.to_string()))?;
    Ok(rendered.files.into_iter().next())
}
