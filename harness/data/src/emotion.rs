//! The one vocabulary of emotions that corpora, victims and records share.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A categorical emotion. Corpora name them in many ways; every loader translates to these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Emotion {
    /// Anger, hot or cold.
    Anger,
    /// Boredom.
    Boredom,
    /// Calm: quieter than neutral, at ease (RAVDESS).
    Calm,
    /// Contempt.
    Contempt,
    /// Disgust.
    Disgust,
    /// Excitement; IEMOCAP's four classes merge it into happiness.
    Excitement,
    /// Fear, from unease to panic.
    Fear,
    /// Frustration.
    Frustration,
    /// Guilt (DEMoS).
    Guilt,
    /// Happiness or joy.
    Happiness,
    /// No emotion meant.
    Neutral,
    /// Sadness.
    Sadness,
    /// Surprise, pleasant or not.
    Surprise,
}

impl Emotion {
    /// All emotions, in alphabetical order.
    pub const ALL: [Emotion; 13] = [
        Emotion::Anger,
        Emotion::Boredom,
        Emotion::Calm,
        Emotion::Contempt,
        Emotion::Disgust,
        Emotion::Excitement,
        Emotion::Fear,
        Emotion::Frustration,
        Emotion::Guilt,
        Emotion::Happiness,
        Emotion::Neutral,
        Emotion::Sadness,
        Emotion::Surprise,
    ];

    /// The emotion's name, as manifests, model cards and records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Emotion::Anger => "anger",
            Emotion::Boredom => "boredom",
            Emotion::Calm => "calm",
            Emotion::Contempt => "contempt",
            Emotion::Disgust => "disgust",
            Emotion::Excitement => "excitement",
            Emotion::Fear => "fear",
            Emotion::Frustration => "frustration",
            Emotion::Guilt => "guilt",
            Emotion::Happiness => "happiness",
            Emotion::Neutral => "neutral",
            Emotion::Sadness => "sadness",
            Emotion::Surprise => "surprise",
        }
    }
}

impl fmt::Display for Emotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no emotion of the vocabulary, and the nearest one that is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown emotion '{word}', did you mean '{nearest}'?")]
pub struct UnknownEmotion {
    /// What was given.
    pub word: String,
    /// The suggestion.
    pub nearest: Emotion,
}

impl FromStr for Emotion {
    type Err = UnknownEmotion;

    fn from_str(word: &str) -> Result<Self, UnknownEmotion> {
        Emotion::ALL
            .into_iter()
            .find(|emotion| emotion.name() == word)
            .ok_or_else(|| UnknownEmotion { word: word.to_owned(), nearest: nearest_emotion(word) })
    }
}

/// Words of other corpora, for the suggestion only: guessing a label silently could change a score.
const OTHER_WORDS: [(&str, Emotion); 14] = [
    ("afraid", Emotion::Fear),
    ("amused", Emotion::Happiness),
    ("angry", Emotion::Anger),
    ("anxiety", Emotion::Fear),
    ("bored", Emotion::Boredom),
    ("disgusted", Emotion::Disgust),
    ("excited", Emotion::Excitement),
    ("fearful", Emotion::Fear),
    ("happy", Emotion::Happiness),
    ("joy", Emotion::Happiness),
    ("normal", Emotion::Neutral),
    ("sad", Emotion::Sadness),
    ("surprised", Emotion::Surprise),
    ("unhappy", Emotion::Sadness),
];

fn nearest_emotion(word: &str) -> Emotion {
    let word = word.trim().to_lowercase();
    let names = Emotion::ALL.into_iter().map(|emotion| (emotion.name(), emotion));
    names
        .chain(OTHER_WORDS)
        .map(|(name, emotion)| (strsim::jaro_winkler(name, &word), emotion))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(Emotion::Neutral, |(_, emotion)| emotion)
}

/// A speaker's gender, as the corpora publish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gender {
    /// Women.
    Female,
    /// Men.
    Male,
    /// Any other.
    Other,
}

impl Gender {
    /// The gender's name, as manifests and records spell it.
    pub fn name(self) -> &'static str {
        match self {
            Gender::Female => "female",
            Gender::Male => "male",
            Gender::Other => "other",
        }
    }
}

impl fmt::Display for Gender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that is no gender of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown gender '{0}', use female, male, other or leave it empty")]
pub struct UnknownGender(pub String);

impl FromStr for Gender {
    type Err = UnknownGender;

    fn from_str(word: &str) -> Result<Self, UnknownGender> {
        [Gender::Female, Gender::Male, Gender::Other]
            .into_iter()
            .find(|gender| gender.name() == word)
            .ok_or_else(|| UnknownGender(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_are_alphabetical() {
        assert!(Emotion::ALL.windows(2).all(|pair| pair[0] < pair[1] && pair[0].name() < pair[1].name()));
        for emotion in Emotion::ALL {
            assert_eq!(emotion.name().parse(), Ok(emotion));
            assert_eq!(serde_json::to_value(emotion).unwrap(), emotion.name());
        }
        for gender in [Gender::Female, Gender::Male, Gender::Other] {
            assert_eq!(gender.name().parse(), Ok(gender));
        }
    }

    #[test]
    fn a_near_word_is_suggested_not_taken() {
        for (word, nearest) in [
            ("angr", Emotion::Anger),
            ("Happiness", Emotion::Happiness),
            ("happy", Emotion::Happiness),
            ("sad", Emotion::Sadness),
            ("neutrl", Emotion::Neutral),
            ("joy", Emotion::Happiness),
        ] {
            let error = word.parse::<Emotion>().unwrap_err();
            assert_eq!(error.to_string(), format!("unknown emotion '{word}', did you mean '{nearest}'?"));
        }
    }
}
