//! Philox4x32-10: random numbers that are a function of their index, so that any thread can draw any of them.
//!
//! Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.

/// One stream of uniforms, the same as that of `seraph/rng.h` for the same seed and stream number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub(crate) key: [u32; 2],
    /// The two counter words that do not count.
    pub(crate) nonce: [u32; 2],
}

impl Stream {
    /// Stream `stream` of a 256-bit seed. Streams of one seed are independent: by custom, the item's index.
    pub fn new(seed: &[u8; 32], stream: u64) -> Self {
        let word = |i: usize| {
            let bytes = &seed[4 * i..][..4];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
        };
        Self {
            key: [word(0) ^ word(4), word(1) ^ word(5)],
            nonce: [word(2) ^ word(6) ^ stream as u32, word(3) ^ word(7) ^ (stream >> 32) as u32],
        }
    }

    /// The stream as kernels take it: key, then nonce.
    pub(crate) fn words(&self) -> [u32; 4] {
        [self.key[0], self.key[1], self.nonce[0], self.nonce[1]]
    }

    /// Draws `4·block … 4·block + 3` of the stream: uniforms in `[0, 1)`, multiples of 2⁻²⁴.
    #[inline]
    pub(crate) fn uniforms(&self, block: u64) -> [f32; 4] {
        let counter = [block as u32, (block >> 32) as u32, self.nonce[0], self.nonce[1]];
        philox4x32_10(counter, self.key).map(|word| (word >> 8) as f32 * (1.0 / 16_777_216.0))
    }
}

/// The block function: ten rounds over a 128-bit counter under a 64-bit key.
#[inline]
fn philox4x32_10(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut c0, mut c1, mut c2, mut c3], [mut k0, mut k1]) = (counter, key);
    for _ in 0..10 {
        let p0 = u64::from(c0) * 0xD251_1F53;
        let p1 = u64::from(c2) * 0xCD9E_8D57;
        (c0, c2) = ((p1 >> 32) as u32 ^ c1 ^ k0, (p0 >> 32) as u32 ^ c3 ^ k1);
        (c1, c3) = (p1 as u32, p0 as u32);
        k0 = k0.wrapping_add(0x9E37_79B9);
        k1 = k1.wrapping_add(0xBB67_AE85);
    }
    [c0, c1, c2, c3]
}

#[cfg(test)]
mod tests {
    use super::philox4x32_10;

    /// Known answers of the authors' library (Random123, `kat_vectors`, philox4x32 10).
    #[test]
    fn known_answers() {
        for (counter, key, answer) in [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ] {
            assert_eq!(philox4x32_10(counter, key), answer, "counter {counter:x?}, key {key:x?}");
        }
    }
}
