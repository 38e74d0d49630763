//! From what a plan says about parameters to what an instance is created with.

use crate::sealed::SealedFile;
use seraph_sys::SERAPH_PARAM_REQUIRED;
use seraph_wire::{ParamInfo, ParamKind, Preset, PresetValue};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a plan says about one parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ParamInput {
    /// `true`
    Bool(bool),
    /// `20`
    Int(i64),
    /// `0.5`
    Float(f64),
    /// `"linear"`: a choice, or the path of a file.
    Text(String),
}

/// The value of a parameter.
#[derive(Clone, Debug)]
pub enum ParamValue {
    /// A real number.
    F64(f64),
    /// A whole number.
    I64(i64),
    /// True or false.
    Bool(bool),
    /// An index into the choices.
    Choice(u32),
    /// The bytes of a file, sealed.
    Blob(Arc<SealedFile>),
}

/// A parameter and its value.
#[derive(Clone, Debug)]
pub struct Param {
    /// The parameter's stable id.
    pub id: u32,
    /// The key in a plan.
    pub name: String,
    /// Within its bounds.
    pub value: ParamValue,
}

/// Why a plan's parameters do not fit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParamError {
    /// No parameter has this name.
    #[error("no parameter '{name}'{}", suggestion(known, name))]
    Unknown {
        /// The key.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// No preset has this name.
    #[error("no preset '{name}'{}", suggestion(known, name))]
    UnknownPreset {
        /// The name.
        name: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The value is of another kind.
    #[error("parameter '{name}' must be {expected}, not {found}")]
    Kind {
        /// The key.
        name: String,
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
    },
    /// The value is outside its bounds.
    #[error("parameter '{name}' is {value}, outside [{min}, {max}]")]
    Bounds {
        /// The key.
        name: String,
        /// What it was given.
        value: f64,
        /// Inclusive.
        min: f64,
        /// Inclusive.
        max: f64,
    },
    /// The parameter has no default and was not given.
    #[error("parameter '{name}' is required: {doc}")]
    Missing {
        /// The key.
        name: String,
        /// What it is.
        doc: String,
    },
    /// The file of a parameter cannot be read.
    #[error("parameter '{name}': {}: {source}", path.display())]
    File {
        /// The key.
        name: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Every parameter in the order of `infos`: from `overrides`, else from the preset, else its default.
pub fn resolve_params(
    infos: &[ParamInfo],
    presets: &[Preset],
    preset: Option<&str>,
    overrides: &BTreeMap<String, ParamInput>,
) -> Result<Vec<Param>, ParamError> {
    let known = || infos.iter().map(|info| info.name.clone()).collect();
    if let Some(name) = overrides.keys().find(|name| !infos.iter().any(|info| info.name == **name)) {
        return Err(ParamError::Unknown { name: name.clone(), known: known() });
    }
    let preset = preset.map(|name| find_preset(presets, name)).transpose()?;
    infos
        .iter()
        .map(|info| {
            let value = match overrides.get(&info.name) {
                Some(input) => from_plan(info, input)?,
                None => from_preset(info, preset)?,
            };
            Ok(Param { id: info.id, name: info.name.clone(), value })
        })
        .collect()
}

fn find_preset<'a>(presets: &'a [Preset], name: &str) -> Result<&'a Preset, ParamError> {
    presets.iter().find(|preset| preset.name == name).ok_or_else(|| ParamError::UnknownPreset {
        name: name.to_owned(),
        known: presets.iter().map(|preset| preset.name.clone()).collect(),
    })
}

fn from_plan(info: &ParamInfo, input: &ParamInput) -> Result<ParamValue, ParamError> {
    match (info.kind, input) {
        (ParamKind::F64, ParamInput::Float(value)) => Ok(ParamValue::F64(bounded(info, *value)?)),
        (ParamKind::F64, ParamInput::Int(value)) => Ok(ParamValue::F64(bounded(info, *value as f64)?)),
        (ParamKind::I64, ParamInput::Int(value)) => {
            bounded(info, *value as f64)?;
            Ok(ParamValue::I64(*value))
        }
        (ParamKind::Bool, ParamInput::Bool(value)) => Ok(ParamValue::Bool(*value)),
        (ParamKind::Enum, ParamInput::Text(text)) => {
            match info.choices.iter().position(|choice| choice == text) {
                Some(index) => Ok(ParamValue::Choice(index as u32)),
                None => Err(wrong_kind(info, format!("'{text}'"))),
            }
        }
        (ParamKind::Blob, ParamInput::Text(path)) => blob(info, Path::new(path)),
        (_, other) => Err(wrong_kind(info, describe(other))),
    }
}

fn from_preset(info: &ParamInfo, preset: Option<&Preset>) -> Result<ParamValue, ParamError> {
    let preset_value = preset
        .and_then(|preset| preset.values.iter().find(|value| value.id == info.id && value.kind == info.kind));
    if let Some(PresetValue { f64, i64, .. }) = preset_value {
        return number(info, *f64, *i64);
    }
    if info.flags & SERAPH_PARAM_REQUIRED != 0 {
        return Err(ParamError::Missing { name: info.name.clone(), doc: info.doc.clone() });
    }
    if info.kind == ParamKind::Blob {
        return sealed(info, Path::new(""), SealedFile::from_bytes(&[]));
    }
    number(info, info.default_value, info.default_value as i64)
}

fn number(info: &ParamInfo, real: f64, whole: i64) -> Result<ParamValue, ParamError> {
    Ok(match info.kind {
        ParamKind::F64 => ParamValue::F64(bounded(info, real)?),
        ParamKind::I64 => {
            bounded(info, whole as f64)?;
            ParamValue::I64(whole)
        }
        ParamKind::Bool => ParamValue::Bool(whole != 0),
        ParamKind::Enum if (0..info.choices.len() as i64).contains(&whole) => {
            ParamValue::Choice(whole as u32)
        }
        ParamKind::Enum | ParamKind::Blob => return Err(wrong_kind(info, format!("choice {whole}"))),
    })
}

/// NaN is within no bounds.
fn bounded(info: &ParamInfo, value: f64) -> Result<f64, ParamError> {
    if value >= info.min_value && value <= info.max_value {
        return Ok(value);
    }
    Err(ParamError::Bounds { name: info.name.clone(), value, min: info.min_value, max: info.max_value })
}

fn blob(info: &ParamInfo, path: &Path) -> Result<ParamValue, ParamError> {
    sealed(info, path, SealedFile::open(path))
}

fn sealed(
    info: &ParamInfo,
    path: &Path,
    file: std::io::Result<SealedFile>,
) -> Result<ParamValue, ParamError> {
    let name = info.name.clone();
    let file = file.map_err(|source| ParamError::File { name, path: path.to_owned(), source })?;
    Ok(ParamValue::Blob(Arc::new(file)))
}

fn wrong_kind(info: &ParamInfo, found: String) -> ParamError {
    let expected = match info.kind {
        ParamKind::F64 => "a number".to_owned(),
        ParamKind::I64 => "a whole number".to_owned(),
        ParamKind::Bool => "true or false".to_owned(),
        ParamKind::Enum => format!("one of '{}'", info.choices.join("', '")),
        ParamKind::Blob => "the path of a file".to_owned(),
    };
    ParamError::Kind { name: info.name.clone(), expected, found }
}

fn describe(input: &ParamInput) -> String {
    match input {
        ParamInput::Bool(value) => value.to_string(),
        ParamInput::Int(value) => value.to_string(),
        ParamInput::Float(value) => value.to_string(),
        ParamInput::Text(value) => format!("'{value}'"),
    }
}

/// The known name that a misspelt one most likely meant.
pub(crate) fn nearest<'a>(known: impl Iterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    let scored = known.map(|candidate| (strsim::damerau_levenshtein(candidate, name), candidate));
    scored
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

fn suggestion(known: &[String], name: &str) -> String {
    match nearest(known.iter().map(String::as_str), name) {
        Some(near) => format!("; did you mean '{near}'?"),
        None if known.is_empty() => "; there are none".to_owned(),
        None => format!("; there are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn info(id: u32, kind: ParamKind, name: &str, default: f64, flags: u32) -> ParamInfo {
        let choices =
            if kind == ParamKind::Enum { vec!["linear".to_owned(), "cosine".to_owned()] } else { vec![] };
        ParamInfo {
            id,
            kind,
            flags,
            name: name.to_owned(),
            unit: String::new(),
            doc: "for tests".to_owned(),
            min_value: 0.0,
            max_value: 100.0,
            default_value: default,
            choices,
        }
    }

    fn infos() -> Vec<ParamInfo> {
        vec![
            info(7, ParamKind::I64, "steps", 20.0, 0),
            info(3, ParamKind::F64, "step_size", 0.25, 0),
            info(4, ParamKind::Bool, "random_start", 1.0, 0),
            info(5, ParamKind::Enum, "schedule", 0.0, 0),
        ]
    }

    fn resolve(overrides: &[(&str, ParamInput)], preset: Option<&str>) -> Result<Vec<Param>, ParamError> {
        let strong = PresetValue { id: 7, kind: ParamKind::I64, f64: 0.0, i64: 50 };
        let presets = [Preset { name: "strong".to_owned(), doc: String::new(), values: vec![strong] }];
        let overrides = overrides.iter().map(|(name, input)| ((*name).to_owned(), input.clone())).collect();
        resolve_params(&infos(), &presets, preset, &overrides)
    }

    #[test]
    fn override_beats_preset_beats_default() {
        let steps =
            |overrides: &[(&str, ParamInput)], preset| match resolve(overrides, preset).unwrap()[0].value {
                ParamValue::I64(steps) => steps,
                ref other => panic!("{other:?}"),
            };
        assert_eq!(steps(&[], None), 20);
        assert_eq!(steps(&[], Some("strong")), 50);
        assert_eq!(steps(&[("steps", ParamInput::Int(3))], Some("strong")), 3);
    }

    #[test]
    fn values_stand_in_the_order_of_the_descriptor() {
        let ids: Vec<_> = resolve(&[], None).unwrap().iter().map(|param| param.id).collect();
        assert_eq!(ids, [7, 3, 4, 5]);
    }

    #[test]
    fn misfits_name_the_key_and_what_to_do() {
        for (overrides, preset, message) in [
            (vec![("stesp", ParamInput::Int(1))], None, "no parameter 'stesp'; did you mean 'steps'?"),
            (vec![], Some("stronk"), "no preset 'stronk'; did you mean 'strong'?"),
            (vec![("steps", ParamInput::Int(101))], None, "parameter 'steps' is 101, outside [0, 100]"),
            (
                vec![("steps", ParamInput::Float(1.5))],
                None,
                "parameter 'steps' must be a whole number, not 1.5",
            ),
            (
                vec![("step_size", ParamInput::Float(f64::NAN))],
                None,
                "parameter 'step_size' is NaN, outside [0, 100]",
            ),
            (
                vec![("schedule", ParamInput::Text("cubic".to_owned()))],
                None,
                "parameter 'schedule' must be one of 'linear', 'cosine', not 'cubic'",
            ),
        ] {
            assert_eq!(resolve(&overrides, preset).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn a_file_is_read_and_hashed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("model.onnx");
        std::fs::write(&path, b"abc").unwrap();
        let infos = [info(1, ParamKind::Blob, "model", 0.0, SERAPH_PARAM_REQUIRED)];
        let given = ParamInput::Text(path.to_string_lossy().into_owned());
        let params =
            resolve_params(&infos, &[], None, &BTreeMap::from([("model".to_owned(), given)])).unwrap();
        let ParamValue::Blob(file) = &params[0].value else { panic!("{params:?}") };
        // FIPS 180-2, appendix B.1
        assert_eq!(file.sha256(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let error = resolve_params(&infos, &[], None, &BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), "parameter 'model' is required: for tests");
        let optional = [info(1, ParamKind::Blob, "model", 0.0, 0)];
        let params = resolve_params(&optional, &[], None, &BTreeMap::new()).unwrap();
        let ParamValue::Blob(file) = &params[0].value else { panic!("{params:?}") };
        assert!(file.is_empty(), "an optional file that the plan does not name has no bytes");
    }
}
