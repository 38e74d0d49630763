//! Adversarial audio as it was judged: 16-bit PCM, one WAV per item.

use crate::folder::{self, FolderError};
use std::io::Cursor;
use std::path::Path;

/// Items of a cell whose audio is kept under `audio = "examples"`: the first of each emotion, at most this many.
pub const MAX_EXAMPLES: usize = 8;

/// Writes 16-bit `codes` as a mono WAV; a reader sees the whole file or none.
pub fn write_wav(path: &Path, codes: &[i16], sample_rate_hz: u32) -> Result<(), FolderError> {
    folder::create_parent(path)?;
    let bytes = wav_bytes(codes, sample_rate_hz).map_err(|error| FolderError::Write {
        path: path.to_owned(),
        source: std::io::Error::other(error),
    })?;
    folder::write_whole(path, &bytes)
}

fn wav_bytes(codes: &[i16], sample_rate_hz: u32) -> Result<Vec<u8>, hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: sample_rate_hz,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut bytes = Cursor::new(Vec::with_capacity(44 + 2 * codes.len()));
    let mut writer = hound::WavWriter::new(&mut bytes, spec)?;
    for &code in codes {
        writer.write_sample(code)?;
    }
    writer.finalize()?;
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_written_is_what_was_judged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audio/cell/item.wav");
        let codes = [0i16, 1, -1, i16::MAX, i16::MIN];
        write_wav(&path, &codes, 16_000).unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 16_000));
        assert_eq!(reader.samples::<i16>().collect::<Result<Vec<_>, _>>().unwrap(), codes);
    }
}
