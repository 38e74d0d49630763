//! Where things are in the checkout.

use std::path::{Path, PathBuf};

/// The folder of the workspace's `Cargo.toml`.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("harness/xtask lies two folders down")
}

/// Cargo's target folder, as the environment or the default has it.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The package names of the plugins: `seraph-` and the folder's name.
pub fn plugin_packages() -> Result<Vec<String>, String> {
    let folder = root().join("plugins");
    let entries = std::fs::read_dir(&folder).map_err(|e| format!("cannot list {}: {e}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().join("Cargo.toml").is_file())
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name != "common") // a library that plugins share, not a plugin
        .map(|name| format!("seraph-{name}"))
        .collect();
    names.sort();
    Ok(names)
}
