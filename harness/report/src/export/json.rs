//! JSON for machines: every board with its rows, all their metrics, and each victim's worst case over attacks.

use super::csv::labels;
use crate::column::{COLUMNS, Cell};
use crate::estimate::Estimate;
use crate::report::Report;
use crate::standing::{self, WorstCase};
use crate::table::{Board, Row};
use seraph_core::Number;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// The schema of the file.
const SCHEMA: &str = "seraph-leaderboard/1";

/// The whole file.
pub fn json(report: &Report) -> String {
    let document =
        Document { schema: SCHEMA, title: &report.title, boards: Each(&report.table.boards, board) };
    let mut text = serde_json::to_string_pretty(&document).expect("plain data has no unserialisable part");
    text.push('\n');
    text
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    title: &'a str,
    boards: Each<'a, Board>,
}

/// A list whose elements are made one by one as they are written: the whole tree of a large run would not fit in memory.
struct Each<'a, T>(&'a [T], fn(&T) -> Value);

impl<T> Serialize for Each<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn board(board: &Board) -> Value {
    let family = &board.key.family;
    json!({
        "corpus": {
            "id": family.corpus,
            "split": Some(&family.split).filter(|split| !split.is_empty()),
            "limit": family.limit,
            "manifest_sha256": family.manifest_sha256,
        },
        "threat": {
            "access": family.access,
            "norm": family.norm,
            "eps": Number(board.key.eps),
            "goal": family.goal,
            "target": family.target,
            "labels": labels(family.labels),
            "queries": family.queries.0,
            "gradient_queries": family.queries.1,
        },
        "device": family.device,
        "worst_case": standing::worst_cases(board).iter().map(worst_case).collect::<Vec<_>>(),
        "rows": board.rows.iter().map(row).collect::<Vec<_>>(),
    })
}

/// A victim against all ranked attacks of the board together.
fn worst_case(worst: &WorstCase) -> Value {
    json!({
        "victim": worst.victim,
        "robust_accuracy": estimate_value(&worst.robust_accuracy),
        "strongest": worst.strongest,
    })
}

fn row(row: &Row) -> Value {
    let fields = COLUMNS.iter().map(|column| (column.key.to_owned(), value(column.of(row))));
    let mut fields: Map<String, Value> = fields.collect();
    let metrics = serde_json::to_value(&row.record.metrics).expect("plain data has no unserialisable part");
    fields.insert("metrics".into(), metrics);
    fields.insert("control".into(), row.is_control.into());
    fields.insert("unreliable".into(), row.record.is_unreliable().into());
    fields.insert("key".into(), row.record.key.clone().into());
    Value::Object(fields)
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Missing => Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Count(count) => count.into(),
        Cell::Share(estimate) | Cell::Real(estimate, _) => estimate_value(&estimate),
        Cell::List(list) => list.into(),
    }
}

fn estimate_value(estimate: &Estimate) -> Value {
    let end = |end: Option<f64>| end.map(Number);
    json!({ "value": Number(estimate.value), "ci_low": end(estimate.low), "ci_high": end(estimate.high) })
}
