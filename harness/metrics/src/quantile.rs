//! Quantiles: of a sample, of a weighted sample, and the percentile interval of a bootstrap.

/// The `q` quantile of ascending values, linear between order statistics (type 7: NumPy's default); `None` if empty.
pub fn quantile(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q * last as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    // Equal ends: infinities must not be subtracted.
    Some(if below == above { below } else { below + (at - at.floor()) * (above - below) })
}

/// The median, the mean of the middle two if they are two; `None` if empty. Infinities are ordered like numbers.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    weighted_median(sorted.iter().map(|&v| (v, 1.0)), sorted.len() as f64)
}

/// The median of ascending `(value, weight)`, `total` being the sum of the weights.
pub fn weighted_median(ascending: impl Iterator<Item = (f64, f64)>, total: f64) -> Option<f64> {
    let half = total / 2.0;
    let (mut below, mut lower) = (0.0, None);
    for (value, weight) in ascending.filter(|(_, weight)| *weight > 0.0) {
        if let Some(lower) = lower {
            return Some(if lower == value { value } else { (lower + value) / 2.0 });
        }
        below += weight;
        if below > half {
            return Some(value);
        }
        if below == half {
            lower = Some(value);
        }
    }
    lower
}

/// The 95 % percentile interval of resampled estimates; `None` if there are none.
pub fn percentile_interval(mut estimates: Vec<f64>) -> Option<(f64, f64)> {
    estimates.sort_by(f64::total_cmp);
    Some((quantile(&estimates, 0.025)?, quantile(&estimates, 0.975)?))
}
