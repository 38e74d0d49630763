//! Counter-based random numbers: number `i` of a stream is a hash of the stream's key and `i`.

/// The golden ratio's fraction, the step of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    key: u64,
    counter: u64,
}

impl Stream {
    /// The stream that `words` and `purpose` name.
    pub fn new(words: &[u64], purpose: u64) -> Self {
        let absorb = |key: u64, word: &u64| mix(key.wrapping_add(STEP) ^ mix(word.wrapping_add(STEP)));
        Stream { key: absorb(words.iter().fold(0, absorb), &purpose), counter: 0 }
    }

    fn bits(&mut self) -> u64 {
        self.counter += 1;
        mix(self.key.wrapping_add(self.counter.wrapping_mul(STEP)))
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[-1, 1)`.
    pub fn uniform(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Close to normal with mean 0 and deviation 1, within `[-6, 6]` (the sum of twelve uniform numbers: exact
    /// arithmetic, so the same on every machine).
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// One of `choices`.
    pub fn pick<'c, T>(&mut self, choices: &'c [T]) -> &'c T {
        &choices[(self.unit() * choices.len() as f64) as usize]
    }
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_splitmix64() {
        // First outputs of the published generator for seed 0.
        let mut stream = Stream { key: 0, counter: 0 };
        assert_eq!(stream.bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(stream.bits(), 0x6E78_9E6A_A1B9_65F4);
        assert_eq!(stream.bits(), 0x06C4_5D18_8009_454F);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut stream = Stream::new(&[1, 2, 3], 0);
        let n = 20_000;
        let normal: Vec<f64> = (0..n).map(|_| stream.normal()).collect();
        let mean = normal.iter().sum::<f64>() / f64::from(n);
        let variance = normal.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
        let mean = (0..n).map(|_| stream.between(2.0, 4.0)).sum::<f64>() / f64::from(n);
        assert!((mean - 3.0).abs() < 0.02, "{mean}");
    }

    #[test]
    fn streams_of_other_names_differ() {
        let first = |words: &[u64], purpose| Stream::new(words, purpose).bits();
        let base = first(&[1, 2], 0);
        for other in [first(&[2, 1], 0), first(&[1, 2], 1), first(&[1, 2, 0], 0), first(&[1], 2)] {
            assert_ne!(base, other);
        }
    }
}
