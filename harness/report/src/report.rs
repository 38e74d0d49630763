//! Everything that the formats show, gathered before any of them is written.

use crate::example::Example;
use crate::table::Table;

/// What all formats are views of.
pub struct Report {
    /// Heading of the page and files.
    pub title: String,
    /// All boards.
    pub table: Table,
    /// Utterances to look at and listen to.
    pub examples: Vec<Example>,
}
