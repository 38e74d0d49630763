//! Reads the output folder of a run: every record, and the time that its cell took.

use crate::ReportError;
use seraph_core::{Journal, JournalItem, Record};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What a run left behind.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFolder {
    /// The records, in the order of their ids, without their curves and their items' distances and queries.
    pub records: Vec<Record>,
    /// For each record what `timings/<cell>.json` says; nothing where there is no such file.
    pub timings: Vec<Timings>,
}

/// What the report reads of `timings/<cell>.json`; other keys are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Timings {
    /// Seconds of attack and oracle together, per attacked item.
    pub seconds_per_item: Option<Spread>,
}

/// Where most of the values lie; only the middle is read.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
}

/// Reads all records of `dir`.
pub fn read(dir: &Path) -> Result<RunFolder, ReportError> {
    let records_dir = dir.join("records");
    if !records_dir.is_dir() {
        return Err(ReportError::NotARun { dir: dir.into() });
    }
    let mut file_of_cell: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut records = Vec::new();
    for path in json_files(&records_dir)? {
        let record = read_record(&path)?;
        if let Some(first) = file_of_cell.insert(record.key.clone(), path.clone()) {
            return Err(ReportError::TwoRecords { first, second: path });
        }
        records.push(record);
    }
    if records.is_empty() {
        return Err(ReportError::NoRecords { dir: records_dir });
    }
    records.sort_by(|a, b| a.id.cmp(&b.id));
    let timings = |record: &Record| read_timings(&dir.join("timings").join(format!("{}.json", record.id)));
    let timings = records.iter().map(timings).collect::<Result<_, _>>()?;
    Ok(RunFolder { records, timings })
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
    let mut record =
        Record::from_json(&text).map_err(|source| ReportError::Record { path: path.into(), source })?;
    // No format shows these, and ten thousand cells must fit in memory.
    record.curves.clear();
    (record.outcomes.distances, record.outcomes.queries) = (Vec::new(), Vec::new());
    Ok(record)
}

fn read_timings(path: &Path) -> Result<Timings, ReportError> {
    if !path.exists() {
        return Ok(Timings::default());
    }
    let text = fs::read_to_string(path).map_err(ReportError::io("read", path))?;
    serde_json::from_str(&text).map_err(|source| ReportError::Timings { path: path.into(), source })
}

/// The items of a cell's journal in the order of the corpus; `None`: there is no journal.
pub fn read_journal(dir: &Path, cell: &str) -> Result<Option<Vec<JournalItem>>, ReportError> {
    let path = dir.join("journal").join(format!("{cell}.jsonl"));
    if !path.exists() {
        return Ok(None);
    }
    let bytes = fs::read(&path).map_err(ReportError::io("read", &path))?;
    let journal = Journal::decode(&bytes).map_err(|source| ReportError::Journal { path, source })?;
    Ok(Some(journal.items_in_order()))
}
