//! The data that SERAPH is about, and nothing else: plan, threat, cell, seed, journal line, record.
//!
//! No I/O, no clock, no environment: every item here is plain data or a pure function of it. The order of a run:
//! a [`Plan`] is parsed from TOML, [`expand`]ed with the facts of its plugins into [`PlannedCell`]s; a cell that
//! runs writes one [`JournalItem`] per utterance; the items of a cell aggregate into one [`Record`].

#![forbid(unsafe_code)]

pub mod cell;
pub mod digest;
mod file_name;
pub mod journal;
pub mod number;
pub mod plan;
pub mod record;
pub mod seed;
pub mod threat;

pub use cell::{AttackFacts, CellSpec, CorpusId, PlannedCell, VictimFacts, expand};
pub use file_name::file_name_of;
pub use journal::{ItemStatus, Journal, JournalError, JournalHeader, JournalItem, JournalLine};
pub use number::Number;
pub use plan::{Plan, PlanError};
pub use record::{Counts, Flag, Group, Metric, Record, Status};
pub use seed::Seed;
pub use threat::{Access, Goal, Grants, Labels, Norm, TargetRule, Threat};
