//! The library itself: loaded once per process, kept until its end.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::OnceLock;

use ort::environment::Environment;

use crate::Error;

/// The loaded ONNX Runtime with its one environment.
pub struct Runtime {
    pub(crate) environment: Environment,
    path: PathBuf,
}

static RUNTIME: OnceLock<Runtime> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

impl Runtime {
    /// Loads the library that the environment variable `ORT_DYLIB_PATH` names, or returns the loaded one.
    ///
    /// # Errors
    /// [`Error::NoLibrary`] when the variable is unset or empty and nothing is loaded yet, else as [`Runtime::load`].
    pub fn from_env() -> Result<&'static Runtime, Error> {
        if let Some(runtime) = RUNTIME.get() {
            return Ok(runtime);
        }
        match std::env::var_os("ORT_DYLIB_PATH") {
            Some(path) if !path.is_empty() => Runtime::load(Path::new(&path)),
            _ => Err(Error::NoLibrary),
        }
    }

    /// Loads ONNX Runtime from the file at `path`; a second call with the same path returns the same runtime.
    ///
    /// # Errors
    /// When the file is no ONNX Runtime of version 1.24 or later, or another one is loaded already.
    pub fn load(path: &Path) -> Result<&'static Runtime, Error> {
        let _one_at_a_time = LOADING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(runtime) = RUNTIME.get() {
            return runtime.if_same(path);
        }
        let failed = |message: String| Error::Load { path: path.to_owned(), message };
        // The loader's own error converts to text; `ort::Error` must not be built before the library is there.
        let builder = ort::init_from(path).map_err(|error| failed(error.to_string()))?;
        let environment = builder
            .with_name("seraph")
            .with_telemetry(false)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(RUNTIME.get_or_init(|| Runtime { environment, path: path.to_owned() }))
    }

    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// ONNX Runtime's own description of its build: version, commit, flags.
    pub fn build_info(&self) -> &'static str {
        ort::info()
    }

    fn if_same(&'static self, path: &Path) -> Result<&'static Runtime, Error> {
        if self.path == path {
            return Ok(self);
        }
        Err(Error::AlreadyLoaded { loaded: self.path.clone(), asked: path.to_owned() })
    }
}
