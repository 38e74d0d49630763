//! Markdown: a narrow table per board, for a README or an issue.

use crate::column::{self, Cell, Column};
use crate::report::Report;
use crate::table::{Board, Row};

/// The whole file.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}\n", escape(&report.title));
    for board in &report.table.boards {
        text.push('\n');
        text.push_str(&section(board));
    }
    text.push_str("\nShares in percent, 95 % intervals in brackets; – is missing.\n");
    text
}

fn section(board: &Board) -> String {
    let columns: Vec<&Column> = column::filled(&board.rows, true).collect();
    let heads: Vec<String> = columns.iter().map(|column| column.title.to_owned()).collect();
    let rules: Vec<String> =
        columns.iter().map(|c| if c.is_text() { ":--" } else { "--:" }.to_owned()).collect();
    let mut text = format!("## {}\n\n{}{}", escape(&board.key.heading()), line(&heads), line(&rules));
    for row in &board.rows {
        text.push_str(&line(&columns.iter().map(|column| cell(&column.of(row))).collect::<Vec<_>>()));
    }
    text + &notes(board)
}

fn cell(cell: &Cell) -> String {
    match cell.interval() {
        Some(interval) => escape(&format!("{} {interval}", cell.short())),
        None => escape(&cell.short()),
    }
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn notes(board: &Board) -> String {
    let unranked: Vec<&Row> = board.rows.iter().filter(|row| row.unranked.is_some()).collect();
    let note = |row: &&Row| {
        let why = row.unranked.as_deref().unwrap_or_default();
        format!("- {} on {} is not ranked: {}\n", escape(&row.attack), escape(&row.victim), escape(why))
    };
    let notes: String = unranked.iter().map(note).collect();
    if notes.is_empty() { notes } else { format!("\n{notes}") }
}

/// Takes from a foreign string what Markdown or the HTML inside it would act on.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '|' | '*' | '_' | '`' | '#' | '~' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_strings_do_not_act() {
        assert_eq!(escape("a|b <img src=x>\n*b*"), r"a\|b &lt;img src=x&gt; \*b\*");
    }
}
