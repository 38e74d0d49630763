//! The corpus that needs no files; how it sounds is the concern of [`crate::synthetic`].

use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::{Found, Item, Load, Source};
use crate::read::Channels;
use crate::synthetic::{DEFAULT_SEED, EMOTIONS, ITEMS_PER_CELL, SPEAKERS, Utterance};

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "synthetic",
    title: "Synthetic emotional speech: formant synthesis, generated on the fly",
    language: None,
    licence: "part of SERAPH, MIT OR Apache-2.0",
    citation: "SERAPH, seraph-data::synthetic",
    layout: "no folder",
    classes: &EMOTIONS,
    splits: TRAIN_VAL_TEST,
    split_source: "by speaker, as many women as men in each",
    n_items: Some(SPEAKERS.len() * EMOTIONS.len() * ITEMS_PER_CELL),
    traps: &["no human voice: numbers on it say nothing about real speech"],
    channels: Channels::MonoOnly,
    load: Load::Generated(|_| Found { items: items().collect(), notes: Vec::new() }),
};

fn items() -> impl Iterator<Item = Item> {
    let cells = (0..SPEAKERS.len()).flat_map(|s| EMOTIONS.into_iter().map(move |e| (s, e)));
    cells.flat_map(|(speaker, emotion)| (0..ITEMS_PER_CELL).map(move |index| item(speaker, emotion, index)))
}

fn item(speaker: usize, emotion: crate::Emotion, index: usize) -> Item {
    let voice = &SPEAKERS[speaker];
    Item {
        id: format!("{}-{emotion}-{index:02}", voice.id),
        source: Source::Synthetic(Utterance { seed: DEFAULT_SEED, speaker, emotion, index }),
        speaker: voice.id.to_owned(),
        gender: Some(voice.gender),
        language: None,
        emotion,
        text_id: None,
        split: Some(voice.split.to_owned()),
    }
}
