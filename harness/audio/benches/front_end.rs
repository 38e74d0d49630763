//! How long three seconds of speech take through resampler, STFT and log-mel.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use seraph_audio::{LogMel, MelBank, MelNorm, MelScale, Stft, resample};
use std::hint::black_box;

fn front_end(criterion: &mut Criterion) {
    let at_48k: Vec<f32> = (0..144_000).map(|n| (n as f32 * 0.05).sin() * 0.3).collect();
    let at_16k = &at_48k[..48_000];
    let stft = Stft::new(512, 256);
    let bank = MelBank::new(&stft, 16_000, 64, (20.0, 8_000.0), MelScale::Slaney, MelNorm::Slaney)
        .expect("the bands fit below 8 kHz");
    let log_mel = LogMel { stft: stft.clone(), bank, offset: 1e-8 };
    criterion.bench_function("resample 3 s from 48 to 16 kHz", |b| {
        b.iter(|| resample(black_box(&at_48k), 48_000, 16_000));
    });
    criterion.bench_function("power spectrogram of 3 s", |b| b.iter(|| stft.power(black_box(at_16k))));
    criterion.bench_function("log-mel of 3 s", |b| b.iter(|| log_mel.of_power(black_box(at_16k))));
}

criterion_group!(benches, front_end);
criterion_main!(benches);
