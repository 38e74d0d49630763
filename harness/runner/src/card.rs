//! The model card beside a model: what the model itself cannot say.

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// The part of a card that a run uses. Other keys are for people.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Card {
    /// Where it was read from.
    #[serde(skip)]
    pub path: PathBuf,
    /// The emotion of each logit.
    pub classes: Option<Vec<String>>,
    /// Sample rate that the model was trained at.
    #[serde(alias = "sample_rate_hz")]
    pub sample_rate: Option<u32>,
    /// Input length.
    pub n_samples: Option<usize>,
    /// Architecture.
    pub arch: Option<String>,
}

/// A card that is no card.
#[derive(Debug, thiserror::Error)]
#[error("{} is not a model card: {reason}", path.display())]
pub struct CardError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl Card {
    /// The card beside `model`, if there is one. `a.b.onnx` has the card `a.b.json`, else `a.json`: two exports of
    /// one model share its card.
    pub fn beside(model: &Path) -> Result<Option<Card>, CardError> {
        let mut path = model.with_extension("json");
        loop {
            if let Ok(text) = std::fs::read_to_string(&path) {
                let card: Result<Card, _> = serde_json::from_str(&text);
                return match card {
                    Ok(card) => Ok(Some(Card { path, ..card })),
                    Err(error) => Err(CardError { path, reason: error.to_string() }),
                };
            }
            let shorter = path.with_extension("").with_extension("json");
            if shorter == path {
                return Ok(None);
            }
            path = shorter;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn two_exports_share_a_card() {
        let dir = tempfile::tempdir().unwrap();
        let model = dir.path().join("m.dynamo.onnx");
        assert_eq!(Card::beside(&model).unwrap(), None);
        let text =
            r#"{"classes": ["anger"], "sample_rate": 16000, "n_samples": 48000, "training": {"epochs": 3}}"#;
        std::fs::write(dir.path().join("m.json"), text).unwrap();
        let card = Card::beside(&model).unwrap().unwrap();
        assert_eq!((card.sample_rate, card.n_samples), (Some(16_000), Some(48_000)));
        assert_eq!(card.path, dir.path().join("m.json"));
    }

    #[test]
    fn a_broken_card_is_named() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("m.json"), "{").unwrap();
        let error = Card::beside(&dir.path().join("m.onnx")).unwrap_err().to_string();
        assert!(error.contains("m.json is not a model card"), "{error}");
    }
}
