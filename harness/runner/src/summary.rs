//! What a run says about itself when it ends.

use crate::error::RunError;
use crate::folder::{Folder, read_if_present};
use seraph_core::{Number, Record, Status};
use serde::Serialize;
use std::path::PathBuf;

/// What a run says about itself when it ends.
#[derive(Clone, Debug, Default, Serialize)]
pub struct RunSummary {
    /// Cells of the plan.
    pub cells: usize,
    /// Cells that have a record.
    pub done: usize,
    /// Whether the run was stopped before its end.
    pub interrupted: bool,
    /// Cells whose parts do not fit together.
    pub skipped: Vec<CellNote>,
    /// Cells that failed, or that may not be ranked.
    pub unsound: Vec<CellNote>,
    /// Cells some of whose attacked items broke the constraints or came back without audio. None of these counts as a
    /// success, which must not be read as the victim's strength.
    pub lost: Vec<CellNote>,
    /// One row per cell with results.
    pub rows: Vec<SummaryRow>,
    /// The leaderboard page.
    pub page: Option<PathBuf>,
}

/// A cell and a reason.
#[derive(Clone, Debug, Serialize)]
pub struct CellNote {
    /// Its id.
    pub cell: String,
    /// Why.
    pub reason: String,
}

/// The results of a cell in one row.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // the names of the metrics are defined by `seraph list metrics`
pub struct SummaryRow {
    pub cell: String,
    pub attack: String,
    pub victim: String,
    pub threat: String,
    pub eps: f64,
    pub seed: u64,
    pub attacked: u64,
    pub invalid: u64,
    pub failed: u64,
    pub clean_uar: Option<f64>,
    pub robust_accuracy: Option<f64>,
    pub robust_uar: Option<f64>,
    pub asr: Option<f64>,
    pub median_snr_db: Option<Number>,
}

impl RunSummary {
    /// Of the records of these cells.
    pub(crate) fn of<'a>(
        folder: &Folder,
        cells: impl Iterator<Item = &'a str>,
    ) -> Result<RunSummary, RunError> {
        let mut summary = RunSummary::default();
        for cell in cells {
            summary.cells += 1;
            if let Some(record) = read_record(folder, cell)? {
                summary.done += 1;
                summary.take(&record);
            }
        }
        Ok(summary)
    }

    fn take(&mut self, record: &Record) {
        let reason = record.reason.clone().unwrap_or_else(|| "no reason is given".into());
        let note = CellNote { cell: record.id.clone(), reason };
        match record.status {
            Status::Ok => {}
            Status::Skipped => self.skipped.push(note),
            Status::Failed | Status::Invalid => self.unsound.push(note),
        }
        let n = record.n;
        if n.invalid + n.failed > 0 {
            let reason = format!(
                "{} of {} attacked items are lost and count as no success: {} outside the constraints, {} without \
                 usable audio; its journal says why, item by item",
                n.invalid + n.failed,
                n.attacked,
                n.invalid,
                n.failed
            );
            self.lost.push(CellNote { cell: record.id.clone(), reason });
        }
        if !record.metrics.is_empty() {
            self.rows.push(row(record));
        }
    }
}

fn row(record: &Record) -> SummaryRow {
    let threat = &record.cell.threat;
    SummaryRow {
        cell: record.id.clone(),
        attack: record.cell.attack.name.clone(),
        victim: record.cell.victim.id.clone(),
        threat: threat.slug(),
        eps: threat.eps.0,
        seed: record.cell.seed,
        attacked: record.n.attacked,
        invalid: record.n.invalid,
        failed: record.n.failed,
        clean_uar: record.value("clean_uar"),
        robust_accuracy: record.value("robust_accuracy"),
        robust_uar: record.value("robust_uar"),
        asr: record.value("asr"),
        median_snr_db: record.value("snr_db").map(Number),
    }
}

/// The record of a cell; `None`: it is not done.
pub(crate) fn read_record(folder: &Folder, cell: &str) -> Result<Option<Record>, RunError> {
    let path = folder.record(cell);
    let Some(bytes) = read_if_present(&path)? else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes);
    let record = Record::from_json(&text).map_err(|error| RunError::Occupied {
        path,
        problem: format!("{error}; make it anew with `seraph recompute {}`", folder.root().display()),
    })?;
    Ok(Some(record))
}
