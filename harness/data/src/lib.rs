//! Speech-emotion corpora: what is in them, how they are split by speaker, and the audio of an item.
//!
//! [`corpora`] lists the loaders, [`load`] reads one, [`Corpus::read`] gives an item's samples at a model's rate
//! and length. A corpus is loaded from its own published file naming; any other audio comes in as `folder`,
//! with a CSV manifest. `synthetic` needs no files at all.
//!
//! ```
//! let corpus = seraph_data::load("synthetic", None, Some("test"), 8)?;
//! let samples = corpus.read(&corpus.items[0], 16_000, Some(16_000))?;
//! assert_eq!((corpus.items.len(), samples.len()), (8, 16_000));
//! # Ok::<(), seraph_data::CorpusError>(())
//! ```
#![forbid(unsafe_code)]

mod corpora;
mod corpus;
mod emotion;
mod files;
mod flac;
mod manifest;
mod read;
mod select;
pub mod synthetic;
mod wav;

pub use corpora::{CorpusInfo, corpora};
pub use corpus::{Corpus, CorpusError, Item, Source, load};
pub use emotion::{Emotion, Gender, UnknownEmotion, UnknownGender};
pub use manifest::ManifestError;
pub use read::{Channels, MAX_FILE_BYTES, MAX_SAMPLES, ReadError, Waveform, read_audio, read_audio_channels};
pub use select::ALL_ITEMS;
