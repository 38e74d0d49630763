//! Runs a plan: plan → cells → journals → records → leaderboards.
//!
//! The life of a run, and the file that holds each step:
//!
//! | step | file |
//! |---|---|
//! | the plan is read, its paths found | `plan_file` |
//! | plugins are found and described, victims loaded once, the corpus read | `resolve`, `setup`, `card`, `classes` |
//! | the plan expands into cells, which go into `run.json` | `manifest` |
//! | each victim is asked about the clean items, once | `clean` |
//! | threads take the cells | `run`, `schedule` |
//! | a cell decides which items are attacked, and towards what | `roster` |
//! | its items go in batches to an attack worker | `cell`, `task` |
//! | what comes back is verified, scored and measured | `judging` |
//! | each item is a synced line of the cell's journal | `journal_file` |
//! | the journal gives the record, the records give the leaderboards | `record`, `board` |
//!
//! Whatever kills a run, it goes on from its journals and ends with the same records to the byte. A plugin that
//! crashes, hangs or lies costs its own items; a victim that does costs its own cells.
#![forbid(unsafe_code)]

mod audio_files;
mod board;
mod card;
pub mod catalogue;
mod cell;
mod classes;
mod clean;
mod environment;
mod error;
mod external;
mod folder;
mod journal_file;
mod judging;
mod maker;
mod manifest;
mod options;
mod plan_file;
mod progress;
mod record;
mod resolve;
mod roster;
mod run;
mod schedule;
mod setup;
mod stop;
mod summary;
mod task;
mod timings;
mod watch;

pub use card::{Card, CardError};
pub use classes::{ClassError, ClassSource};
pub use error::RunError;
pub use external::judge_external;
pub use folder::{Folder, FolderError, write_atomically};
pub use journal_file::{JournalFileError, read_journal};
pub use manifest::Manifest;
pub use options::{Device, Install, RunOptions};
pub use plan_file::{PlanFile, PlanFileError};
pub use progress::{Event, Progress, Silent};
pub use record::{Recomputed, recompute, record_of};
pub use resolve::{OpenVictim, open_victim};
pub use run::{run, run_one};
pub use stop::Stop;
pub use summary::{CellNote, RunSummary, SummaryRow};
