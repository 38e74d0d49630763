//! IEMOCAP, four classes: labels from `SessionN/dialog/EmoEvaluation/*.txt`, audio from
//! `SessionN/sentences/wav/<dialogue>/Ses01F_impro01_F000.wav`.

use super::naming::{Named, is_number, lookup, scan};
use super::{CorpusInfo, TRAIN_VAL_TEST};
use crate::corpus::{CorpusError, Found, Load};
use crate::files::files_below;
use crate::read::Channels;
use crate::{Emotion, Gender};
use std::collections::HashMap;
use std::path::Path;

pub(super) const INFO: CorpusInfo = CorpusInfo {
    id: "iemocap",
    title: "IEMOCAP, four classes (excitement merged into happiness)",
    language: Some("en"),
    licence: "signed agreement with the Signal Analysis and Interpretation Laboratory, USC",
    citation: "Busso et al.: IEMOCAP: interactive emotional dyadic motion capture database, LRE 42(4), 2008",
    layout: "a folder with Session1 to Session5, each with sentences/wav and dialog/EmoEvaluation",
    classes: &[Emotion::Anger, Emotion::Happiness, Emotion::Neutral, Emotion::Sadness],
    splits: TRAIN_VAL_TEST,
    split_source: "sessions 1, 2, 5 / 4 / 3 as in Chang et al. 2024 (STAA-Net): 3349 / 1031 / 1151 items",
    n_items: Some(5531),
    traps: &["scripted dialogues are the same in all sessions: text leaks across splits"],
    channels: Channels::MonoOnly,
    load: Load::Folder(load),
};

const EMOTIONS: [(&str, Emotion); 5] = [
    ("ang", Emotion::Anger),
    ("exc", Emotion::Happiness),
    ("hap", Emotion::Happiness),
    ("neu", Emotion::Neutral),
    ("sad", Emotion::Sadness),
];

fn load(info: &'static CorpusInfo, root: &Path) -> Result<Found, CorpusError> {
    let labels = read_labels(root)?;
    scan(info, root, |stem| parse(stem, &labels))
}

/// Utterance to label, from every evaluation file below `root`.
fn read_labels(root: &Path) -> Result<HashMap<String, String>, CorpusError> {
    let mut labels = HashMap::new();
    for path in files_below(root, &["txt"])? {
        let folder = path.parent().and_then(Path::file_name);
        if folder.is_none_or(|name| name != "EmoEvaluation") {
            continue; // the folders below it hold the single annotators' opinions
        }
        let bytes = std::fs::read(&path)
            .map_err(|e| CorpusError::Annotation { path: path.clone(), reason: e.to_string() })?;
        labels.extend(String::from_utf8_lossy(&bytes).lines().filter_map(label_of_line));
    }
    if labels.is_empty() {
        let reason =
            "no labels below it; IEMOCAP keeps them in Session*/dialog/EmoEvaluation/*.txt".to_owned();
        return Err(CorpusError::Annotation { path: root.to_owned(), reason });
    }
    Ok(labels)
}

/// `[6.2901 - 8.2357]<tab>Ses01F_impro01_F000<tab>neu<tab>[2.5, 2.5, 2.5]`; other lines are the annotators'.
fn label_of_line(line: &str) -> Option<(String, String)> {
    let fields: Vec<&str> = line.trim().split('\t').collect();
    let [time, utterance, label, ..] = fields[..] else { return None };
    time.starts_with('[').then(|| (utterance.to_owned(), label.to_owned()))
}

fn parse(stem: &str, labels: &HashMap<String, String>) -> Option<Named> {
    let (dialogue, turn) = stem.rsplit_once('_')?;
    let (recording, text) = dialogue.split_once('_')?;
    let session = recording.strip_prefix("Ses").filter(|s| s.len() == 3 && s.is_ascii()).map(|s| &s[..2])?;
    let turn_number = turn.get(1..).filter(|number| is_number(number, 3));
    let gender = match (turn.get(..1)?, turn_number) {
        ("F", Some(_)) => Gender::Female,
        ("M", Some(_)) => Gender::Male,
        _ => return None,
    };
    Some(Named {
        speaker: format!("Ses{session}{}", &turn[..1]),
        gender: Some(gender),
        emotion: labels.get(stem).and_then(|label| lookup(&EMOTIONS, label)),
        text_id: Some(text.to_owned()),
        split: Some(match session {
            "01" | "02" | "05" => "train",
            "04" => "val",
            "03" => "test",
            _ => return None,
        }),
    })
}
