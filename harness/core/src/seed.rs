//! Seeds: every random choice of a run is a pure function of the plan's master seed and of what it is for.

use crate::digest;
use sha2::{Digest, Sha256};
use std::fmt;

/// 256 bits from which a plugin, or the host, draws all its randomness.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seed(pub [u8; 32]);

impl Seed {
    /// SHA-256 over `purpose` and `parts`, each preceded by its length as eight little-endian bytes, so that no two
    /// different lists encode alike.
    pub fn derive(purpose: &str, parts: &[&[u8]]) -> Seed {
        let mut hash = Sha256::new();
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        Seed(hash.finalize().into())
    }

    /// The seed of one attack on one victim.
    ///
    /// It depends on the plan's `master` seed, the SHA-256 of the attack's and the victim's binary or model (hex), the
    /// item and the restart; not on eps, so that the points of a security curve share their random draws. A task of many
    /// items has the seed of `item` "", and each item's stream in it is the [`Seed::key`] of its own seed.
    pub fn of_task(master: u64, attack_sha256: &str, victim_sha256: &str, item: &str, restart: u32) -> Seed {
        Seed::derive(
            "seraph/task-seed/1",
            &[
                &master.to_le_bytes(),
                attack_sha256.as_bytes(),
                victim_sha256.as_bytes(),
                item.as_bytes(),
                &restart.to_le_bytes(),
            ],
        )
    }

    /// The first eight bytes, little-endian: a key for a counter-based generator.
    pub fn key(&self) -> u64 {
        u64::from_le_bytes(self.0[..8].try_into().expect("a seed has 32 bytes"))
    }

    /// 64 lower-case hexadecimal digits.
    pub fn to_hex(&self) -> String {
        digest::hex(&self.0)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({})", self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_fixed() {
        // Independently: python3 tests/fixtures/seed.py
        let seed = Seed::of_task(1, "aa", "bb", "03a01Fa", 0);
        assert_eq!(seed.to_hex(), include_str!("../tests/fixtures/seed.txt").trim());
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(Seed::derive("p", &[b"ab", b"c"]), Seed::derive("p", &[b"a", b"bc"]));
        assert_ne!(Seed::derive("p", &[b""]), Seed::derive("p", &[]));
    }

    #[test]
    fn each_part_of_a_task_changes_its_seed() {
        let seeds = [
            Seed::of_task(1, "a", "v", "i", 0),
            Seed::of_task(2, "a", "v", "i", 0),
            Seed::of_task(1, "b", "v", "i", 0),
            Seed::of_task(1, "a", "w", "i", 0),
            Seed::of_task(1, "a", "v", "j", 0),
            Seed::of_task(1, "a", "v", "i", 1),
        ];
        let distinct: std::collections::BTreeSet<_> = seeds.iter().collect();
        assert_eq!(distinct.len(), seeds.len());
    }
}
