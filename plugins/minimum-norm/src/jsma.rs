//! `jsma`: the few samples that the saliency map says matter most, moved step by step.

use seraph_plugin::loss::runner_up;
use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::polish::polish;
use crate::search::Search;

/// Papernot et al. 2016 (arXiv:1511.07528), algorithm 2 with the saliency maps of equations 8 and 9:
/// S_i = (dF_t/dx_i) |sum_{j != t} dF_j/dx_i| where the first rises and the second falls in the direction of theta.
#[derive(Debug)]
pub struct Jsma {
    theta: f32,
    per_step: usize,
    growth: f64,
    gamma: f64,
    map: Map,
    halvings: usize,
}

/// What makes a sample salient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Map {
    /// Equations 8 and 9: two rows of the Jacobian, one direction.
    Product,
    /// What the margin gains, in either direction: one row.
    Margin,
}

impl Attack for Jsma {
    const INFO: AttackInfo = AttackInfo {
        id: "jsma",
        name: "Jacobian-based saliency map attack",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Papernot, McDaniel, Jha, Fredrikson, Celik, Swami, \"The limitations of deep learning in \
                   adversarial settings\", EuroS&P 2016",
        doc: "Moves the samples with the largest saliency by theta, a pair per gradient, until the goal is reached \
              or the radius or gamma is used up. Untargeted, the map is that of the class second on the clean audio. \
              A pair is the two samples with the largest saliency each; all pairs of an utterance are too many.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L0,
        goals: Goals::ANY,
        params: &[
            Param::f64("theta", 1.0, -2.0, 2.0, "how far a sample moves; below 0, downwards")
                .unit("full scale"),
            Param::i64("per_step", 2, 1, 1_000_000, "samples that move per gradient"),
            Param::f64("growth", 0.0, 0.0, 10.0, "more of them, as a part of those already changed"),
            Param::f64("gamma", 1.0, 0.0, 1.0, "part of the samples that may be changed"),
            Param::choice(
                "map",
                &["product", "margin"],
                "the paper's map; or what the margin gains, up or down as each sample needs",
            ),
            Param::i64("halvings", 0, 0, 64, "bisections of the number of changed samples, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset { name: "paper-default", doc: "a pair per gradient, upwards by 1", values: &[] },
            Preset {
                name: "strong",
                doc: "either direction to the bound, a tenth more samples per gradient, and the least useful undone",
                values: &[
                    ("theta", Value::F64(2.0)),
                    ("growth", Value::F64(0.1)),
                    ("map", Value::Choice("margin")),
                    ("halvings", Value::I64(20)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Jsma {
            theta: config.f64("theta")? as f32,
            per_step: config.usize("per_step")?,
            growth: config.f64("growth")?,
            gamma: config.f64("gamma")?,
            map: if config.choice("map")? == "margin" { Map::Margin } else { Map::Product },
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, 0.0)?;
        let outcome =
            self.saturate(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl Jsma {
    fn saturate(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut batch = Batch::of(task, task.items());
        let targets = self.targets(search, &mut batch, oracle)?;
        let mut saliency = Saliency::default();
        let mut stuck = vec![false; task.n_items()];
        while !batch.is_empty() {
            saliency.ask(self.map, search, &targets, &mut batch, oracle)?;
            batch.for_each(|item, row, x| {
                let changed = search.ball(item).distance(x) as usize;
                let count = self.per_step + (self.growth * changed as f64) as usize;
                let left = self.allowed(task, item).saturating_sub(changed);
                let moved = saliency.step(row, self.theta, count.min(left), task, x);
                stuck[item] = moved == 0;
            });
            batch.retain(|item| !stuck[item]);
            search.look(&mut batch, oracle)?;
            batch.retain(|item| !search.has_success(item));
        }
        Ok(())
    }

    /// Samples of an item that may be changed.
    fn allowed(&self, task: &Task, item: usize) -> usize {
        ((self.gamma * task.length(item) as f64) as usize).min(task.radius(item) as usize)
    }

    /// The class that each item's map leads to; the product map asks for the clean logits to choose it.
    fn targets(
        &self,
        search: &mut Search,
        batch: &mut Batch,
        oracle: &mut Oracle,
    ) -> Result<Vec<usize>, Error> {
        let task = search.task();
        let given = |item| task.target(item).map_or(0, |target| target as usize);
        let mut targets: Vec<usize> = task.items().map(given).collect();
        if self.map == Map::Product && !task.is_targeted() {
            search.look(batch, oracle)?;
            for row in 0..batch.len() {
                let item = batch.item(row);
                targets[item] = runner_up(search.logits_row(row), task.reference(item) as usize);
            }
        }
        Ok(targets)
    }
}

/// The saliency map at every row of a batch; keeps its memory.
#[derive(Debug, Default)]
struct Saliency {
    /// `[n_rows][length]`: its size is the saliency, its sign the direction to move in.
    maps: Vec<Vec<f32>>,
    gradients: Gradients,
    x: Vec<f32>,
    items: Vec<u32>,
    cotangent: Vec<f32>,
    order: Vec<u32>,
    /// Whether samples go in the direction of theta only.
    one_way: bool,
}

impl Saliency {
    /// Items that cannot pay leave.
    fn ask(
        &mut self,
        map: Map,
        search: &mut Search,
        targets: &[usize],
        batch: &mut Batch,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        self.one_way = map == Map::Product;
        match map {
            Map::Margin => search.gradient(batch, oracle)?,
            Map::Product => self.ask_rows(search, targets, batch, oracle)?,
        }
        self.maps.resize(self.maps.len().max(batch.len()), Vec::new());
        for row in 0..batch.len() {
            let (length, values) = (batch.utterance(row).len(), &mut self.maps[row]);
            values.clear();
            match map {
                Map::Margin => values.extend_from_slice(search.ascent(row, length)),
                Map::Product => {
                    let (target, others) = (self.gradients.row(2 * row), self.gradients.row(2 * row + 1));
                    values.extend(target[..length].iter().zip(others).map(|(t, o)| product(*t, *o)));
                }
            }
        }
        Ok(())
    }

    /// Two rows of each item: the gradient of its target's logit, and of the sum of the others.
    fn ask_rows(
        &mut self,
        search: &mut Search,
        targets: &[usize],
        batch: &mut Batch,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        search.admit(batch, 2, 2);
        self.x.clear();
        self.items.clear();
        self.cotangent.clear();
        for row in 0..batch.len() {
            let item = batch.item(row);
            for others in [false, true] {
                self.x.extend_from_slice(batch.row(row));
                self.items.push(item as u32);
                let of = |class: usize| f32::from(u8::from((class == targets[item]) != others));
                self.cotangent.extend((0..oracle.n_classes()).map(of));
            }
        }
        if batch.is_empty() {
            return Ok(());
        }
        oracle.loss_grad(&self.x, &self.items, &Loss::vjp(&self.cotangent), &mut self.gradients)?;
        search.pay(&self.items, 1);
        Ok(())
    }

    /// Moves the `count` most salient samples that can move by `theta`; says how many did.
    fn step(&mut self, row: usize, theta: f32, count: usize, task: &Task, x: &mut [f32]) -> usize {
        let (map, (low, high), one_way) = (&self.maps[row], task.clip(), self.one_way);
        let end = |i: usize| {
            let way = if map[i] < 0.0 { -theta.abs() } else { theta.abs() };
            (x[i] + way).max(low).min(high)
        };
        let gain = |i: usize| {
            let against = one_way && (map[i] > 0.0) != (theta > 0.0);
            let way = (end(i) - x[i]).abs();
            match one_way {
                true if against || way == 0.0 => 0.0,
                true => map[i].abs(),
                false => map[i].abs() * way,
            }
        };
        self.order.clear();
        self.order.extend((0..map.len() as u32).filter(|i| gain(*i as usize) > 0.0));
        let count = count.min(self.order.len());
        if count < self.order.len() {
            let descending =
                |a: &u32, b: &u32| gain(*b as usize).total_cmp(&gain(*a as usize)).then(a.cmp(b));
            self.order.select_nth_unstable_by(count, descending);
        }
        let ends: Vec<f32> = self.order[..count].iter().map(|i| end(*i as usize)).collect();
        self.order[..count].iter().zip(ends).for_each(|(i, end)| x[*i as usize] = end);
        count
    }
}

/// Equations 8 and 9: t |o| where the target's logit and the others' go opposite ways, else 0.
fn product(target: f32, others: f32) -> f32 {
    if target * others < 0.0 { target * others.abs() } else { 0.0 }
}
