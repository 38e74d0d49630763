//! The host of the tests, and the count of what is in it.
#![allow(clippy::unwrap_used)]

use seraph_host::{
    AttackWorker, Broker, Fault, Grants, Limits, Loss, LossGradOut, Param, PluginFile, Task, TaskOutcome,
    Victim, VictimDesc, WorkerOptions, all_finite, read_plugin,
};
use seraph_sys::{SERAPH_ACCESS_DECISION, SERAPH_ACCESS_LOGITS, SERAPH_DOMAIN_WAVEFORM, SERAPH_NORM_LINF};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// What is in the house when nobody is there.
pub struct House {
    _alone: MutexGuard<'static, ()>,
    descriptors: Vec<String>,
}

impl House {
    /// Waits until nobody else is there, and counts.
    pub fn enter() -> Self {
        static DOOR: Mutex<()> = Mutex::new(());
        let alone = DOOR.lock().unwrap_or_else(PoisonError::into_inner);
        hostile();
        // The thread that starts workers stays; so it must have come before the count.
        let _ = seraph_host::describe(hostile(), &options());
        Self { _alone: alone, descriptors: descriptors() }
    }

    /// Counts again.
    pub fn leave(self) {
        self.check("the test");
    }

    /// Fails if something is left of what `who` did.
    pub fn check(&self, who: &str) {
        assert_eq!(descriptors(), self.descriptors, "descriptors left by {who}");
        assert_eq!(children_of(std::process::id()), Vec::<u32>::new(), "processes left by {who}");
        let ours = thread_names().into_iter().filter(|name| name.starts_with("seraph-")).count();
        assert_eq!(ours, 1, "threads left by {who}");
    }
}

/// The hostile library, which lies beside this program.
pub fn hostile() -> &'static PluginFile {
    static HOSTILE: OnceLock<PluginFile> = OnceLock::new();
    HOSTILE.get_or_init(|| {
        // The dependency is what has it built; a use of it keeps it one.
        assert!(!seraph_hostile_plugins::MODES.is_empty());
        let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
        read_plugin(&folder.join("libseraph_hostile_plugins.so")).unwrap()
    })
}

/// Tight enough that every flood ends soon; the clocks are generous.
pub fn options() -> WorkerOptions {
    let limits =
        Limits { memory_bytes: 256 << 20, cpu_s: 60.0, wall_s: 120.0, threads: 16, log_bytes: 4 << 20 };
    let worker_exe = Some(env!("CARGO_BIN_EXE_seraph-test-worker").into());
    WorkerOptions { limits, worker_exe, payload_bytes: 1 << 20, ..WorkerOptions::default() }
}

/// The parameters of one mode.
pub fn params(mode: &str) -> Vec<Param> {
    use seraph_host::ParamValue::{Bool, Choice, I64};
    let index = seraph_hostile_plugins::MODES.iter().position(|(name, _)| *name == mode).unwrap();
    let param = |id, name: &str, value| Param { id, name: name.to_owned(), value };
    vec![
        param(1, "mode", Choice(index as u32)),
        param(2, "host_pid", I64(std::process::id().into())),
        param(3, "in_create", Bool(false)),
    ]
}

/// Two items of eight samples, the last one padding.
pub fn task() -> Task {
    let mut audio = vec![0.25; 16];
    (audio[7], audio[15]) = (0.0, 0.0);
    Task {
        audio,
        n_samples: 8,
        lengths: vec![7; 2],
        reference: vec![1; 2],
        target: None,
        streams: vec![0, 1],
        norm: SERAPH_NORM_LINF,
        domain: SERAPH_DOMAIN_WAVEFORM,
        radius: vec![0.01; 2],
        eps: 0.01,
        clip_lo: -1.0,
        clip_hi: 1.0,
        seed: [7; 32],
    }
}

/// Queries that the tests grant per item.
pub const BUDGET: u64 = 1000;

/// Runs a mode on a task against a victim in memory that looks at what it gets.
pub fn run(mode: &str, options: &WorkerOptions, task: &Task) -> TaskOutcome {
    let mut worker = match AttackWorker::start(hostile(), "hostile", &params(mode), options) {
        Ok(worker) => worker,
        Err(fault) => panic!("{mode}: {fault}"),
    };
    let mut victim = Watchful::new();
    let grants =
        Grants { access: SERAPH_ACCESS_LOGITS | SERAPH_ACCESS_DECISION, forward: BUDGET, gradient: 0 };
    let mut broker = Broker::new(&mut victim, task, grants);
    let outcome = worker.run(task, &mut broker);
    if outcome.fault.is_some() {
        let again = worker.run(task, &mut Broker::new(&mut Watchful::new(), task, grants));
        assert!(again.fault.is_some(), "{mode}: a faulty worker is not used again");
    }
    worker.finish();
    outcome
}

/// A victim that fails the test when something reaches it that must not.
struct Watchful {
    desc: VictimDesc,
    input: Vec<f32>,
}

impl Watchful {
    fn new() -> Self {
        let desc = VictimDesc {
            access: SERAPH_ACCESS_LOGITS,
            n_classes: 2,
            sample_rate_hz: 16_000,
            n_samples: 8,
            max_rows: 0,
            domain: SERAPH_DOMAIN_WAVEFORM,
            arch: String::new(),
            classes: None,
            gradient_note: String::new(),
            device: "cpu".to_owned(),
            runtime: String::new(),
        };
        Self { desc, input: Vec::new() }
    }
}

impl Victim for Watchful {
    fn desc(&self) -> &VictimDesc {
        &self.desc
    }

    fn input(&mut self, len: usize) -> Result<&mut [f32], Fault> {
        self.input.resize(len, 0.0);
        Ok(&mut self.input)
    }

    fn logits_of_input(&mut self, n: usize, logits: &mut [f32]) -> Result<(), Fault> {
        assert!(all_finite(&self.input), "what is not finite never reaches the victim");
        assert!(self.input.chunks(8).all(|row| row[7] == 0.0), "padding never reaches the victim");
        assert_eq!(self.input.len(), 8 * n);
        logits.fill(0.5);
        Ok(())
    }

    fn loss_grad_of_input(&mut self, _: usize, _: &Loss, _: LossGradOut<'_>) -> Result<(), Fault> {
        panic!("gradients are not granted, so they are never asked for")
    }
}

/// Polls until there is something, for a while.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        if let Some(found) = look() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    None
}

/// Processes whose parent is `pid`, the dead but not yet reaped ones too.
pub fn children_of(pid: u32) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|child| stat(*child).is_some_and(|(_, parent)| parent == pid)).collect()
}

/// Whether a process has ended and waits to be reaped.
pub fn is_zombie(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state == "Z")
}

fn stat(pid: u32) -> Option<(String, u32)> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// What this process has open, but for the folder that is being listed.
fn descriptors() -> Vec<String> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let mut targets: Vec<_> = targets.map(|target| target.to_string_lossy().into_owned()).collect();
    targets.retain(|target| !target.contains("/fd"));
    targets.sort();
    targets
}

fn thread_names() -> Vec<String> {
    let entries = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("comm")).ok()).collect()
}
