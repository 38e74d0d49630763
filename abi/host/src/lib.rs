//! Starts, supervises and talks to workers; and a worker's own main.
//!
//! Three processes: an attack's worker, the host, a victim's worker. The host never loads a plugin (but
//! [`WorkerOptions::in_process`] does, for a debugger). A worker is the host's own program started again, confined
//! before it loads anything; see `seraph_sandbox` for how, and `seraph_wire` for what the processes say to each
//! other. Counts, clocks, budgets and verdicts live on the host's side alone.
//!
//! | file | holds |
//! |---|---|
//! | `plugin_file`, `find` | a library's notes, read without running it; how a plan's name leads to one |
//! | `describe`, `param` | what a library says of itself; what a plan makes of its parameters |
//! | `options`, `fault` | what a worker may use; what it did wrong |
//! | `victim`, `victim_worker` | what is asked of a victim; one in a worker |
//! | `task`, `broker`, `attack_worker` | what an attack does; who answers it; one in a worker |
//! | `sealed` | bytes that cannot change |
//! | `supervise/` | the host's end: process, channel, output, clocks |
//! | `worker/` | the worker's end |
//! | `loaded/` | the plugin's side of the ABI, in whichever process |

mod attack_worker;
mod broker;
mod describe;
mod fault;
mod find;
mod loaded;
mod options;
mod param;
mod plugin_file;
mod sealed;
mod supervise;
mod task;
mod victim;
mod victim_worker;
mod worker;

pub use attack_worker::AttackWorker;
pub use broker::{Broker, Denial, Grants, Rows, Used};
pub use describe::describe;
pub use fault::{Clock, Fault, status_name};
pub use find::{FindError, find_plugin, scan};
pub use options::{Limits, WORKER_EXE_VARIABLE, WorkerOptions};
pub use param::{Param, ParamError, ParamInput, ParamValue, resolve_params};
pub use plugin_file::{Kind, Note, PluginFile, PluginFileError, read_plugin};
pub use sealed::SealedFile;
pub use seraph_sandbox::IsolationReport;
pub use seraph_wire::{
    AttackInfo, BudgetState, Description, Layer, LayerState, ParamInfo, ParamKind, Preset, PresetValue,
    VictimInfo,
};
pub use task::{LogLine, Progress, Task, TaskOutcome};
pub use victim::{Loss, LossGrad, LossGradOut, Victim, VictimDesc, all_finite, predicted_class};
pub use victim_worker::VictimWorker;
pub use worker::{worker_main, worker_main_if_requested};
