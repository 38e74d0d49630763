//! `seraph describe`: what a plugin is, first without running it, then in its own words.

use crate::output::{self, Outcome, Refused, Result};
use crate::table;
use clap::Args;
use seraph_host::{AttackInfo, Description, ParamInfo, ParamKind, PluginFile, WorkerOptions};
use seraph_runner::catalogue;
use serde_json::json;
use std::path::PathBuf;

/// Describes a plugin: its identity from the ELF note, before any of its code runs, then its own description from
/// an isolated worker
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  seraph describe target/release/libseraph_gradient.so")]
pub struct Describe {
    /// The shared library
    plugin: PathBuf,
    /// Say it as one JSON document
    #[arg(long)]
    json: bool,
}

impl Describe {
    /// Describes.
    pub fn run(self) -> Result {
        let file = seraph_host::read_plugin(&self.plugin)?;
        let description =
            seraph_host::describe(&file, &WorkerOptions { required_tier: 0, ..WorkerOptions::default() })
                .map_err(|fault| Refused::new(format!("{}: {fault}", self.plugin.display())))?;
        if self.json {
            output::print_json(&json!({
                "path": file.path, "sha256": file.sha256, "notes": file.notes, "description": description,
            }))?;
        } else {
            output::print(text(&file, &description))?;
        }
        Ok(Outcome::Done)
    }
}

fn text(file: &PluginFile, description: &Description) -> String {
    let mut parts = vec![format!("{}\nsha256 {}", file.path.display(), file.sha256), notes(file)];
    parts.extend(description.attacks.iter().map(attack));
    parts.extend(description.victims.iter().map(|victim| {
        format!(
            "victim {}: {} {}\n{}\n{}",
            victim.id,
            victim.name,
            victim.version,
            victim.doc,
            params(&victim.params)
        )
    }));
    parts.join("\n\n")
}

fn notes(file: &PluginFile) -> String {
    let row = |note: &seraph_host::Note| {
        vec![
            note.kind.to_string(),
            note.id.clone(),
            note.version.clone(),
            format!("{}.{}", note.abi_major, note.abi_minor_built),
            format!("{}.{}", note.abi_major, note.abi_minor_min),
        ]
    };
    let rows: Vec<_> = file.notes.iter().map(row).collect();
    table::table(&["note", "id", "version", "built for ABI", "needs ABI"], &rows)
}

fn attack(info: &AttackInfo) -> String {
    let presets: Vec<String> = info.presets.iter().map(|p| format!("  {}: {}", p.name, p.doc)).collect();
    let presets =
        if presets.is_empty() { String::new() } else { format!("\npresets:\n{}", presets.join("\n")) };
    format!(
        "attack {}: {} {}\n{}\nsource: {}\nneeds {}; norms {}\n{}{presets}",
        info.id,
        info.name,
        info.version,
        info.doc,
        info.citation,
        catalogue::access_names(info.access_required),
        catalogue::norm_names(info.norms),
        params(&info.params),
    )
}

fn params(infos: &[ParamInfo]) -> String {
    let row = |info: &ParamInfo| {
        vec![info.name.clone(), range(info), default(info), info.unit.clone(), info.doc.clone()]
    };
    let rows: Vec<_> = infos.iter().map(row).collect();
    table::table(&["parameter", "values", "default", "unit", "what it is"], &rows)
}

fn range(info: &ParamInfo) -> String {
    match info.kind {
        ParamKind::F64 | ParamKind::I64 => format!("{} to {}", info.min_value, info.max_value),
        ParamKind::Bool => "true or false".into(),
        ParamKind::Enum => info.choices.join(" | "),
        ParamKind::Blob => "a file".into(),
    }
}

fn default(info: &ParamInfo) -> String {
    match info.kind {
        ParamKind::F64 | ParamKind::I64 => info.default_value.to_string(),
        ParamKind::Bool => (info.default_value != 0.0).to_string(),
        ParamKind::Enum => info.choices.get(info.default_value as usize).cloned().unwrap_or_default(),
        ParamKind::Blob => String::new(),
    }
}
