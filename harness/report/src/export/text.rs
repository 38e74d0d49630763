//! Plain text for the terminal: the narrow table of each board, columns aligned.

use crate::column::{self, Column};
use crate::table::{Board, Table};

/// All boards.
pub fn plain_text(table: &Table) -> String {
    table.boards.iter().map(section).collect::<Vec<_>>().join("\n")
}

fn section(board: &Board) -> String {
    let columns: Vec<&Column> = column::filled(&board.rows, true).collect();
    let heads = columns.iter().map(|column| column.title.to_owned()).collect();
    let body = board
        .rows
        .iter()
        .map(|row| columns.iter().map(|column| printable(&column.of(row).short())).collect());
    let lines: Vec<Vec<String>> = std::iter::once(heads).chain(body).collect();
    let widths: Vec<usize> = (0..columns.len())
        .map(|i| lines.iter().map(|line| line[i].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = format!("{}\n", printable(&board.key.heading()));
    for line in &lines {
        let cells = line.iter().zip(&widths).zip(&columns).map(|((cell, &width), column)| {
            if column.is_text() { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        let cells: Vec<String> = cells.collect();
        text.push_str(format!("  {}", cells.join("  ")).trim_end());
        text.push('\n');
    }
    text
}

/// A terminal acts on control characters; a name must not.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
