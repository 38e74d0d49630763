//! A worker as the host sees it: started, confined, then asked and answered.

use super::channel::Channel;
pub(crate) use super::process::Allowance;
use super::process::{Event, Process};
use super::spawn::{FIRST_BLOB_FD, spawn};
use crate::fault::Fault;
use crate::options::WorkerOptions;
use crate::param::{Param, ParamValue};
use crate::plugin_file::PluginFile;
use crate::task::LogLine;
use seraph_sandbox::IsolationReport;
use seraph_wire::{Area, Blob, Config, Down, Nothing, Policy, Role, Start, Up, Value};
use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::time::Duration;

/// Seconds of CPU time over a worker's life, in units of its limit for one piece of work: the kernel's backstop.
const CPU_BACKSTOP: f64 = 1000.0;
const QUIT_GRACE: Duration = Duration::from_millis(500);
/// What programs that ask about the machine read: how many cores, which instructions.
const MACHINE_FILES: [&str; 5] = [
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/fs/cgroup",
];

/// A live worker.
pub(crate) struct Worker {
    pub channel: Channel,
    process: Process,
    report: IsolationReport,
}

impl Worker {
    /// Starts a worker and has it confine itself; then it loads the plugin, and `Worker` waits for its answer.
    pub fn start(
        plugin: &PluginFile,
        role: Role,
        id: &str,
        params: &[Param],
        options: &WorkerOptions,
    ) -> Result<(Self, Up), Fault> {
        seraph_sandbox::harden_host();
        let mut channel = Channel::new(options.payload_bytes).map_err(Fault::not_started)?;
        let (config, blobs) = inherit(params);
        let policy = policy(role, plugin, &channel, &blobs, options);
        channel.send(&Down::Start(Start { role, id: id.to_owned(), config, policy }), Area::Talk)?;
        let mut fds: Vec<BorrowedFd<'_>> = channel.worker_fds().to_vec();
        fds.push(plugin.image.fd());
        fds.extend(blobs.iter().map(|(fd, _)| *fd));
        let program = options.worker_program();
        let child = spawn(&program, &options.env, &fds)
            .map_err(|error| Fault::not_started(format!("{}: {error}", program.display())))?;
        let process = Process::new(child, options)?;
        let report = IsolationReport { tier: 0, layers: Vec::new() };
        let mut worker = Self { channel, process, report };
        worker.await_confinement(options.required_tier)?;
        worker.channel.send(&Down::Go(Nothing {}), Area::Talk)?;
        let mut allowance = worker.allowance();
        let answer = worker.receive(&mut allowance)?;
        Ok((worker, answer))
    }

    /// What confines it.
    pub fn isolation(&self) -> &IsolationReport {
        &self.report
    }

    /// The clocks for one piece of work.
    pub fn allowance(&self) -> Allowance {
        self.process.allowance()
    }

    /// CPU nanoseconds of its process so far.
    pub fn cpu_ns(&self) -> u64 {
        self.process.cpu_ns()
    }

    /// Waits for its next message; after a fault the process is gone.
    pub fn receive(&mut self, allowance: &mut Allowance) -> Result<Up, Fault> {
        loop {
            match self.process.wait(self.channel.bell(), allowance)? {
                Event::Cancel => self.channel.cancel(),
                Event::Bell if !self.channel.heed_bell() => {}
                Event::Bell => return self.channel.receive().inspect_err(|_| self.process.kill()),
            }
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends it in good order, or soon.
    pub fn finish(mut self) {
        if self.channel.send(&Down::Quit(Nothing {}), Area::Talk).is_ok() {
            self.process.finish(QUIT_GRACE);
        }
    }

    /// What it printed and logged since last asked.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        self.process.output.drain();
        self.process.output.take_lines()
    }

    fn await_confinement(&mut self, required: u8) -> Result<(), Fault> {
        let mut allowance = self.allowance();
        let layers = match self.receive(&mut allowance) {
            Ok(Up::Ready(ready)) => ready.layers,
            Ok(_) => return Err(Fault::protocol("its first message is not that it is confined")),
            Err(fault) => return Err(self.explain_start(fault)),
        };
        self.report = IsolationReport::of_process(layers);
        if self.report.tier >= required {
            return Ok(());
        }
        let missing = self.report.missing_for(required).join(", ");
        Err(Fault::Isolation { tier: self.report.tier, required, missing })
    }

    /// No foreign code has run yet: what went wrong stands on the worker's standard error.
    fn explain_start(&mut self, fault: Fault) -> Fault {
        let said = self.take_logs().into_iter().map(|line| line.text).collect::<Vec<_>>().join("; ");
        match fault {
            Fault::EarlyExit { code: 0 } if said.is_empty() => Fault::not_started(
                "the worker's program ended at once; does it call seraph_host::worker_main_if_requested() first?",
            ),
            fault if said.is_empty() => Fault::not_started(fault),
            fault => Fault::not_started(format!("{fault}: {said}")),
        }
    }
}

/// What the worker inherits of the parameters: their values, and the memory files of the blobs.
fn inherit(params: &[Param]) -> (Config, Vec<(BorrowedFd<'_>, u64)>) {
    let mut blobs = Vec::new();
    let values = params.iter().map(|param| {
        let value = match &param.value {
            ParamValue::F64(value) => Value::F64(*value),
            ParamValue::I64(value) => Value::I64(*value),
            ParamValue::Bool(value) => Value::Bool(*value),
            ParamValue::Choice(value) => Value::Choice(*value),
            ParamValue::Blob(file) => {
                blobs.push((file.fd(), file.len()));
                Value::Blob(Blob { fd: FIRST_BLOB_FD + blobs.len() as i32 - 1, len: file.len() })
            }
        };
        (param.id, value)
    });
    let values = values.collect();
    (Config { values }, blobs)
}

fn policy(
    role: Role,
    plugin: &PluginFile,
    channel: &Channel,
    blobs: &[(BorrowedFd<'_>, u64)],
    options: &WorkerOptions,
) -> Policy {
    let inherited: u64 = blobs.iter().map(|(_, len)| len).sum::<u64>() + plugin.image.len();
    let text = |path: &PathBuf| path.to_string_lossy().into_owned();
    let read_paths =
        if role == Role::Victim { MACHINE_FILES.map(str::to_owned).to_vec() } else { Vec::new() };
    Policy {
        memory_bytes: options.limits.memory_bytes.saturating_add(channel.mapped_bytes() + inherited),
        cpu_s: (options.limits.cpu_s * CPU_BACKSTOP).ceil() as u64,
        threads: options.limits.threads,
        execute_paths: options.read_paths.iter().map(text).collect(),
        read_paths,
        own_user: true,
    }
}
