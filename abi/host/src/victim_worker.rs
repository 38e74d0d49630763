//! A victim in a worker.

use crate::fault::Fault;
use crate::loaded::LocalVictim;
use crate::options::WorkerOptions;
use crate::param::Param;
use crate::plugin_file::{Kind, PluginFile};
use crate::supervise::Worker;
use crate::task::LogLine;
use crate::victim::{Loss, LossGradOut, Victim, VictimDesc};
use seraph_sandbox::IsolationReport;
use seraph_sys::SERAPH_OK;
use seraph_wire::{Answered, Area, Down, Query, Role, Span, Up};

/// The most classes that a victim may say it has.
const MAX_CLASSES: u32 = 1 << 16;

/// An instance of a victim. After a fault it is gone, and every later query fails with the same fault.
pub struct VictimWorker {
    place: Place,
    desc: VictimDesc,
    isolation: IsolationReport,
}

enum Place {
    Process(Box<Worker>, Span),
    Here(LocalVictim),
    Gone(Fault),
}

impl VictimWorker {
    /// Starts a worker and loads victim `id` of the library in it.
    pub fn start(
        plugin: &PluginFile,
        id: &str,
        params: &[Param],
        options: &WorkerOptions,
    ) -> Result<Self, Fault> {
        if plugin.note(Kind::Victim, id).is_none() {
            return Err(Fault::NotLoaded {
                reason: format!("{} holds no victim '{id}'", plugin.path.display()),
            });
        }
        if options.in_process {
            let (victim, desc) = LocalVictim::create(plugin, id, params)?;
            check_desc(&desc)?;
            return Ok(Self { place: Place::Here(victim), desc, isolation: IsolationReport::in_process() });
        }
        let (worker, answer) = Worker::start(plugin, Role::Victim, id, params, options)?;
        let desc = match answer {
            Up::Loaded(desc) => desc,
            other => return Err(crate::describe::not_created(other)),
        };
        check_desc(&desc)?;
        let isolation = worker.isolation().clone();
        Ok(Self { place: Place::Process(Box::new(worker), Span::default()), desc, isolation })
    }

    /// What confines it.
    pub fn isolation(&self) -> &IsolationReport {
        &self.isolation
    }

    /// What it printed and logged since last asked.
    pub fn take_logs(&mut self) -> Vec<LogLine> {
        match &mut self.place {
            Place::Process(worker, _) => worker.take_logs(),
            Place::Here(victim) => victim.take_logs(),
            Place::Gone(_) => Vec::new(),
        }
    }

    /// Ends the worker in good order.
    pub fn finish(self) {
        if let Place::Process(worker, _) = self.place {
            worker.finish();
        }
    }

    /// Passes on a result; after a fault of the worker it is gone.
    fn settle<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result
            && !matches!(fault, Fault::TooLarge { .. })
        {
            self.place = Place::Gone(fault.clone());
        }
        result
    }
}

impl Victim for VictimWorker {
    fn desc(&self) -> &VictimDesc {
        &self.desc
    }

    fn max_rows(&self, n_samples: usize) -> usize {
        let own = if self.desc.max_rows == 0 { usize::MAX } else { self.desc.max_rows as usize };
        match &self.place {
            Place::Process(worker, _) => {
                let row_bytes = 4 * (n_samples as u64 + u64::from(self.desc.n_classes) + 1);
                own.min((worker.channel.payload_bytes().saturating_sub(256) / row_bytes) as usize)
            }
            _ => own,
        }
    }

    fn input(&mut self, len: usize) -> Result<&mut [f32], Fault> {
        match &mut self.place {
            Place::Process(worker, span) => {
                *span = worker.channel.room(Area::Talk, 0, len)?;
                Ok(worker.channel.numbers_mut(Area::Talk, *span))
            }
            Place::Here(victim) => Ok(victim.input(len)),
            Place::Gone(fault) => Err(fault.clone()),
        }
    }

    fn logits_of_input(&mut self, n: usize, logits: &mut [f32]) -> Result<(), Fault> {
        let result = match &mut self.place {
            Place::Process(worker, rows) => query(worker, *rows, n, None)
                .and_then(|answer| worker.channel.read_numbers(answer.logits, logits.len(), 0, logits)),
            Place::Here(victim) => victim.logits(n, logits),
            Place::Gone(fault) => Err(fault.clone()),
        };
        self.settle(result)
    }

    fn loss_grad_of_input(&mut self, n: usize, loss: &Loss, out: LossGradOut<'_>) -> Result<(), Fault> {
        let result = match &mut self.place {
            Place::Process(worker, rows) => query(worker, *rows, n, Some(loss)).and_then(|answer| {
                let LossGradOut { loss, grad, logits } = out;
                worker.channel.read_numbers(answer.loss, loss.len(), 0, loss)?;
                worker.channel.read_numbers(answer.logits, logits.len(), 0, logits)?;
                worker.channel.read_numbers(answer.grad, grad.len(), 0, grad)
            }),
            Place::Here(victim) => victim.loss_grad(n, loss, out),
            Place::Gone(fault) => Err(fault.clone()),
        };
        self.settle(result)
    }
}

fn query(worker: &mut Worker, rows: Span, n: usize, loss: Option<&Loss>) -> Result<Answered, Fault> {
    let n_samples = rows.len / 4 / n.max(1) as u64;
    let query = Query { n_rows: n as u32, n_samples, rows, loss: loss.cloned() };
    worker.channel.send(&Down::Query(query), Area::Talk)?;
    let mut clocks = worker.allowance();
    match worker.receive(&mut clocks)? {
        Up::Answered(answer) if answer.status == SERAPH_OK => Ok(answer),
        Up::Answered(answer) => Err(Fault::Refused {
            call: if loss.is_some() { "loss_grad" } else { "logits" }.to_owned(),
            status: answer.status,
            message: crate::supervise::escape(answer.message.as_bytes()),
        }),
        _ => Err(Fault::protocol("a message that belongs to another time")),
    }
}

fn check_desc(desc: &VictimDesc) -> Result<(), Fault> {
    let names = desc.classes.as_ref().map_or(desc.n_classes as usize, Vec::len);
    let what = if desc.n_classes < 2 || desc.n_classes > MAX_CLASSES {
        format!("{} classes", desc.n_classes)
    } else if names != desc.n_classes as usize {
        format!("{names} names for {} classes", desc.n_classes)
    } else {
        return Ok(());
    };
    Err(Fault::Misdescribed { what })
}
