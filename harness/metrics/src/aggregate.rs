//! From the journal of a cell to its record: a pure function, so that `recompute` gives the same bytes.

use crate::bootstrap::Bootstrap;
use crate::confusion::confusion;
use crate::estimators::{ESTIMATORS, Estimator, GROUP_METRICS};
use crate::quantile::{median, percentile_interval, weighted_median};
use crate::queries::{kaplan_meier_median, success_by_queries};
use crate::registry::SIZES;
use crate::tally::{Frame, QUERY_MARKS, Tally, counts, fate, is_broken, is_correct, queries_to_success};
use crate::{estimators::ratio, flags};
use seraph_core::journal::{JournalEnd, JournalHeader, JournalItem, Sizes};
use seraph_core::record::{self, Group, Metric, Outcomes, Point, Record, Status};
use seraph_core::{ItemStatus, Journal, Norm, Number, Seed};
use std::collections::BTreeMap;

/// Why a journal gives no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AggregateError {
    /// There is no header.
    #[error("the journal has no header; run the cell again")]
    NoHeader,
    /// The cell is not done.
    #[error("the journal holds {found} of {expected} items; go on with `seraph run ... --resume`")]
    Incomplete {
        /// Items of the cell.
        expected: u64,
        /// Items in the journal.
        found: u64,
    },
}

/// The record of a cell that ended. Items are taken in the order of the corpus, whatever the order of the journal.
pub fn aggregate(journal: &Journal) -> Result<Record, AggregateError> {
    let header = journal.header.as_ref().ok_or(AggregateError::NoHeader)?;
    let found = journal.items.len() as u64;
    let incomplete = AggregateError::Incomplete { expected: header.n_items, found };
    let end = journal.end.as_ref().ok_or(incomplete.clone())?;
    match end.status {
        Status::Ok | Status::Invalid if found != header.n_items => Err(incomplete),
        Status::Ok | Status::Invalid => Ok(with_results(header, &journal.items_in_order(), end)),
        Status::Failed | Status::Skipped => Ok(record_without_results(header, end)),
    }
}

/// The record of a cell that was skipped, or failed as a whole: everything is missing, nothing is 0.
pub fn record_without_results(header: &JournalHeader, end: &JournalEnd) -> Record {
    Record {
        schema: record::SCHEMA.into(),
        id: header.cell.id(),
        key: header.cell.key(),
        cell: header.cell.clone(),
        run: header.run.clone(),
        status: end.status,
        reason: end.reason.clone(),
        n: record::Counts::default(),
        metrics: BTreeMap::new(),
        groups: BTreeMap::new(),
        confusion: None,
        curves: BTreeMap::new(),
        outcomes: Outcomes::default(),
        flags: end.flags.clone(),
        isolation: header.isolation.clone(),
        environment: header.environment.clone(),
    }
}

fn with_results(header: &JournalHeader, items: &[JournalItem], end: &JournalEnd) -> Record {
    let all: Vec<&JournalItem> = items.iter().collect();
    let cell = Cell::new(header);
    let mut flags = end.flags.clone();
    flags.extend(flags::of_items(header, items));
    flags.sort();
    Record {
        n: counts(items),
        metrics: cell.metrics(&all),
        groups: cell.groups(items),
        confusion: Some(confusion(items, &header.classes)),
        curves: BTreeMap::from([("success_by_queries".to_string(), cell.query_curve(&all))]),
        outcomes: outcomes(items, header.cell.threat.norm),
        flags,
        ..record_without_results(header, end)
    }
}

/// The group that an item belongs to, if it is known.
type GroupKey = fn(&JournalItem) -> Option<&String>;

/// What all results of a cell share.
struct Cell<'a> {
    frame: Frame<'a>,
    bootstrap: Bootstrap,
}

impl<'a> Cell<'a> {
    fn new(header: &'a JournalHeader) -> Cell<'a> {
        let seed = Seed::derive("seraph/bootstrap/1", &[header.cell.key().as_bytes()]);
        Cell {
            frame: Frame { classes: &header.classes, budget: header.cell.threat.queries },
            bootstrap: Bootstrap { resamples: header.run.bootstrap as usize, seed },
        }
    }

    fn metrics(&self, items: &[&JournalItem]) -> BTreeMap<String, Metric> {
        let clusters = Clusters::new(items);
        let mut metrics = self.estimate(items, &clusters, |_| true);
        for mark in QUERY_MARKS.into_iter().filter(|mark| *mark > self.frame.budget) {
            // Nobody was asked that often: what would have happened is not known.
            metrics.insert(format!("asr_at_{mark}"), Metric::point(None));
        }
        for (name, of_successes, ..) in SIZES {
            metrics.insert(name.into(), self.size(items, &clusters, name));
            let successes = items.iter().filter(|i| is_broken(i)).filter_map(|i| size_of(&i.sizes, name));
            metrics.insert(of_successes.into(), Metric::point(median(&successes.collect::<Vec<_>>())));
        }
        let median = kaplan_meier_median(&self.observations(items));
        metrics.insert("queries_median".into(), Metric::point(median.map(|q| q as f64)));
        metrics.insert("pcm16_survival".into(), Metric::point(pcm16_survival(items)));
        metrics
    }

    /// The estimators that `wanted` names, with intervals: over clusters, or Wilson's where there is one outcome.
    fn estimate(
        &self,
        items: &[&JournalItem],
        clusters: &Clusters,
        wanted: impl Fn(&str) -> bool,
    ) -> BTreeMap<String, Metric> {
        let tallies = self.tallies(items, clusters);
        let sum = |multiplicity: &dyn Fn(usize) -> f64| {
            let mut sum = Tally::empty(self.frame.classes.len());
            let drawn = tallies.iter().enumerate().map(|(i, t)| (t, multiplicity(i)));
            drawn.filter(|(_, times)| *times > 0.0).for_each(|(tally, times)| sum.add_scaled(tally, times));
            sum
        };
        let total = sum(&|_| 1.0);
        let chosen: Vec<&Estimator> = ESTIMATORS.iter().filter(|e| wanted(e.name)).collect();
        let resamples: Vec<Vec<Option<f64>>> = self.bootstrap.run(tallies.len(), |drawn| {
            let tally = sum(&|i| f64::from(drawn[i]));
            chosen.iter().map(|e| e.of(&tally)).collect()
        });
        let metric = |(i, estimator): (usize, &&Estimator)| {
            let estimates = resamples.iter().map(|row| row[i]).collect();
            (estimator.name.to_string(), with_interval(estimator, &total, estimates))
        };
        chosen.iter().enumerate().map(metric).collect()
    }

    fn tallies(&self, items: &[&JournalItem], clusters: &Clusters) -> Vec<Tally> {
        let mut tallies = vec![Tally::empty(self.frame.classes.len()); clusters.n];
        for (item, &cluster) in items.iter().zip(&clusters.of_item) {
            tallies[cluster].count(item, &self.frame);
        }
        tallies
    }

    /// The median of a size over the attacked items with valid audio.
    fn size(&self, items: &[&JournalItem], clusters: &Clusters, name: &str) -> Metric {
        let valid = items.iter().zip(&clusters.of_item).filter(|(item, _)| item.status == ItemStatus::Ok);
        let mut sizes: Vec<(f64, usize)> =
            valid.filter_map(|(item, &cluster)| Some((size_of(&item.sizes, name)?, cluster))).collect();
        sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let Some(value) = weighted_median(sizes.iter().map(|s| (s.0, 1.0)), sizes.len() as f64) else {
            return Metric::default();
        };
        let estimates = self.bootstrap.run(clusters.n, |drawn| {
            let weighted = sizes.iter().map(|&(size, cluster)| (size, f64::from(drawn[cluster])));
            weighted_median(weighted.clone(), weighted.map(|w| w.1).sum())
        });
        interval_of(value, estimates)
    }

    fn observations(&self, items: &[&JournalItem]) -> Vec<(u64, bool)> {
        let at_risk = items.iter().filter(|i| is_correct(i) && i.status != ItemStatus::TargetIsLabel);
        at_risk.map(|i| queries_to_success(i).map_or((self.frame.budget, false), |q| (q, true))).collect()
    }

    fn query_curve(&self, items: &[&JournalItem]) -> Vec<Point> {
        let at_success: Vec<Option<u64>> =
            self.observations(items).into_iter().map(|(queries, broken)| broken.then_some(queries)).collect();
        let curve = success_by_queries(&at_success, self.frame.budget);
        curve.into_iter().map(|(q, share)| Point { x: Number(q as f64), y: Number(share) }).collect()
    }

    fn groups(&self, items: &[JournalItem]) -> BTreeMap<String, BTreeMap<String, Group>> {
        let keys: [(&str, GroupKey); 4] = [
            ("by_emotion", |i| Some(&i.label)),
            ("by_gender", |i| i.gender.as_ref()),
            ("by_speaker", |i| Some(&i.speaker)),
            ("by_language", |i| i.language.as_ref()),
        ];
        let group_by = |key: GroupKey| {
            let mut groups: BTreeMap<String, Vec<&JournalItem>> = BTreeMap::new();
            for (item, name) in items.iter().filter_map(|i| Some((i, key(i)?))) {
                groups.entry(name.clone()).or_default().push(item);
            }
            groups.into_iter().map(|(name, members)| (name, self.group(&members))).collect()
        };
        keys.into_iter().map(|(name, key)| (name.to_string(), group_by(key))).collect()
    }

    fn group(&self, items: &[&JournalItem]) -> Group {
        let clusters = Clusters::new(items);
        let wanted = |name: &str| GROUP_METRICS.contains(&name);
        let metrics = if clusters.are_speakers {
            self.estimate(items, &clusters, wanted)
        } else {
            let tally = &self.tallies(items, &Clusters::one(items.len()))[0];
            let chosen = ESTIMATORS.iter().filter(|e| wanted(e.name));
            chosen.map(|e| (e.name.to_string(), by_wilson(e, tally))).collect()
        };
        Group { n: counts(items.iter().copied()), metrics }
    }
}

/// Which items are resampled together.
struct Clusters {
    n: usize,
    of_item: Vec<usize>,
    are_speakers: bool,
}

impl Clusters {
    /// The speakers; of a single speaker, each item is a cluster of its own.
    fn new(items: &[&JournalItem]) -> Clusters {
        let mut speakers: BTreeMap<&str, usize> = items.iter().map(|i| (i.speaker.as_str(), 0)).collect();
        speakers.values_mut().enumerate().for_each(|(i, place)| *place = i);
        if speakers.len() < 2 {
            return Clusters { n: items.len(), of_item: (0..items.len()).collect(), are_speakers: false };
        }
        let of_item = items.iter().map(|i| speakers[i.speaker.as_str()]).collect();
        Clusters { n: speakers.len(), of_item, are_speakers: true }
    }

    fn one(n_items: usize) -> Clusters {
        Clusters { n: 1, of_item: vec![0; n_items], are_speakers: false }
    }
}

fn with_interval(estimator: &Estimator, total: &Tally, estimates: Vec<Option<f64>>) -> Metric {
    match estimator.of(total) {
        None => Metric::default(),
        // All items share one outcome: every resample does too, and the bootstrap would claim certainty.
        Some(value) => match estimator.wilson(total) {
            Some(interval) if value <= 0.0 || value >= 1.0 => Metric::with_interval(value, interval),
            _ => interval_of(value, estimates),
        },
    }
}

/// Resamples that leave a class, or everything, without items are left out: they have no estimate.
fn interval_of(value: f64, estimates: Vec<Option<f64>>) -> Metric {
    let n_resamples = estimates.len();
    let defined: Vec<f64> = estimates.into_iter().flatten().collect();
    let enough = 2 * defined.len() >= n_resamples;
    match percentile_interval(defined).filter(|_| enough) {
        Some(interval) => Metric::with_interval(value, interval),
        None => Metric::point(Some(value)),
    }
}

fn by_wilson(estimator: &Estimator, tally: &Tally) -> Metric {
    match (estimator.of(tally), estimator.wilson(tally)) {
        (Some(value), Some(interval)) => Metric::with_interval(value, interval),
        (value, _) => Metric::point(value),
    }
}

fn pcm16_survival(items: &[&JournalItem]) -> Option<f64> {
    let judged = items.iter().filter(|i| is_broken(i)).filter_map(|i| i.pcm16.as_ref());
    let (survived, n) = judged
        .fold((0.0, 0.0), |(survived, n), p| (survived + f64::from(u8::from(p.valid && p.success)), n + 1.0));
    ratio((survived, n))
}

fn size_of(sizes: &Sizes, name: &str) -> Option<f64> {
    let size = match name {
        "linf" => sizes.linf,
        "l2" => sizes.l2,
        "l1" => sizes.l1,
        "l0" => sizes.l0,
        "rms" => sizes.rms,
        "sparsity" => sizes.sparsity,
        "runs" => sizes.runs,
        "touched_ms" => sizes.touched_ms,
        "snr_db" => sizes.snr_db,
        "snr_active_db" => sizes.snr_active_db,
        "snr_seg_db" => sizes.snr_seg_db,
        "si_sdr_db" => sizes.si_sdr_db,
        "peak_snr_db" => sizes.peak_snr_db,
        _ => None,
    };
    size.map(f64::from)
}

fn outcomes(items: &[JournalItem], norm: Norm) -> Outcomes {
    let distance = |item: &JournalItem| {
        let name = if norm == Norm::Snr { "snr_db" } else { norm.as_str() };
        is_broken(item).then(|| size_of(&item.sizes, name))?.map(Number)
    };
    Outcomes {
        fates: items.iter().map(|item| fate(item).letter()).collect(),
        distances: items.iter().map(distance).collect(),
        queries: items.iter().map(queries_to_success).collect(),
    }
}
