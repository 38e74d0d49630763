//! A number with the interval that says how sure it is, and how such numbers are written.

/// A value with its 95 % confidence interval, where one is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
}

impl Estimate {
    /// A share as a percentage with its interval, eg "63.4 % [58.0, 68.9]".
    pub fn percent(&self) -> String {
        let value = format!("{}\u{202f}%", percent(self.value));
        match self.percent_interval() {
            Some(interval) => format!("{value} {interval}"),
            None => value,
        }
    }

    /// The interval of a share in percent, eg "[58.0, 68.9]".
    pub fn percent_interval(&self) -> Option<String> {
        Some(format!("[{}, {}]", percent(self.low?), percent(self.high?)))
    }
}

/// A share as a percentage without its sign, one decimal; a rounded zero has no minus.
pub fn percent(share: f64) -> String {
    decimals(100.0 * share, 1)
}

/// `value` with `n_decimals` decimals; infinities are "∞" and a rounded zero has no minus.
pub fn decimals(value: f64, n_decimals: usize) -> String {
    match value {
        f64::INFINITY => "∞".into(),
        f64::NEG_INFINITY => "−∞".into(),
        v if v.is_nan() => "NaN".into(),
        v => minus_sign(&format!("{v:.n_decimals$}")),
    }
}

fn minus_sign(text: &str) -> String {
    match text.strip_prefix('-') {
        Some(digits) if digits.chars().all(|c| c == '0' || c == '.') => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_in_percent_with_their_interval() {
        let estimate = Estimate { value: 0.634, low: Some(0.58), high: Some(0.6891) };
        assert_eq!(estimate.percent(), "63.4\u{202f}% [58.0, 68.9]");
        assert_eq!(Estimate { low: None, ..estimate }.percent(), "63.4\u{202f}%");
    }

    #[test]
    fn signs_and_infinities() {
        for (value, text) in [(-0.04, "0.0"), (-1.25, "−1.2"), (f64::INFINITY, "∞"), (2.0, "2.0")] {
            assert_eq!(decimals(value, 1), text);
        }
    }
}
