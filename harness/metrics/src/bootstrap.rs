//! The cluster bootstrap: whole speakers are drawn with replacement, because utterances of one speaker are alike.
//!
//! Every draw is a pure function of (seed, resample, place): the generator is counter-based (the SplitMix64 output
//! function over a keyed counter; Steele, Lea, Flood 2014), so resamples run in parallel and in any order with the same
//! result, and no two share their draws.

use rayon::prelude::*;
use seraph_core::Seed;

/// How to resample.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// Resamples.
    pub resamples: usize,
    /// What the draws are derived from.
    pub seed: Seed,
}

impl Bootstrap {
    /// Runs `estimate` on the multiplicity of each of `n_clusters` clusters, once per resample, in order.
    pub fn run<T: Send>(&self, n_clusters: usize, estimate: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        let key = self.seed.key();
        let one = |resample: usize| estimate(&multiplicities(key, resample as u64, n_clusters));
        (0..self.resamples).into_par_iter().map(one).collect()
    }
}

/// How often each cluster is drawn in a resample of as many draws as there are clusters.
fn multiplicities(key: u64, resample: u64, n_clusters: usize) -> Vec<u32> {
    let mut counts = vec![0; n_clusters];
    let stream = mix(key ^ mix(resample));
    for place in 0..n_clusters as u64 {
        counts[below(mix(stream.wrapping_add(place.wrapping_mul(GOLDEN))), n_clusters)] += 1;
    }
    counts
}

/// 2^64 over the golden ratio, odd: the increment of SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

fn mix(counter: u64) -> u64 {
    let z = counter.wrapping_add(GOLDEN);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number below `n`, uniform up to a bias of n / 2^64.
fn below(random: u64, n: usize) -> usize {
    ((u128::from(random) * n as u128) >> 64) as usize
}
