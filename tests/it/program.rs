//! The `seraph` program for tests: built once, run in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// The packages whose artefacts the tests use.
const PACKAGES: [&str; 4] = ["seraph-cli", "seraph-controls", "seraph-gradient", "seraph-victim-linear"];

/// How a call of the program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Asserts the exit status, and shows what was said if it is another.
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The last line on stderr.
    pub fn last_words(&self) -> &str {
        self.stderr.lines().last().unwrap_or_default()
    }
}

/// A folder with plans and outputs.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The program in this folder.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        let output = self.command(args).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Every file below a folder with its bytes, by relative path; locks left out.
pub fn tree(folder: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    let mut files = std::collections::BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if !path.ends_with(".lock") {
                files.insert(path.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The records below an output folder.
pub fn records(out: &Path) -> std::collections::BTreeMap<PathBuf, Vec<u8>> {
    tree(&out.join("records"))
}

/// A plan for the synthetic corpus and an analytic victim: no file but the plugins is needed.
pub fn linear_plan(attacks: &[&str]) -> String {
    let attacks: String =
        attacks.iter().map(|attack| format!("[[attack]]\nplugin = \"{attack}\"\n")).collect();
    format!(
        "name = \"linear\"\nseed = 3\n[corpus]\nid = \"synthetic\"\nsplit = \"test\"\nlimit = 12\n\
         [[victim]]\nplugin = \"victim-linear\"\nparams = {{ n_classes = 4, n_samples = 1600 }}\n{attacks}\
         [[threat]]\naccess = \"white-box\"\nnorm = \"linf\"\neps = [0.001, 0.01]\nlabels = \"predicted\"\n\
         [run]\nbatch = 4\nbootstrap = 200\n"
    )
}

/// A plugin library that was built with the program.
pub fn library(name: &str) -> PathBuf {
    program().with_file_name(format!("lib{name}.so"))
}

fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        // target/<profile>/deps/it-<hash>
        let test = std::env::current_exe().unwrap();
        let folder = test.parent().unwrap().parent().unwrap().to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.arg("build").arg("--quiet").current_dir(env!("CARGO_MANIFEST_DIR"));
        if folder.ends_with("release") {
            build.arg("--release");
        }
        for package in PACKAGES {
            build.args(["--package", package]);
        }
        assert!(build.status().unwrap().success(), "the program cannot be built");
        folder.join("seraph")
    })
}
