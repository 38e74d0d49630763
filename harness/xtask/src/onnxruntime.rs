//! Fetches ONNX Runtime by package name: the wheel that `onnxruntime.txt` pins by hash, of which only the shared
//! library and its licences are kept, in `target/onnxruntime/<version>/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace;

const VERSION: &str = "1.31.1";

/// The library's path; an `ORT_DYLIB_PATH` that is set wins, else it is fetched once.
pub fn ensure() -> Result<PathBuf, String> {
    if let Some(path) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return match path.is_file() {
            true => Ok(path),
            false => Err(format!("ORT_DYLIB_PATH names {}, which is not a file", path.display())),
        };
    }
    let folder = workspace::target().join("onnxruntime").join(VERSION);
    let library = folder.join(library_name());
    if !library.is_file() {
        eprintln!("xtask: fetching onnxruntime {VERSION} with pip");
        fetch(&folder, &library)?;
    }
    Ok(library)
}

/// What the library is called inside the wheel.
fn library_name() -> String {
    format!("libonnxruntime.so.{VERSION}")
}

fn fetch(folder: &Path, library: &Path) -> Result<(), String> {
    let scratch = workspace::target().join(format!("onnxruntime/tmp-{}", std::process::id()));
    let unpacked = scratch.join("unpacked");
    fs::create_dir_all(&unpacked).map_err(|e| format!("cannot create {}: {e}", unpacked.display()))?;
    download(&scratch)?;
    unpack(&find(&scratch, ".whl")?, &unpacked)?;
    fs::create_dir_all(folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
    let package = unpacked.join("onnxruntime");
    for notice in ["LICENSE", "ThirdPartyNotices.txt"] {
        rename(&package.join(notice), &folder.join(notice))?;
    }
    // Last: its presence marks a complete set-up.
    rename(&package.join("capi").join(library_name()), library)?;
    fs::remove_dir_all(&scratch).map_err(|e| format!("cannot remove {}: {e}", scratch.display()))
}

/// The platform is named outright, so that the user's own Python version does not matter.
fn download(scratch: &Path) -> Result<(), String> {
    let platform = match std::env::consts::ARCH {
        "x86_64" => "manylinux_2_28_x86_64",
        "aarch64" => "manylinux_2_28_aarch64",
        other => {
            return Err(format!(
                "no pinned onnxruntime for {other}: install one and set ORT_DYLIB_PATH to it"
            ));
        }
    };
    let pins = Path::new(env!("CARGO_MANIFEST_DIR")).join("onnxruntime.txt");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--require-hashes", "--only-binary=:all:", "--implementation", "cp"])
        .args(["--python-version", "3.11", "--abi", "cp311", "--platform", platform, "--dest"])
        .arg(scratch)
        .arg("--requirement")
        .arg(pins);
    succeed(&mut pip, "python3 with pip is needed to fetch onnxruntime (or set ORT_DYLIB_PATH)")
}

fn unpack(wheel: &Path, into: &Path) -> Result<(), String> {
    let mut zipfile = Command::new("python3");
    zipfile.args(["-m", "zipfile", "-e"]).arg(wheel).arg(into);
    succeed(&mut zipfile, "python3 could not unpack the onnxruntime wheel")
}

fn find(folder: &Path, suffix: &str) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("cannot list {}: {e}", folder.display()))?;
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.to_string_lossy().ends_with(suffix))
        .ok_or_else(|| format!("pip left no {suffix} file in {}", folder.display()))
}

fn rename(from: &Path, to: &Path) -> Result<(), String> {
    fs::rename(from, to).map_err(|e| format!("cannot move {} to {}: {e}", from.display(), to.display()))
}

fn succeed(command: &mut Command, hint: &str) -> Result<(), String> {
    let status = command.status().map_err(|e| format!("{hint}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{hint}: {command:?} failed")) }
}
