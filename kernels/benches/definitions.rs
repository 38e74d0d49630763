//! The CPU definitions, each as a share of what copying memory reaches on the same threads in the same run.
//!
//! `cargo bench -p seraph-kernels` times every operation on a batch of 64 utterances with criterion, then prints a
//! table in which operation and copy take turns, so that a busy machine slows both.
#![allow(missing_docs, clippy::print_stdout)]

use criterion::{BenchmarkId, Criterion, Throughput};
use rayon::prelude::*;
use seraph_kernels::*;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Tensors of one shape, and what operations write.
struct Batch {
    rows: Rows,
    x: Vec<f32>,
    x0: Vec<f32>,
    g: Vec<f32>,
    k: Vec<usize>,
    streams: Vec<Stream>,
}

impl Batch {
    fn new(n_rows: usize, n_samples: usize) -> Self {
        let rows = Rows::full(n_rows, n_samples).expect("a small shape");
        let draw = |seed: u64| -> Vec<f32> {
            (0..rows.n_values() as u64)
                .map(|i| ((i + 1).wrapping_mul(seed) >> 40) as f32 / (1 << 23) as f32 - 1.0)
                .collect()
        };
        Self {
            x: draw(0x9E37_79B9_7F4A_7C15),
            x0: draw(0xD1B5_4A32_D192_ED03),
            g: draw(0xAEF1_7502_108E_F2D9),
            k: vec![n_samples / 20; n_rows],
            streams: (0..n_rows as u64).map(|row| Stream::new(&[1; 32], row)).collect(),
            rows,
        }
    }
}

/// An operation, and how many bytes it must move per value: each tensor read or written once per pass it needs.
struct Operation {
    name: &'static str,
    bytes_per_value: u64,
    run: fn(&mut Batch) -> Result<(), Error>,
}

const SIGN: SignStep = SignStep { alpha: 1e-3, epsilon: 5e-3, bounds: Bounds { low: -1.0, high: 1.0 } };
const L2: L2Step = L2Step { alpha: 0.5, epsilon: 2.0, bounds: Bounds { low: -1.0, high: 1.0 } };

/// Copies `x0` to `x` on the same threads as the operations: the ceiling.
fn copy(b: &mut Batch) -> Result<(), Error> {
    const CHUNK: usize = 1 << 14;
    b.x.par_chunks_mut(CHUNK).zip(b.x0.par_chunks(CHUNK)).for_each(|(x, x0)| x.copy_from_slice(x0));
    Ok(())
}

fn norm(b: &Batch, norm: Norm) -> Result<(), Error> {
    black_box(norms(&b.g, None, &b.rows, norm)?);
    Ok(())
}

#[rustfmt::skip]
const OPERATIONS: &[Operation] = &[
    Operation { name: "sign_step", bytes_per_value: 16, run: |b| sign_step(&mut b.x, &b.x0, &b.g, &SIGN) },
    Operation { name: "axpy", bytes_per_value: 12, run: |b| axpy(&mut b.x, 1e-6, &b.g) },
    Operation { name: "apply_mask", bytes_per_value: 16, run: |b| apply_mask(&mut b.x, &b.x0, &b.g) },
    Operation { name: "clip", bytes_per_value: 8, run: |b| clip(&mut b.x, Bounds::default()) },
    Operation { name: "pcm16_round", bytes_per_value: 8, run: |b| { pcm16_round(&mut b.x); Ok(()) } },
    Operation { name: "quantise_hard", bytes_per_value: 8, run: |b| { quantise_hard(&mut b.x); Ok(()) } },
    Operation { name: "project_linf", bytes_per_value: 12, run: |b| project_linf(&mut b.x, &b.x0, &b.rows, 5e-3) },
    Operation { name: "finite_check", bytes_per_value: 4, run: |b| finite_check(&b.g, &b.rows).map(|n| drop(black_box(n))) },
    Operation { name: "norms Linf", bytes_per_value: 4, run: |b| norm(b, Norm::Linf) },
    Operation { name: "norms L2", bytes_per_value: 4, run: |b| norm(b, Norm::L2) },
    Operation { name: "norms L1", bytes_per_value: 4, run: |b| norm(b, Norm::L1) },
    Operation { name: "norms L0", bytes_per_value: 4, run: |b| norm(b, Norm::L0) },
    Operation { name: "project_l2", bytes_per_value: 20, run: |b| { copy(b)?; project_l2(&mut b.x, &b.g, &b.rows, 2.0) } },
    Operation { name: "l2_step", bytes_per_value: 36, run: |b| l2_step(&mut b.x, &b.x0, &b.g, &b.rows, &L2) },
    Operation { name: "project_l1", bytes_per_value: 20, run: |b| { copy(b)?; project_l1(&mut b.x, &b.g, &b.rows, 200.0) } },
    Operation { name: "project_l0", bytes_per_value: 20, run: |b| { copy(b)?; project_l0(&mut b.x, &b.g, &b.rows, &b.k) } },
    Operation { name: "top_k_mask", bytes_per_value: 12, run: |b| top_k_mask(&b.g, &b.rows, &b.k, &mut b.x) },
    Operation { name: "quantise_random", bytes_per_value: 16, run: |b| quantise_random(&mut b.x, &mut b.g, &b.rows, &b.streams) },
];

fn timed(batch: &mut Batch, run: fn(&mut Batch) -> Result<(), Error>) -> Duration {
    let start = Instant::now();
    run(batch).expect("the batch fits");
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

/// Prints each operation's bytes per second as a share of the copy's.
fn print_shares(n_rows: usize, n_samples: usize, n_turns: usize) {
    println!(
        "\n{n_rows} x {n_samples} samples, {} threads, median of {n_turns} turns",
        rayon::current_num_threads()
    );
    println!("{:<16} {:>9} {:>9} {:>9} {:>7}", "operation", "ms", "GB/s", "copy GB/s", "share");
    for operation in OPERATIONS {
        let mut batch = Batch::new(n_rows, n_samples);
        let turns = (0..n_turns).map(|_| (timed(&mut batch, copy), timed(&mut batch, operation.run)));
        let (copies, times): (Vec<_>, Vec<_>) = turns.unzip();
        let n = (n_rows * n_samples) as f64;
        let (seconds, ceiling) = (median(times), 8.0 * n / median(copies) / 1e9);
        let rate = operation.bytes_per_value as f64 * n / seconds / 1e9;
        println!(
            "{:<16} {:>9.3} {rate:>9.2} {ceiling:>9.2} {:>6.0}%",
            operation.name,
            seconds * 1e3,
            100.0 * rate / ceiling
        );
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("definitions");
    group.warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_millis(600));
    let mut batch = Batch::new(64, 48_000);
    let ceiling = Operation { name: "copy", bytes_per_value: 8, run: copy };
    for operation in [&ceiling].into_iter().chain(OPERATIONS) {
        group.throughput(Throughput::Bytes(operation.bytes_per_value * batch.rows.n_values() as u64));
        group.bench_function(BenchmarkId::new(operation.name, "64x48000"), |bencher| {
            bencher.iter(|| (operation.run)(&mut batch).expect("the batch fits"));
        });
    }
    group.finish();
    print_shares(64, 48_000, 15);
    print_shares(64, 1_048_576, 5);
    criterion.final_summary();
}
