//! Finds keys that no plan has, and values that a key does not take, before the rest of the plan is looked at, and
//! suggests the nearest that would do.

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
    ("victim", Table { name: "[[victim]]", keys: &["plugin", "id", "model", "name", "params"] }),
    ("attack", Table { name: "[[attack]]", keys: &["plugin", "id", "preset", "params", "name"] }),
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

/// The keys that take one of a few words: table, key, words.
pub(super) const VALUES: [(&str, &str, &[&str]); 5] = [
    ("threat", "access", &["white-box", "score", "decision", "transfer"]),
    ("threat", "norm", &["linf", "l2", "l1", "l0", "snr"]),
    ("threat", "goal", &["untargeted", "targeted"]),
    ("threat", "labels", &["true", "predicted"]),
    ("run", "audio", &["none", "examples", "all"]),
];

/// Refuses the first unknown key in `text`, in the order of the file, then the first unknown value.
pub(super) fn check(text: &str) -> Result<(), PlanError> {
    let root = DeTable::parse(text).map_err(|e| toml_error(text, &e))?;
    check_keys(text, &root)?;
    check_values(text, &root)
}

fn check_keys(text: &str, root: &Spanned<DeTable<'_>>) -> Result<(), PlanError> {
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

fn check_values(text: &str, root: &Spanned<DeTable<'_>>) -> Result<(), PlanError> {
    let mut unknown = Vec::new();
    for (table, key, known) in VALUES {
        for below in root.get_ref().get(table).into_iter().flat_map(tables_in) {
            // What is no word at all is left to the parser, which says which type it expects.
            if let Some((value, word)) = below.get(key).and_then(|v| Some((v, v.get_ref().as_str()?)))
                && !known.contains(&word)
            {
                unknown.push((value.span().start, word.to_owned(), table, key, known));
            }
        }
    }
    let Some((offset, value, table, key, known)) = unknown.into_iter().min_by_key(|(offset, ..)| *offset)
    else {
        return Ok(());
    };
    Err(PlanError::UnknownValue {
        line: line_of(text, offset),
        nearest: nearest(known, &value),
        value,
        key,
        table: TABLES.iter().find(|(name, _)| *name == table).map_or(table, |(_, table)| table.name),
        known,
    })
}

/// The nearest of `known` by edit distance; else one that `word` begins with, or that begins with it (`epsilon` for
/// `eps`).
fn nearest<'k>(known: &[&'k str], word: &str) -> Option<&'k str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, word);
    let near = known.iter().filter(|known| distance(known) <= 1 + word.len() / 3);
    let begins = |known: &&&str| {
        known.len().min(word.len()) >= 3 && (word.starts_with(**known) || known.starts_with(word))
    };
    near.min_by_key(|known| distance(known)).or_else(|| known.iter().find(begins)).copied()
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
    PlanError::UnknownKey {
        line,
        nearest: nearest(table.keys, &key).map(ToOwned::to_owned),
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

/// The end of an unknown-value message: all of them, and the nearest.
pub(super) fn suggestion_of_value(nearest: &Option<&str>, known: &[&str]) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean '{nearest}'? There are {}", known.join(", ")),
        None => format!("; there are {}", known.join(", ")),
    }
}

/// The parser's error on one line, with the line of the file.
pub(super) fn toml_error(text: &str, error: &toml::de::Error) -> PlanError {
    let message = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
    let message = ["u64", "usize"].iter().fold(message, |message, rust| {
        message.replace(&format!("expected {rust}"), "expected a whole number, 0 or more")
    });
    PlanError::Toml { line: error.span().map_or(1, |span| line_of(text, span.start)), message }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|&&b| b == b'\n').count()
}
