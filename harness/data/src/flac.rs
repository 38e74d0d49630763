//! FLAC decoding, through symphonia; the stream's own MD5 is checked where it has one.

use crate::read::{Interleaved, MAX_SAMPLES, ReadError};
use std::io::Cursor;
use std::path::Path;
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::{FormatOptions, FormatReader, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::default::codecs::FlacDecoder;
use symphonia::default::formats::FlacReader;

/// Decodes a whole FLAC file.
pub(crate) fn decode(bytes: &[u8], path: &Path) -> Result<Interleaved, ReadError> {
    let damaged = |reason: String| ReadError::Damaged { path: path.to_owned(), reason };
    let explain = |error: Error| damaged(describe(error));
    let source = MediaSourceStream::new(Box::new(Cursor::new(bytes.to_vec())), Default::default());
    let mut reader = FlacReader::try_new(source, FormatOptions::default()).map_err(explain)?;
    let track = reader.default_track(TrackType::Audio).ok_or_else(|| damaged("it has no audio".into()))?;
    let n_declared = track.num_frames;
    let Some(CodecParameters::Audio(parameters)) = track.codec_params.clone() else {
        return Err(damaged("its stream information is missing".into()));
    };
    let options = AudioDecoderOptions::default().verify(true);
    let mut decoder = FlacDecoder::try_new(&parameters, &options).map_err(explain)?;
    let mut out = Interleaved {
        interleaved: Vec::new(),
        n_channels: parameters.channels.as_ref().map_or(1, |channels| channels.count().max(1)),
        sample_rate_hz: parameters.sample_rate.unwrap_or(0),
    };
    decode_packets(&mut reader, &mut decoder, &mut out).map_err(damaged)?;
    let n_found = (out.interleaved.len() / out.n_channels) as u64;
    if n_declared.is_some_and(|n| n != 0 && n != n_found) {
        return Err(damaged(format!(
            "its header promises {} samples, {n_found} could be decoded",
            n_declared.unwrap_or(0)
        )));
    }
    if decoder.finalize().verify_ok == Some(false) {
        return Err(damaged("the audio does not match the checksum in its own header".into()));
    }
    Ok(out)
}

fn decode_packets(
    reader: &mut FlacReader<'_>,
    decoder: &mut FlacDecoder,
    out: &mut Interleaved,
) -> Result<(), String> {
    let mut packet_samples = Vec::new();
    while let Some(packet) = reader.next_packet().map_err(describe)? {
        let buffer = decoder.decode(&packet).map_err(describe)?;
        if buffer.spec().channels().count() != out.n_channels {
            return Err("the number of channels changes within the stream".into());
        }
        buffer.copy_to_vec_interleaved::<f32>(&mut packet_samples);
        out.interleaved.extend_from_slice(&packet_samples);
        if out.interleaved.len() / out.n_channels > MAX_SAMPLES {
            return Err(format!("it decodes to more than {MAX_SAMPLES} samples"));
        }
    }
    Ok(())
}

fn describe(error: Error) -> String {
    match error {
        Error::IoError(_) => "the file ends early".to_owned(),
        other => other.to_string(),
    }
}
