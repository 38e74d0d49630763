//! An attack in a worker: runs tasks, its questions answered by a [`Broker`].

use crate::broker::{Broker, Denial, Rows};
use crate::fault::Fault;
use crate::loaded::{LocalAttack, task_message};
use crate::options::WorkerOptions;
use crate::param::Param;
use crate::plugin_file::{Kind, PluginFile};
use crate::supervise::{Allowance, Channel, Worker};
use crate::task::{Task, TaskOutcome};
use crate::victim::{Loss, LossGradOut};
use seraph_sandbox::IsolationReport;
use seraph_sys::{SERAPH_E_ARG, SERAPH_OK};
use seraph_wire::{Area, Ask, Asked, Down, Ended, Replied, Role, Span, Up};
use std::time::{Duration, Instant};

/// An instance of an attack.
pub struct AttackWorker {
    place: Place,
    isolation: IsolationReport,
    payload_bytes: u64,
}

enum Place {
    Process(Box<Worker>),
    Here(LocalAttack),
    Gone(Fault),
}

impl AttackWorker {
    /// Starts a worker and creates attack `id` of the library in it.
    pub fn start(
        plugin: &PluginFile,
        id: &str,
        params: &[Param],
        options: &WorkerOptions,
    ) -> Result<Self, Fault> {
        if plugin.note(Kind::Attack, id).is_none() {
            return Err(Fault::NotLoaded {
                reason: format!("{} holds no attack '{id}'", plugin.path.display()),
            });
        }
        let payload_bytes = options.payload_bytes;
        if options.in_process {
            let place = Place::Here(LocalAttack::create(plugin, id, params)?);
            return Ok(Self { place, isolation: IsolationReport::in_process(), payload_bytes });
        }
        let (worker, answer) = Worker::start(plugin, Role::Attack, id, params, options)?;
        crate::describe::created(answer)?;
        let isolation = worker.isolation().clone();
        Ok(Self { place: Place::Process(Box::new(worker)), isolation, payload_bytes })
    }

    /// What confines it.
    pub fn isolation(&self) -> &IsolationReport {
        &self.isolation
    }

    /// Runs a task. Whatever the attack does, this returns, with what was committed until then; after a fault
    /// the worker is gone, and every later task fails with the same fault.
    pub fn run(&mut self, task: &Task, oracle: &mut Broker<'_>) -> TaskOutcome {
        let mut outcome = TaskOutcome::default();
        let run = match task.check() {
            Err(what) => Err(Stop::Attack(Fault::protocol(what))),
            Ok(()) => match &mut self.place {
                Place::Process(worker) => run_in_process(worker, task, oracle, &mut outcome),
                Place::Here(attack) => attack.run(task, oracle, self.payload_bytes, &mut outcome),
                Place::Gone(fault) => Err(Stop::Attack(fault.clone())),
            },
        };
        match run {
            Ok(()) => {}
            Err(Stop::Attack(fault)) => {
                self.place = Place::Gone(fault.clone());
                outcome.fault = Some(fault);
            }
            Err(Stop::Victim(fault)) => {
                self.place = Place::Gone(Fault::Cancelled);
                outcome.victim_fault = Some(fault);
            }
        }
        oracle.hand_over(&mut outcome);
        outcome
    }

    /// Ends the worker in good order.
    pub fn finish(self) {
        if let Place::Process(worker) = self.place {
            worker.finish();
        }
    }
}

/// Why a task ended before the attack returned.
pub(crate) enum Stop {
    Attack(Fault),
    Victim(Fault),
}

impl From<Denial> for Stop {
    fn from(denial: Denial) -> Self {
        match denial {
            Denial::Victim(fault) => Self::Victim(fault),
            Denial::Attack(fault) => Self::Attack(fault),
            Denial::Status(status) => Self::Attack(Fault::protocol(format!("status {status}"))),
        }
    }
}

fn run_in_process(
    worker: &mut Worker,
    task: &Task,
    oracle: &mut Broker<'_>,
    outcome: &mut TaskOutcome,
) -> Result<(), Stop> {
    let cpu_start = worker.cpu_ns();
    let mut clocks = worker.allowance();
    let mut oracle_time = Duration::ZERO;
    let ended = converse(worker, task, oracle, &mut clocks, &mut oracle_time);
    if ended.is_err() {
        worker.kill();
    }
    outcome.cpu_ns = worker.cpu_ns().saturating_sub(cpu_start);
    outcome.wall_ns = clocks.waited.as_nanos() as u64;
    outcome.oracle_ns = oracle_time.as_nanos() as u64;
    outcome.logs = worker.take_logs();
    let Ended { status, message } = ended?;
    outcome.status = status;
    outcome.message = crate::supervise::escape(message.as_bytes());
    Ok(())
}

/// The task, then questions and answers until the attack is done.
fn converse(
    worker: &mut Worker,
    task: &Task,
    oracle: &mut Broker<'_>,
    clocks: &mut Allowance,
    oracle_time: &mut Duration,
) -> Result<Ended, Stop> {
    send_task(&mut worker.channel, task, oracle).map_err(Stop::Attack)?;
    loop {
        match worker.receive(clocks).map_err(Stop::Attack)? {
            Up::Asked(asked) => {
                let start = Instant::now();
                let reply = answer(&mut worker.channel, &asked, task.n_samples, oracle)?;
                worker.channel.send(&Down::Replied(reply), Area::Talk).map_err(Stop::Attack)?;
                *oracle_time += start.elapsed();
            }
            Up::Done(ended) => return Ok(ended),
            _ => return Err(Stop::Attack(Fault::protocol("a message that belongs to another time"))),
        }
    }
}

fn send_task(channel: &mut Channel, task: &Task, oracle: &Broker<'_>) -> Result<(), Fault> {
    let audio = channel.room(Area::Task, 0, task.audio.len())?;
    channel.numbers_mut(Area::Task, audio).copy_from_slice(&task.audio);
    let max_rows = oracle.max_rows(channel.payload_bytes());
    if max_rows == 0 {
        let bytes = 4 * task.n_samples as u64;
        return Err(Fault::TooLarge { bytes, capacity: channel.payload_bytes() });
    }
    let message = task_message(task, audio, oracle, max_rows);
    channel.send(&Down::Run(message), Area::Task)
}

/// Answers one question. The samples go from the attack's region straight into the victim's input, the gradients
/// straight into what the attack reads.
fn answer(
    channel: &mut Channel,
    asked: &Asked,
    n_samples: usize,
    oracle: &mut Broker<'_>,
) -> Result<Replied, Stop> {
    let mut reply = Replied {
        status: SERAPH_OK,
        classes: Vec::new(),
        budget: Default::default(),
        loss: Span::default(),
        logits: Span::default(),
        grad: Span::default(),
    };
    let denied = if asked.items.len() > oracle.max_rows(channel.payload_bytes()) {
        Err(Denial::Status(SERAPH_E_ARG))
    } else {
        reply_to(channel, asked, n_samples, oracle, &mut reply)
    };
    match denied {
        Ok(()) => Ok(reply),
        Err(Denial::Status(status)) => Ok(Replied { status, classes: Vec::new(), ..reply }),
        Err(denial) => Err(denial.into()),
    }
}

fn reply_to(
    channel: &mut Channel,
    asked: &Asked,
    n_samples: usize,
    oracle: &mut Broker<'_>,
    reply: &mut Replied,
) -> Result<(), Denial> {
    let (n, items) = (asked.items.len(), &asked.items[..]);
    let one_item = || if n == 1 { Ok(items[0]) } else { Err(Denial::Status(SERAPH_E_ARG)) };
    let loss_at = channel.room(Area::Talk, 0, n).map_err(Denial::Attack)?;
    let behind = |span: Span| span.end() - seraph_wire::MAX_BODY_BYTES;
    let logits_at =
        channel.room(Area::Talk, behind(loss_at), n * oracle.n_classes()).map_err(Denial::Attack)?;
    let grad_at = channel.room(Area::Talk, behind(logits_at), n * n_samples).map_err(Denial::Attack)?;
    let (up, mut down) = channel.split();
    let read = |first: usize, out: &mut [f32]| up.read(asked.rows, n * n_samples, first, out);
    let mut rows = FromWorker(read);
    let [loss, logits, grad] = down.three([loss_at, logits_at, grad_at]);
    match asked.ask {
        Ask::Decision => {
            reply.classes.resize(n, 0);
            oracle.decision(items, &mut rows, &mut reply.classes)
        }
        Ask::Logits => {
            reply.logits = logits_at;
            oracle.logits(items, &mut rows, logits)
        }
        Ask::LossGrad => {
            (reply.loss, reply.logits, reply.grad) = (loss_at, logits_at, grad_at);
            let question: &Loss = asked.loss.as_ref().ok_or(Denial::Status(SERAPH_E_ARG))?;
            oracle.loss_grad(items, &mut rows, question, LossGradOut { loss, grad, logits })
        }
        Ask::Budget => {
            reply.budget = oracle.budget(one_item()?)?;
            Ok(())
        }
        Ask::Commit => oracle.commit(one_item()?, &mut rows),
    }
}

struct FromWorker<F>(F);

impl<F: FnMut(usize, &mut [f32]) -> Result<(), Fault>> Rows for FromWorker<F> {
    fn read(&mut self, first: usize, out: &mut [f32]) -> Result<(), Fault> {
        (self.0)(first, out)
    }
}
