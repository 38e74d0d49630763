//! Berlin EmoDB: `03a01Fa.wav` is speaker 03, text a01, emotion F (Freude), take a.

use super::naming::{Named, is_number, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::Load;
use crate::read::Channels;
use crate::{Emotion, Gender};

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "emodb",
    title: "Berlin Database of Emotional Speech (EmoDB)",
    language: Some("de"),
    licence: "CC0-1.0 (audEERING), CC BY 4.0 (version 2)",
    citation: "Burkhardt, Paeschke, Rolfes, Sendlmeier, Weiss: A database of German emotional speech, Interspeech 2005",
    layout: "a folder with the files of wav/, such as 03a01Fa.wav (or .flac)",
    classes: &[
        Emotion::Anger,
        Emotion::Boredom,
        Emotion::Disgust,
        Emotion::Fear,
        Emotion::Happiness,
        Emotion::Neutral,
        Emotion::Sadness,
    ],
    splits: TRAIN_VAL_TEST,
    split_source: "by speaker, one woman and one man in each of val (15, 16) and test (11, 14)",
    n_items: Some(535),
    traps: &["10 sentences, spoken by everybody: text leaks across splits", "every file is peak-normalised"],
    channels: Channels::MonoOnly,
    load: Load::Folder(|info, root| scan(info, root, parse)),
};

const EMOTIONS: [(&str, Emotion); 7] = [
    ("W", Emotion::Anger),     // Wut
    ("L", Emotion::Boredom),   // Langeweile
    ("E", Emotion::Disgust),   // Ekel
    ("A", Emotion::Fear),      // Angst
    ("F", Emotion::Happiness), // Freude
    ("N", Emotion::Neutral),
    ("T", Emotion::Sadness), // Trauer
];

const SPEAKERS: [(&str, (Gender, &str)); 10] = [
    ("03", (Gender::Male, "train")),
    ("08", (Gender::Female, "train")),
    ("09", (Gender::Female, "train")),
    ("10", (Gender::Male, "train")),
    ("11", (Gender::Male, "test")),
    ("12", (Gender::Male, "train")),
    ("13", (Gender::Female, "train")),
    ("14", (Gender::Female, "test")),
    ("15", (Gender::Male, "val")),
    ("16", (Gender::Female, "val")),
];

fn parse(stem: &str) -> Option<Named> {
    let fits = stem.len() == 7 && stem.is_ascii() && is_number(&stem[3..5], 2);
    let text = fits.then(|| &stem[2..5]).filter(|text| text.starts_with(['a', 'b']))?;
    let (gender, split) = lookup(&SPEAKERS, &stem[..2])?;
    stem[6..].starts_with(|take: char| take.is_ascii_lowercase()).then_some(())?;
    Some(Named {
        speaker: stem[..2].to_owned(),
        gender: Some(gender),
        emotion: Some(lookup(&EMOTIONS, &stem[5..6])?),
        text_id: Some(text.to_owned()),
        split: Some(split),
    })
}
