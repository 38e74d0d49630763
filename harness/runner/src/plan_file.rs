//! A plan on disk: its text parsed, its paths found.

use seraph_core::plan::{CorpusPlan, RunPlan, VictimPlan};
use seraph_core::{Plan, PlanError};
use std::fs;
use std::path::{Path, PathBuf};

/// A plan and the folder that its paths are relative to.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// The plan as written.
    pub plan: Plan,
    /// The folder that it lies in.
    pub folder: PathBuf,
}

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanFileError {
    /// The file could not be read.
    #[error("cannot read plan {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is no plan.
    #[error("{}: {source}", path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its line.
        source: Box<PlanError>,
    },
}

impl PlanFile {
    /// Reads and checks a plan.
    pub fn read(path: &Path) -> Result<PlanFile, PlanFileError> {
        let text =
            fs::read_to_string(path).map_err(|source| PlanFileError::Read { path: path.into(), source })?;
        let plan = Plan::from_toml(&text)
            .map_err(|error| PlanFileError::Plan { path: path.into(), source: Box::new(error) })?;
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(PlanFile { plan, folder: parent.to_owned() })
    }

    /// A plan of one victim and nothing to do to it, with paths relative to the working directory.
    pub(crate) fn of_victim(victim: &VictimPlan) -> PlanFile {
        let plan = Plan {
            name: victim.name(),
            seed: 1,
            seeds: vec![],
            corpus: CorpusPlan { id: String::new(), path: None, split: None, limit: 0 },
            victims: vec![victim.clone()],
            attacks: vec![],
            threats: vec![],
            run: RunPlan { ranked: false, ..RunPlan::default() },
        };
        PlanFile { plan, folder: ".".into() }
    }

    /// Where a path of the plan lies: relative to the plan's folder, or, where nothing lies there, to the
    /// working directory.
    pub fn path(&self, written: &Path) -> PathBuf {
        let beside = self.folder.join(written);
        if !beside.exists() && written.exists() { written.to_owned() } else { beside }
    }

    /// The plugin as the host looks for it: a name stays a name, a path is found.
    pub fn plugin(&self, written: &str) -> String {
        let is_path = written.contains('/') || written.ends_with(".so");
        if is_path {
            self.path(Path::new(written)).to_string_lossy().into_owned()
        } else {
            written.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const PLAN: &str = "name = \"t\"\n[corpus]\nid = \"synthetic\"\n[[victim]]\nplugin = \"v\"\n\
                        [[attack]]\nplugin = \"a\"\n[[threat]]\naccess = \"score\"\nnorm = \"linf\"\neps = 0.1\n";

    #[test]
    fn paths_are_found_beside_the_plan() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.toml");
        fs::write(&path, PLAN).unwrap();
        fs::write(dir.path().join("m.onnx"), "").unwrap();
        let file = PlanFile::read(&path).unwrap();
        assert_eq!(file.path(Path::new("m.onnx")), dir.path().join("m.onnx"));
        assert_eq!(file.path(Path::new("/a/b.onnx")), Path::new("/a/b.onnx"));
        assert_eq!(file.plugin("pgd"), "pgd");
        assert_eq!(file.plugin("./x.so"), dir.path().join("./x.so").to_string_lossy());
    }

    #[test]
    fn a_plan_that_is_none_is_named_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plan.toml");
        assert!(PlanFile::read(&path).unwrap_err().to_string().contains("plan.toml"));
        fs::write(&path, PLAN.replace("norm", "nrom")).unwrap();
        let error = PlanFile::read(&path).unwrap_err().to_string();
        assert!(error.contains("plan.toml: ") && error.contains("'nrom'"), "{error}");
    }
}
