//! What a worker may use, and what the host demands of its isolation.

use crate::task::Progress;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// Names the worker's program when it is not the host's own.
pub const WORKER_EXE_VARIABLE: &str = "SERAPH_WORKER_EXE";
const ONNX_RUNTIME_VARIABLE: &str = "ORT_DYLIB_PATH";

/// What a worker may use. Going over one of these is a [`Fault`](crate::Fault) that names it.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Address space, bytes, besides the channel and the plugin's files.
    pub memory_bytes: u64,
    /// CPU seconds of one task, of one query to a victim, or of the creation of an instance.
    pub cpu_s: f64,
    /// Wall-clock seconds of the same; time in which the host works for the worker does not count.
    pub wall_s: f64,
    /// Threads of the worker's process.
    pub threads: u32,
    /// Bytes that it may print and log over its life.
    pub log_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        // Pools of a thread per core are common, and one process may have several.
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let threads = (4 * cores).max(128);
        Self { memory_bytes: 4 << 30, cpu_s: 3600.0, wall_s: 3600.0, threads, log_bytes: 16 << 20 }
    }
}

/// How a worker is started.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
    /// Load the plugin into this process instead, for a debugger. Tier 0: no limit holds, a crash takes all.
    pub in_process: bool,
    /// What it may use.
    pub limits: Limits,
    /// Files and folders that it may read, map and execute, besides the system's libraries.
    pub read_paths: Vec<PathBuf>,
    /// Its whole environment; `LD_*` is refused.
    pub env: Vec<(String, String)>,
    /// The worker's program; by default `SERAPH_WORKER_EXE`, else this program, which then must call
    /// [`worker_main_if_requested`](crate::worker_main_if_requested) first thing in `main`.
    pub worker_exe: Option<PathBuf>,
    /// Refuse to start below this tier.
    pub required_tier: u8,
    /// The most bytes of samples that one message or task carries. Memory is used as it is written to.
    pub payload_bytes: u64,
    /// Set from anywhere to cancel what the worker is doing.
    pub cancel: Option<Arc<AtomicBool>>,
    /// Where the worker's last progress message is shown, for people who wait.
    pub progress: Option<Arc<Mutex<Option<Progress>>>>,
}

impl Default for WorkerOptions {
    fn default() -> Self {
        Self {
            in_process: false,
            limits: Limits::default(),
            read_paths: Vec::new(),
            env: Vec::new(),
            worker_exe: None,
            required_tier: 3,
            payload_bytes: 64 << 20,
            cancel: None,
            progress: None,
        }
    }
}

impl WorkerOptions {
    /// Lets the worker load the ONNX Runtime that `ORT_DYLIB_PATH` names in the host's environment, if it does.
    pub fn with_onnx_runtime(mut self) -> Self {
        let Some(library) = std::env::var_os(ONNX_RUNTIME_VARIABLE).map(PathBuf::from) else {
            return self;
        };
        let library = library.canonicalize().unwrap_or(library);
        if let Some(folder) = library.parent() {
            self.read_paths.push(folder.to_owned());
        }
        self.env.push((ONNX_RUNTIME_VARIABLE.to_owned(), library.to_string_lossy().into_owned()));
        self
    }

    /// The program to start.
    pub(crate) fn worker_program(&self) -> PathBuf {
        let named = || std::env::var_os(WORKER_EXE_VARIABLE).map(PathBuf::from);
        match self.worker_exe.clone().or_else(named) {
            // A worker starts in the root folder.
            Some(program) => std::path::absolute(&program).unwrap_or(program),
            None => PathBuf::from("/proc/self/exe"),
        }
    }
}
