//! Seconds from a cell's journal to its record, 10,000 resamples.
//!
//! * `emodb`: 124 items of 3 speakers; `crema-d`: 1,500 items of 18 speakers (test splits of those sizes)
#![allow(missing_docs)]

#[path = "../tests/sample/mod.rs"]
mod sample;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use seraph_core::Journal;

fn cell(n_items: u64, n_speakers: u64) -> Journal {
    let class = |i: u64| if i.is_multiple_of(2) { "a" } else { "b" };
    let items = (0..n_items).map(|i| {
        let speaker = format!("s{}", i % n_speakers);
        sample::item(i, &speaker, class(i), class(i / 5), Some(class(i / 7)))
    });
    let mut journal = sample::journal(items.collect());
    if let Some(header) = journal.header.as_mut() {
        header.run.bootstrap = 10_000;
    }
    journal
}

fn aggregate(criterion: &mut Criterion) {
    for (name, n_items, n_speakers) in [("emodb", 124, 3), ("crema-d", 1500, 18)] {
        criterion.bench_function(&format!("aggregate/{name}"), |bencher| {
            let setup = || cell(n_items, n_speakers);
            bencher.iter_batched(
                setup,
                |journal| seraph_metrics::aggregate(&journal),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = aggregate
}
criterion_main!(benches);
