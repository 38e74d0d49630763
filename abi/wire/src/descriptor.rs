//! Owned copies of what plugins say about themselves.

use crate::field::{choice, record};
use serde::{Deserialize, Serialize};

choice! {
    /// What a parameter holds.
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum ParamKind as "kind of parameter" {
        /// A real number.
        F64 = 1,
        /// A whole number.
        I64 = 2,
        /// True or false.
        Bool = 3,
        /// One of its choices.
        Enum = 4,
        /// The bytes of a file.
        Blob = 5,
    }
}

record! {
    /// What a parameter is. Mirrors `seraph_param_info`.
    #[derive(Serialize, Deserialize)]
    pub struct ParamInfo {
        /// Stable for ever.
        pub id: u32,
        /// What it holds.
        pub kind: ParamKind,
        /// `SERAPH_PARAM_*` flags.
        pub flags: u32,
        /// The key in a plan.
        pub name: String,
        /// Empty: a pure number.
        pub unit: String,
        /// One sentence.
        pub doc: String,
        /// Inclusive.
        pub min_value: f64,
        /// Inclusive.
        pub max_value: f64,
        /// For an enum and a truth value: the index.
        pub default_value: f64,
        /// Of an enum.
        pub choices: Vec<String>,
    }
}

record! {
    /// One value of a preset.
    #[derive(Serialize, Deserialize)]
    pub struct PresetValue {
        /// The parameter's id.
        pub id: u32,
        /// What it holds.
        pub kind: ParamKind,
        /// For a real number.
        pub f64: f64,
        /// For the others.
        pub i64: i64,
    }
}

record! {
    /// A named set of values; what it leaves out has its default.
    #[derive(Serialize, Deserialize)]
    pub struct Preset {
        /// Eg "paper-default".
        pub name: String,
        /// Where the values come from.
        pub doc: String,
        /// The values.
        pub values: Vec<PresetValue>,
    }
}

record! {
    /// What an attack is. Mirrors `seraph_attack_info`.
    #[derive(Serialize, Deserialize)]
    pub struct AttackInfo {
        /// The name in a plan.
        pub id: String,
        /// For people.
        pub name: String,
        /// Of the implementation.
        pub version: String,
        /// Who.
        pub author: String,
        /// The paper.
        pub citation: String,
        /// SPDX.
        pub license: String,
        /// One paragraph.
        pub doc: String,
        /// `SERAPH_ACCESS_*` without which it cannot run.
        pub access_required: u32,
        /// `SERAPH_ACCESS_*` that it uses if granted.
        pub access_optional: u32,
        /// `SERAPH_NORM_*` that it can be held to.
        pub norms: u32,
        /// `SERAPH_GOAL_*`.
        pub goals: u32,
        /// Items per task; 0: any.
        pub max_items: u32,
        /// Its parameters.
        pub params: Vec<ParamInfo>,
        /// Its presets.
        pub presets: Vec<Preset>,
    }
}

record! {
    /// What a kind of victim is. Mirrors `seraph_victim_info`.
    #[derive(Serialize, Deserialize)]
    pub struct VictimInfo {
        /// The name in a plan.
        pub id: String,
        /// For people.
        pub name: String,
        /// Of the implementation.
        pub version: String,
        /// Who.
        pub author: String,
        /// SPDX.
        pub license: String,
        /// One paragraph.
        pub doc: String,
        /// Its parameters.
        pub params: Vec<ParamInfo>,
    }
}

record! {
    /// What a loaded victim is. Mirrors `seraph_victim_desc`.
    #[derive(Serialize, Deserialize)]
    pub struct VictimDesc {
        /// `SERAPH_ACCESS_*` that it can answer.
        pub access: u32,
        /// Logits of a row.
        pub n_classes: u32,
        /// 0: the model does not say.
        pub sample_rate_hz: u32,
        /// Samples of a row; 0: any number.
        pub n_samples: u64,
        /// Rows of a call; 0: any number.
        pub max_rows: u32,
        /// `SERAPH_DOMAIN_*`.
        pub domain: i32,
        /// Empty: the model does not say.
        pub arch: String,
        /// Emotion of each logit; absent: the model does not say.
        pub classes: Option<Vec<String>>,
        /// Empty, or why there are no gradients.
        pub gradient_note: String,
        /// Eg "cpu".
        pub device: String,
        /// Eg "onnxruntime 1.31.1".
        pub runtime: String,
    }
}

record! {
    /// What a library holds.
    #[derive(Serialize, Deserialize)]
    pub struct Description {
        /// Its attacks.
        pub attacks: Vec<AttackInfo>,
        /// Its victims.
        pub victims: Vec<VictimInfo>,
    }
}
