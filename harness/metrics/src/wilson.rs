//! The Wilson score interval of a proportion: where all items share one outcome, and a bootstrap collapses to a point.

/// The 97.5 % quantile of the standard normal distribution: 95 % two-sided.
pub const Z95: f64 = 1.959_963_984_540_054;

/// 95 % interval of a proportion of `successes` among `n` items; `None` without items.
///
/// Centre (p + z²/2n) / (1 + z²/n), half-width z √(p(1-p)/n + z²/4n²) / (1 + z²/n). Source: Wilson 1927, JASA 22.
pub fn wilson(successes: f64, n: f64) -> Option<(f64, f64)> {
    if n <= 0.0 {
        return None;
    }
    let p = successes / n;
    let z2 = Z95 * Z95;
    let centre = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z95 * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    let low = if successes <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if successes >= n { 1.0 } else { (centre + half).min(1.0) };
    Some((low, high))
}
