//! Which items of a corpus are taken: a split, and a limit that keeps the balance.

use crate::corpus::{CorpusError, Item};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The split of all items, in every corpus.
pub const ALL_ITEMS: &str = "all";

/// Items of one split in order of their ids, and the split's name: none for all items, asked for by `None` or by
/// [`ALL_ITEMS`], unless the corpus itself calls a split so.
pub(crate) fn split<'s>(
    id: &str,
    mut items: Vec<Item>,
    split: Option<&'s str>,
) -> Result<(Vec<Item>, Option<&'s str>), CorpusError> {
    let there: BTreeSet<String> = items.iter().filter_map(|item| item.split.clone()).collect();
    let split = split.filter(|split| *split != ALL_ITEMS || there.contains(ALL_ITEMS));
    if let Some(split) = split {
        items.retain(|item| item.split.as_deref() == Some(split));
        if items.is_empty() {
            let (id, split) = (id.to_owned(), split.to_owned());
            return Err(CorpusError::UnknownSplit { id, split, available: describe(&there) });
        }
    }
    items.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    Ok((items, split))
}

fn describe(splits: &BTreeSet<String>) -> String {
    if splits.is_empty() {
        return format!("it has no splits, leave the split out or take '{ALL_ITEMS}'");
    }
    let names: Vec<&str> = splits.iter().map(String::as_str).filter(|name| *name != ALL_ITEMS).collect();
    format!("it has: {}, {ALL_ITEMS}", names.join(", "))
}

/// The first `limit` items in an order that goes round the emotions and, within each, round the speakers.
pub(crate) fn limit(items: Vec<Item>, limit: usize, notes: &mut Vec<String>) -> Vec<Item> {
    if limit == 0 || limit >= items.len() {
        return items;
    }
    let n_items = items.len();
    let mut taken: Vec<Item> = spread(items).into_iter().take(limit).collect();
    taken.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    let emotions: BTreeSet<_> = taken.iter().map(|item| item.emotion).collect();
    let speakers: BTreeSet<_> = taken.iter().map(|item| &item.speaker).collect();
    notes.push(format!(
        "limit: {limit} of {n_items} items, spread over {} emotions and {} speakers",
        emotions.len(),
        speakers.len()
    ));
    taken
}

fn spread(items: Vec<Item>) -> Vec<Item> {
    let mut by_emotion: BTreeMap<_, BTreeMap<String, VecDeque<Item>>> = BTreeMap::new();
    for item in items {
        let speakers = by_emotion.entry(item.emotion).or_default();
        speakers.entry(item.speaker.clone()).or_default().push_back(item);
    }
    let rounds = by_emotion.into_values().enumerate().map(|(i, speakers)| {
        let mut queues: Vec<VecDeque<Item>> = speakers.into_values().collect();
        // Each emotion starts at another speaker, so that a small limit meets many.
        let n_queues = queues.len();
        queues.rotate_left(i % n_queues);
        VecDeque::from(round_robin(queues))
    });
    round_robin(rounds.collect())
}

/// One from each queue in turn until all are empty.
fn round_robin<T>(mut queues: Vec<VecDeque<T>>) -> Vec<T> {
    let mut out = Vec::new();
    while queues.iter().any(|queue| !queue.is_empty()) {
        out.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
    }
    out
}
