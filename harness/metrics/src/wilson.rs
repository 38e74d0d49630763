//! The Wilson score interval of a proportion, and of proportions by class: where all items share one outcome, and a
//! bootstrap collapses to a point.

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

/// 95 % interval of the mean over classes of the proportions `(successes, n)`; `None` where a class has no items.
///
/// Each class's own interval gives its distance to either side; the mean's distance is the root of their summed squares
/// over the number of classes: the method of variance estimates recovery, with Wilson's intervals. Of one class it is
/// Wilson's. Source: Zou and Donner 2008, Statistics in Medicine 27, equation for a sum of parameters.
pub fn wilson_of_mean(classes: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (mut mean, mut below, mut above) = (0.0, 0.0, 0.0);
    for &(successes, n) in classes {
        let (low, high) = wilson(successes, n)?;
        let p = successes / n;
        mean += p;
        below += (p - low).powi(2);
        above += (high - p).powi(2);
    }
    let k = classes.len() as f64;
    (k > 0.0).then(|| (((mean - below.sqrt()) / k).max(0.0), ((mean + above.sqrt()) / k).min(1.0)))
}

/// Interval of the least of the classes' proportions: the least of the lower ends, and the least of the upper ones,
/// since the least is above none of them; `None` where a class has no items.
pub fn wilson_of_least(classes: &[(f64, f64)]) -> Option<(f64, f64)> {
    let intervals: Option<Vec<(f64, f64)>> =
        classes.iter().map(|&(successes, n)| wilson(successes, n)).collect();
    intervals?.into_iter().reduce(|a, b| (a.0.min(b.0), a.1.min(b.1)))
}
