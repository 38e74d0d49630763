//! Signal processing for speech, with no files and no state: resample, fit to a length, window, STFT, mel, dB.
//!
//! Audio is mono `f32`, full scale 1.0. Every function is a pure function of its arguments; two calls with
//! the same samples give the same bytes on one kind of machine. Reading files is the concern of `seraph-data`.
//!
//! ```
//! use seraph_audio::{Stft, tile_to_length};
//!
//! let tone: Vec<f32> = (0..4000).map(|i| (i as f32 * 0.1).sin()).collect();
//! let three_seconds = tile_to_length(&tone, 48_000);
//! let spectrogram = Stft::new(512, 256).power(&three_seconds)?;
//! assert_eq!(spectrogram.n_bins, 257);
//! # Ok::<(), seraph_audio::StftError>(())
//! ```
#![forbid(unsafe_code)]

mod decibel;
mod length;
mod mel;
mod resample;
mod stft;
mod window;

pub use decibel::{amplitude_to_db, power_to_db};
pub use length::tile_to_length;
pub use mel::{LogMel, MelBank, MelError, MelNorm, MelScale};
pub use resample::{MAX_RATE_HZ, MIN_RATE_HZ, ResampleError, resample};
pub use stft::{Spectrogram, Stft, StftError};
pub use window::Window;
