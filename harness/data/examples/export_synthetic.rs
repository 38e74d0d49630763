//! Writes the synthetic corpus as WAVs and a manifest that the loader `folder` reads.
//!
//! `cargo run --release --package seraph-data --example export_synthetic -- OUT [SEED...]`
//!
//! The default seed is the corpus itself. Other seeds give more utterances of the same voices, by which a model
//! for the demo is trained.
#![forbid(unsafe_code)]

use std::error::Error;
use std::fs;
use std::path::Path;

use seraph_data::synthetic::{DEFAULT_SEED, SAMPLE_RATE_HZ, Utterance};
use seraph_data::{Source, load};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let out = args.next().ok_or("usage: export_synthetic OUT [SEED...]")?;
    let mut seeds = args.map(|seed| seed.parse()).collect::<Result<Vec<u64>, _>>()?;
    if seeds.is_empty() {
        seeds.push(DEFAULT_SEED);
    }
    let out = Path::new(&out);
    fs::create_dir_all(out)?;
    let mut manifest = csv::Writer::from_path(out.join("manifest.csv"))?;
    manifest.write_record(["path", "speaker", "gender", "language", "emotion", "split"])?;
    for item in load("synthetic", None, None, 0)?.items {
        let Source::Synthetic(utterance) = item.source else { continue };
        for &seed in &seeds {
            let name = format!("{}-{seed}.wav", item.id);
            write_wav(&out.join(&name), &Utterance { seed, ..utterance }.samples())?;
            let gender = item.gender.map_or(String::new(), |gender| gender.to_string());
            let emotion = item.emotion.to_string();
            let split = item.split.as_deref().unwrap_or("");
            manifest.write_record([&name, &item.speaker, &gender, "", &emotion, split])?;
        }
    }
    Ok(manifest.flush()?)
}

fn write_wav(path: &Path, samples: &[f32]) -> Result<(), hound::Error> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: SAMPLE_RATE_HZ,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(path, spec)?;
    for &sample in samples {
        writer.write_sample((sample * 32768.0).round_ties_even().clamp(-32768.0, 32767.0) as i16)?;
    }
    writer.finalize()
}
