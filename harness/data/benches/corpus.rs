//! How long it takes to list a corpus and to get one utterance.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use seraph_data::load;
use std::hint::black_box;

fn corpus(criterion: &mut Criterion) {
    let corpus = load("synthetic", None, Some("test"), 8).expect("the synthetic corpus has a test split");
    criterion.bench_function("list the synthetic corpus", |b| b.iter(|| load("synthetic", None, None, 0)));
    criterion.bench_function("synthesise an utterance and tile it to 3 s", |b| {
        b.iter(|| corpus.read(black_box(&corpus.items[0]), 16_000, Some(48_000)));
    });
}

criterion_group!(benches, corpus);
criterion_main!(benches);
