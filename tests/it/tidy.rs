//! What the documents say of the code is so.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Folder of each package and the packages of ours that its library or program is built from.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let package = |package: &serde_json::Value| {
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap());
        let folder = manifest.parent().unwrap().strip_prefix(root()).unwrap().display().to_string();
        let ours = package["dependencies"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|dependency| dependency["path"].is_string() && dependency["kind"].is_null());
        let short = |name: &str| name.strip_prefix("seraph-").unwrap_or(name).to_owned();
        let mut names: Vec<String> =
            ours.map(|dependency| short(dependency["name"].as_str().unwrap())).collect();
        names.sort();
        (folder, names)
    };
    metadata["packages"].as_array().unwrap().iter().map(package).collect()
}

#[test]
fn the_crate_map_is_what_the_manifests_say() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let rows: BTreeMap<&str, &str> = map
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .filter_map(|(folder, rest)| Some((folder, rest.rsplit_once(" | ")?.1.strip_suffix(" |")?)))
        .collect();
    let in_the_map = |folder: &str| !folder.starts_with("plugins/") && !folder.starts_with("tests");
    for (folder, found) in dependencies().iter().filter(|(folder, _)| in_the_map(folder)) {
        let written =
            rows.get(folder.as_str()).unwrap_or_else(|| panic!("{folder} is not in ARCHITECTURE.md"));
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        assert_eq!(*written, found, "what {folder} depends on");
    }
}

#[test]
fn plugins_know_the_contract_and_nothing_of_the_harness() {
    let allowed = ["plugin", "runtime", "autodiff", "audio", "kernels"];
    for (folder, found) in dependencies().iter().filter(|(folder, _)| folder.starts_with("plugins/")) {
        let private = found.iter().find(|name| !allowed.contains(&name.as_str()));
        assert_eq!(private, None, "{folder} depends on what third parties do not have");
    }
}

#[test]
fn unsafe_code_is_forbidden_outside_abi_and_kernels() {
    for folder in dependencies().keys() {
        let free = ["abi/", "kernels", "tests"].iter().any(|start| folder.starts_with(start));
        let source = root().join(folder).join("src");
        let entry =
            ["lib.rs", "main.rs"].map(|name| source.join(name)).into_iter().find(|path| path.is_file());
        if let (false, Some(entry)) = (free, entry) {
            let text = fs::read_to_string(&entry).unwrap();
            let level = if folder.starts_with("plugins/") {
                "#![deny(unsafe_code)]"
            } else {
                "#![forbid(unsafe_code)]"
            };
            assert!(text.contains(level), "{} lacks {level}", entry.display());
        }
    }
}
