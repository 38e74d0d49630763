//! The plan: what a user asks to be run, as TOML.
//!
//! ```
//! let plan = seraph_core::Plan::from_toml(r#"
//!     name = "first-light"
//!     seed = 1
//!     [corpus]
//!     id = "emodb"
//!     path = "corpora/emodb"
//!     split = "test"
//!     [[victim]]
//!     plugin = "victim-onnx"
//!     model = "victims/emo18-emodb.onnx"
//!     [[attack]]
//!     plugin = "pgd"
//!     params = { steps = 20 }
//!     [[threat]]
//!     access = "white-box"
//!     norm = "linf"
//!     eps = [0.0005, 0.001]
//!     queries = 1000
//! "#).unwrap();
//! assert_eq!(plan.victims[0].name(), "emo18-emodb");
//! assert_eq!(plan.threats[0].at_each_eps().len(), 2);
//! ```

mod check;
mod keys;

use crate::digest;
use crate::number::Number;
use crate::threat::{Access, Goal, Labels, Norm, TargetRule, Threat};
use serde::de::{SeqAccess, Visitor, value::SeqAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Forward and gradient queries per utterance where a threat does not say.
pub const DEFAULT_QUERIES: u64 = 1000;

/// A parsed and checked plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What the leaderboard is called.
    pub name: String,
    /// The master seed of all randomness.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Several master seeds, each a cell of its own; empty: [`Plan::seed`] alone. See [`Plan::seeds`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
    /// The utterances.
    pub corpus: CorpusPlan,
    /// The models under attack.
    #[serde(rename = "victim")]
    pub victims: Vec<VictimPlan>,
    /// The attacks.
    #[serde(rename = "attack")]
    pub attacks: Vec<AttackPlan>,
    /// The threat models.
    #[serde(rename = "threat")]
    pub threats: Vec<ThreatPlan>,
    /// How it is run.
    #[serde(default)]
    pub run: RunPlan,
}

/// `[corpus]`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusPlan {
    /// A loader that `seraph list corpora` names.
    pub id: String,
    /// Where the corpus lies; the synthetic one lies nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// A split that the loader publishes; none: all items.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Items taken, 0 = all.
    #[serde(default)]
    pub limit: usize,
}

/// `[[victim]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VictimPlan {
    /// Name of a built-in plugin, or a path to a shared library.
    pub plugin: String,
    /// Which victim of the library, where `plugin` is the path of one with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The model file; `None` for plugins that need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// What it is called in the tables; see [`VictimPlan::name`].
    #[serde(default, rename = "name", skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Parameters of the plugin.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
}

/// `[[attack]]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttackPlan {
    /// Name of a built-in plugin, or a path to a shared library.
    pub plugin: String,
    /// Which attack of the library, where `plugin` is the path of one with several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// A named set of parameters that the plugin publishes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Parameters, over those of the preset.
    #[serde(default, skip_serializing_if = "Params::is_empty")]
    pub params: Params,
    /// What it is called in the tables; see [`AttackPlan::name`].
    #[serde(default, rename = "name", skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
}

/// `[[threat]]`: one threat model at one or more eps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThreatPlan {
    /// What the attacker may ask.
    pub access: Access,
    /// How its perturbation is measured.
    pub norm: Norm,
    /// Budgets in the norm's unit: one number or a list.
    #[serde(deserialize_with = "one_or_more")]
    pub eps: Vec<Number>,
    /// What it wants.
    #[serde(default)]
    pub goal: Goal,
    /// "random", "next" or a class, for a targeted goal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRule>,
    /// Which items are attacked.
    #[serde(default)]
    pub labels: Labels,
    /// Forward queries per utterance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries: Option<u64>,
    /// Gradient queries per utterance; as many as forward ones where not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_queries: Option<u64>,
    /// Name of the source victim of a transfer threat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// `[run]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunPlan {
    /// Items per attack task.
    pub batch: usize,
    /// Which adversarial audio is kept.
    pub audio: KeepAudio,
    /// Isolation tier below which nothing is ranked.
    pub min_tier: u8,
    /// Whether the results are for a leaderboard; then they must reach [`RunPlan::min_tier`].
    pub ranked: bool,
    /// Wall-clock seconds that an attack may spend per item of its task.
    pub wall_s_per_item: f64,
    /// Memory that a worker may use, MiB.
    pub memory_mb: u64,
    /// Resamples of the bootstrap intervals.
    pub bootstrap: usize,
}

impl Default for RunPlan {
    fn default() -> Self {
        RunPlan {
            batch: 8,
            audio: KeepAudio::Examples,
            min_tier: 3,
            ranked: true,
            wall_s_per_item: 60.0,
            memory_mb: 2048,
            bootstrap: 10_000,
        }
    }
}

/// Which adversarial audio is written to the output folder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeepAudio {
    /// None.
    None,
    /// A few items of each cell, to listen to.
    #[default]
    Examples,
    /// All.
    All,
}

/// Parameters of a plugin, by name.
pub type Params = BTreeMap<String, ParamValue>;

/// The value of a parameter, as TOML and JSON write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamValue {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number.
    Float(Number),
    /// A choice, or the path of a file.
    Text(String),
}

/// Why a plan cannot be run. One line; the line of the file and the table are in it where they are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Not TOML, or a value of the wrong type.
    #[error("line {line}: {message}")]
    Toml {
        /// Line in the text, from 1.
        line: usize,
        /// What the parser says, on one line.
        message: String,
    },
    /// A key that plans do not have.
    #[error("line {line}: unknown key '{key}' in {table}{}", keys::suggestion(.nearest, .known))]
    UnknownKey {
        /// Line in the text, from 1.
        line: usize,
        /// The key.
        key: String,
        /// The table that it stands in, as plans write it, eg `[[attack]]`.
        table: String,
        /// The nearest key of that table, if one is near.
        nearest: Option<String>,
        /// All keys of that table.
        known: Vec<String>,
    },
    /// A value that its key does not take.
    #[error("line {line}: '{value}' is no {key} in {table}{}", keys::suggestion_of_value(.nearest, .known))]
    UnknownValue {
        /// Line in the text, from 1.
        line: usize,
        /// The value.
        value: String,
        /// Its key.
        key: &'static str,
        /// The table that it stands in, as plans write it, eg `[[threat]]`.
        table: &'static str,
        /// The nearest value of that key, if one is near.
        nearest: Option<&'static str>,
        /// All values of that key.
        known: &'static [&'static str],
    },
    /// A combination that cannot be run.
    #[error("{at}: {problem}")]
    Impossible {
        /// Where, eg `[[threat]] 2`.
        at: String,
        /// What is wrong and what to do.
        problem: String,
    },
}

impl Plan {
    /// Parses and checks a plan. Paths stay as written: they are relative to the plan's own folder.
    pub fn from_toml(text: &str) -> Result<Plan, PlanError> {
        keys::check(text)?;
        let plan: Plan = toml::from_str(text).map_err(|e| keys::toml_error(text, &e))?;
        check::check(&plan)?;
        Ok(plan)
    }

    /// The master seeds: `seeds` if given, else `seed`.
    pub fn seeds(&self) -> &[u64] {
        if self.seeds.is_empty() { std::slice::from_ref(&self.seed) } else { &self.seeds }
    }

    /// SHA-256 of what the plan says, whatever its layout and comments.
    pub fn fingerprint(&self) -> String {
        digest::sha256_of_json(self)
    }

    /// The victim of that name.
    pub fn victim(&self, name: &str) -> Option<&VictimPlan> {
        self.victims.iter().find(|v| v.name() == name)
    }
}

impl VictimPlan {
    /// Its name in tables and ids: given, or the model's file stem, or its id, or the plugin's.
    pub fn name(&self) -> String {
        let from_model = || self.model.as_deref().map(stem);
        let from_plugin = || self.id.clone().unwrap_or_else(|| stem(Path::new(&self.plugin)));
        self.given_name.clone().or_else(from_model).unwrap_or_else(from_plugin)
    }
}

impl AttackPlan {
    /// Its name in tables and ids: given, or its id, or the plugin's (the file stem of a path).
    pub fn name(&self) -> String {
        self.given_name.clone().or_else(|| self.id.clone()).unwrap_or_else(|| stem(Path::new(&self.plugin)))
    }
}

impl ThreatPlan {
    /// One threat per eps.
    pub fn at_each_eps(&self) -> Vec<Threat> {
        let queries = self.queries.unwrap_or(DEFAULT_QUERIES);
        let grants_gradients = self.access.grants().contains(crate::threat::Grants::GRADIENT);
        let default_gradients = if grants_gradients { queries } else { 0 };
        let threat = |&eps: &Number| Threat {
            access: self.access,
            norm: self.norm,
            eps,
            goal: self.goal,
            target: self.target.clone(),
            labels: self.labels,
            queries,
            gradient_queries: self.gradient_queries.unwrap_or(default_gradients),
            source: self.source.clone(),
        };
        self.eps.iter().map(threat).collect()
    }
}

fn default_seed() -> u64 {
    1
}

fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or(path.as_os_str());
    stem.to_string_lossy().into_owned()
}

fn one_or_more<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Number>, D::Error> {
    struct OneOrMore;
    impl<'de> Visitor<'de> for OneOrMore {
        type Value = Vec<Number>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number or a list of numbers")
        }

        fn visit_f64<E: de::Error>(self, value: f64) -> Result<Vec<Number>, E> {
            Ok(vec![Number(value)])
        }

        fn visit_i64<E: de::Error>(self, value: i64) -> Result<Vec<Number>, E> {
            Ok(vec![Number(value as f64)])
        }

        fn visit_u64<E: de::Error>(self, value: u64) -> Result<Vec<Number>, E> {
            Ok(vec![Number(value as f64)])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Vec<Number>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(seq))
        }
    }
    deserializer.deserialize_any(OneOrMore)
}

#[cfg(test)]
mod tests;
