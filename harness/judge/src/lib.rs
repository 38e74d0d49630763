//! Judges what an attack committed: does it keep the constraints, how large is it, did it succeed.
//!
//! Pure functions of samples. Nothing here believes a plugin: the committed row is checked for shape, finiteness, the
//! box [-1, 1] and the norm ball in float64 ([`verify`](verify())), measured ([`measure`](measure())), quantised to 16 bit and checked again in
//! whole steps ([`pcm16`]); success is decided by predictions that the host itself asked for ([`succeeds`]).

#![forbid(unsafe_code)]

pub mod distance;
pub mod pcm16;
pub mod snr;
pub mod success;
pub mod verify;

pub use distance::measure;
pub use success::{flips, succeeds};
pub use verify::{Constraint, LINF_ULPS, Violation, rezero_padding, verify};

use seraph_core::digest;
use seraph_core::journal::Sizes;

/// The clean utterance as the victim gets it.
#[derive(Clone, Copy, Debug)]
pub struct Clean<'a> {
    /// The row, padding included, in [-1, 1].
    pub row: &'a [f32],
    /// Samples of the row that are the utterance; the rest is padding.
    pub length: usize,
    /// Sample rate.
    pub sample_rate_hz: u32,
}

impl<'a> Clean<'a> {
    /// The utterance without padding.
    pub fn samples(&self) -> &'a [f32] {
        &self.row[..self.length.min(self.row.len())]
    }
}

/// What the host finds out about a committed row before any model sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The constraint that is broken, if one is.
    pub violation: Option<Violation>,
    /// How large the perturbation is; `None` where the row is not comparable (wrong shape or not finite).
    pub sizes: Option<Sizes>,
    /// The row after 16-bit quantisation; `None` where the row is not comparable.
    pub pcm16: Option<pcm16::Pcm16>,
    /// SHA-256 of the committed samples, padding left out.
    pub sha256: String,
}

/// Judges a committed row. Its padding is taken as zero, whatever is in it.
pub fn judge(clean: &Clean<'_>, committed: &[f32], constraint: &Constraint) -> Judgement {
    let violation = verify(clean, committed, constraint).err();
    let comparable = !matches!(violation, Some(Violation::Shape { .. } | Violation::NonFinite { .. }));
    let samples = &committed[..clean.length.min(committed.len())];
    Judgement {
        sizes: comparable.then(|| measure(clean.samples(), samples, clean.sample_rate_hz)),
        pcm16: comparable.then(|| pcm16::Pcm16::new(clean.samples(), samples, constraint)),
        sha256: sha256(samples),
        violation,
    }
}

/// SHA-256 of samples as little-endian float32, hex.
pub fn sha256(samples: &[f32]) -> String {
    let bytes: Vec<u8> = samples.iter().flat_map(|x| x.to_le_bytes()).collect();
    digest::sha256_hex(&bytes)
}

#[cfg(test)]
mod tests;
