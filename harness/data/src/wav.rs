//! WAV decoding, through hound.

use crate::read::{Interleaved, MAX_SAMPLES, ReadError};
use hound::{SampleFormat, WavReader};
use std::io::Cursor;
use std::path::Path;

/// Decodes a whole WAV file. Every length in its header is checked against the bytes that are there.
pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Interleaved, ReadError> {
    let mut reader = WavReader::new(Cursor::new(bytes)).map_err(|e| explain(e, path, "its header"))?;
    let spec = reader.spec();
    let n_declared = reader.len() as usize;
    let bytes_per_sample = usize::from(spec.bits_per_sample).div_ceil(8).max(1);
    if n_declared.saturating_mul(bytes_per_sample) > bytes.len() {
        let reason = format!(
            "its header promises {n_declared} samples of {} bits, the file has {} bytes in all",
            spec.bits_per_sample,
            bytes.len()
        );
        return Err(ReadError::Damaged { path: path.to_owned(), reason });
    }
    let interleaved = match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, bits @ (8 | 16 | 24 | 32)) => {
            let scale = 1.0 / f64::from(1u32 << (bits - 1));
            reader
                .samples::<i32>()
                .map(|s| s.map(|s| (f64::from(s) * scale) as f32))
                .collect::<Result<Vec<_>, _>>()
        }
        (SampleFormat::Float, 32) => reader.samples::<f32>().collect(),
        (format, bits) => return Err(unsupported(&format!("{bits}-bit {format:?}"), path)),
    }
    .map_err(|e| explain(e, path, "its samples"))?;
    check_rest(bytes, reader.into_inner().position() as usize, path)?;
    let n_channels = usize::from(spec.channels).max(1);
    if interleaved.len() / n_channels > MAX_SAMPLES {
        return Err(unsupported(&format!("audio of {} samples", interleaved.len()), path));
    }
    Ok(Interleaved { interleaved, n_channels, sample_rate_hz: spec.sample_rate })
}

/// Behind the samples there is nothing, or another chunk: else the header promises less audio than the file has.
fn check_rest(bytes: &[u8], end_of_data: usize, path: &Path) -> Result<(), ReadError> {
    let rest = bytes.get(end_of_data..).unwrap_or_default();
    // A chunk of odd length is followed by a zero; not all writers know.
    let is_padding = rest.len() < 8 && rest.iter().all(|byte| *byte == 0);
    let padded = rest.strip_prefix(&[0]).unwrap_or_default();
    if is_padding || starts_with_chunk(rest) || starts_with_chunk(padded) {
        return Ok(());
    }
    let reason = format!(
        "its header promises samples up to byte {end_of_data}, behind them are {} bytes that are no chunk; convert it anew",
        rest.len()
    );
    Err(ReadError::Damaged { path: path.to_owned(), reason })
}

/// Whether there is a whole chunk (name, length, content), or an ID3 tag, which some taggers append bare.
fn starts_with_chunk(bytes: &[u8]) -> bool {
    let Some((name, rest)) = bytes.split_first_chunk::<4>() else { return false };
    let is_tag = name.starts_with(b"ID3") || (name.starts_with(b"TAG") && bytes.len() == 128);
    let is_name = name.iter().all(|byte| (b' '..=b'~').contains(byte));
    let fits = |(n_bytes, content): (&[u8; 4], &[u8])| u32::from_le_bytes(*n_bytes) as usize <= content.len();
    is_tag || (is_name && rest.split_first_chunk::<4>().is_some_and(fits))
}

fn unsupported(found: &str, path: &Path) -> ReadError {
    ReadError::Unsupported {
        path: path.to_owned(),
        found: found.to_owned(),
        instead: "write it as 16-bit PCM WAV",
    }
}

fn explain(error: hound::Error, path: &Path, part: &str) -> ReadError {
    let reason = match error {
        // The bytes are in memory: the only thing that reading them can do is to end.
        hound::Error::IoError(_) => format!("the file ends within {part}"),
        // Of float samples hound knows 32 bits alone, and calls others ill-formed.
        hound::Error::FormatError("bits per sample is not 32") => {
            return unsupported("float audio that is not of 32 bits", path);
        }
        hound::Error::Unsupported => return unsupported("this WAV encoding", path),
        other => other.to_string().to_lowercase(),
    };
    ReadError::Damaged { path: path.to_owned(), reason }
}
