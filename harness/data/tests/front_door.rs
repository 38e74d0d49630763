//! Audio files as users have them: every width and rate that is promised, and everything that is wrong with files.
#![allow(clippy::unwrap_used)]

mod support;

use proptest::prelude::*;
use seraph_data::{Channels, ReadError, read_audio, read_audio_channels};
use std::path::{Path, PathBuf};
use support::{flac, flac_of_subframe, plain_wav, stereo_wav, wav};

fn file(folder: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_width_reads_the_same_three_values() {
    let folder = tempfile::tempdir().unwrap();
    let values = [0.5f32, -1.0, 0.25];
    let int = |bits: u32| -> Vec<u8> {
        let scale = f64::from(1u32 << (bits - 1));
        let bytes = |v: &f32| ((f64::from(*v) * scale) as i64).to_le_bytes()[..bits as usize / 8].to_vec();
        values.iter().flat_map(bytes).collect()
    };
    let unsigned = values.iter().map(|v| (f64::from(*v) * 128.0 + 128.0) as u8).collect::<Vec<u8>>();
    let float = values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    for (format, bits, data) in
        [(1, 8, unsigned), (1, 16, int(16)), (1, 24, int(24)), (1, 32, int(32)), (3, 32, float)]
    {
        let bytes = wav(format, 1, 22_050, bits, &data, data.len() as u32);
        let found = read_audio(&file(&folder, "a.wav", &bytes)).unwrap();
        assert_eq!((found.samples.as_slice(), found.sample_rate_hz), (&values[..], 22_050), "{bits} bits");
    }
}

#[test]
fn flac_reads_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let samples = [0, 1, -1, i16::MAX, i16::MIN, 1234, -4321, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let found = read_audio(&file(&folder, "a.flac", &flac(&samples, 22_050, 17, [0; 16]))).unwrap();
    assert_eq!(found.samples, samples.map(|s| f32::from(s) / 32_768.0));
    assert_eq!(found.sample_rate_hz, 22_050);
}

#[test]
fn a_hidden_chunk_and_a_wrong_extension_do_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let odd = wav(1, 1, 16_000, 8, &[128, 129, 130], 3);
    let id3v1 = [&b"TAG"[..], &[b' '; 125]].concat();
    for (before, behind) in [
        (plain_wav(&[1, 2, 3]), &b"LIST\x04\0\0\0abcd"[..]), // RAVDESS originals carry such chunks
        (plain_wav(&[1, 2, 3]), b"id3 \x03\0\0\0abc\0LIST\x04\0\0\0abcd"),
        (plain_wav(&[1, 2, 3]), b"PAD \x02\0\0\0\0\0"),
        (plain_wav(&[1, 2, 3]), b"_PMX\0\0\0\0"),
        (plain_wav(&[1, 2, 3]), b"\0\0"),
        (plain_wav(&[1, 2, 3]), b"ID3\x03\0\0\0\0\0\0"),
        (plain_wav(&[1, 2, 3]), &id3v1),
        (odd.clone(), b"\0"),
        (odd.clone(), b"\0LIST\x04\0\0\0abcd"),
        (odd, b"LIST\x04\0\0\0abcd"),
    ] {
        let bytes = [&before, behind].concat();
        assert_eq!(read_audio(&file(&folder, "a.flac", &bytes)).unwrap().samples.len(), 3, "{behind:?}");
    }
}

/// What a bad file is, and what its message must say.
fn bad_files() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let nan = f32::NAN.to_le_bytes();
    let loud = 1.5f32.to_le_bytes();
    vec![
        ("empty", vec![], "is empty (0 bytes)"),
        ("text", b"once upon a time".to_vec(), "is neither WAV nor FLAC; convert it to one of them"),
        ("short", b"RIF".to_vec(), "is neither WAV nor FLAC"),
        ("truncated header", plain_wav(&[1])[..30].to_vec(), "is damaged: the file ends within its header"),
        ("no samples", plain_wav(&[]), "has a header and 0 samples"),
        (
            "lying header",
            wav(1, 1, 16_000, 16, &[0; 8], 4_000_000_000),
            "its header promises 2000000000 samples of 16 bits",
        ),
        (
            "header that promises less",
            wav(1, 1, 16_000, 16, &[7; 900], 100),
            "its header promises samples up to byte 144, behind them are 800 bytes that are no chunk",
        ),
        ("header that promises nothing", wav(1, 1, 16_000, 16, &[7; 900], 0), "samples up to byte 44"),
        (
            "chunk cut short",
            [plain_wav(&[1]), b"LIST\x09\0\0\0abcd".to_vec()].concat(),
            "behind them are 12 bytes that are no chunk",
        ),
        ("double", wav(3, 1, 16_000, 64, &[0; 8], 8), "float audio that is not of 32 bits is not supported"),
        ("cut short", wav(1, 1, 16_000, 16, &[0; 8], 40), "the file ends within its samples"),
        ("stereo", wav(1, 2, 16_000, 16, &[0; 8], 8), "has 2 channels, this corpus expects mono"),
        ("nan", wav(3, 1, 16_000, 32, &nan, 4), "sample 0 is NaN"),
        (
            "loud",
            wav(3, 1, 16_000, 32, &loud, 4),
            "sample 0 is 1.5; float audio must be finite and within [-1, 1]",
        ),
        ("no rate", wav(1, 1, 0, 16, &[0; 8], 8), "a rate of 0 Hz is not supported"),
        ("radio rate", wav(1, 1, 400_000, 16, &[0; 8], 8), "a rate of 400000 Hz is not supported"),
        ("no channels", wav(1, 0, 16_000, 16, &[0; 8], 8), "is damaged"),
        ("compressed", wav(85, 1, 16_000, 16, &[0; 8], 8), "is not supported; write it as 16-bit PCM WAV"),
        ("odd width", wav(1, 1, 16_000, 12, &[0; 8], 8), "is damaged"),
        ("flac without a header", b"fLaC".to_vec(), "is damaged"),
        ("flac cut short", flac(&[5; 99], 16_000, 99, [0; 16])[..90].to_vec(), "is damaged"),
        ("lying flac", flac(&[5; 99], 16_000, 1_000_000, [0; 16]), "is damaged: the file ends early"),
        (
            "altered flac",
            flac(&[5; 99], 16_000, 99, [1; 16]),
            "does not match the checksum in its own header",
        ),
    ]
}

#[test]
fn every_bad_file_is_named_with_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    for (case, bytes, expected) in bad_files() {
        let path = file(&folder, "bad.wav", &bytes);
        let message = read_audio(&path).unwrap_err().to_string();
        assert!(message.contains(expected), "{case}: {message}");
        assert!(message.contains(path.to_str().unwrap()), "{case}: {message}");
        assert!(!message.ends_with('.') && !message.contains('\n'), "{case}: {message}");
    }
    let missing = read_audio(Path::new("nowhere/a.wav")).unwrap_err();
    assert!(missing.to_string().starts_with("cannot read nowhere/a.wav"), "{missing}");
    read_audio(folder.path()).unwrap_err();
}

#[test]
fn stereo_follows_the_rule_of_the_corpus() {
    let folder = tempfile::tempdir().unwrap();
    let twins = file(&folder, "twins.wav", &stereo_wav(&[[1, 1], [-7, -7]]));
    let others = file(&folder, "others.wav", &stereo_wav(&[[1, 1], [-7, 9]]));
    let values = [1.0 / 32_768.0, -7.0 / 32_768.0];
    for (path, rule) in [(&twins, Channels::Left), (&twins, Channels::Equal), (&others, Channels::Left)] {
        assert_eq!(read_audio_channels(path, rule).unwrap().samples, values);
    }
    let error = read_audio_channels(&others, Channels::Equal).unwrap_err();
    assert!(matches!(error, ReadError::ChannelsDiffer { sample: 1, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_never_panic(
        start in prop::sample::select(vec![&b""[..], b"RIFF", b"fLaC", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0"]),
        rest in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = start.iter().copied().chain(rest).collect();
        let _ = read_audio(&file(&folder, "x", &bytes));
    }

    #[test]
    fn a_wav_with_changed_bytes_never_panics_nor_gives_bad_samples(
        changes in prop::collection::vec((0usize..60, any::<u8>()), 1..4), cut in 0usize..70,
    ) {
        let mut bytes = plain_wav(&[100; 12]);
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(bytes.len().saturating_sub(cut / 4));
        let folder = tempfile::tempdir().unwrap();
        if let Ok(found) = read_audio(&file(&folder, "x.wav", &bytes)) {
            prop_assert!(!found.samples.is_empty() && found.samples.iter().all(|x| x.abs() <= 1.0));
        }
    }

    #[test]
    fn a_flac_with_changed_bytes_never_panics_nor_gives_other_samples(
        changes in prop::collection::vec((0usize..250, any::<u8>()), 1..4), cut in 0usize..250,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut bytes = flac(&[-300; 99], 16_000, 99, [0; 16]);
        for (at, value) in changes {
            bytes[at] = value;
        }
        bytes.truncate(bytes.len() - cut / 8);
        if let Ok(found) = read_audio(&file(&folder, "x.flac", &bytes)) {
            prop_assert!(!found.samples.is_empty() && found.samples.iter().all(|x| x.abs() <= 1.0));
        }
    }

    #[test]
    fn a_flac_frame_of_anything_with_right_checksums_never_panics(
        kind in 0u8..128, rest in prop::collection::vec(any::<u8>(), 0..120), n_block in 1u16..200,
    ) {
        let subframe: Vec<u8> = std::iter::once(kind).chain(rest).collect();
        let bytes = flac_of_subframe(&subframe, n_block, 16_000, u64::from(n_block), [0; 16]);
        let folder = tempfile::tempdir().unwrap();
        if let Ok(found) = read_audio(&file(&folder, "x.flac", &bytes)) {
            prop_assert_eq!(found.samples.len(), usize::from(n_block));
        }
    }
}
