//! Measures the synthetic corpus and, given a folder, writes one WAV per emotion and speaker of a gender:
//! `cargo run --release -p seraph-data --example synthetic_speech -- some-folder`
#![allow(clippy::print_stdout)]

#[path = "../tests/support/acoustics.rs"]
mod acoustics;

use acoustics::{Acoustics, deviation, mean};
use seraph_data::{Corpus, CorpusError, Item, load};
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let corpus = load("synthetic", None, None, 0)?;
    table(&corpus)?;
    if let Some(folder) = std::env::args().nth(1) {
        std::fs::create_dir_all(&folder)?;
        for item in corpus.items.iter().filter(|item| item.id.ends_with("-00") && item.id.contains("01-")) {
            write_wav(&corpus, item, Path::new(&folder))?;
        }
    }
    Ok(())
}

fn table(corpus: &Corpus) -> Result<(), CorpusError> {
    println!("mean (deviation)     f0 Hz   range st   level dBFS      tilt dB    seconds");
    for emotion in &corpus.classes {
        for gender in ["female", "male"] {
            let of_group =
                |item: &&Item| item.emotion == *emotion && item.gender.is_some_and(|g| g.name() == gender);
            let measured = corpus
                .items
                .iter()
                .filter(of_group)
                .map(|item| Ok(Acoustics::of(&corpus.read(item, 16_000, None)?, 16_000)))
                .collect::<Result<Vec<_>, CorpusError>>()?;
            let column = |value: fn(&Acoustics) -> f64| {
                let values: Vec<f64> = measured.iter().map(value).collect();
                format!("{:>6.1} ({:.1})", mean(&values), deviation(&values))
            };
            println!(
                "{:<10}{gender:<7}{} {} {} {} {}",
                emotion.name(),
                column(|a| a.f0_hz),
                column(|a| a.f0_range),
                column(|a| a.level_dbfs),
                column(|a| a.tilt_db),
                column(|a| a.seconds)
            );
        }
    }
    Ok(())
}

fn write_wav(corpus: &Corpus, item: &Item, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(folder.join(format!("{}.wav", item.id)), spec)?;
    for sample in corpus.read(item, 16_000, None)? {
        writer.write_sample((sample * 32_768.0) as i16)?;
    }
    Ok(writer.finalize()?)
}
