//! The model and its differentiated forms, opened when first asked for.

use std::collections::BTreeMap;

use seraph_autodiff::{self as autodiff, Model};
use seraph_runtime::{Device, Session, SessionConfig};

use crate::signature::Signature;

/// One model, as ONNX Runtime sessions.
pub struct Sessions {
    model: Model,
    config: SessionConfig,
    forward: Session,
    gradients: BTreeMap<GradientKey, Session>,
}

/// What one differentiated form is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GradientKey {
    /// The loss in the graph.
    pub loss: GraphLoss,
    /// Samples of a row: lengths are pinned, which folds the shape arithmetic.
    pub n_samples: usize,
}

/// A loss that the graph itself computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GraphLoss {
    /// Cross entropy.
    CrossEntropy,
    /// Margin with this confidence (as bits, to be a key).
    Margin {
        /// `f32::to_bits` of kappa.
        kappa_bits: u32,
    },
    /// Difference of logits ratio.
    Dlr,
    /// Any linear form of the logits.
    Vjp,
}

/// Differentiated forms that are kept open; one more closes the first in order of keys.
const MAX_GRADIENTS: usize = 4;

impl Sessions {
    /// Opens the model in `bytes`.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file or with ONNX Runtime.
    pub fn open(bytes: &[u8], config: SessionConfig) -> Result<Sessions, String> {
        let model = Model::from_bytes(bytes).map_err(|e| e.to_string())?;
        let forward = Session::from_bytes(bytes, &config).map_err(|e| e.to_string())?;
        Ok(Sessions { model, config, forward, gradients: BTreeMap::new() })
    }

    /// The model as it came.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The model as it came, opened.
    pub fn forward(&mut self) -> &mut Session {
        &mut self.forward
    }

    /// The differentiated form for `key`; made now if it is not there.
    ///
    /// # Errors
    /// An operator without a gradient rule, by name and node; or ONNX Runtime's refusal.
    pub fn gradient(&mut self, key: GradientKey, signature: &Signature) -> Result<&mut Session, String> {
        if !self.gradients.contains_key(&key) {
            let differentiated = self.differentiate(key, signature)?;
            let differentiated = match self.config.device {
                Device::Cpu => autodiff::for_runtime(&differentiated),
                Device::Cuda(_) => differentiated, // our operators are the CPU's
            };
            let session =
                Session::from_bytes(&differentiated.to_bytes(), &self.config).map_err(|e| e.to_string())?;
            while self.gradients.len() >= MAX_GRADIENTS {
                self.gradients.pop_first();
            }
            self.gradients.insert(key, session);
        }
        Ok(self.gradients.get_mut(&key).expect("it is there or was just put there"))
    }

    /// The model with loss and gradient.
    ///
    /// # Errors
    /// An operator without a gradient rule, by name and node.
    pub fn differentiate(&self, key: GradientKey, signature: &Signature) -> Result<Model, String> {
        let mut dims: Vec<Option<usize>> =
            signature.input_dims(1, key.n_samples).into_iter().map(Some).collect();
        dims[0] = signature.n_rows;
        let options = autodiff::Options {
            loss: key.loss.in_graph(),
            shapes: BTreeMap::from([(signature.input.clone(), dims)]),
            output: Some(signature.output.clone()),
            for_cuda: matches!(self.config.device, Device::Cuda(_)),
            ..autodiff::Options::default()
        };
        autodiff::differentiate(&self.model, &options).map_err(|e| e.to_string())
    }
}

impl GraphLoss {
    fn in_graph(self) -> autodiff::Loss {
        match self {
            GraphLoss::CrossEntropy => autodiff::Loss::CrossEntropy,
            GraphLoss::Margin { kappa_bits } => autodiff::Loss::Margin { kappa: f32::from_bits(kappa_bits) },
            GraphLoss::Dlr => autodiff::Loss::Dlr,
            GraphLoss::Vjp => autodiff::Loss::Vjp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_model_is_said_once() {
        let error = Sessions::open(b"text", SessionConfig::default()).err().unwrap_or_default();
        assert_eq!(error.matches("not an ONNX model").count(), 1, "{error}");
    }
}
