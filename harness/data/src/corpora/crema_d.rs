//! CREMA-D: `1001_DFA_ANG_XX.wav` is actor, sentence, emotion, level.

use super::naming::{Named, is_number, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::Load;
use crate::read::Channels;
use crate::{Emotion, Gender};

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "crema-d",
    title: "Crowd-sourced Emotional Multimodal Actors Dataset (CREMA-D), audio",
    language: Some("en"),
    licence: "Open Database License (ODbL) 1.0",
    citation: "Cao, Cooper, Keutmann, Gur, Nenkova, Verma: CREMA-D, IEEE Transactions on Affective Computing 5(4), 2014",
    layout: "a folder with the files of AudioWAV/, such as 1001_DFA_ANG_XX.wav (or .flac)",
    classes: &[
        Emotion::Anger,
        Emotion::Disgust,
        Emotion::Fear,
        Emotion::Happiness,
        Emotion::Neutral,
        Emotion::Sadness,
    ],
    splits: TRAIN_VAL_TEST,
    split_source: "none is published; by actor: test and val are 7 women and 7 men each, the last and the last but these by number",
    n_items: Some(7442),
    traps: &[
        "12 sentences, spoken by everybody: text leaks across splits",
        "1076_MTI_SAD_XX is known to be without speech",
    ],
    channels: Channels::MonoOnly,
    load: Load::Folder(|info, root| scan(info, root, parse)),
};

const EMOTIONS: [(&str, Emotion); 6] = [
    ("ANG", Emotion::Anger),
    ("DIS", Emotion::Disgust),
    ("FEA", Emotion::Fear),
    ("HAP", Emotion::Happiness),
    ("NEU", Emotion::Neutral),
    ("SAD", Emotion::Sadness),
];

const FIRST_ACTOR: u16 = 1001;
const LAST_ACTOR: u16 = 1091;

/// The 43 actresses, from the corpus's table of demographics; the 48 others are men.
const WOMEN: [u16; 43] = [
    1002, 1003, 1004, 1006, 1007, 1008, 1009, 1010, 1012, 1013, 1018, 1020, 1021, 1024, 1025, 1028, 1029,
    1030, 1037, 1043, 1046, 1047, 1049, 1052, 1053, 1054, 1055, 1056, 1058, 1060, 1061, 1063, 1072, 1073,
    1074, 1075, 1076, 1078, 1079, 1082, 1084, 1089, 1091,
];

/// Speakers of each gender in each of test and val.
const HELD_OUT: usize = 7;

fn parse(stem: &str) -> Option<Named> {
    let fields: Vec<&str> = stem.split('_').collect();
    let [actor, sentence, emotion, "LO" | "MD" | "HI" | "XX" | "X"] = fields[..] else { return None };
    let number =
        actor.parse().ok().filter(|n| is_number(actor, 4) && (FIRST_ACTOR..=LAST_ACTOR).contains(n))?;
    Some(Named {
        speaker: actor.to_owned(),
        gender: Some(gender(number)),
        emotion: Some(lookup(&EMOTIONS, emotion)?),
        text_id: Some(sentence.to_owned()),
        split: Some(split(number)),
    })
}

fn gender(actor: u16) -> Gender {
    if WOMEN.contains(&actor) { Gender::Female } else { Gender::Male }
}

/// By the number of actors of the same gender that come after this one, so that it depends on no other file.
fn split(actor: u16) -> &'static str {
    let after = (actor + 1..=LAST_ACTOR).filter(|other| gender(*other) == gender(actor)).count();
    match after / HELD_OUT {
        0 => "test",
        1 => "val",
        _ => "train",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actors_are_divided_by_gender_and_split() {
        let count = |wanted_gender, wanted_split| {
            let actors = FIRST_ACTOR..=LAST_ACTOR;
            actors.filter(|a| gender(*a) == wanted_gender && split(*a) == wanted_split).count()
        };
        for (wanted, train) in [(Gender::Female, 29), (Gender::Male, 34)] {
            assert_eq!([count(wanted, "train"), count(wanted, "val"), count(wanted, "test")], [train, 7, 7]);
        }
    }
}
