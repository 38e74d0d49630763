//! The measured times of a cell. Apart from its record, because two runs never agree on them.

use crate::environment::{cores, cpu_model};
use seraph_core::{Journal, JournalItem};
use serde::Serialize;
use std::fs;

/// The measured times of a cell.
#[derive(Debug, Serialize)]
pub(crate) struct Timing {
    schema: &'static str,
    cell: String,
    /// Items that the attack was given.
    attacked: usize,
    /// Of attack, oracle and start of the worker together, by the host's clock.
    seconds: f64,
    seconds_per_item: Option<Spread>,
    forward_queries: u64,
    gradient_queries: u64,
    /// Forward and gradient queries per second of the attacks.
    queries_per_second: Option<f64>,
    machine: Machine,
    /// The most memory that the host's process has held so far, bytes.
    host_peak_bytes: Option<u64>,
}

/// Where most of the values lie.
#[derive(Debug, PartialEq, Serialize)]
struct Spread {
    mean: f64,
    min: f64,
    median: f64,
    p90: f64,
    max: f64,
}

#[derive(Debug, Serialize)]
struct Machine {
    name: Option<String>,
    cpu: String,
    cores: usize,
    kernel: Option<String>,
}

impl Timing {
    /// Of the attacked items of a journal.
    pub fn of(cell: &str, journal: &Journal) -> Timing {
        let attacked: Vec<&JournalItem> =
            journal.items.iter().filter(|item| item.status.is_attacked()).collect();
        let mut seconds: Vec<f64> = attacked.iter().filter_map(|item| item.seconds).map(f64::from).collect();
        seconds.sort_by(f64::total_cmp);
        let total: f64 = seconds.iter().sum();
        let forward_queries = attacked.iter().map(|item| item.forward_queries).sum();
        let gradient_queries = attacked.iter().map(|item| item.gradient_queries).sum();
        let queries = (forward_queries + gradient_queries) as f64;
        Timing {
            schema: "seraph-timing/1",
            cell: cell.to_owned(),
            attacked: attacked.len(),
            seconds: total,
            seconds_per_item: Spread::of(&seconds),
            forward_queries,
            gradient_queries,
            queries_per_second: (total > 0.0).then(|| queries / total),
            machine: Machine {
                name: first_line("/proc/sys/kernel/hostname"),
                cpu: cpu_model(),
                cores: cores(),
                kernel: first_line("/proc/sys/kernel/osrelease"),
            },
            host_peak_bytes: peak_bytes(),
        }
    }
}

impl Spread {
    fn of(sorted: &[f64]) -> Option<Spread> {
        let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
        let mean = sorted.iter().sum::<f64>() / sorted.len() as f64;
        (!sorted.is_empty()).then(|| Spread {
            mean,
            min: at(0.0),
            median: at(0.5),
            p90: at(0.9),
            max: at(1.0),
        })
    }
}

fn first_line(path: &str) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.lines().next()?.to_owned())
}

fn peak_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_spread_is_of_the_sorted_values() {
        let values: Vec<f64> = (0..=10).map(f64::from).collect();
        assert_eq!(
            Spread::of(&values),
            Some(Spread { mean: 5.0, min: 0.0, median: 5.0, p90: 9.0, max: 10.0 })
        );
        assert_eq!(Spread::of(&[]), None);
    }

    #[test]
    fn the_peak_is_read_where_the_system_tells() {
        assert!(peak_bytes().is_none_or(|bytes| bytes > 1 << 20));
    }
}
