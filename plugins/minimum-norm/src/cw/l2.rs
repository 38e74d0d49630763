//! L2: lowers |delta|^2 + c f for constants c that a binary search chooses, each time from the clean audio.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Batch;

use super::{Coordinates, Cw};
use crate::adam::Adam;
use crate::ddn::positive_or_one;
use crate::scale::{Scale, linear_distance};
use crate::search::{Search, active, length};

/// One item.
struct Item {
    adam: Adam,
    variables: Vec<f32>,
    constant: f64,
    /// Constants known to be too small, and known to be enough.
    bracket: (f64, f64),
    rate: f64,
    /// Of the current constant.
    reached: bool,
    loss_before: f64,
    loss: f64,
}

/// All constants for all items.
pub(super) fn run(cw: &Cw, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
    let task = search.task();
    let coordinates = Coordinates::of(cw.variable, task.clip());
    let mut items: Vec<Item> = task.items().map(|item| Item::new(cw, task, item)).collect();
    for round in 0..cw.searches {
        let mut batch = Batch::of(task, task.items());
        items
            .iter_mut()
            .enumerate()
            .for_each(|(item, state)| state.restart(&coordinates, task.utterance(item)));
        descend(cw, search, &mut items, &coordinates, &mut batch, round == 0, oracle)?;
        items.iter_mut().for_each(Item::bisect);
        oracle.host().progress(0, round + 1, cw.searches, f64::NAN);
    }
    Ok(())
}

/// All steps of one constant.
fn descend(
    cw: &Cw,
    search: &mut Search,
    items: &mut [Item],
    coordinates: &Coordinates,
    batch: &mut Batch,
    first_round: bool,
    oracle: &mut Oracle,
) -> Result<(), Error> {
    let patience = cw.steps.div_ceil(10);
    for step in 0..cw.steps {
        search.gradient(batch, oracle)?;
        batch.for_each(|item, row, x| {
            let state = &mut items[item];
            if first_round && step == 0 && cw.scale == Scale::Linear {
                state.measure(search, (row, item), x);
            }
            state.reached |= search.is_reached(row);
            state.step(search, (row, item), coordinates, x);
        });
        if cw.abort_early && step % patience == patience - 1 {
            batch.retain(|item| items[item].still_falls());
        }
        if batch.is_empty() {
            return Ok(());
        }
    }
    search.look(batch, oracle)?;
    (0..batch.len()).for_each(|row| items[batch.item(row)].reached |= search.is_reached(row));
    Ok(())
}

impl Item {
    fn new(cw: &Cw, task: &Task, item: usize) -> Item {
        Item {
            adam: Adam::new(task.length(item)),
            variables: vec![0.0; task.length(item)],
            constant: cw.constant,
            bracket: (0.0, f64::INFINITY),
            rate: cw.rate,
            reached: false,
            loss_before: f64::INFINITY,
            loss: f64::INFINITY,
        }
    }

    /// Puts rate and constant in units of the linearised victim: there, with distance d and gap m, the change of
    /// length d is the lowest point for c = 2 d^2 / m.
    fn measure(&mut self, search: &Search, (row, item): (usize, usize), x: &[f32]) {
        let distance = positive_or_one(linear_distance(search, row, item, x, Norm::L2));
        let gap = f64::from(search.margin(row)) + f64::from(search.depth(item));
        self.rate *= distance / active(search.ascent(row, x.len())).sqrt();
        self.constant *= 2.0 * distance.powi(2) / positive_or_one(gap);
    }

    fn restart(&mut self, coordinates: &Coordinates, clean: &[f32]) {
        self.adam.reset();
        self.variables.iter_mut().zip(clean).for_each(|(v, x)| *v = coordinates.variable(*x));
        (self.reached, self.loss_before, self.loss) = (false, f64::INFINITY, f64::INFINITY);
    }

    /// One step down |delta|^2 + c max(margin + kappa, 0).
    fn step(
        &mut self,
        search: &Search,
        (row, item): (usize, usize),
        coordinates: &Coordinates,
        x: &mut [f32],
    ) {
        let (ascent, clean) = (search.ascent(row, x.len()), search.task().utterance(item));
        let short = (f64::from(search.margin(row)) + f64::from(search.depth(item))).max(0.0);
        self.loss = search.ball(item).distance(x).powi(2) + self.constant * short;
        // Adam forgets the size of a gradient: one of float32's order keeps its moments from underflow.
        let pull = if short > 0.0 { self.constant } else { 0.0 };
        let unit = 1.0 / positive_or_one(self.constant * length(ascent) / (x.len() as f64).sqrt());
        let (pull, draw) = ((pull * unit) as f32, (2.0 * unit) as f32);
        let gradients = x
            .iter()
            .zip(clean)
            .zip(ascent)
            .map(|((x, clean), ascent)| (draw * (x - clean) - pull * ascent) * coordinates.slope(*x));
        self.adam.descend(&mut self.variables, self.rate as f32, gradients);
        for (x, v) in x.iter_mut().zip(&mut self.variables) {
            *x = coordinates.audio(*v);
            if !coordinates.is_tanh {
                *v = *x;
            }
        }
    }

    /// Whether the loss fell by a ten-thousandth since the last time.
    fn still_falls(&mut self) -> bool {
        let falls = self.loss <= 0.9999 * self.loss_before;
        self.loss_before = self.loss;
        falls
    }

    /// The next constant: smaller after a success, else larger.
    fn bisect(&mut self) {
        let (low, high) = &mut self.bracket;
        if self.reached {
            *high = high.min(self.constant);
        } else {
            *low = low.max(self.constant);
        }
        self.constant = if high.is_finite() { 0.5 * (*low + *high) } else { self.constant * 10.0 };
    }
}
