//! Which emotion each logit of a victim stands for.

use crate::card::Card;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The emotion of each logit, and where that is known from.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Classes {
    /// One emotion per logit, in the victim's order.
    pub names: Vec<String>,
    /// Who said so.
    pub source: ClassSource,
}

/// Who said which emotion a logit stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassSource {
    /// The victim itself, eg from the metadata of its model.
    Victim,
    /// The model card beside the model.
    Card,
    /// Nobody: as many logits as the corpus has emotions, taken in alphabetical order.
    Assumed,
}

/// Why a victim's logits and a corpus's emotions do not fit.
#[derive(Debug, thiserror::Error)]
pub enum ClassError {
    /// Nobody says what the logits are, and their number is no help.
    #[error(
        "victim '{victim}' has {n_classes} logits and does not say which emotion each stands for, and the corpus has \
         {} emotions ({}); write them into {}, as {{\"classes\": [...]}}, in the order of the logits",
        vocabulary.len(), vocabulary.join(", "), card.display()
    )]
    Unknown {
        /// Name of the victim.
        victim: String,
        /// Number of its logits.
        n_classes: usize,
        /// Emotions of the corpus.
        vocabulary: Vec<String>,
        /// Where a card would be read from.
        card: PathBuf,
    },
    /// A card or a model names another number of classes than it has logits.
    #[error("{} names {named} classes, but victim '{victim}' has {n_classes} logits", origin.display())]
    Count {
        /// Name of the victim.
        victim: String,
        /// The card, or the victim's name.
        origin: PathBuf,
        /// How many classes are named.
        named: usize,
        /// Number of logits.
        n_classes: usize,
    },
    /// A class is named twice.
    #[error("{} names class '{class}' twice", origin.display())]
    Repeated {
        /// The card, or the victim's name.
        origin: PathBuf,
        /// The class.
        class: String,
    },
    /// The corpus has an emotion that the victim cannot answer.
    #[error(
        "victim '{victim}' has no class for {} of the corpus (its classes: {}); choose a corpus or a victim that fit",
        lacking.join(", "), classes.join(", ")
    )]
    Lacking {
        /// Name of the victim.
        victim: String,
        /// Emotions of the corpus without a logit.
        lacking: Vec<String>,
        /// Emotions of the victim.
        classes: Vec<String>,
    },
}

/// What is known about a victim before its logits get names.
#[derive(Clone, Copy, Debug)]
pub struct Unnamed<'a> {
    /// Its name in the plan.
    pub victim: &'a str,
    /// Number of its logits.
    pub n_classes: usize,
    /// What the victim itself says; empty if nothing.
    pub described: &'a [String],
    /// The card beside its model.
    pub card: Option<&'a Card>,
    /// Its model file.
    pub model: Option<&'a Path>,
}

/// Names the logits of a victim: by the victim itself, else by the card beside its model, else in alphabetical
/// order where their number is that of the corpus's emotions.
///
/// * `vocabulary`: the emotions of the whole corpus, whatever split is used
/// * `present`: the emotions of the items that are used; each must have a logit
pub fn name_classes(
    unnamed: Unnamed<'_>,
    vocabulary: &[String],
    present: &[String],
) -> Result<Classes, ClassError> {
    let classes = if !unnamed.described.is_empty() {
        let names = normalised(unnamed.described);
        checked(unnamed, names, ClassSource::Victim, Path::new(unnamed.victim))?
    } else if let Some((path, names)) = card_classes(unnamed.card) {
        checked(unnamed, normalised(names), ClassSource::Card, path)?
    } else {
        assumed(unnamed, vocabulary)?
    };
    let lacking: Vec<String> = present.iter().filter(|e| !classes.names.contains(e)).cloned().collect();
    if lacking.is_empty() {
        return Ok(classes);
    }
    Err(ClassError::Lacking { victim: unnamed.victim.into(), lacking, classes: classes.names })
}

fn checked(
    unnamed: Unnamed<'_>,
    names: Vec<String>,
    source: ClassSource,
    origin: &Path,
) -> Result<Classes, ClassError> {
    if names.len() != unnamed.n_classes {
        return Err(ClassError::Count {
            victim: unnamed.victim.into(),
            origin: origin.into(),
            named: names.len(),
            n_classes: unnamed.n_classes,
        });
    }
    let mut seen = BTreeSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(class) => Err(ClassError::Repeated { origin: origin.into(), class: class.clone() }),
        None => Ok(Classes { names, source }),
    }
}

fn assumed(unnamed: Unnamed<'_>, vocabulary: &[String]) -> Result<Classes, ClassError> {
    let names: Vec<String> = vocabulary.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect();
    if names.len() == unnamed.n_classes {
        return Ok(Classes { names, source: ClassSource::Assumed });
    }
    Err(ClassError::Unknown {
        victim: unnamed.victim.into(),
        n_classes: unnamed.n_classes,
        vocabulary: names,
        card: unnamed.model.map_or_else(|| "a model card".into(), |model| model.with_extension("json")),
    })
}

fn card_classes(card: Option<&Card>) -> Option<(&Path, &[String])> {
    let card = card?;
    Some((&card.path, card.classes.as_deref()?))
}

fn normalised(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.trim().to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn card(classes: &[&str]) -> Card {
        Card { path: "m.json".into(), classes: Some(strings(classes)), ..Card::default() }
    }

    fn unnamed<'a>(n_classes: usize, described: &'a [String], card: Option<&'a Card>) -> Unnamed<'a> {
        Unnamed { victim: "v", n_classes, described, card, model: None }
    }

    #[test]
    fn the_victims_own_word_goes_before_the_card_and_the_card_before_the_alphabet() {
        let vocabulary = strings(&["sadness", "anger"]);
        let own = strings(&["Sadness", "anger"]);
        let card = card(&["anger", "sadness"]);
        for (described, card, first, source) in [
            (&own[..], Some(&card), "sadness", ClassSource::Victim),
            (&[], Some(&card), "anger", ClassSource::Card),
            (&[], None, "anger", ClassSource::Assumed),
        ] {
            let named = name_classes(unnamed(2, described, card), &vocabulary, &vocabulary).unwrap();
            assert_eq!((named.names[0].as_str(), named.source), (first, source));
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let vocabulary = strings(&["anger", "calm"]);
        let cases = [
            (3, vec![], "has 3 logits and does not say"),
            (3, strings(&["anger", "calm"]), "names 2 classes"),
            (2, strings(&["anger", "anger"]), "twice"),
            (2, strings(&["anger", "fear"]), "no class for calm"),
        ];
        for (n_classes, described, expected) in cases {
            let error =
                name_classes(unnamed(n_classes, &described, None), &vocabulary, &vocabulary).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        }
    }

    #[test]
    fn an_emotion_that_no_item_has_needs_no_logit() {
        let described = strings(&["anger", "fear"]);
        let vocabulary = strings(&["anger", "calm", "fear"]);
        name_classes(unnamed(2, &described, None), &vocabulary, &strings(&["anger"])).unwrap();
    }
}
