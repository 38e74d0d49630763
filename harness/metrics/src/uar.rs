//! Unweighted average recall (UAR): the mean over classes of the recall of each, so that a frequent class counts no more
//! than a rare one. With one class it is accuracy.

/// A class without items has no recall, and then there is no mean over classes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("class {class} has no items, so there is no unweighted average recall")]
pub struct EmptyClass {
    /// The class's place, from 0.
    pub class: usize,
}

/// UAR = (1/K) Σ_k right_k / n_k of `(right_k, n_k)` per class.
///
/// ```
/// // 3 of 4 angry and 1 of 2 sad items right: (0.75 + 0.5) / 2.
/// assert_eq!(seraph_metrics::uar::uar(&[(3.0, 4.0), (1.0, 2.0)]), Ok(0.625));
/// assert!(seraph_metrics::uar::uar(&[(3.0, 4.0), (0.0, 0.0)]).is_err());
/// ```
pub fn uar(classes: &[(f64, f64)]) -> Result<f64, EmptyClass> {
    if let Some(class) = classes.iter().position(|&(_, n)| n == 0.0) {
        return Err(EmptyClass { class });
    }
    if classes.is_empty() {
        return Err(EmptyClass { class: 0 });
    }
    Ok(classes.iter().map(|(right, n)| right / n).sum::<f64>() / classes.len() as f64)
}
