//! One exporter per file: each turns the whole report into the text of one format.

mod csv;
mod html;
mod json;
mod latex;
mod markdown;
mod text;

pub use text::plain_text;

use crate::report::Report;

/// File name and the function that writes its content.
pub type Exporter = (&'static str, fn(&Report) -> String);

/// Every format.
pub const EXPORTERS: [Exporter; 5] = [
    ("leaderboard.html", html::html),
    ("leaderboard.md", markdown::markdown),
    ("leaderboard.csv", csv::csv),
    ("leaderboard.json", json::json),
    ("leaderboard.tex", latex::latex),
];
