//! Queries until success, which are censored: of an item that held, only that it held for the whole budget is known.
//!
//! The mean over successes would call an attack fast that only ever breaks easy items.

/// An item: queries spent, and whether it was broken by then.
pub type Observation = (u64, bool);

/// Kaplan-Meier median: the fewest queries by which the estimated share of unbroken items is at most one half; `None`
/// if it stays above.
///
/// ```
/// use seraph_metrics::queries::kaplan_meier_median;
/// // Broken at 1 and 3; one held for 2, one for 9: S(1) = 3/4, S(3) = 3/4 · 1/2 = 3/8.
/// assert_eq!(kaplan_meier_median(&[(1, true), (2, false), (3, true), (9, false)]), Some(3));
/// assert_eq!(kaplan_meier_median(&[(1, true), (9, false), (9, false)]), None);
/// ```
///
/// Source: Kaplan and Meier 1958, JASA 53.
pub fn kaplan_meier_median(observations: &[Observation]) -> Option<u64> {
    let steps = survival(observations);
    // 1e-12: products of ratios that are 1/2 exactly may round above it.
    steps.into_iter().find(|(_, surviving)| *surviving <= 0.5 + 1e-12).map(|(queries, _)| queries)
}

/// The Kaplan-Meier estimate of the share of unbroken items after each number of queries at which one broke.
pub fn survival(observations: &[Observation]) -> Vec<(u64, f64)> {
    let mut sorted = observations.to_vec();
    sorted.sort_unstable();
    let mut steps: Vec<(u64, f64)> = Vec::new();
    let mut surviving = 1.0;
    let mut at_risk = sorted.len();
    for chunk in sorted.chunk_by(|a, b| a.0 == b.0) {
        let broken = chunk.iter().filter(|o| o.1).count();
        if broken > 0 {
            // An item censored at this very count was still at risk here.
            surviving *= 1.0 - broken as f64 / at_risk as f64;
            steps.push((chunk[0].0, surviving));
        }
        at_risk -= chunk.len();
    }
    steps
}

/// The share of items broken after at most `q` queries, at q = 1, 2, 5, 10, … up to the budget.
pub fn success_by_queries(at_success: &[Option<u64>], budget: u64) -> Vec<(u64, f64)> {
    if at_success.is_empty() {
        return Vec::new();
    }
    let broken_by = |q: u64| at_success.iter().flatten().filter(|&&s| s <= q).count() as f64;
    let marks = marks_to(budget);
    marks.into_iter().map(|q| (q, broken_by(q) / at_success.len() as f64)).collect()
}

fn marks_to(budget: u64) -> Vec<u64> {
    let decades = (0..19).map(|d| 10u64.pow(d));
    let mut marks: Vec<u64> = decades.flat_map(|d| [d, 2 * d, 5 * d]).take_while(|&q| q < budget).collect();
    marks.push(budget);
    marks
}
