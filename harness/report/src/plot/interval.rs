//! A value between 0 and 1 with its confidence interval, as a bar as small as a word.

use super::at;
use crate::estimate::Estimate;
use maud::{Markup, html};

const WIDTH: f64 = 96.0;

/// A track from 0 to 1, the interval as a band and the value as a tick. Nothing for a missing value.
pub fn interval_bar(estimate: Option<&Estimate>) -> Markup {
    let Some(estimate) = estimate.filter(|e| e.value.is_finite()) else { return html! {} };
    let x = |share: f64| 1.0 + (WIDTH - 2.0) * share.clamp(0.0, 1.0);
    html! {
        svg.interval viewBox={ "0 0 " (at(WIDTH)) " 8" } width=(at(WIDTH)) height="8" aria-hidden="true" {
            line.track x1=(at(x(0.0))) x2=(at(x(1.0))) y1="4" y2="4" {}
            @if let (Some(low), Some(high)) = (estimate.low, estimate.high) {
                line.band x1=(at(x(low))) x2=(at(x(high))) y1="4" y2="4" {}
            }
            line.value x1=(at(x(estimate.value))) x2=(at(x(estimate.value))) y1="0.5" y2="7.5" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_value_draws_nothing() {
        assert_eq!(interval_bar(None).into_string(), "");
        let nan = Estimate { value: f64::NAN, low: None, high: None };
        assert_eq!(interval_bar(Some(&nan)).into_string(), "");
    }

    #[test]
    fn the_band_is_drawn_only_where_an_interval_is_known() {
        let point = Estimate { value: 0.5, low: None, high: None };
        assert!(!interval_bar(Some(&point)).into_string().contains("band"));
        let wide = Estimate { value: 0.5, low: Some(0.25), high: Some(0.75) };
        assert!(interval_bar(Some(&wide)).into_string().contains(r#"class="band" x1="24.5" x2="71.5""#));
    }
}
