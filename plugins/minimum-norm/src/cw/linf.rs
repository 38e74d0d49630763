//! Linf: lowers sum max(|delta_i| - tau, 0) + c f; a success lowers the threshold tau, a failure doubles c.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Batch;

use super::{Coordinates, Cw};
use crate::adam::Adam;
use crate::ddn::positive_or_one;
use crate::hyperplane::sum;
use crate::scale::{Scale, linear_distance};
use crate::search::{Search, active, largest};

/// c after a failure, in units of c before it: the authors' code.
const GROWTH: f64 = 2.0;

/// The threshold that is not worth lowering any more, in units of the first one: the authors' code.
const LEAST_THRESHOLD: f64 = 1.0 / 256.0;

/// First threshold of the linear scale, in units of the distance of the linearised boundary.
const LINEAR_THRESHOLD: f64 = 2.0;

/// One item; each goes at its own pace, all share the calls.
struct Item {
    adam: Adam,
    variables: Vec<f32>,
    constant: f64,
    largest_constant: f64,
    rate: f64,
    threshold: f64,
    least_threshold: f64,
    /// With the current constant and threshold.
    steps: usize,
    done: bool,
}

/// All items, until each has failed with the largest constant.
pub(super) fn run(cw: &Cw, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
    let task = search.task();
    let coordinates = Coordinates::of(cw.variable, task.clip());
    let mut batch = Batch::of(task, task.items());
    let mut items: Vec<Item> =
        task.items().map(|item| Item::new(cw, &coordinates, task.utterance(item))).collect();
    let mut is_first = true;
    while !batch.is_empty() {
        search.gradient(&mut batch, oracle)?;
        batch.for_each(|item, row, x| {
            let state = &mut items[item];
            if is_first && cw.scale == Scale::Linear {
                state.measure(search, (row, item), x);
            }
            state.decide(cw, search, (row, item), x);
            state.step(search, (row, item), &coordinates, x);
        });
        is_first = false;
        batch.retain(|item| !items[item].done);
    }
    Ok(())
}

impl Item {
    fn new(cw: &Cw, coordinates: &Coordinates, clean: &[f32]) -> Item {
        Item {
            adam: Adam::new(clean.len()),
            variables: clean.iter().map(|x| coordinates.variable(*x)).collect(),
            constant: cw.constant,
            largest_constant: cw.largest_constant,
            rate: cw.rate,
            threshold: 1.0,
            least_threshold: LEAST_THRESHOLD,
            steps: 0,
            done: false,
        }
    }

    /// Puts rate, threshold and constants in units of the linearised victim: with distance d and gap m, each of n
    /// samples weighs m / (d n) in the margin on average, and 1 beyond the threshold.
    fn measure(&mut self, search: &Search, (row, item): (usize, usize), x: &[f32]) {
        let distance = positive_or_one(linear_distance(search, row, item, x, Norm::Linf));
        let gap = f64::from(search.margin(row)) + f64::from(search.depth(item));
        let unit = distance * active(search.ascent(row, x.len())) / positive_or_one(gap);
        self.rate *= distance;
        self.threshold *= LINEAR_THRESHOLD * distance;
        self.least_threshold *= distance;
        self.constant *= unit;
        self.largest_constant *= unit;
    }

    /// Lowers the threshold after a success within it, raises the constant when the steps are used up.
    fn decide(&mut self, cw: &Cw, search: &Search, (row, item): (usize, usize), x: &[f32]) {
        let distance = search.ball(item).distance(x);
        let clean = search.task().utterance(item);
        let over = sum(x.len(), |i| (f64::from((x[i] - clean[i]).abs()) - self.threshold).max(0.0));
        self.steps += 1;
        if search.is_reached(row) && over <= 1e-4 * self.constant {
            self.threshold = self.threshold.min(distance) * cw.decrease;
            self.done = self.threshold < self.least_threshold;
            self.again();
        } else if self.steps > cw.steps {
            self.constant *= GROWTH;
            self.done = self.constant > self.largest_constant;
            self.again();
        }
    }

    fn again(&mut self) {
        self.steps = 0;
        self.adam.reset();
    }

    /// One step down sum max(|delta_i| - tau, 0) + c max(margin + kappa, 0).
    fn step(
        &mut self,
        search: &Search,
        (row, item): (usize, usize),
        coordinates: &Coordinates,
        x: &mut [f32],
    ) {
        let (ascent, clean) = (search.ascent(row, x.len()), search.task().utterance(item));
        let pull = if search.is_reached(row) { 0.0 } else { self.constant };
        let unit = 1.0 / positive_or_one(self.constant * f64::from(largest(ascent)));
        let (pull, push, threshold) = ((pull * unit) as f32, unit as f32, self.threshold as f32);
        let gradients = x.iter().zip(clean).zip(ascent).map(|((x, clean), ascent)| {
            let delta = x - clean;
            let over = if delta.abs() > threshold { push.copysign(delta) } else { 0.0 };
            (over - pull * ascent) * coordinates.slope(*x)
        });
        self.adam.descend(&mut self.variables, self.rate as f32, gradients);
        for (x, v) in x.iter_mut().zip(&mut self.variables) {
            *x = coordinates.audio(*v);
            if !coordinates.is_tanh {
                *v = *x;
            }
        }
    }
}
