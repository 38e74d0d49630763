//! Plugins in the host's own process, for a debugger. Tier 0: nothing is confined, no limit holds.

use super::context::{Context, LogSink, lock};
use super::copy;
use super::oracle::Oracle;
use super::{Attack, Library, Victim, task_message};
use crate::attack_worker::Stop;
use crate::broker::{Broker, Denial};
use crate::fault::Fault;
use crate::param::{Param, ParamValue};
use crate::plugin_file::PluginFile;
use crate::supervise::CpuClock;
use crate::task::{LogLine, Task, TaskOutcome};
use crate::victim::{Loss, LossGradOut};
use seraph_sys::SERAPH_OK;
use seraph_wire::{Blob, BudgetState, Config, Description, Ended, Span, Value, VictimDesc};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};
use std::time::Instant;

type Logs = Arc<Mutex<Vec<LogLine>>>;

/// The memory that one call in the host's process may take from the arena.
const ARENA_BYTES: u64 = 4 << 30;

/// An attack in this process.
pub(crate) struct LocalAttack {
    attack: Attack,
    logs: Logs,
}

// SAFETY: an instance is used by one thread at a time (`&mut self`), which is all that its contract asks.
unsafe impl Send for LocalAttack {}

impl LocalAttack {
    /// Loads the library and creates attack `id`.
    pub fn create(plugin: &PluginFile, id: &str, params: &[Param]) -> Result<Self, Fault> {
        let (context, logs) = context();
        let attack = Attack::create(load(plugin)?, id, &config(params), context)
            .map_err(|why| crate::describe::not_created(why.into()))?;
        Ok(Self { attack, logs })
    }

    /// As [`AttackWorker::run`](crate::AttackWorker::run).
    pub fn run(
        &mut self,
        task: &Task,
        broker: &mut Broker<'_>,
        payload_bytes: u64,
        outcome: &mut TaskOutcome,
    ) -> Result<(), Stop> {
        let clock = CpuClock::of_this_thread();
        let (start, cpu_start) = (Instant::now(), clock.nanoseconds());
        let max_rows = broker.max_rows(payload_bytes).max(1);
        let message = task_message(task, Span::default(), broker, max_rows);
        let mut oracle = Direct { broker, logits: Vec::new(), stop: None };
        let ended = self.attack.run(&message, &task.audio, &mut oracle);
        let stop = oracle.stop;
        outcome.wall_ns = start.elapsed().as_nanos() as u64;
        outcome.cpu_ns =
            clock.nanoseconds().zip(cpu_start).map_or(0, |(end, start)| end.saturating_sub(start));
        outcome.logs = std::mem::take(&mut lock(&self.logs));
        (outcome.status, outcome.message) = (ended.status, ended.message);
        stop.map_or(Ok(()), Err)
    }
}

/// A victim in this process.
pub(crate) struct LocalVictim {
    victim: Victim,
    input: Vec<f32>,
    logs: Logs,
}

// SAFETY: as for `LocalAttack`.
unsafe impl Send for LocalVictim {}

impl LocalVictim {
    /// Loads the library and creates victim `id`.
    pub fn create(plugin: &PluginFile, id: &str, params: &[Param]) -> Result<(Self, VictimDesc), Fault> {
        let (context, logs) = context();
        let (victim, desc) = Victim::create(load(plugin)?, id, &config(params), context)
            .map_err(|why| crate::describe::not_created(why.into()))?;
        Ok((Self { victim, input: Vec::new(), logs }, desc))
    }

    /// Room for the rows of the next query.
    pub fn input(&mut self, len: usize) -> &mut [f32] {
        self.input.resize(len, 0.0);
        &mut self.input
    }

    /// Of the rows in the input.
    pub fn logits(&mut self, n: usize, logits: &mut [f32]) -> Result<(), Fault> {
        self.victim.logits(&self.input, n, logits).map_err(refused("logits"))
    }

    /// Of the rows in the input.
    pub fn loss_grad(&mut self, n: usize, loss: &Loss, out: LossGradOut<'_>) -> Result<(), Fault> {
        self.victim.loss_grad(&self.input, n, loss, out).map_err(refused("loss_grad"))
    }

    /// What it logged since last asked.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        std::mem::take(&mut lock(&self.logs))
    }
}

/// What a library holds.
pub(crate) fn describe_here(plugin: &PluginFile) -> Result<Description, Fault> {
    copy::description(load(plugin)?).map_err(|reason| Fault::NotLoaded { reason })
}

/// Each file is loaded once and stays. From its own path, where a debugger looks for its source.
fn load(plugin: &PluginFile) -> Result<&'static Library, Fault> {
    static LOADED: Mutex<BTreeMap<PathBuf, &'static Library>> = Mutex::new(BTreeMap::new());
    let mut loaded = lock(&LOADED);
    if let Some(library) = loaded.get(&plugin.path) {
        return Ok(library);
    }
    // A path without a slash would be looked up among the system's libraries.
    let path = std::path::absolute(&plugin.path).unwrap_or_else(|_| plugin.path.clone());
    let library = Library::open(&path).map_err(|reason| Fault::NotLoaded { reason })?;
    let library: &'static Library = Box::leak(Box::new(library));
    loaded.insert(plugin.path.clone(), library);
    Ok(library)
}

fn context() -> (Box<Context>, Logs) {
    static NEVER: AtomicU32 = AtomicU32::new(0);
    let logs = Logs::default();
    (Context::new(LogSink::Memory(Arc::clone(&logs)), &NEVER, ARENA_BYTES), logs)
}

fn config(params: &[Param]) -> Config {
    let value = |param: &Param| match &param.value {
        ParamValue::F64(value) => Value::F64(*value),
        ParamValue::I64(value) => Value::I64(*value),
        ParamValue::Bool(value) => Value::Bool(*value),
        ParamValue::Choice(value) => Value::Choice(*value),
        ParamValue::Blob(file) => Value::Blob(Blob { fd: file.raw_fd(), len: file.len() }),
    };
    Config { values: params.iter().map(|param| (param.id, value(param))).collect() }
}

fn refused(call: &str) -> impl Fn(Ended) -> Fault {
    let call = call.to_owned();
    move |Ended { status, message }| Fault::Refused { call: call.clone(), status, message }
}

/// Asks the broker without a channel in between.
struct Direct<'b, 'v> {
    broker: &'b mut Broker<'v>,
    logits: Vec<f32>,
    stop: Option<Stop>,
}

impl Direct<'_, '_> {
    fn settle(&mut self, answer: Result<(), Denial>) -> i32 {
        match answer {
            Ok(()) => SERAPH_OK,
            Err(Denial::Status(status)) => status,
            Err(denial) => {
                self.stop = Some(denial.into());
                seraph_sys::SERAPH_E_CANCELLED
            }
        }
    }
}

impl Oracle for Direct<'_, '_> {
    fn decision(&mut self, mut x: &[f32], items: &[u32], out: &mut [i32]) -> i32 {
        let answer = self.broker.decision(items, &mut x, out);
        self.settle(answer)
    }

    fn logits(&mut self, mut x: &[f32], items: &[u32], out: &mut [f32]) -> i32 {
        let answer = self.broker.logits(items, &mut x, out);
        self.settle(answer)
    }

    fn loss_grad(&mut self, mut x: &[f32], items: &[u32], loss: Loss, out: LossGradOut<'_>) -> i32 {
        self.logits.resize(items.len() * self.broker.n_classes(), 0.0);
        let inner = LossGradOut { loss: out.loss, grad: out.grad, logits: &mut self.logits };
        let answer = self.broker.loss_grad(items, &mut x, &loss, inner);
        if answer.is_ok() && !out.logits.is_empty() {
            out.logits.copy_from_slice(&self.logits);
        }
        self.settle(answer)
    }

    fn budget(&mut self, item: u32) -> Result<BudgetState, i32> {
        match self.broker.budget(item) {
            Ok(state) => Ok(state),
            Err(denial) => Err(self.settle(Err(denial))),
        }
    }

    fn commit(&mut self, item: u32, mut x: &[f32]) -> i32 {
        let answer = self.broker.commit(item, &mut x);
        self.settle(answer)
    }
}
