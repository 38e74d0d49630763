//! Losses, one per item. Every loss grows as the model moves away from the label.

use crate::attribute::Attributes;
use crate::dim::Dim;
use crate::dtype::DataType;
use crate::tensor::Tensor;
use crate::var::Var;

/// What is differentiated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Loss {
    /// Cross-entropy of softmax(logits) with the label: `log(sum_j exp(z_j)) - z_y`.
    CrossEntropy,
    /// The margin of Carlini and Wagner 2017 (arXiv:1608.04644, section V.A, f6): `min(max_{j != y} z_j - z_y, kappa)`.
    ///
    /// An untargeted attack ascends it, up to confidence `kappa`; infinity never clips (what a targeted attack, which
    /// descends it with the target as label, needs).
    Margin {
        /// Confidence, in logits; not negative.
        kappa: f32,
    },
    /// The difference-of-logits ratio of Croce and Hein 2020 (arXiv:2003.01690, equation 6):
    /// `-(z_y - max_{j != y} z_j) / (z_(1) - z_(3))`, where z_(k) is the k-th largest.
    ///
    /// With three classes z_(3) is the smallest. With two there is no third, and the ratio to z_(1) - z_(2) would be
    /// constant: the difference itself is the loss.
    Dlr,
    /// No loss: the caller gives the gradient of the output.
    Vjp,
    /// No loss: the gradient of every class's logit, in one model that shares the forward pass.
    Jacobian,
}

/// Loss per item `[N]`, and its gradient with respect to the logits `[N, K]` where that is written directly.
pub(crate) struct LossGraph<'g> {
    pub loss: Var<'g>,
    pub gradient: Option<Var<'g>>,
}

/// The loss of float32 `logits` `[N, K]` and int64 `labels` `[N]`.
pub(crate) fn build<'g>(loss: Loss, logits: Var<'g>, labels: Var<'g>) -> Result<LossGraph<'g>, String> {
    let is_label = one_hot(logits, labels);
    match loss {
        Loss::CrossEntropy => Ok(cross_entropy(logits, is_label)),
        Loss::Margin { kappa } => {
            if kappa.is_nan() || kappa < 0.0 {
                return Err(format!("kappa is {kappa}, and must not be negative"));
            }
            let margin = margin(logits, is_label);
            let loss =
                if kappa.is_finite() { margin.with("Min", logits.scalar(f64::from(kappa))) } else { margin };
            // Where the confidence is reached the gradient is zero, also at the bound itself.
            Ok(LossGraph { loss, gradient: None })
        }
        Loss::Dlr => dlr(logits, is_label),
        Loss::Vjp | Loss::Jacobian => Err("has no loss".into()),
    }
}

/// `[N, K]`: true at each item's label.
fn one_hot<'g>(logits: Var<'g>, labels: Var<'g>) -> Var<'g> {
    let g = logits.g;
    let scalar = |n: i64| g.constant(Tensor::i64(&[], vec![n]));
    let count = logits.shape_part(1, 2).squeeze(&[0]);
    let classes = g.op("Range", &[scalar(0), count, scalar(1)], Attributes::new());
    classes.unsqueeze(&[0]).equal(labels.unsqueeze(&[1]))
}

/// The gradient softmax(z) - 1_y, with its entry at the label as minus the sum of the others: 1 - p loses all digits
/// where the model is sure, and that is where attacks start.
fn cross_entropy<'g>(logits: Var<'g>, is_label: Var<'g>) -> LossGraph<'g> {
    let g = logits.g;
    let along = Attributes::new().with("axis", -1);
    let log_p = g.op("LogSoftmax", &[logits], along.clone());
    let loss = -log_p.only_where(is_label).sum(&[1], false);
    let p = g.op("Softmax", &[logits], along);
    let others = g.select(is_label, p.scalar(0.0), p);
    let gradient = g.select(is_label, -others.sum(&[1], true), p);
    LossGraph { loss, gradient: Some(gradient) }
}

/// max_{j != y} z_j - z_y.
fn margin<'g>(logits: Var<'g>, is_label: Var<'g>) -> Var<'g> {
    let lowest = logits.scalar(f64::from(f32::MIN));
    let best_other = logits.g.select(is_label, lowest, logits).max(&[1], false);
    best_other - logits.only_where(is_label).sum(&[1], false)
}

fn dlr<'g>(logits: Var<'g>, is_label: Var<'g>) -> Result<LossGraph<'g>, String> {
    let difference = margin(logits, is_label);
    let classes = match logits.dims()?[1] {
        Dim::Known(classes) => classes,
        Dim::Symbol(_) => return Err("needs a fixed number of classes for the loss dlr".into()),
    };
    if classes < 3 {
        return Ok(LossGraph { loss: difference, gradient: None });
    }
    let g = logits.g;
    let inputs = [Some(logits), Some(g.ints(&[3]))];
    let top = g.node("TopK", &inputs, Attributes::new().with("axis", 1), 2)[0];
    let spread = (top.slice(1, 0, 1) - top.slice(1, 2, 3)).squeeze(&[1]);
    Ok(LossGraph { loss: difference / (spread + 1e-12), gradient: None })
}

/// Logits as float32, whatever the model computes in.
pub(crate) fn in_float32(output: Var<'_>) -> Var<'_> {
    output.cast(DataType::F32)
}
