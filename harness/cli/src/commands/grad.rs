//! `seraph grad`: an ONNX model in, an ONNX model that also gives gradients out.

use crate::output::{self, Outcome, Refused, Result};
use crate::overwrite;
use clap::{Args, ValueEnum};
use seraph_autodiff::{Loss, Model, Options, differentiate};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr;

/// Differentiates an ONNX model into another ONNX model of standard operators
///
/// The result has the inputs and outputs of the original, plus the input `labels` (int64 [N]; for vjp instead
/// `d_<output>`, of the output's shape), the output `loss` (float32 [N]; not for vjp) and `d_<input>` for every
/// float input: the gradient of the sum of the losses over the batch.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Grad {
    /// The model, ONNX
    model: PathBuf,
    /// Where the differentiated model is written
    #[arg(long, value_name = "G.onnx")]
    output: PathBuf,
    /// What is differentiated
    #[arg(long, value_enum, default_value = "ce")]
    loss: LossArg,
    /// Confidence of the margin loss: it is never below -KAPPA
    #[arg(long, value_name = "KAPPA", default_value_t = 0.0)]
    kappa: f32,
    /// Also give `d_<initializer>` for every float parameter that reaches the output
    #[arg(long)]
    params: bool,
    /// Fix the shape of an input, eg audio=8x48000; `?` leaves a dimension open
    #[arg(long = "shape", value_name = "INPUT=NxT")]
    shapes: Vec<Shape>,
    /// The output to differentiate, where the model has several
    #[arg(long, value_name = "NAME")]
    of: Option<String>,
    /// Say the result as one JSON document
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
Examples:
  seraph grad emo18.onnx --output emo18.grad.onnx
  seraph grad emo18.onnx --output emo18.grad.onnx --loss margin --shape audio=8x48000
  seraph grad emo18.onnx --output emo18.vjp.onnx --loss vjp --params";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LossArg {
    /// Cross-entropy, in nats
    Ce,
    /// Logit of the label minus the largest other (Carlini & Wagner 2017, f_6)
    Margin,
    /// Difference of logits ratio (Croce & Hein 2020, eq. 6)
    Dlr,
    /// A cotangent of the output, given as an input
    Vjp,
}

/// The shape of one input.
#[derive(Clone, Debug, PartialEq)]
struct Shape {
    input: String,
    dims: Vec<Option<usize>>,
}

impl FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Shape, String> {
        let expected = || format!("'{text}' is not INPUT=NxT, eg audio=8x48000 or audio=?x48000");
        let (input, dims) =
            text.split_once('=').filter(|(input, _)| !input.is_empty()).ok_or_else(expected)?;
        let dim = |dim: &str| match dim {
            "?" => Ok(None),
            number => number.parse().ok().filter(|&n: &usize| n > 0).map(Some).ok_or_else(expected),
        };
        Ok(Shape {
            input: input.to_owned(),
            dims: dims.split('x').map(dim).collect::<std::result::Result<_, _>>()?,
        })
    }
}

impl Grad {
    /// Differentiates.
    pub fn run(self) -> Result {
        let named =
            |error: &dyn std::fmt::Display| Refused::new(format!("{}: {error}", self.model.display()));
        overwrite::refuse(&self.model, &self.output, "--output")?;
        let bytes = std::fs::read(&self.model)
            .map_err(|error| Refused::new(format!("cannot read model {}: {error}", self.model.display())))?;
        let model = Model::from_bytes(&bytes).map_err(|error| named(&error))?;
        let differentiated = differentiate(&model, &self.options()?).map_err(|error| named(&error))?;
        seraph_runner::write_atomically(&self.output, &differentiated.to_bytes())?;
        self.say(&differentiated)?;
        Ok(Outcome::Done)
    }

    fn options(&self) -> Result<Options> {
        if self.kappa.is_nan() || self.kappa < 0.0 {
            return Err(Refused::new(format!(
                "--kappa {} is below 0; give a confidence of 0 or more",
                self.kappa
            )));
        }
        let mut shapes = BTreeMap::new();
        for shape in &self.shapes {
            if shapes.insert(shape.input.clone(), shape.dims.clone()).is_some() {
                return Err(Refused::new(format!("--shape gives input '{}' twice", shape.input)));
            }
        }
        Ok(Options {
            loss: self.loss(),
            params: self.params,
            shapes,
            output: self.of.clone(),
            ..Options::default()
        })
    }

    fn loss(&self) -> Loss {
        match self.loss {
            LossArg::Ce => Loss::CrossEntropy,
            LossArg::Margin => Loss::Margin { kappa: self.kappa },
            LossArg::Dlr => Loss::Dlr,
            LossArg::Vjp => Loss::Vjp,
        }
    }

    fn say(&self, model: &Model) -> Result<()> {
        let inputs: Vec<String> = model.inputs().iter().map(|value| value.name.clone()).collect();
        let outputs: Vec<String> = model.outputs().iter().map(|value| value.name.clone()).collect();
        if self.json {
            return output::print_json(
                &json!({ "output": self.output, "inputs": inputs, "outputs": outputs }),
            );
        }
        let path = self.output.display();
        output::print(format!("{path}\n  inputs   {}\n  outputs  {}", inputs.join(", "), outputs.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn shapes_are_read_and_refused() {
        let shape: Shape = "audio=8x48000".parse().unwrap();
        assert_eq!(shape, Shape { input: "audio".into(), dims: vec![Some(8), Some(48_000)] });
        assert_eq!("a=?x5".parse::<Shape>().unwrap().dims, [None, Some(5)]);
        for bad in ["audio", "=8", "audio=", "audio=0x5", "audio=8x", "audio=axb"] {
            assert!(bad.parse::<Shape>().is_err(), "{bad}");
        }
    }
}
