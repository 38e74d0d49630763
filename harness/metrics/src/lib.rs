//! From judged items to results: rates, recalls, censored queries, curves, intervals, tests, warnings.
//!
//! Pure functions of [`seraph_core::JournalItem`]s and of numbers. [`aggregate()`] makes the whole record of a cell;
//! [`metrics()`] lists what is in it. `c` is clean correctness, `s` valid success; definitions stand at each function.

#![forbid(unsafe_code)]

pub mod aggregate;
pub mod bootstrap;
pub mod confusion;
pub mod curve;
pub mod estimators;
pub mod flags;
pub mod paired;
pub mod quantile;
pub mod queries;
pub mod rank;
pub mod registry;
pub mod seeds;
pub mod tally;
pub mod uar;
pub mod wilson;
pub mod worst_case;

pub use aggregate::{AggregateError, aggregate, record_without_results};
pub use registry::{MetricInfo, metrics};
