//! Reads one audio file into mono samples, or says what is wrong with it.

use crate::{flac, wav};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes. An utterance is a thousand times smaller.
pub const MAX_FILE_BYTES: u64 = 256 << 20;
/// Longest audio that is decoded, in samples per channel; compressed files may promise more than memory holds.
pub const MAX_SAMPLES: usize = 64 << 20;

/// Mono audio, full scale 1.0.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// Samples in `[-1, 1]`, at least one, all finite.
    pub samples: Vec<f32>,
    /// Samples per second.
    pub sample_rate_hz: u32,
}

/// What to do with a file of more than one channel. Averaging is not offered: where two microphones stand
/// apart it comb-filters the speech.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channels {
    /// Refuse it.
    MonoOnly,
    /// Take the first channel.
    Left,
    /// Take the first channel, after checking that all others are equal to it.
    Equal,
}

/// Why a file is no usable audio.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file has no bytes.
    #[error("{} is empty (0 bytes)", path.display())]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file is larger than any utterance.
    #[error("{} has {n_bytes} bytes, utterances of at most {MAX_FILE_BYTES} bytes are read; cut it", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        n_bytes: u64,
    },
    /// The first bytes are neither those of WAV nor of FLAC.
    #[error("{} is neither WAV nor FLAC; convert it to one of them", path.display())]
    NotAudio {
        /// The file.
        path: PathBuf,
    },
    /// The bytes are not what the format allows.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A valid file of a kind that is not read.
    #[error("{}: {found} is not supported; {instead}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What the file has.
        found: String,
        /// What to do.
        instead: &'static str,
    },
    /// More than one channel where one is expected.
    #[error("{} has {n_channels} channels, this corpus expects mono; extract one channel (do not average)", path.display())]
    NotMono {
        /// The file.
        path: PathBuf,
        /// Its channels.
        n_channels: usize,
    },
    /// Channels that should be copies of each other are not.
    #[error("{}: channels differ at sample {sample}, this corpus has equal channels; extract one", path.display())]
    ChannelsDiffer {
        /// The file.
        path: PathBuf,
        /// First sample at which they differ.
        sample: usize,
    },
    /// A valid header, and nothing behind it.
    #[error("{} has a header and 0 samples", path.display())]
    NoSamples {
        /// The file.
        path: PathBuf,
    },
    /// A sample that is no number, or beyond full scale.
    #[error("{}: sample {sample} is {value}; float audio must be finite and within [-1, 1], scale it", path.display())]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Index of the first such sample.
        sample: usize,
        /// Its value.
        value: f32,
    },
}

/// Reads a mono WAV (8, 16, 24, 32-bit integer or 32-bit float) or FLAC file.
///
/// The format is told by the first bytes, not by the name. Integers are divided by `2^(bits-1)`. Rates from
/// 4 to 192 kHz are taken.
pub fn read_audio(path: &Path) -> Result<Waveform, ReadError> {
    read_audio_channels(path, Channels::MonoOnly)
}

/// Reads a WAV or FLAC file of any number of channels by a corpus's rule.
pub fn read_audio_channels(path: &Path, channels: Channels) -> Result<Waveform, ReadError> {
    decode(&read_bytes(path)?, path, channels)
}

/// The bytes of a file of at most [`MAX_FILE_BYTES`].
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let n_bytes = file.metadata().map_err(io)?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge { path: path.to_owned(), n_bytes });
    }
    let mut bytes = Vec::with_capacity(n_bytes as usize);
    file.take(MAX_FILE_BYTES).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Audio from the bytes of a file; `path` is for messages only.
pub(crate) fn decode(bytes: &[u8], path: &Path, channels: Channels) -> Result<Waveform, ReadError> {
    let decoded = match bytes.get(..4) {
        _ if bytes.is_empty() => return Err(ReadError::EmptyFile { path: path.to_owned() }),
        Some(b"RIFF" | b"RIFX" | b"RF64") => wav::decode(bytes, path)?,
        Some(b"fLaC") => flac::decode(bytes, path)?,
        _ => return Err(ReadError::NotAudio { path: path.to_owned() }),
    };
    check_rate(decoded.sample_rate_hz, path)?;
    let samples = one_channel(decoded.interleaved, decoded.n_channels, path, channels)?;
    check_samples(&samples, path)?;
    Ok(Waveform { samples, sample_rate_hz: decoded.sample_rate_hz })
}

/// What a decoder hands over: frames of `n_channels` samples.
pub(crate) struct Interleaved {
    pub interleaved: Vec<f32>,
    pub n_channels: usize,
    pub sample_rate_hz: u32,
}

fn check_rate(sample_rate_hz: u32, path: &Path) -> Result<(), ReadError> {
    if (seraph_audio::MIN_RATE_HZ..=seraph_audio::MAX_RATE_HZ).contains(&sample_rate_hz) {
        return Ok(());
    }
    Err(ReadError::Unsupported {
        path: path.to_owned(),
        found: format!("a rate of {sample_rate_hz} Hz"),
        instead: "resample it to a rate between 4 and 192 kHz",
    })
}

fn one_channel(
    interleaved: Vec<f32>,
    n_channels: usize,
    path: &Path,
    channels: Channels,
) -> Result<Vec<f32>, ReadError> {
    match channels {
        _ if n_channels == 1 => return Ok(interleaved),
        Channels::MonoOnly => return Err(ReadError::NotMono { path: path.to_owned(), n_channels }),
        Channels::Left => {}
        Channels::Equal => {
            let differs = |frame: &[f32]| frame.iter().any(|sample| *sample != frame[0]);
            if let Some(sample) = interleaved.chunks_exact(n_channels).position(differs) {
                return Err(ReadError::ChannelsDiffer { path: path.to_owned(), sample });
            }
        }
    }
    Ok(interleaved.into_iter().step_by(n_channels).collect())
}

fn check_samples(samples: &[f32], path: &Path) -> Result<(), ReadError> {
    if samples.is_empty() {
        return Err(ReadError::NoSamples { path: path.to_owned() });
    }
    // Written so that NaN is out of range.
    let bad = samples.iter().position(|x| !(-1.0..=1.0).contains(x));
    bad.map_or(Ok(()), |sample| {
        Err(ReadError::OutOfRange { path: path.to_owned(), sample, value: samples[sample] })
    })
}
