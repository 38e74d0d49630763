//! RAVDESS speech: `03-01-05-02-01-02-12.wav` is modality, channel, emotion, intensity, statement, repetition,
//! actor; even actors are women.

use super::naming::{Named, is_number, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::Load;
use crate::read::Channels;
use crate::{Emotion, Gender};

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "ravdess",
    title: "Ryerson Audio-Visual Database of Emotional Speech and Song (RAVDESS), speech, audio only",
    language: Some("en"),
    licence: "CC BY-NC-SA 4.0",
    citation: "Livingstone, Russo: The Ryerson Audio-Visual Database of Emotional Speech and Song, PLoS ONE 13(5), 2018",
    layout: "a folder with Actor_01 to Actor_24, files such as 03-01-05-02-01-02-12.wav (or .flac)",
    classes: &[
        Emotion::Anger,
        Emotion::Calm,
        Emotion::Disgust,
        Emotion::Fear,
        Emotion::Happiness,
        Emotion::Neutral,
        Emotion::Sadness,
        Emotion::Surprise,
    ],
    splits: TRAIN_VAL_TEST,
    split_source: "by actor: train 01-16, val 17-20, test 21-24, as many women as men in each",
    n_items: Some(1440),
    traps: &[
        "levels vary from -64 to -16 dBFS: one Linf budget is inaudible in some files and louder than others",
        "2 sentences, spoken by everybody: text leaks across splits",
        "03-01-03-01-02-01-07 and 03-01-03-01-02-02-07 are the same recording",
    ],
    // Five published files are stereo with equal channels.
    channels: Channels::Equal,
    load: Load::Folder(|info, root| scan(info, root, parse)),
};

const EMOTIONS: [(&str, Emotion); 8] = [
    ("01", Emotion::Neutral),
    ("02", Emotion::Calm),
    ("03", Emotion::Happiness),
    ("04", Emotion::Sadness),
    ("05", Emotion::Anger),
    ("06", Emotion::Fear),
    ("07", Emotion::Disgust),
    ("08", Emotion::Surprise),
];

fn parse(stem: &str) -> Option<Named> {
    let fields: Vec<&str> = stem.split('-').collect();
    let ["03", "01", emotion, "01" | "02", statement @ ("01" | "02"), "01" | "02", actor] = fields[..] else {
        return None; // song, video, or no file of RAVDESS
    };
    let number: u8 = actor.parse().ok().filter(|n| is_number(actor, 2) && (1..=24).contains(n))?;
    Some(Named {
        speaker: actor.to_owned(),
        gender: Some(if number.is_multiple_of(2) { Gender::Female } else { Gender::Male }),
        emotion: Some(lookup(&EMOTIONS, emotion)?),
        text_id: Some(statement.to_owned()),
        split: Some(match number {
            1..=16 => "train",
            17..=20 => "val",
            _ => "test",
        }),
    })
}
