//! Finds who speaks each item: intervals of comparisons resample whole speakers, and records name them only by group.

use crate::table::{Board, Table};
use crate::{ReportError, folder};
use std::path::Path;

/// Fills in the speakers of every board from the first whole journal of its corpus. Boards of one corpus have the same items.
pub fn fill(dir: &Path, table: &mut Table) -> Result<(), ReportError> {
    for i in 0..table.boards.len() {
        let known = table.boards[..i].iter().find(|board| same_items(board, &table.boards[i]));
        table.boards[i].speakers = match known {
            Some(board) => board.speakers.clone(),
            None => of_board(dir, &table.boards[i])?,
        };
    }
    Ok(())
}

fn same_items(a: &Board, b: &Board) -> bool {
    let items = |board: &Board| board.rows.first().map(|row| row.record.cell.corpus.clone());
    !a.speakers.is_empty() && items(a) == items(b)
}

fn of_board(dir: &Path, board: &Board) -> Result<Vec<String>, ReportError> {
    for row in board.rows.iter().filter(|row| row.has_results()) {
        let Some(items) = folder::read_journal(dir, &row.record.id)? else { continue };
        if items.len() as u64 == row.record.n.total {
            return Ok(items.into_iter().map(|item| item.speaker).collect());
        }
    }
    Ok(Vec::new())
}
