//! The manifest of a run, `run.json`: what is run in a folder, so that going on with something else is refused, and
//! so that one cell can be run alone.

use crate::environment::HARNESS_VERSION;
use crate::error::RunError;
use crate::folder::{Folder, FolderError, read_if_present, write_atomically};
use crate::options::{Device, RunOptions};
use crate::plan_file::PlanFile;
use crate::setup::Setup;
use seraph_core::{CorpusId, Plan, PlannedCell, digest};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The schema of the manifests that this version writes.
pub const SCHEMA: &str = "seraph-run/1";

/// What is run in a folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `seraph-run/1`.
    pub schema: String,
    /// The plan as written.
    pub plan: Plan,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
    /// The caller's `--limit`.
    pub limit: Option<usize>,
    /// Where victims run.
    pub device: Device,
    /// Whether plugins run inside the host.
    pub in_process: bool,
    /// Version of the harness.
    pub harness: String,
    /// The corpus.
    pub corpus: CorpusId,
    /// SHA-256 of its audio.
    pub data_sha256: String,
    /// The libraries and models, by role and name in the plan, with their SHA-256.
    pub files: Vec<FileEntry>,
    /// The cells, in order; why one is skipped.
    pub cells: Vec<CellEntry>,
}

/// A file that the results depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// What it is, eg "model of victim emo18".
    pub what: String,
    /// SHA-256 of its bytes, hex.
    pub sha256: String,
}

/// A cell of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellEntry {
    /// Its id.
    pub id: String,
    /// Why it is skipped, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Manifest {
    /// Of a resolved plan.
    pub(crate) fn of(setup: &Setup, limit: Option<usize>, cells: &[PlannedCell]) -> Manifest {
        Manifest {
            schema: SCHEMA.to_owned(),
            plan: setup.plan.plan.clone(),
            folder: absolute(&setup.plan.folder),
            limit,
            device: setup.workers.device,
            in_process: setup.workers.in_process,
            harness: HARNESS_VERSION.to_owned(),
            corpus: setup.corpus_id(),
            data_sha256: setup.data_sha256.clone(),
            files: setup.files(),
            cells: cells
                .iter()
                .map(|cell| CellEntry { id: cell.id.clone(), skipped: cell.skipped.clone() })
                .collect(),
        }
    }

    /// The manifest in a folder; `None`: no run was started there.
    pub fn read(folder: &Folder) -> Result<Option<Manifest>, RunError> {
        let path = folder.manifest();
        read_if_present(&path)?.map(|bytes| Manifest::decode(&path, &bytes)).transpose()
    }

    /// The manifest in a file.
    pub fn read_file(path: &Path) -> Result<Manifest, RunError> {
        let bytes = std::fs::read(path).map_err(FolderError::read(path))?;
        Manifest::decode(path, &bytes)
    }

    fn decode(path: &Path, bytes: &[u8]) -> Result<Manifest, RunError> {
        let occupied = |problem: String| RunError::Occupied { path: path.to_owned(), problem };
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|error| occupied(format!("is not the manifest of a run of this version ({error})")))?;
        if manifest.schema != SCHEMA {
            return Err(occupied(format!("has schema '{}', this version reads '{SCHEMA}'", manifest.schema)));
        }
        Ok(manifest)
    }

    pub(crate) fn write(&self, folder: &Folder) -> Result<(), RunError> {
        let bytes = serde_json::to_vec_pretty(self).expect("plain data has no unserialisable part");
        Ok(write_atomically(&folder.manifest(), &bytes)?)
    }

    /// The plan and its folder.
    pub(crate) fn plan_file(&self) -> PlanFile {
        PlanFile { plan: self.plan.clone(), folder: self.folder.clone() }
    }

    /// Why a run of `plan` with `options` is another run, as far as that shows without loading anything.
    pub(crate) fn differs_from(&self, plan: &PlanFile, options: &RunOptions) -> Option<String> {
        let changes: [(bool, &dyn Fn() -> String); 5] = [
            (self.plan.name != plan.plan.name, &|| format!("the run of another plan, '{}'", self.plan.name)),
            (self.plan != plan.plan, &|| {
                format!("a run of plan '{}' as it was before it was changed", self.plan.name)
            }),
            (self.limit != options.limit, &|| format!("a run with {}", limit_name(self.limit))),
            (self.device != options.device, &|| format!("a run with --device {}", self.device.as_str())),
            (self.in_process != options.in_process, &|| {
                format!("a run {} --in-process", if self.in_process { "with" } else { "without" })
            }),
        ];
        changes.iter().find(|(differs, _)| *differs).map(|(_, what)| what())
    }

    /// Why the run described by `other` is another run.
    pub(crate) fn differs(&self, other: &Manifest) -> Option<String> {
        if self.harness != other.harness {
            return Some(format!("a run of version {}, this is {}", self.harness, other.harness));
        }
        if self.corpus != other.corpus || self.data_sha256 != other.data_sha256 {
            return Some("a run on other audio of the same corpus".to_owned());
        }
        let changed = self.files.iter().find(|file| !other.files.contains(file));
        if let Some(file) = changed {
            return Some(format!("a run with another {}", file.what));
        }
        (self.cells != other.cells).then(|| "a run of other cells".to_owned())
    }

    /// SHA-256 of everything that the results depend on.
    pub fn fingerprint(&self) -> String {
        digest::sha256_of_json(&(
            &self.plan,
            self.limit,
            &self.harness,
            &self.corpus,
            &self.data_sha256,
            &self.files,
        ))
    }
}

fn limit_name(limit: Option<usize>) -> String {
    limit.map_or_else(|| "no --limit".to_owned(), |limit| format!("--limit {limit}"))
}

fn absolute(folder: &Path) -> PathBuf {
    folder.canonicalize().unwrap_or_else(|_| folder.to_owned())
}
