//! How far a result moves with the master seed: the variance that no bootstrap over speakers sees.

/// A metric over the seeds of otherwise equal cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OverSeeds {
    /// Seeds.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Sample standard deviation (over n - 1); `None` of a single seed.
    pub deviation: Option<f64>,
    /// Least.
    pub least: f64,
    /// Largest.
    pub largest: f64,
}

/// Summarises one value per seed; `None` without any.
///
/// ```
/// let over = seraph_metrics::seeds::over_seeds(&[0.5, 0.75, 1.0]).unwrap();
/// assert_eq!((over.mean, over.deviation), (0.75, Some(0.25)));
/// ```
pub fn over_seeds(values: &[f64]) -> Option<OverSeeds> {
    let n = values.len();
    let least = values.iter().copied().min_by(f64::total_cmp)?;
    let largest = values.iter().copied().max_by(f64::total_cmp)?;
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let deviation = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
    Some(OverSeeds { n, mean, deviation, least, largest })
}
