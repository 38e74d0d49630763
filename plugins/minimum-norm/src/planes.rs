//! The victim linearised at each row: one hyperplane per class that the goal could be reached through.
//!
//! Untargeted, one row of the Jacobian of z_k - z_y for each other class k (or for the strongest few); targeted, one
//! of z_t - max of the others. All rows of a group of items are asked in one call.

use std::ops::Range;

use seraph_plugin::loss::argmax;
use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::Batch;

use crate::search::Search;

/// A linearised boundary: it is crossed where w.d = gap.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// The direction towards the class behind it.
    pub w: &'a [f32],
    /// Logits that are missing to be across.
    pub gap: f64,
}

/// Samples of all planes held at a time: 64 MiB of gradients.
const HELD: usize = 1 << 24;

/// The items of a task in groups whose planes fit in memory together.
pub fn groups(task: &Task, oracle: &Oracle, candidates: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let n_items = task.n_items();
    let size = (HELD / (per_item(task, oracle, candidates) * task.n_samples()).max(1)).max(1);
    (0..n_items).step_by(size).map(move |start| start..(start + size).min(n_items))
}

/// Planes of each item.
fn per_item(task: &Task, oracle: &Oracle, candidates: usize) -> usize {
    if task.is_targeted() { 1 } else { (oracle.n_classes() - 1).min(candidates) }
}

/// The planes at every row of a batch; kept between calls.
#[derive(Clone, Debug, Default)]
pub struct Planes {
    /// Classes looked at, besides the reference.
    candidates: usize,
    /// Per item, the candidates; strongest first on the clean audio. Empty: every other class.
    chosen: Vec<Vec<usize>>,
    gradients: Gradients,
    x: Vec<f32>,
    items: Vec<u32>,
    cotangent: Vec<f32>,
    /// Per row asked, the class behind its plane.
    classes: Vec<usize>,
    gaps: Vec<f64>,
    /// Rows of one item.
    per_item: usize,
    lengths: Vec<usize>,
}

impl Planes {
    /// Planes to at most `candidates` classes, those that are strongest on the clean audio.
    pub fn new(candidates: usize) -> Planes {
        Planes { candidates, ..Planes::default() }
    }

    /// Linearises the victim at every row, and notes the rows in `search`. Items that cannot pay leave.
    pub fn ask(&mut self, search: &mut Search, batch: &mut Batch, oracle: &mut Oracle) -> Result<(), Error> {
        let (task, k) = (search.task(), oracle.n_classes());
        self.per_item = per_item(task, oracle, self.candidates);
        if self.per_item < k - 1 && !task.is_targeted() && self.chosen.is_empty() {
            self.choose(search, oracle)?;
        }
        search.admit(batch, self.per_item as u64, self.per_item as u64);
        if batch.is_empty() {
            return Ok(());
        }
        self.fill(task, batch, k);
        let loss = if task.is_targeted() { Loss::MARGIN } else { Loss::vjp(&self.cotangent) };
        oracle.loss_grad(&self.x, &self.items, &loss, &mut self.gradients)?;
        search.pay(&self.items, 1);
        let rows = (0..batch.len()).map(|row| self.gradients.logits_row(row * self.per_item));
        search.note_logits(batch, rows, oracle)?;
        self.measure(search, batch);
        Ok(())
    }

    /// The planes at row `row`.
    pub fn of(&self, row: usize) -> impl Iterator<Item = Plane<'_>> {
        let rows = row * self.per_item..(row + 1) * self.per_item;
        let length = self.lengths[row];
        rows.map(move |at| Plane { w: &self.gradients.row(at)[..length], gap: self.gaps[at] })
    }

    /// Turns the planes that are crossed already around, so that w leads to every plane and no gap is negative.
    pub fn face(&mut self) {
        for (at, gap) in self.gaps.iter_mut().enumerate().filter(|(_, gap)| **gap < 0.0) {
            *gap = -*gap;
            self.gradients.row_mut(at).iter_mut().for_each(|w| *w = -*w);
        }
    }

    /// One row for each plane of each item.
    fn fill(&mut self, task: &Task, batch: &Batch, k: usize) {
        self.x.clear();
        self.items.clear();
        self.cotangent.clear();
        self.classes.clear();
        self.lengths.clear();
        for row in 0..batch.len() {
            let item = batch.item(row);
            self.lengths.push(task.length(item));
            let reference = task.reference(item) as usize;
            for plane in 0..self.per_item {
                self.x.extend_from_slice(batch.row(row));
                self.items.push(item as u32);
                let class = match self.chosen.get(item) {
                    Some(chosen) => chosen[plane],
                    None => plane + usize::from(plane >= reference),
                };
                self.classes.push(class);
                let start = self.cotangent.len();
                self.cotangent.resize(start + k, 0.0);
                self.cotangent[start + class] = 1.0;
                self.cotangent[start + reference] -= 1.0;
            }
        }
    }

    /// The gap before each plane.
    fn measure(&mut self, search: &Search, batch: &Batch) {
        self.gaps.clear();
        for (at, class) in self.classes.iter().enumerate() {
            let item = batch.item(at / self.per_item);
            let (z, reference) = (self.gradients.logits_row(at), search.task().reference(item) as usize);
            let lead = match search.task().is_targeted() {
                true => -f64::from(search.margin(at)),
                false => f64::from(z[*class]) - f64::from(z[reference]),
            };
            self.gaps.push(f64::from(search.depth(item)) - lead);
        }
    }

    /// The strongest classes of every item on its clean audio; costs each a forward query.
    fn choose(&mut self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut all = Batch::of(task, task.items());
        search.look(&mut all, oracle)?;
        self.chosen.resize(task.n_items(), Vec::new());
        for row in 0..all.len() {
            let item = all.item(row);
            let mut z = search.logits_row(row).to_vec();
            z[task.reference(item) as usize] = f32::NEG_INFINITY;
            let strongest = |_| {
                let class = argmax(&z);
                z[class] = f32::NEG_INFINITY;
                class
            };
            self.chosen[item] = (0..self.per_item).map(strongest).collect();
        }
        Ok(())
    }
}
