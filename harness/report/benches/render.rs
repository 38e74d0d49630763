//! What a leaderboard of many cells costs.

#[path = "../tests/support/mod.rs"]
mod support;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use seraph_report::{Options, render};
use support::{FGSM, NOISE, NULL, PGD, SampleAttack, record, write_record};
use tempfile::TempDir;

/// As many cells as asked for: four attacks on ten victims, at growing perturbations.
fn run_of(n_cells: usize) -> TempDir {
    let dir = tempfile::tempdir().expect("there is room for a temporary folder");
    for i in 0..n_cells {
        let attack: SampleAttack = [NULL, NOISE, FGSM, PGD][i % 4];
        let victim = format!("victim-{:02}", i / 4 % 10);
        write_record(dir.path(), &record(attack, &victim, 0.0001 * (1 + i / 40) as f64, 80));
    }
    dir
}

fn leaderboard(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("render");
    group.sample_size(10);
    for n_cells in [100, 1000, 10_000] {
        let dir = run_of(n_cells);
        group.bench_function(format!("{n_cells} cells"), |bencher| {
            bencher.iter_batched(
                || tempfile::tempdir().expect("there is room for a temporary folder"),
                |out| render(dir.path(), out.path(), &Options::default()).expect("the records are whole"),
                BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(benches, leaderboard);
criterion_main!(benches);
