//! Which input takes the audio, which output gives the logits, and what the model says about itself.

use seraph_runtime::{ElementType, TensorInfo};

/// The shape of a model as a victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The input that takes audio.
    pub input: String,
    /// Whether that input is `[N, 1, T]` rather than `[N, T]`.
    pub has_channel: bool,
    /// Rows that one run must have; `None`: any.
    pub n_rows: Option<usize>,
    /// Samples of a row; `None`: any length.
    pub n_samples: Option<usize>,
    /// The output that gives logits `[N, n_classes]`.
    pub output: String,
    /// Classes.
    pub n_classes: usize,
}

impl Signature {
    /// The signature of a model with these inputs and outputs.
    ///
    /// # Errors
    /// A sentence that names the input or output that does not fit, and what would.
    pub fn of(inputs: &[TensorInfo], outputs: &[TensorInfo]) -> Result<Signature, String> {
        let [input] = inputs else {
            let names = names(inputs);
            return Err(format!(
                "a victim has one input, raw audio [N, T] or [N, 1, T]; this model has {names}"
            ));
        };
        let has_channel = audio_layout(input)?;
        let (output, n_classes) = logits_output(outputs)?;
        Ok(Signature {
            input: input.name.clone(),
            has_channel,
            n_rows: known(input.dims[0]),
            n_samples: known(input.dims[input.dims.len() - 1]),
            output,
            n_classes,
        })
    }

    /// The dimensions of an input of `n_rows` rows.
    pub fn input_dims(&self, n_rows: usize, n_samples: usize) -> Vec<usize> {
        if self.has_channel { vec![n_rows, 1, n_samples] } else { vec![n_rows, n_samples] }
    }
}

fn audio_layout(input: &TensorInfo) -> Result<bool, String> {
    let TensorInfo { name, element_type, dims } = input;
    if *element_type != Some(ElementType::F32) {
        return Err(format!("input '{name}' is {}, audio is float32", type_name(*element_type)));
    }
    match dims[..] {
        [_, _] => Ok(false),
        [_, 1, _] => Ok(true),
        _ => Err(format!("input '{name}' has shape {dims:?} (-1: any); raw audio is [N, T] or [N, 1, T]")),
    }
}

fn logits_output(outputs: &[TensorInfo]) -> Result<(String, usize), String> {
    let fits = |info: &&TensorInfo| info.element_type == Some(ElementType::F32) && info.dims.len() == 2;
    let candidates: Vec<&TensorInfo> = outputs.iter().filter(fits).collect();
    let named = candidates.iter().find(|info| info.name == "logits");
    let chosen = match (named, &candidates[..]) {
        (Some(info), _) => info,
        (None, [info]) => info,
        _ => {
            let names = names(outputs);
            return Err(format!(
                "one output must be float32 [N, classes], or be named 'logits'; this model has {names}"
            ));
        }
    };
    match known(chosen.dims[1]) {
        Some(n_classes) if n_classes >= 2 => Ok((chosen.name.clone(), n_classes)),
        Some(n) => Err(format!("output '{}' has {n} class; a victim has at least 2", chosen.name)),
        None => Err(format!("output '{}' does not say how many classes it has", chosen.name)),
    }
}

fn known(dim: i64) -> Option<usize> {
    usize::try_from(dim).ok().filter(|dim| *dim > 0)
}

fn type_name(element_type: Option<ElementType>) -> String {
    element_type.map_or_else(|| "of another type".to_owned(), |t| t.to_string())
}

fn names(infos: &[TensorInfo]) -> String {
    match infos {
        [] => "none".to_owned(),
        _ => infos.iter().map(|i| format!("'{}' {:?}", i.name, i.dims)).collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, dims: &[i64]) -> TensorInfo {
        TensorInfo { name: name.to_owned(), element_type: Some(ElementType::F32), dims: dims.to_vec() }
    }

    #[test]
    fn shapes_of_real_models() {
        let logits = [info("logits", &[-1, 7])];
        for (input, has_channel, n_rows, n_samples) in [
            (info("audio", &[-1, 48000]), false, None, Some(48000)),
            (info("x", &[-1, -1]), false, None, None),
            (info("x", &[1, 1, 16000]), true, Some(1), Some(16000)),
        ] {
            let found = Signature::of(&[input], &logits).unwrap();
            assert_eq!((found.has_channel, found.n_rows, found.n_samples), (has_channel, n_rows, n_samples));
            assert_eq!(found.n_classes, 7);
        }
    }

    #[test]
    fn misfits_are_named() {
        let audio = || info("audio", &[-1, 48000]);
        for (inputs, outputs, said) in [
            (vec![], vec![info("logits", &[-1, 4])], "one input"),
            (vec![audio(), info("mask", &[-1, 48000])], vec![info("logits", &[-1, 4])], "'mask'"),
            (vec![info("mel", &[-1, 128, 261])], vec![info("logits", &[-1, 4])], "'mel'"),
            (vec![audio()], vec![info("a", &[-1, 4]), info("b", &[-1, 4])], "'logits'"),
            (vec![audio()], vec![info("logits", &[-1, -1])], "how many classes"),
            (vec![audio()], vec![info("logits", &[-1, 1])], "at least 2"),
        ] {
            let message = Signature::of(&inputs, &outputs).unwrap_err();
            assert!(message.contains(said), "{message}");
        }
    }
}
