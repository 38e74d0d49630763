//! The page: one file that needs no server, no network and, but for sorting and filtering, no script.
//!
//! Each section is a file, so that it can become a page of its own. Every foreign string goes through maud's escaping; only
//! this crate's own style sheet and script are written as they are, and the page's policy allows no other.

mod answer;
mod board;
mod breakdown;
mod cell;
mod curves;
mod definitions;
mod example;
mod family;

use crate::report::Report;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("table.js");

/// The whole page.
pub fn page(report: &Report) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&report.title))
            body {
                a.skip href="#summary" { "Skip to the summary" }
                header.top {
                    h1 { (report.title) }
                    p { "Robustness of speech emotion recognition models against adversarial attacks. " (extent(report)) }
                }
                (navigation(report))
                main {
                    section #summary { (family::summaries(report)) }
                    section #curves { (curves::section(report)) }
                    section #boards { (board::section(report)) }
                    section #breakdown { (breakdown::section(report)) }
                    @if !report.examples.is_empty() { section #examples { (example::section(report)) } }
                    section #cells { (cell::section(report)) }
                }
                footer { (definitions::footer()) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy());
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

/// Nothing is loaded from anywhere but the page and its own folder; no style and script but ours.
fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; media-src 'self' data:; \
         base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn extent(report: &Report) -> String {
    let count = |what: fn(&crate::table::Row) -> &str| {
        report.table.rows().map(|(_, row)| what(row)).collect::<std::collections::BTreeSet<_>>().len()
    };
    let (victims, attacks) = (count(|row| &row.victim), count(|row| &row.record.cell.attack.name));
    let cells = report.table.rows().count();
    format!("{}, {}, {}.", plural(victims, "model"), plural(attacks, "attack"), plural(cells, "cell"))
}

fn navigation(report: &Report) -> Markup {
    html! {
        nav.sections aria-label="Sections" {
            ul {
                li { a href="#summary" { "Summary" } }
                li { a href="#curves" { "Security curves" } }
                li { a href="#boards" { "Boards" } }
                li { a href="#breakdown" { "By group" } }
                @if !report.examples.is_empty() { li { a href="#examples" { "Examples" } } }
                li { a href="#cells" { "Cells" } }
                li { a href="#definitions" { "Definitions" } }
            }
        }
    }
}

/// "1 cell", "2 cells".
fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{ending}")
}
