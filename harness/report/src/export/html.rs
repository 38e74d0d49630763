//! HTML: the page.

use crate::page;
use crate::report::Report;

/// The whole file.
pub fn html(report: &Report) -> String {
    page::page(report).into_string()
}
