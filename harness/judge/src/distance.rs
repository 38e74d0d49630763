//! How large a perturbation `δ = x' - x` is, over the samples of the utterance (no padding), in float64.

use crate::snr;
use seraph_core::Number;
use seraph_core::journal::Sizes;

/// All sizes of a perturbation. `clean` and `adversarial` have the same length.
///
/// * `linf` = max |δ|, `l2` = (Σδ²)^½, `l1` = Σ|δ|, `l0` = #{δ ≠ 0}, `rms` = `l2` / √T
/// * `sparsity` = 1 - `l0` / T, `runs` = stretches of changed samples, `touched_ms` = 1000 `l0` / rate
/// * the SNR family: see [`snr`]
///
/// Of an empty utterance, everything is `None`.
pub fn measure(clean: &[f32], adversarial: &[f32], sample_rate_hz: u32) -> Sizes {
    assert_eq!(clean.len(), adversarial.len(), "both are the samples of one utterance");
    if clean.is_empty() {
        return Sizes::default();
    }
    let delta: Vec<f64> = clean.iter().zip(adversarial).map(|(&x, &y)| f64::from(y) - f64::from(x)).collect();
    let n_samples = delta.len() as f64;
    let l0 = delta.iter().filter(|&&d| d != 0.0).count() as f64;
    let l2 = snr::energy(&delta).sqrt();
    let some = |value: f64| Some(Number(value));
    Sizes {
        linf: some(snr::peak(&delta)),
        l2: some(l2),
        l1: some(delta.iter().map(|d| d.abs()).sum()),
        l0: some(l0),
        rms: some(l2 / n_samples.sqrt()),
        sparsity: some(1.0 - l0 / n_samples),
        runs: some(runs(&delta) as f64),
        touched_ms: (sample_rate_hz > 0).then(|| Number(1000.0 * l0 / f64::from(sample_rate_hz))),
        ..snr::ratios(clean, &delta, sample_rate_hz)
    }
}

fn runs(delta: &[f64]) -> usize {
    let starts = delta.windows(2).filter(|pair| pair[0] == 0.0 && pair[1] != 0.0).count();
    starts + usize::from(delta.first().is_some_and(|&d| d != 0.0))
}
