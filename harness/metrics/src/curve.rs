//! Security curves and optimality from the smallest perturbation that broke each item: exact areas of step functions.
//!
//! `d_i` is 0 for an item that was wrong from the start, +∞ for one that was never broken. Robust accuracy at ε is the
//! share of items with d_i > ε, a step function; a trapezoid through its corners overstates its area, and gives an attack
//! that never succeeds an optimality of 0.6.

use crate::quantile::median;

/// Robust accuracy at ε: the share of items with d_i > ε; `None` without items.
pub fn robust_accuracy_at(distances: &[f64], eps: f64) -> Option<f64> {
    let robust = distances.iter().filter(|&&d| d > eps).count() as f64;
    (!distances.is_empty()).then(|| robust / distances.len() as f64)
}

/// Normalised area under the security curve on [0, `eps_max`]: mean(min(d_i, M)) / M, exactly; in [0, 1].
///
/// ```
/// // One of two items breaks at 0.25 of the range, one never: (0.25 + 1) / 2.
/// assert_eq!(seraph_metrics::curve::normalised_area(&[0.25, f64::INFINITY], 1.0), Some(0.625));
/// ```
pub fn normalised_area(distances: &[f64], eps_max: f64) -> Option<f64> {
    (eps_max > 0.0).then(|| mean_capped(distances, eps_max).map(|area| area / eps_max))?
}

/// The ε at which half of the initially right items are broken: the median of their d_i; infinite if half of them hold.
pub fn eps50(distances_of_correct: &[f64]) -> Option<f64> {
    median(distances_of_correct)
}

/// An attack's optimality against an envelope: 1 if it finds the envelope's distance on every item, 0 if it breaks none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Optimality {
    /// ξ = (A M - mean min(d_i, M)) / (A M - mean min(d*_i, M)); above 1 only if the attack beats the envelope.
    pub value: f64,
    /// M: the largest finite distance of the envelope, or the declared maximum where some item is unbroken by all.
    pub eps_max: f64,
    /// Initially right items that no attack of the envelope broke.
    pub unbroken_by_all: usize,
}

/// Local optimality of distances `d` against the point-wise best `envelope` d*, item by item.
///
/// A is the clean accuracy (the share of d*_i > 0). `None` where there is no room: no items, or an envelope that breaks
/// nothing. Source: Cinà et al. 2025 (AttackBench, arXiv:2404.19460), section 3, with the exact area in place of its
/// trapezoid.
pub fn optimality(distances: &[f64], envelope: &[f64], declared_eps_max: f64) -> Option<Optimality> {
    assert_eq!(distances.len(), envelope.len(), "both are over the same items");
    let unbroken_by_all = envelope.iter().filter(|d| d.is_infinite()).count();
    let largest = envelope.iter().copied().filter(|d| d.is_finite()).fold(0.0, f64::max);
    let eps_max = if unbroken_by_all > 0 { declared_eps_max } else { largest };
    let correct = envelope.iter().filter(|&&d| d > 0.0).count() as f64;
    let clean_area = correct / envelope.len() as f64 * eps_max;
    let room = clean_area - mean_capped(envelope, eps_max)?;
    let gain = clean_area - mean_capped(distances, eps_max)?;
    (room > 0.0).then(|| Optimality { value: gain / room, eps_max, unbroken_by_all })
}

/// Global optimality: the mean over victims, with the least and the largest; `None` without victims.
pub fn global_optimality(local: &[f64]) -> Option<(f64, f64, f64)> {
    let mean = local.iter().sum::<f64>() / local.len() as f64;
    let least = local.iter().copied().min_by(f64::total_cmp)?;
    let largest = local.iter().copied().max_by(f64::total_cmp)?;
    Some((mean, least, largest))
}

fn mean_capped(distances: &[f64], cap: f64) -> Option<f64> {
    let sum: f64 = distances.iter().map(|d| d.min(cap)).sum();
    (!distances.is_empty()).then(|| sum / distances.len() as f64)
}
