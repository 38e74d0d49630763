//! What the tests of this crate share: plugins written in C, compiled when first needed.
#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its part

use seraph_host::{Param, ParamInput, PluginFile, Task, WorkerOptions, read_plugin, resolve_params};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Options whose worker is this package's own program.
pub fn options() -> WorkerOptions {
    WorkerOptions { worker_exe: Some(env!("CARGO_BIN_EXE_seraph-worker").into()), ..WorkerOptions::default() }
}

/// `tests/fixtures/plain.c`, as a library.
pub fn plain() -> &'static PluginFile {
    static PLAIN: OnceLock<PluginFile> = OnceLock::new();
    PLAIN.get_or_init(|| read_plugin(&compile("plain", &[])).unwrap())
}

/// Compiles a fixture with extra flags; the library's path.
pub fn compile(name: &str, flags: &[&str]) -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let variant: String = flags.concat().chars().filter(char::is_ascii_alphanumeric).collect();
    let out =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}{variant}-{}.so", std::process::id()));
    let status = Command::new("cc")
        .args(["-std=c11", "-O1", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Werror"])
        .args(flags)
        .arg("-I")
        .arg(crate_dir.join("../include"))
        .arg(crate_dir.join("tests/fixtures").join(format!("{name}.c")))
        .arg("-o")
        .arg(&out)
        .status()
        .expect("a C compiler is needed for these tests, as it is for linking Rust");
    assert!(status.success(), "{name}.c does not compile");
    out
}

/// Parameters of the fixture's victim, with this model and gain.
pub fn slope_params(model: &Path, gain: f64) -> Vec<Param> {
    let infos = seraph_host::describe(plain(), &options()).unwrap().victims.remove(0).params;
    let given = BTreeMap::from([
        ("gain".to_owned(), ParamInput::Float(gain)),
        ("model".to_owned(), ParamInput::Text(model.to_string_lossy().into_owned())),
    ]);
    resolve_params(&infos, &[], None, &given).unwrap()
}

/// A model file with these bytes.
pub fn model(dir: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join("model.bin");
    std::fs::write(&path, bytes).unwrap();
    path
}

/// `n` items of `n_samples` each, item `i` all `0.1 * (i + 1)`, the last sample padding, of class 1.
pub fn task(n: usize, n_samples: usize) -> Task {
    let mut audio = Vec::new();
    for item in 0..n {
        audio.extend(std::iter::repeat_n(0.1 * (item + 1) as f32, n_samples - 1));
        audio.push(0.0);
    }
    Task {
        audio,
        n_samples,
        lengths: vec![n_samples as u32 - 1; n],
        reference: vec![1; n],
        target: None,
        streams: (0..n as u64).collect(),
        norm: seraph_sys::SERAPH_NORM_LINF,
        domain: seraph_sys::SERAPH_DOMAIN_WAVEFORM,
        radius: vec![0.01; n],
        eps: 0.01,
        clip_lo: -1.0,
        clip_hi: 1.0,
        seed: [7; 32],
    }
}
