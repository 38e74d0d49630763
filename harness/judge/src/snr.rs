//! The signal-to-noise ratios of a perturbation, in dB. They answer different questions; never mix them.
//!
//! Of a zero perturbation each is +∞; of a silent clean signal each is undefined, `None`.

use seraph_core::Number;
use seraph_core::journal::Sizes;

/// Frames of the segmental and the active ratio.
const FRAME_S: f64 = 0.01;
/// VOICEBOX `v_snrseg` clamps each frame to this range, dB.
const SEGMENT_DB: (f64, f64) = (-10.0, 35.0);
/// A frame is active if its energy is at most this far below that of the loudest, dB.
const ACTIVE_DB: f64 = 40.0;

/// The five ratios; the other fields of the result are `None`.
///
/// * `snr_db` = 10 log10(Σx² / Σδ²)
/// * `snr_active_db`: the same over the 10 ms frames whose clean energy is within 40 dB of the loudest frame's, so that
///   silence around the speech does not count
/// * `snr_seg_db`: mean over the 10 ms frames that are not silent of their `snr_db`, each clamped to [-10, 35] dB
///   (VOICEBOX, `v_snrseg`)
/// * `si_sdr_db` = 10 log10(‖αx‖² / ‖αx - x'‖²), α = ⟨x', x⟩ / ‖x‖² (Le Roux et al. 2019, arXiv:1811.02508, eq. 5)
/// * `peak_snr_db` = 20 log10(max|x| / max|δ|)
pub(crate) fn ratios(clean: &[f32], delta: &[f64], sample_rate_hz: u32) -> Sizes {
    let clean: Vec<f64> = clean.iter().map(|&x| f64::from(x)).collect();
    if clean.iter().all(|&x| x == 0.0) {
        return Sizes::default();
    }
    let frames = frames(&clean, delta, sample_rate_hz);
    let some = |value: f64| Some(Number(value));
    Sizes {
        snr_db: some(decibels(energy(&clean), energy(delta))),
        snr_active_db: some(active(&frames)),
        snr_seg_db: some(segmental(&frames)),
        si_sdr_db: some(scale_invariant(&clean, delta)),
        peak_snr_db: some(2.0 * decibels(peak(&clean), peak(delta))),
        ..Sizes::default()
    }
}

pub(crate) fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|x| x * x).sum()
}

pub(crate) fn peak(samples: &[f64]) -> f64 {
    samples.iter().fold(0.0, |peak, x| x.abs().max(peak))
}

fn decibels(signal: f64, noise: f64) -> f64 {
    10.0 * (signal / noise).log10()
}

/// Energies of the clean signal and of the perturbation.
type Frame = (f64, f64);

/// The whole frames of the signal; the signal itself if it is shorter than one.
fn frames(clean: &[f64], delta: &[f64], sample_rate_hz: u32) -> Vec<Frame> {
    let length = ((FRAME_S * f64::from(sample_rate_hz)).round() as usize).clamp(1, clean.len());
    let pairs = clean.chunks_exact(length).zip(delta.chunks_exact(length));
    pairs.map(|(x, d)| (energy(x), energy(d))).collect()
}

fn active(frames: &[Frame]) -> f64 {
    let loudest = frames.iter().fold(0.0, |loudest, frame| frame.0.max(loudest));
    let floor = loudest * 10f64.powf(-ACTIVE_DB / 10.0);
    let active = frames.iter().filter(|frame| frame.0 >= floor);
    let (signal, noise) = active.fold((0.0, 0.0), |sums, frame| (sums.0 + frame.0, sums.1 + frame.1));
    decibels(signal, noise)
}

fn segmental(frames: &[Frame]) -> f64 {
    if frames.iter().all(|frame| frame.1 == 0.0) {
        return f64::INFINITY;
    }
    let audible: Vec<_> = frames.iter().filter(|frame| frame.0 > 0.0).collect();
    let clamped = audible.iter().map(|frame| decibels(frame.0, frame.1).clamp(SEGMENT_DB.0, SEGMENT_DB.1));
    clamped.sum::<f64>() / audible.len() as f64
}

fn scale_invariant(clean: &[f64], delta: &[f64]) -> f64 {
    // x' = x + δ, so α - 1 = ⟨δ, x⟩ / ‖x‖²: exact at δ = 0, where ⟨x', x⟩ / ‖x‖² would round.
    let signal = energy(clean);
    let excess = clean.iter().zip(delta).map(|(x, d)| x * d).sum::<f64>() / signal;
    let error: f64 = clean.iter().zip(delta).map(|(x, d)| (excess * x - d).powi(2)).sum();
    decibels((1.0 + excess).powi(2) * signal, error)
}
