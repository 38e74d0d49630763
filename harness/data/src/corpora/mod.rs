//! The registry of corpora: one file per corpus, one line in [`corpora`].

mod crema_d;
mod demos;
mod emodb;
mod emovo;
mod folder;
mod iemocap;
mod naming;
mod ravdess;
mod synthetic;

use crate::Emotion;
use crate::corpus::Load;
use crate::read::Channels;
use crate::select::ALL_ITEMS;
use serde::Serialize;

/// What is known about a corpus before it is loaded.
#[derive(Clone, Debug, Serialize)]
pub struct CorpusInfo {
    /// Name in a plan.
    pub id: &'static str,
    /// Full name.
    pub title: &'static str,
    /// Language, ISO 639-1; `None` where the manifest tells.
    pub language: Option<&'static str>,
    /// Licence, as far as its publishers state one.
    pub licence: &'static str,
    /// What to cite.
    pub citation: &'static str,
    /// What the folder should hold.
    pub layout: &'static str,
    /// Labels, alphabetical; empty where the manifest tells.
    pub classes: &'static [Emotion],
    /// Speaker-independent splits, and [`ALL_ITEMS`](crate::ALL_ITEMS); a manifest may name more.
    pub splits: &'static [&'static str],
    /// Where the splits come from.
    pub split_source: &'static str,
    /// Items of the complete corpus with these labels, where it is published.
    pub n_items: Option<usize>,
    /// What one should know before trusting a number measured on it.
    pub traps: &'static [&'static str],
    /// Rule for files of several channels.
    #[serde(skip)]
    pub channels: Channels,
    #[serde(skip)]
    pub(crate) load: Load,
}

/// Names of the three splits that every published corpus has here, and of all of them together.
const TRAIN_VAL_TEST: &[&str] = &["train", "val", "test", ALL_ITEMS];

/// All corpora, in alphabetical order.
pub fn corpora() -> &'static [CorpusInfo] {
    static ALL: [CorpusInfo; 8] = [
        crema_d::INFO,
        demos::INFO,
        emodb::INFO,
        emovo::INFO,
        folder::INFO,
        iemocap::INFO,
        ravdess::INFO,
        synthetic::INFO,
    ];
    &ALL
}
