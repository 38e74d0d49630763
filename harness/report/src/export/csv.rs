//! CSV: one line per cell, all boards below each other, an empty field where a value is missing.

use crate::column::{COLUMNS, Cell, Column};
use crate::estimate::Estimate;
use crate::report::Report;
use crate::table::{BoardKey, Row};
use seraph_core::Number;

const BOARD_KEYS: [&str; 12] = [
    "corpus",
    "split",
    "limit",
    "access",
    "norm",
    "eps",
    "goal",
    "target",
    "labels",
    "queries",
    "gradient_queries_allowed",
    "device",
];

/// The whole file.
pub fn csv(report: &Report) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let heads = BOARD_KEYS.iter().map(ToString::to_string).chain(COLUMNS.iter().flat_map(heads));
    writer.write_record(heads).expect("writing to memory cannot fail");
    for (board, row) in report.table.rows() {
        writer.write_record(line(&board.key, row)).expect("every line has a field per head");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("all fields are UTF-8")
}

fn heads(column: &Column) -> Vec<String> {
    let key = column.key;
    match column.has_interval() {
        true => vec![key.into(), format!("{key}_ci_low"), format!("{key}_ci_high")],
        false => vec![key.into()],
    }
}

fn line(key: &BoardKey, row: &Row) -> Vec<String> {
    let family = &key.family;
    let mut fields = vec![
        family.corpus.clone(),
        family.split.clone(),
        family.limit.to_string(),
        family.access.as_str().into(),
        family.norm.as_str().into(),
        Number(key.eps).to_string(),
        family.goal.as_str().into(),
        family.target.clone().unwrap_or_default(),
        labels(family.labels).into(),
        family.queries.0.to_string(),
        family.queries.1.to_string(),
        family.device.clone(),
    ];
    for column in COLUMNS {
        fields.extend(fields_of(column, row));
    }
    fields
}

/// The name of a labels rule in a plan.
pub fn labels(labels: seraph_core::Labels) -> &'static str {
    match labels {
        seraph_core::Labels::True => "true",
        seraph_core::Labels::Predicted => "predicted",
    }
}

fn fields_of(column: &Column, row: &Row) -> Vec<String> {
    match column.of(row) {
        Cell::Missing if column.has_interval() => vec![String::new(); 3],
        Cell::Missing => vec![String::new()],
        Cell::Text(text) => vec![text],
        Cell::Count(count) => vec![count.to_string()],
        Cell::Share(estimate) | Cell::Real(estimate, _) if column.has_interval() => {
            interval_fields(&estimate)
        }
        Cell::Share(estimate) | Cell::Real(estimate, _) => vec![Number(estimate.value).to_string()],
        Cell::List(list) => vec![list.join(" ")],
    }
}

fn interval_fields(estimate: &Estimate) -> Vec<String> {
    let end = |end: Option<f64>| end.map(|value| Number(value).to_string()).unwrap_or_default();
    vec![end(Some(estimate.value)), end(estimate.low), end(estimate.high)]
}
