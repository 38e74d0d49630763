//! What the broker asks of a victim, wherever it runs.

use crate::fault::Fault;
use seraph_wire::LossSpec;
pub use seraph_wire::VictimDesc;

/// A loss for each row of a query; classes are those of the rows, never absent for a loss that has classes.
pub type Loss = LossSpec;

/// Where a victim writes losses, gradients and logits of the same forward pass.
#[derive(Debug)]
pub struct LossGradOut<'a> {
    /// `[n]`
    pub loss: &'a mut [f32],
    /// `[n, n_samples]`
    pub grad: &'a mut [f32],
    /// `[n, n_classes]`
    pub logits: &'a mut [f32],
}

/// Losses, gradients and logits of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossGrad {
    /// `[n]`
    pub loss: Vec<f32>,
    /// `[n, n_samples]`
    pub grad: Vec<f32>,
    /// `[n, n_classes]`
    pub logits: Vec<f32>,
}

/// A model that answers for batches. A query has two steps, so that samples reach the model's own memory without
/// a copy in between: write them into [`input`](Self::input), then ask.
pub trait Victim {
    /// What it is.
    fn desc(&self) -> &VictimDesc;

    /// The most rows of `n_samples` that one query may have.
    fn max_rows(&self, n_samples: usize) -> usize {
        let _ = n_samples;
        if self.desc().max_rows == 0 { usize::MAX } else { self.desc().max_rows as usize }
    }

    /// Room for the `len` samples of the next query, `[n, n_samples]`.
    fn input(&mut self, len: usize) -> Result<&mut [f32], Fault>;

    /// Logits `[n, n_classes]` of the `n` rows in the input.
    fn logits_of_input(&mut self, n: usize, logits: &mut [f32]) -> Result<(), Fault>;

    /// Losses and gradients of the `n` rows in the input.
    fn loss_grad_of_input(&mut self, n: usize, loss: &Loss, out: LossGradOut<'_>) -> Result<(), Fault>;

    /// Logits `[n, n_classes]` of the rows `x`, `[n, n_samples]`.
    fn logits(&mut self, x: &[f32], n: usize) -> Result<Vec<f32>, Fault> {
        let mut logits = vec![0.0; n * self.desc().n_classes as usize];
        self.input(x.len())?.copy_from_slice(x);
        self.logits_of_input(n, &mut logits)?;
        Ok(logits)
    }

    /// Losses and gradients of the rows `x`, `[n, n_samples]`.
    fn loss_grad(&mut self, x: &[f32], n: usize, loss: &Loss) -> Result<LossGrad, Fault> {
        let mut answer = LossGrad {
            loss: vec![0.0; n],
            grad: vec![0.0; x.len()],
            logits: vec![0.0; n * self.desc().n_classes as usize],
        };
        self.input(x.len())?.copy_from_slice(x);
        let out = LossGradOut { loss: &mut answer.loss, grad: &mut answer.grad, logits: &mut answer.logits };
        self.loss_grad_of_input(n, loss, out)?;
        Ok(answer)
    }
}

/// Whether no value is NaN or infinite. One pass over the exponent bits, without a branch per value.
pub fn all_finite(values: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    // Chunks bound how much is read past the first bad value.
    values.chunks(4096).all(|chunk| {
        chunk.iter().fold(0u32, |bad, value| bad | u32::from(value.to_bits() & EXPONENT == EXPONENT)) == 0
    })
}

/// The class of the largest logit; the first of equals.
pub fn predicted_class(logits: &[f32]) -> usize {
    (1..logits.len()).fold(0, |best, class| if logits[class] > logits[best] { class } else { best })
}
