//! Boards: one sortable table of cells for each corpus, threat and size of the perturbation.

use super::{cell, plural};
use crate::column::{self, Cell, Column};
use crate::estimate::Estimate;
use crate::plot::interval::interval_bar;
use crate::report::Report;
use crate::table::{Board, Row};
use maud::{Markup, html};
use seraph_core::Status;
use std::collections::BTreeSet;

/// Rows that the page shows of one table: what a browser sorts at once and a page's size allows.
const MAX_ROWS: usize = 600;

/// All boards.
pub fn section(report: &Report) -> Markup {
    let shown = shown_per_board(report);
    let listed = cell::listed(report);
    html! {
        h2 { "Boards" }
        p.lead { "One table for each corpus, threat and size of perturbation. The strongest attack on each model comes first; click a heading to sort." }
        @for (board, n_rows) in report.table.boards.iter().zip(shown) { (table(board, n_rows, &listed)) }
    }
}

/// How many rows of each board are shown: all, or the same number of each where they would be too many.
fn shown_per_board(report: &Report) -> Vec<usize> {
    let boards = &report.table.boards;
    let total: usize = boards.iter().map(|board| board.rows.len()).sum();
    let each = if total > MAX_ROWS { (MAX_ROWS / boards.len()).max(1) } else { MAX_ROWS };
    boards.iter().map(|board| board.rows.len().min(each)).collect()
}

/// The first `n_rows` of a board; `listed` are the keys of the cells that the page has the facts of.
fn table(board: &Board, n_rows: usize, listed: &BTreeSet<&str>) -> Markup {
    let columns = columns(&board.rows);
    let id = format!("board-{}", board.key.slug());
    html! {
        div.board-intro {
            h3 id=(board.key.slug()) { (board.key.heading()) }
            label.filter hidden { "Filter " input type="search" data-filters=(id) placeholder="attack, model, flag"; span role="status" {} }
        }
        div.scroll tabindex="0" role="region" aria-label=(board.key.heading()) {
            table.sortable #(id) {
                thead { tr { @for column in &columns { (head(column)) } } }
                tbody { @for row in &board.rows[..n_rows] { (line(row, &columns, listed.contains(row.record.key.as_str()))) } }
            }
        }
        @if n_rows < board.rows.len() {
            p.note { (plural(board.rows.len() - n_rows, "more row")) " in leaderboard.csv and leaderboard.json: too many for one page." }
        }
    }
}

/// Columns that say something: not what is empty, zero or the same in every row.
fn columns(rows: &[Row]) -> Vec<&'static Column> {
    let says_something = |column: &&'static Column| match column.key {
        // The attack's own field says why a row is not ranked.
        "cell" | "n_attacked" | "unranked" | "status" | "robust_uar_pcm16" => false,
        "n_invalid" | "n_failed" => {
            rows.iter().any(|row| !matches!(column.of(row), Cell::Missing | Cell::Count(0)))
        }
        "seed" => rows.iter().any(|row| column.of(row) != column.of(&rows[0])),
        _ => true,
    };
    column::filled(rows, false).filter(says_something).collect()
}

fn head(column: &Column) -> Markup {
    let first = if column.largest_first { "descending" } else { "ascending" };
    html! {
        th.text[column.is_text()] scope="col" aria-sort="none" data-first=(first) {
            button type="button" { (column.title) }
        }
    }
}

fn line(row: &Row, columns: &[&Column], is_listed: bool) -> Markup {
    html! {
        tr.unranked[row.rank.is_none()].baseline[row.is_control] {
            @for column in columns { (field(column, row, is_listed)) }
        }
    }
}

fn field(column: &Column, row: &Row, is_listed: bool) -> Markup {
    let cell = column.of(row);
    let key = sort_key(&cell);
    match column.key {
        "attack" => html! {
            th.text.name scope="row" data-sort=[key] {
                @if is_listed { a href={ "#cell-" (row.record.key) } { (cell.short()) } } @else { (cell.short()) }
                @if row.is_control { span.sub { "control" } }
                @if let Some(reason) = &row.unranked { span.sub.reason { (fate(row)) ": " (reason) } }
            }
        },
        "rank" => html! { td.rank data-sort=[key] { (or_missing(&cell)) } },
        "flags" => html! { td.text.flags data-sort=[key] { (flags(row)) } },
        "robust_accuracy" => html! {
            td data-sort=[key] { (value_and_interval(&cell, true)) (interval_bar(estimate(&cell))) }
        },
        _ => html! {
            td.text[column.is_text()] data-sort=[key] { (value_and_interval(&cell, false)) }
        },
    }
}

/// What became of a row without a place.
fn fate(row: &Row) -> &'static str {
    match row.record.status {
        Status::Failed => "failed",
        Status::Skipped => "skipped",
        Status::Ok | Status::Invalid => "not ranked",
    }
}

fn value_and_interval(cell: &Cell, headline: bool) -> Markup {
    html! {
        span.headline[headline] { (or_missing(cell)) }
        @if let Some(interval) = cell.interval() { span.ci { (interval) } }
    }
}

fn or_missing(cell: &Cell) -> Markup {
    match cell {
        Cell::Missing => html! { span.missing aria-label="missing" { "–" } },
        _ => html! { (cell.short()) },
    }
}

fn flags(row: &Row) -> Markup {
    html! {
        @for flag in &row.record.flags {
            span.tag.bad[flag.unreliable].warn[!flag.unreliable] title=(flag.detail) { (flag.name) }
        }
        @if row.record.flags.is_empty() { span.missing { "none" } }
    }
}

fn estimate(cell: &Cell) -> Option<&Estimate> {
    match cell {
        Cell::Share(estimate) | Cell::Real(estimate, _) => Some(estimate),
        _ => None,
    }
}

/// What the script sorts by; nothing where the value is missing.
fn sort_key(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Missing => None,
        Cell::Share(estimate) | Cell::Real(estimate, _) => Some(script_number(estimate.value)),
        Cell::Text(_) | Cell::Count(_) | Cell::List(_) => Some(cell.short()),
    }
}

fn script_number(value: f64) -> String {
    match value {
        f64::INFINITY => "Infinity".into(),
        f64::NEG_INFINITY => "-Infinity".into(),
        _ => format!("{value:.6}"),
    }
}
