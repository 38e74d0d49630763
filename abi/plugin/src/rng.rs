//! Philox4x32-10, word for word the generator of `seraph/rng.h`, and the distributions that attacks draw from.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];

/// Philox4x32-10 of a counter under a key.
pub fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for _ in 0..10 {
        let p0 = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let p1 = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        c = [(p1 >> 32) as u32 ^ c[1] ^ k[0], p1 as u32, (p0 >> 32) as u32 ^ c[3] ^ k[1], p0 as u32];
        k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
    }
    c
}

/// One stream of a seed. Cloning copies the place in it.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Rng {
    /// Stream `stream` of a seed, as `seraph_rng_init`. Streams of one seed are independent.
    pub fn new(seed: &[u8; 32], stream: u64) -> Rng {
        let word =
            |i: usize| u32::from_le_bytes([seed[4 * i], seed[4 * i + 1], seed[4 * i + 2], seed[4 * i + 3]]);
        let mixed = philox4x32_10([word(2), word(3), word(4), word(5)], [word(0), word(1)]);
        let key = [mixed[0] ^ word(6), mixed[1] ^ word(7)];
        let counter = [0, 0, mixed[2] ^ stream as u32, mixed[3] ^ (stream >> 32) as u32];
        Rng { key, counter, block: [0; 4], used: 4 }
    }

    /// Uniform in `0..2^32`.
    pub fn u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32_10(self.counter, self.key);
            self.counter[0] = self.counter[0].wrapping_add(1);
            if self.counter[0] == 0 {
                self.counter[1] = self.counter[1].wrapping_add(1);
            }
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// Uniform in `[0, 1)`, a multiple of 2^-24.
    pub fn f32(&mut self) -> f32 {
        (self.u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `(0, 1]`, a multiple of 2^-32: safe under a logarithm.
    pub fn f64_positive(&mut self) -> f64 {
        (f64::from(self.u32()) + 1.0) * (1.0 / 4_294_967_296.0)
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.f32()
    }

    /// Uniform in `0..bound`, without bias: Lemire, "Fast random integer generation in an interval", 2019.
    pub fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound.max(1);
        loop {
            let product = u64::from(self.u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// -1 or 1.
    pub fn sign(&mut self) -> f32 {
        if self.u32() >> 31 == 0 { 1.0 } else { -1.0 }
    }

    /// Standard normal: Box and Muller 1958. Two words per draw, so that streams stay in step.
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * self.f64_positive().ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.f32())).cos()) as f32
    }

    /// Exponential of mean 1.
    pub fn exponential(&mut self) -> f32 {
        -self.f64_positive().ln() as f32
    }

    /// `count` distinct indices of `0..n`, in ascending order: Floyd's sampling.
    pub fn distinct(&mut self, count: usize, n: usize) -> Vec<usize> {
        let mut chosen = std::collections::BTreeSet::new();
        for last in n - count.min(n)..n {
            let index = self.below(last as u32 + 1) as usize;
            if !chosen.insert(index) {
                chosen.insert(last);
            }
        }
        chosen.into_iter().collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Known-answer vectors of the paper's library, Random123, file `kat_vectors`, philox4x32 10.
    const VECTORS: [([u32; 4], [u32; 2], [u32; 4]); 3] = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];

    #[test]
    fn philox_agrees_with_the_known_answers() {
        for (counter, key, expected) in VECTORS {
            assert_eq!(philox4x32_10(counter, key), expected);
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut rng = Rng::new(&[7; 32], 3);
        let n = 40_000;
        let mean = |values: Vec<f32>| values.iter().map(|v| f64::from(*v)).sum::<f64>() / n as f64;
        let normal: Vec<f32> = (0..n).map(|_| rng.normal()).collect();
        let square = mean(normal.iter().map(|v| v * v).collect());
        assert!(mean(normal).abs() < 0.02 && (square - 1.0).abs() < 0.03);
        assert!((mean((0..n).map(|_| rng.exponential()).collect()) - 1.0).abs() < 0.02);
        assert!((mean((0..n).map(|_| rng.uniform(-1.0, 3.0)).collect()) - 1.0).abs() < 0.03);
        assert!(mean((0..n).map(|_| rng.sign()).collect()).abs() < 0.02);
        assert!((mean((0..n).map(|_| rng.below(5) as f32).collect()) - 2.0).abs() < 0.03);
    }

    #[test]
    fn distinct_indices_are_distinct_and_complete() {
        let mut rng = Rng::new(&[1; 32], 0);
        assert_eq!(rng.distinct(5, 5), [0, 1, 2, 3, 4]);
        assert_eq!(rng.distinct(9, 3), [0, 1, 2]);
        let some = rng.distinct(100, 16_000);
        assert!(some.len() == 100 && some.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |stream| (0..9).map(move |_| stream).collect::<Vec<u64>>();
        let words = |stream| {
            let mut rng = Rng::new(&[9; 32], stream);
            draw(stream).iter().map(|_| rng.u32()).collect::<Vec<u32>>()
        };
        assert_eq!(words(4), words(4));
        assert_ne!(words(4), words(5));
        assert_ne!(words(4), words(4 | 1 << 32));
        assert_ne!(Rng::new(&[1; 32], 0).u32(), Rng::new(&[2; 32], 0).u32());
    }

    /// The same stream as `seraph/rng.h` draws: `abi/sys/tests/rng.expected`, which C and C++ are held to.
    #[test]
    fn known_answers_and_streams_agree_with_the_header() {
        let expected = include_str!("../../sys/tests/rng.expected");
        let seed: [u8; 32] = std::array::from_fn(|i| i as u8);
        let mut rng = Rng::new(&seed, (1 << 32) + 5);
        let words: Vec<String> = (0..8).map(|_| format!("{:08x}", rng.u32())).collect();
        let last = rng.f32();
        let lines: Vec<&str> = expected.lines().collect();
        assert_eq!(lines[3], words.join(" "));
        assert_eq!(lines[4].parse::<f32>().unwrap(), last);
    }
}
