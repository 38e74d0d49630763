//! Finds keys that no plan has, before the rest of the plan is looked at, and suggests the nearest that plans do have.

use super::PlanError;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

/// A table of a plan: how plans write it, and its keys.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
}

/// The root first, then the tables below it; `params` is free, for its keys are the plugin's.
pub(super) const TABLES: [(&str, Table); 6] = [
    (
        "",
        Table {
            name: "the plan",
            keys: &["name", "seed", "seeds", "corpus", "victim", "attack", "threat", "run"],
        },
    ),
    ("corpus", Table { name: "[corpus]", keys: &["id", "path", "split", "limit"] }),
    ("victim", Table { name: "[[victim]]", keys: &["plugin", "model", "name", "params"] }),
    ("attack", Table { name: "[[attack]]", keys: &["plugin", "preset", "params", "name"] }),
    (
        "threat",
        Table {
            name: "[[threat]]",
            keys: &[
                "access",
                "norm",
                "eps",
                "goal",
                "target",
                "labels",
                "queries",
                "gradient_queries",
                "source",
            ],
        },
    ),
    (
        "run",
        Table {
            name: "[run]",
            keys: &["batch", "audio", "min_tier", "ranked", "wall_s_per_item", "memory_mb", "bootstrap"],
        },
    ),
];

/// Refuses the first unknown key in `text`, in the order of the file.
pub(super) fn check(text: &str) -> Result<(), PlanError> {
    let root = DeTable::parse(text).map_err(|e| toml_error(text, &e))?;
    let mut unknown: Vec<(usize, String, &Table)> = Vec::new();
    for (key, value) in root.get_ref() {
        note_if_unknown(key, &TABLES[0].1, &mut unknown);
        if let Some((_, table)) = TABLES[1..].iter().find(|(name, _)| *name == key.get_ref()) {
            for below in tables_in(value) {
                below.keys().for_each(|key| note_if_unknown(key, table, &mut unknown));
            }
        }
    }
    match unknown.into_iter().min_by_key(|(offset, ..)| *offset) {
        Some((offset, key, table)) => Err(unknown_key(line_of(text, offset), key, table)),
        None => Ok(()),
    }
}

fn tables_in<'a, 'i>(value: &'a Spanned<DeValue<'i>>) -> Vec<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) => vec![table],
        DeValue::Array(array) => array.iter().flat_map(tables_in).collect(),
        _ => Vec::new(),
    }
}

fn note_if_unknown<'t>(
    key: &Spanned<DeString<'_>>,
    table: &'t Table,
    unknown: &mut Vec<(usize, String, &'t Table)>,
) {
    if !table.keys.contains(&key.get_ref().as_ref()) {
        unknown.push((key.span().start, key.get_ref().to_string(), table));
    }
}

fn unknown_key(line: usize, key: String, table: &Table) -> PlanError {
    let near = |known: &&&str| strsim::damerau_levenshtein(known, &key) <= 1 + key.len() / 3;
    let nearest = table.keys.iter().filter(near).min_by_key(|known| strsim::damerau_levenshtein(known, &key));
    PlanError::UnknownKey {
        line,
        nearest: nearest.map(ToString::to_string),
        key,
        table: table.name.into(),
        known: table.keys.iter().map(ToString::to_string).collect(),
    }
}

/// The end of an unknown-key message: the nearest key, else all of them.
pub(super) fn suggestion(nearest: &Option<String>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean '{nearest}'?"),
        None => format!("; it may have {}", known.join(", ")),
    }
}

/// The parser's error on one line, with the line of the file.
pub(super) fn toml_error(text: &str, error: &toml::de::Error) -> PlanError {
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    PlanError::Toml { line: error.span().map_or(1, |span| line_of(text, span.start)), message }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|&&b| b == b'\n').count()
}
