//! Tests of paired differences: two attacks, or two victims, over the same items. Unpaired tests are wrong here.

use crate::bootstrap::Bootstrap;
use crate::quantile::percentile_interval;
use std::collections::BTreeMap;

/// Exact McNemar test of two binary outcomes: `only_a` items were broken by the first alone, `only_b` by the second
/// alone. Two-sided p = min(1, 2 P(X <= min)), X binomial with p = 1/2 over the discordant items.
///
/// ```
/// // 1 against 5: 2 (C(6,0) + C(6,1)) / 2^6.
/// assert!((seraph_metrics::paired::mcnemar_exact(1, 5) - 14.0 / 64.0).abs() < 1e-15);
/// ```
///
/// Source: McNemar 1947, Psychometrika 12.
pub fn mcnemar_exact(only_a: u64, only_b: u64) -> f64 {
    let n = only_a + only_b;
    let mut ln_term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=only_a.min(only_b) {
        tail += ln_term.exp();
        ln_term += ((n - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}

/// One-sided Wilcoxon signed-rank test that the first of each pair tends to be greater. Zeros are ranked and their ranks
/// split between the sides (`zsplit`); normal approximation with the correction for ties, without one for continuity.
///
/// Two infinite distances are equal. `None` where every difference is zero, or there is none. Source: Wilcoxon 1945,
/// Biometrics 1; zeros as in scipy.stats.wilcoxon.
pub fn wilcoxon_greater(pairs: &[(f64, f64)]) -> Option<f64> {
    let differences: Vec<f64> = pairs.iter().map(|&(a, b)| if a == b { 0.0 } else { a - b }).collect();
    if differences.iter().all(|&d| d == 0.0) {
        return None;
    }
    let magnitudes: Vec<f64> = differences.iter().map(|d| d.abs()).collect();
    let (ranks, ties) = average_ranks(&magnitudes);
    let share = |d: f64| {
        if d > 0.0 {
            1.0
        } else if d == 0.0 {
            0.5
        } else {
            0.0
        }
    };
    let positive: f64 = differences.iter().zip(&ranks).map(|(&d, rank)| share(d) * rank).sum();
    let n = pairs.len() as f64;
    let mean = n * (n + 1.0) / 4.0;
    let tie_term: f64 = ties.iter().map(|t| t * (t * t - 1.0)).sum();
    let deviation = ((n * (n + 1.0) * (2.0 * n + 1.0) - tie_term / 2.0) / 24.0).sqrt();
    Some(normal_upper_tail((positive - mean) / deviation))
}

/// Ranks from 1, ties sharing their mean, and the sizes of the groups of ties.
fn average_ranks(values: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let (mut ranks, mut ties, mut before) = (vec![0.0; values.len()], Vec::new(), 0);
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (group.len() as f64 + 1.0) / 2.0;
        group.iter().for_each(|&i| ranks[i] = rank);
        ties.push(group.len() as f64);
        before += group.len();
    }
    (ranks, ties)
}

/// P(Z > z) of the standard normal distribution.
pub fn normal_upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_upper_tail(-z);
    }
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 3.0 {
        // Φ(z) - 1/2 = φ(z) Σ z^(2k+1) / (1·3·…·(2k+1)); Abramowitz and Stegun 26.2.11.
        let (mut term, mut sum) = (z, z);
        for k in 1..100 {
            term *= z * z / f64::from(2 * k + 1);
            sum += term;
        }
        return 0.5 - density * sum;
    }
    // φ(z) / (z + 1/(z + 2/(z + …))); Abramowitz and Stegun 26.2.14.
    let fraction = (1..200).rev().fold(z, |below, k| z + f64::from(k) / below);
    density / fraction
}

/// Holm's step-down adjustment of p-values: reject at α whatever is at most α, and the chance of any false rejection is
/// at most α. In the order of the input. Source: Holm 1979, Scand. J. Stat. 6.
///
/// ```
/// assert_eq!(seraph_metrics::paired::holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
/// ```
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest: f64 = 0.0;
    for (place, &i) in order.iter().enumerate() {
        largest = largest.max(p_values[i] * (p_values.len() - place) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// A mean difference and its 95 % cluster-bootstrap interval; `None` without items.
///
/// Each item is (cluster, first value, second value); the difference is first minus second.
pub fn paired_difference(items: &[(&str, f64, f64)], bootstrap: &Bootstrap) -> Option<(f64, (f64, f64))> {
    let mut clusters: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for (cluster, a, b) in items {
        let sums = clusters.entry(cluster).or_default();
        *sums = (sums.0 + a - b, sums.1 + 1.0);
    }
    let clusters: Vec<(f64, f64)> = clusters.into_values().collect();
    let mean = |multiplicities: &mut dyn Iterator<Item = f64>| {
        let weighted = clusters.iter().zip(multiplicities);
        let sums = weighted.fold((0.0, 0.0), |sums, (c, m)| (sums.0 + m * c.0, sums.1 + m * c.1));
        sums.0 / sums.1
    };
    let estimates = bootstrap.run(clusters.len(), |drawn| mean(&mut drawn.iter().map(|&m| f64::from(m))));
    (!items.is_empty()).then(|| mean(&mut std::iter::repeat(1.0))).zip(percentile_interval(estimates))
}
