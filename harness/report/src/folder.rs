//! Reads the output folder of a run: every record, and the time that its cell took.

use crate::ReportError;
use seraph_core::Record;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A record and the time that its cell took, if that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedCell {
    /// The record.
    pub record: Record,
    /// From `timings/<cell>.json`; `None`: there is no such file, or it does not say.
    pub timings: Timings,
}

/// What the report reads of `timings/<cell>.json`; other keys are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Mean wall-clock seconds per attacked item.
    pub seconds_per_item: Option<f64>,
    /// Wall-clock seconds of the whole cell.
    pub seconds: Option<f64>,
}

/// Reads all records of `dir`, in the order of their ids.
pub fn read(dir: &Path) -> Result<Vec<FinishedCell>, ReportError> {
    let records_dir = dir.join("records");
    if !records_dir.is_dir() {
        return Err(ReportError::NotARun { dir: dir.into() });
    }
    let mut file_of_cell: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut cells = Vec::new();
    for path in json_files(&records_dir)? {
        let record = read_record(&path)?;
        if let Some(first) = file_of_cell.insert(record.key.clone(), path.clone()) {
            return Err(ReportError::TwoRecords { first, second: path });
        }
        let timings = read_timings(&dir.join("timings").join(format!("{}.json", record.id)))?;
        cells.push(FinishedCell { record, timings });
    }
    if cells.is_empty() {
        return Err(ReportError::NoRecords { dir: records_dir });
    }
    cells.sort_by(|a, b| a.record.id.cmp(&b.record.id));
    Ok(cells)
}

/// Files named `*.json`, sorted. What a run that died left half-written has another name.
fn json_files(dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let entries = fs::read_dir(dir).map_err(ReportError::io("read", dir))?;
    let paths: Result<Vec<PathBuf>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(ReportError::io("read", dir))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    Ok(paths)
}

fn read_record(path: &Path) -> Result<Record, ReportError> {
    let text = fs::read_to_string(path).map_err(ReportError::io("read", path))?;
    Record::from_json(&text).map_err(|source| ReportError::Record { path: path.into(), source })
}

fn read_timings(path: &Path) -> Result<Timings, ReportError> {
    if !path.exists() {
        return Ok(Timings::default());
    }
    let text = fs::read_to_string(path).map_err(ReportError::io("read", path))?;
    serde_json::from_str(&text).map_err(|source| ReportError::Timings { path: path.into(), source })
}
