//! EMOVO: `dis-f1-b1.wav` is emotion, speaker, sentence.

use super::naming::{Named, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::Load;
use crate::read::Channels;
use crate::{Emotion, Gender};

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "emovo",
    title: "EMOVO, Italian emotional speech",
    language: Some("it"),
    licence: "published for research; no licence is stated",
    citation: "Costantini, Iaderola, Paoloni, Todisco: EMOVO corpus: an Italian emotional speech database, LREC 2014",
    layout: "a folder with f1 to m3, files such as dis-f1-b1.wav (or .flac)",
    classes: &[
        Emotion::Anger,
        Emotion::Disgust,
        Emotion::Fear,
        Emotion::Happiness,
        Emotion::Neutral,
        Emotion::Sadness,
        Emotion::Surprise,
    ],
    splits: TRAIN_VAL_TEST,
    split_source: "none is published; one woman and one man each: train f1 m1, val f2 m2, test f3 m3",
    n_items: Some(588),
    traps: &[
        "stereo from two microphones 0.3 to 0.6 ms apart: the left one is taken, an average comb-filters",
        "14 sentences, spoken by everybody: text leaks across splits",
    ],
    channels: Channels::Left,
    load: Load::Folder(|info, root| scan(info, root, parse)),
};

const EMOTIONS: [(&str, Emotion); 7] = [
    ("rab", Emotion::Anger),     // rabbia
    ("dis", Emotion::Disgust),   // disgusto
    ("pau", Emotion::Fear),      // paura
    ("gio", Emotion::Happiness), // gioia
    ("neu", Emotion::Neutral),   // neutro
    ("tri", Emotion::Sadness),   // tristezza
    ("sor", Emotion::Surprise),  // sorpresa
];

const SPEAKERS: [(&str, (Gender, &str)); 6] = [
    ("f1", (Gender::Female, "train")),
    ("f2", (Gender::Female, "val")),
    ("f3", (Gender::Female, "test")),
    ("m1", (Gender::Male, "train")),
    ("m2", (Gender::Male, "val")),
    ("m3", (Gender::Male, "test")),
];

fn parse(stem: &str) -> Option<Named> {
    let fields: Vec<&str> = stem.split('-').collect();
    let [emotion, speaker, sentence] = fields[..] else { return None };
    let (gender, split) = lookup(&SPEAKERS, speaker)?;
    Some(Named {
        speaker: speaker.to_owned(),
        gender: Some(gender),
        emotion: Some(lookup(&EMOTIONS, emotion)?),
        text_id: Some(sentence.to_owned()).filter(|text| !text.is_empty()),
        split: Some(split),
    })
}
