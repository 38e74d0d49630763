//! A loaded corpus: its items, their identity, and their audio.

use crate::corpora::{CorpusInfo, corpora};
use crate::files::FilesError;
use crate::manifest::ManifestError;
use crate::read::{Channels, ReadError, decode, read_bytes};
use crate::synthetic::Utterance;
use crate::{Emotion, Gender, select};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Where an item's audio comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A WAV or FLAC file.
    File(PathBuf),
    /// The synthetic corpus.
    Synthetic(Utterance),
}

/// One utterance and what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Name within the corpus: unique, and usable as a file name.
    pub id: String,
    /// Its audio.
    pub source: Source,
    /// Who speaks; items of one speaker are never in two splits of a published corpus.
    pub speaker: String,
    /// The speaker's gender, where the corpus says so.
    pub gender: Option<Gender>,
    /// Language, ISO 639-1, where the corpus says so.
    pub language: Option<String>,
    /// The label.
    pub emotion: Emotion,
    /// Which sentence (or dialogue) is spoken, where the corpus says so.
    pub text_id: Option<String>,
    /// The split that the item belongs to, if any.
    pub split: Option<String>,
}

/// Items of one corpus, or of one of its splits, in order of their ids.
#[derive(Clone, Debug)]
pub struct Corpus {
    /// The loader's name.
    pub id: String,
    /// The split that was asked for; `None` is all items.
    pub split: Option<String>,
    /// The items.
    pub items: Vec<Item>,
    /// Labels of the whole corpus, alphabetical; a split or a limit does not shorten it.
    pub classes: Vec<Emotion>,
    /// SHA-256 of the items' ids, speakers, genders, languages, emotions and texts as canonical CSV.
    pub manifest_sha256: String,
    /// What a user should know about this load: a limit, ignored files, labels that were dropped.
    pub notes: Vec<String>,
    channels: Channels,
}

/// Why a corpus could not be loaded or an item not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// No loader has this name.
    #[error("unknown corpus '{id}', did you mean '{nearest}'? there are: {known}")]
    Unknown {
        /// The name.
        id: String,
        /// The nearest loader.
        nearest: &'static str,
        /// All loaders.
        known: String,
    },
    /// The corpus lies in a folder, and none was named.
    #[error("corpus '{id}' needs a path: {layout}")]
    NeedsPath {
        /// The loader.
        id: &'static str,
        /// What the folder should hold.
        layout: &'static str,
    },
    /// The corpus is generated, and a folder was named.
    #[error("corpus '{id}' is generated and takes no path")]
    TakesNoPath {
        /// The loader.
        id: &'static str,
    },
    /// The corpus has no split of this name.
    #[error("corpus '{id}' has no split '{split}'; {available}")]
    UnknownSplit {
        /// The loader.
        id: String,
        /// The name.
        split: String,
        /// The splits there are.
        available: String,
    },
    /// The folder holds no file of the corpus.
    #[error("{} holds no audio of corpus '{id}': {layout}", path.display())]
    NoItems {
        /// The folder.
        path: PathBuf,
        /// The loader.
        id: &'static str,
        /// What the folder should hold.
        layout: &'static str,
    },
    /// The published annotation is missing or unreadable.
    #[error("{}: {reason}", path.display())]
    Annotation {
        /// The annotation file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A folder could not be listed.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// A file is no usable audio.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An item could not be brought to the model's rate.
    #[error("{id}: {source}")]
    Resample {
        /// The item.
        id: String,
        /// Why.
        source: seraph_audio::ResampleError,
    },
}

/// Loads the corpus that the loader `id` reads from `path`, or one of its splits.
///
/// * `split`: one of the loader's splits; `None` takes all items, and so does [`ALL_ITEMS`](crate::ALL_ITEMS)
/// * `limit`: at most this many items, spread evenly over emotions and speakers, always the same ones;
///   0 takes all. A note tells how many were left out.
///
/// No audio is decoded here.
pub fn load(id: &str, path: Option<&Path>, split: Option<&str>, limit: usize) -> Result<Corpus, CorpusError> {
    let info = corpora().iter().find(|info| info.id == id).ok_or_else(|| unknown(id))?;
    let found = match (info.load, path) {
        (Load::Folder(load), Some(path)) => load(info, path)?,
        (Load::Generated(load), None) => load(info),
        (Load::Folder(_), None) => return Err(CorpusError::NeedsPath { id: info.id, layout: info.layout }),
        (Load::Generated(_), Some(_)) => return Err(CorpusError::TakesNoPath { id: info.id }),
    };
    let classes = classes_of(info, &found.items);
    let mut notes = found.notes;
    let (items, split) = select::split(info.id, found.items, split)?;
    let items = select::limit(items, limit, &mut notes);
    Ok(Corpus {
        id: info.id.to_owned(),
        split: split.map(str::to_owned),
        manifest_sha256: manifest_sha256(&items),
        items,
        classes,
        notes,
        channels: info.channels,
    })
}

/// How a loader finds its items.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// In a folder (or, for `folder`, from a manifest file).
    Folder(fn(&'static CorpusInfo, &Path) -> Result<Found, CorpusError>),
    /// By making them.
    Generated(fn(&'static CorpusInfo) -> Found),
}

/// Everything a loader found, before split and limit.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub items: Vec<Item>,
    pub notes: Vec<String>,
}

fn unknown(id: &str) -> CorpusError {
    let names = || corpora().iter().map(|info| info.id);
    let nearest = names().max_by(|a, b| strsim::jaro_winkler(a, id).total_cmp(&strsim::jaro_winkler(b, id)));
    CorpusError::Unknown {
        id: id.to_owned(),
        nearest: nearest.unwrap_or("folder"),
        known: names().collect::<Vec<_>>().join(", "),
    }
}

fn classes_of(info: &CorpusInfo, items: &[Item]) -> Vec<Emotion> {
    if !info.classes.is_empty() {
        return info.classes.to_vec();
    }
    let mut classes: Vec<Emotion> = items.iter().map(|item| item.emotion).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn manifest_sha256(items: &[Item]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = ["id", "speaker", "gender", "language", "emotion", "text_id"];
    let rows = items.iter().map(|item| {
        [
            item.id.as_str(),
            &item.speaker,
            item.gender.map_or("", Gender::name),
            item.language.as_deref().unwrap_or(""),
            item.emotion.name(),
            item.text_id.as_deref().unwrap_or(""),
        ]
    });
    for row in std::iter::once(header).chain(rows) {
        writer.write_record(row).expect("rows of equal length go into memory");
    }
    hex_sha256(&writer.into_inner().expect("memory can be flushed"))
}

fn hex_sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Corpus {
    /// Audio of `item` as a model takes it.
    ///
    /// The channel rule of the corpus is applied, the audio is resampled to `sample_rate_hz` and limited to
    /// `[-1, 1]` (a resampled peak may overshoot full scale), and, where `n_samples` is given, repeated or cut
    /// to that length ([`seraph_audio::tile_to_length`]).
    pub fn read(
        &self,
        item: &Item,
        sample_rate_hz: u32,
        n_samples: Option<usize>,
    ) -> Result<Vec<f32>, CorpusError> {
        let (samples, from_hz) = match &item.source {
            Source::File(path) => {
                let waveform = decode(&read_bytes(path)?, path, self.channels)?;
                (waveform.samples, waveform.sample_rate_hz)
            }
            Source::Synthetic(utterance) => (utterance.samples(), crate::synthetic::SAMPLE_RATE_HZ),
        };
        let mut samples = seraph_audio::resample(&samples, from_hz, sample_rate_hz)
            .map_err(|source| CorpusError::Resample { id: item.id.clone(), source })?;
        samples.iter_mut().for_each(|sample| *sample = sample.clamp(-1.0, 1.0));
        Ok(match n_samples {
            Some(n_samples) => seraph_audio::tile_to_length(&samples, n_samples),
            None => samples,
        })
    }

    /// SHA-256 over the items' ids and the bytes of their audio: equal only for equal data.
    ///
    /// Reads every file once; for a journal's fingerprint, beside [`Corpus::manifest_sha256`].
    pub fn content_sha256(&self) -> Result<String, CorpusError> {
        let mut all = Sha256::new();
        for item in &self.items {
            all.update(item.id.as_bytes());
            all.update([0]);
            all.update(match &item.source {
                Source::File(path) => Sha256::digest(read_bytes(path)?),
                Source::Synthetic(utterance) => Sha256::digest(utterance.fingerprint()),
            });
        }
        Ok(all.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Index of an emotion in [`Corpus::classes`].
    pub fn class_index(&self, emotion: Emotion) -> Option<usize> {
        self.classes.iter().position(|class| *class == emotion)
    }
}
