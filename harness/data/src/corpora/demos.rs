//! DEMoS: `PR_f_23_rab01a.wav` is prototypical or not (PR, NP), gender, speaker, emotion and sample.
//!
//! The seven emotions of Ren et al. 2020 and Chang et al. 2024; the neutral samples are left out as there.

use super::naming::{Named, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::{CorpusError, Found, Load};
use crate::read::Channels;
use crate::{Emotion, Gender};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "demos",
    title: "Database of Elicited Mood in Speech (DEMoS)",
    language: Some("it"),
    licence: "restricted, on request from its authors",
    citation: "Parada-Cabaleiro, Costantini, Batliner, Schmitt, Schuller: DEMoS, LRE 54, 2020",
    layout: "a folder with the files of wav_DEMoS, such as PR_f_23_rab01a.wav (or .flac)",
    classes: &[
        Emotion::Anger,
        Emotion::Disgust,
        Emotion::Fear,
        Emotion::Guilt,
        Emotion::Happiness,
        Emotion::Sadness,
        Emotion::Surprise,
    ],
    splits: TRAIN_VAL_TEST,
    split_source: "24/22/22 speakers as in Ren et al. 2020, which does not say which: here women (8/8/7) and men (16/14/15) in turn by number; a splits.csv (speaker,split) beside the audio replaces it",
    n_items: Some(9365),
    traps: &["the published division of the speakers is unknown: only the counts can be kept"],
    channels: Channels::MonoOnly,
    load: Load::Folder(load),
};

const EMOTIONS: [(&str, Option<Emotion>); 8] = [
    ("col", Some(Emotion::Guilt)),     // colpa
    ("dis", Some(Emotion::Disgust)),   // disgusto
    ("gio", Some(Emotion::Happiness)), // gioia
    ("neu", None),
    ("pau", Some(Emotion::Fear)),     // paura
    ("rab", Some(Emotion::Anger)),    // rabbia
    ("sor", Some(Emotion::Surprise)), // sorpresa
    ("tri", Some(Emotion::Sadness)),  // tristezza
];

/// Speakers in train, val and test: 23 women and 45 men.
const WOMEN: [usize; 3] = [8, 8, 7];
const MEN: [usize; 3] = [16, 14, 15];

fn load(info: &'static CorpusInfo, root: &Path) -> Result<Found, CorpusError> {
    let speakers = divide(&scan(info, root, |stem| parse(stem, &BTreeMap::new()))?);
    scan(info, root, |stem| parse(stem, &speakers))
}

fn parse(stem: &str, splits: &BTreeMap<String, &'static str>) -> Option<Named> {
    let fields: Vec<&str> = stem.split('_').collect();
    let ["PR" | "NP", gender, number, sample] = fields[..] else { return None };
    let gender = lookup(&[("f", Gender::Female), ("m", Gender::Male)], gender)?;
    let number: u16 = number.parse().ok()?;
    let speaker = format!("{}{number:02}", &gender.name()[..1]);
    Some(Named {
        gender: Some(gender),
        emotion: lookup(&EMOTIONS, sample.get(..3)?)?,
        text_id: None,
        split: splits.get(&speaker).copied(),
        speaker,
    })
}

/// Every speaker's split: within each gender, speakers are dealt out in turn so that the counts come out.
fn divide(found: &Found) -> BTreeMap<String, &'static str> {
    let mut splits = BTreeMap::new();
    for (gender, counts) in [(Gender::Female, WOMEN), (Gender::Male, MEN)] {
        let of_gender = found.items.iter().filter(|item| item.gender == Some(gender));
        let speakers: BTreeSet<&str> = of_gender.map(|item| item.speaker.as_str()).collect();
        splits.extend(speakers.into_iter().map(str::to_owned).zip(deal(counts).into_iter().cycle()));
    }
    splits
}

/// Split names in turn, each as often as its count: the one furthest behind its share comes next.
fn deal(counts: [usize; 3]) -> Vec<&'static str> {
    let total: usize = counts.iter().sum();
    let mut dealt = [0usize; 3];
    let next = |turn: usize| {
        let behind = |i: &usize| (counts[*i] * (turn + 1)) as i64 - (dealt[*i] * total) as i64;
        // Of equals, the first: `max_by_key` takes the last, so the order is turned round.
        let i = (0..3).rev().max_by_key(behind).unwrap_or(0);
        dealt[i] += 1;
        TRAIN_VAL_TEST[i]
    };
    (0..total).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hand_is_dealt_in_full() {
        for counts in [WOMEN, MEN, [1, 1, 1], [24, 22, 22]] {
            let dealt = deal(counts);
            let count = |name| dealt.iter().filter(|split| **split == name).count();
            assert_eq!([count("train"), count("val"), count("test")], counts);
        }
    }
}
