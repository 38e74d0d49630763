//! Where this installation keeps its plugins and ONNX Runtime.

use crate::output::{Refused, Result};
use std::env;
use std::path::{Path, PathBuf};

/// The folders that plugins are looked for in, first to last: `--plugin-dir`, `SERAPH_PLUGIN_PATH`, beside the
/// program, in `plugins/` beside it, and `../lib/seraph/plugins`.
pub fn plugin_dirs(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    if let Some(missing) = given.iter().find(|dir| !dir.is_dir()) {
        return Err(Refused::new(format!("--plugin-dir {} is not a folder", missing.display())));
    }
    let from_environment = env::var_os("SERAPH_PLUGIN_PATH").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = given.iter().cloned().chain(env::split_paths(&from_environment)).collect();
    if let Some(program) = program_dir() {
        dirs.extend([program.clone(), program.join("plugins"), program.join("../lib/seraph/plugins")]);
    }
    dirs.retain(|dir| dir.is_dir());
    Ok(dirs)
}

/// The shared library of ONNX Runtime: `ORT_DYLIB_PATH`, else one that `cargo xtask setup` has put into the
/// target folder that this program lies in, else one installed beside it. `None` where there is none; victims
/// that need it say so.
pub fn onnx_runtime() -> Result<Option<PathBuf>> {
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return match path.is_file() {
            true => Ok(Some(path)),
            false => Err(Refused::new(format!(
                "ORT_DYLIB_PATH names {}, which is not a file; unset it to use the one of `cargo xtask setup`",
                path.display()
            ))),
        };
    }
    let Some(program) = program_dir() else { return Ok(None) };
    let folders = [program.join("../onnxruntime"), program.join("../lib/seraph"), program];
    Ok(folders.iter().find_map(|folder| newest_library(folder)))
}

fn program_dir() -> Option<PathBuf> {
    env::current_exe().ok()?.canonicalize().ok()?.parent().map(Path::to_owned)
}

/// The last `libonnxruntime.so*` by version in `folder` or one of its folders.
fn newest_library(folder: &Path) -> Option<PathBuf> {
    let entries =
        |dir: &Path| std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    let libraries =
        entries(folder).chain(entries(folder).filter(|path| path.is_dir()).flat_map(|dir| entries(&dir)));
    libraries.filter(|path| path.is_file() && is_onnx_runtime(path)).max_by_key(|path| version(path))
}

fn is_onnx_runtime(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so"))
}

fn version(path: &Path) -> Vec<u32> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_newest_library_is_taken_by_number_not_by_letter() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["1.9.0", "1.31.1"] {
            let folder = dir.path().join(version);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("libonnxruntime.so.{version}")), b"").unwrap();
        }
        std::fs::write(dir.path().join("1.31.1/LICENSE"), b"").unwrap();
        let found = newest_library(dir.path()).unwrap();
        assert!(found.ends_with("1.31.1/libonnxruntime.so.1.31.1"), "{}", found.display());
    }
}
