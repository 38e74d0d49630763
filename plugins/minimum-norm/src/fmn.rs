//! `fmn`: gradient steps projected onto a ball whose radius closes in on the boundary, for every norm.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::ddn::positive_or_one;
use crate::hyperplane::sum;
use crate::polish::polish;
use crate::scale::{Scale, cosine, linear_distance};
use crate::search::{Search, active, largest, length};

/// Pintor, Roli, Brendel, Biggio 2021 (arXiv:2102.12827), algorithm 1: radius from the linear distance until the
/// first success, then times 1 -/+ gamma; delta <- project(delta + a g / |g|_2), gamma and a along half a cosine.
/// The linear distance is exact in the box.
#[derive(Debug)]
pub struct Fmn {
    steps: usize,
    step: (f64, f64),
    gamma: (f64, f64),
    scale: Scale,
    halvings: usize,
}

impl Attack for Fmn {
    const INFO: AttackInfo = AttackInfo {
        id: "fmn",
        name: "Fast minimum-norm",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Pintor, Roli, Brendel, Biggio, \"Fast minimum-norm adversarial attacks through adaptive norm \
                   constraints\", NeurIPS 2021",
        doc: "Follows the gradient of the margin inside a ball that shrinks while the goal is reached and grows while \
              it is not, by less and less. One gradient per step.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::ALL,
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 1000, 1, 1_000_000, "gradients").affects_budget(),
            Param::f64("step_first", 1.0, 1e-9, 1e6, "length of the first step").log_scale(),
            Param::f64("step_last", 0.01, 0.0, 1e6, "length of the last step, along half a cosine"),
            Param::f64("gamma_first", 0.05, 1e-6, 0.9, "part of the radius by which it changes, at first"),
            Param::f64("gamma_last", 0.001, 0.0, 0.9, "the same in the end, along half a cosine"),
            Scale::PARAM,
            Param::i64("halvings", 0, 0, 64, "bisections of the way from the clean audio, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "1000 steps from 1 to 0.01 of full scale, gamma from 0.05 to 0.001",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "steps measured in the distance of the linearised boundary, and a bisection",
                values: &[
                    ("steps", Value::I64(300)),
                    ("scale", Value::Choice("linear")),
                    ("halvings", Value::I64(20)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Fmn {
            steps: config.usize("steps")?,
            step: (config.f64("step_first")?, config.f64("step_last")?),
            gamma: (config.f64("gamma_first")?, config.f64("gamma_last")?),
            scale: Scale::from_config(config)?,
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, 0.0)?;
        let outcome =
            self.descend(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl Fmn {
    fn descend(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut batch = Batch::of(task, task.items());
        let mut unit = vec![1.0; task.n_items()];
        let mut radius = vec![0.0; task.n_items()];
        let mut projection = Projection::default();
        for step in 0..self.steps {
            search.gradient(&mut batch, oracle)?;
            let share = cosine(self.step.0, self.step.1, step, self.steps);
            let gamma = cosine(self.gamma.0, self.gamma.1, step, self.steps);
            batch.for_each(|item, row, x| {
                if step == 0 && self.scale == Scale::Linear {
                    unit[item] = positive_or_one(step_unit(search, row, item, x));
                }
                radius[item] = next_radius(search, (row, item), x, radius[item], gamma);
                climb(x, search.ascent(row, x.len()), share * unit[item]);
                // Into the box first: the projection then spends the radius on what is left of each change.
                clip(x, task.clip());
                projection.onto(task.norm(), x, task.utterance(item), radius[item]);
                clip(x, task.clip());
            });
            if batch.is_empty() {
                return Ok(());
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        search.look(&mut batch, oracle)
    }
}

/// The radius in which the next step ends.
fn next_radius(search: &Search, (row, item): (usize, usize), x: &[f32], radius: f64, gamma: f64) -> f64 {
    let norm = search.task().norm();
    let counts = norm == Norm::L0;
    if search.is_reached(row) {
        let smaller = (radius * (1.0 - gamma)).min(search.distance(item));
        return if counts { smaller.floor().min(search.distance(item) - 1.0).max(1.0) } else { smaller };
    }
    if search.has_success(item) {
        let larger = radius * (1.0 + gamma);
        return if counts { larger.ceil().min(search.distance(item)) } else { larger };
    }
    let change = search.ball(item).distance(x);
    (change + linear_distance(search, row, item, x, norm)).max(if counts { 1.0 } else { 0.0 })
}

/// Euclidean length of the step that, for the linearised victim, is as long as the whole way. For the sparse norms,
/// one that moves the sample with the largest gradient that far (L0: across the box).
fn step_unit(search: &Search, row: usize, item: usize, x: &[f32]) -> f64 {
    let (norm, clip) = (search.task().norm(), search.task().clip());
    let w = search.ascent(row, x.len());
    let of_largest = length(w) / f64::from(largest(w)).max(f64::MIN_POSITIVE);
    match norm {
        Norm::L2 => linear_distance(search, row, item, x, norm),
        Norm::Linf => linear_distance(search, row, item, x, norm) * active(w).sqrt(),
        Norm::L1 => linear_distance(search, row, item, x, norm) * of_largest,
        Norm::L0 => f64::from(clip.1 - clip.0) * of_largest,
    }
}

fn clip(x: &mut [f32], (low, high): (f32, f32)) {
    x.iter_mut().for_each(|x| *x = x.max(low).min(high));
}

/// x + step g / |g|_2.
fn climb(x: &mut [f32], gradient: &[f32], step: f64) {
    let norm = length(gradient);
    if norm > 0.0 {
        let scale = step / norm;
        x.iter_mut().zip(gradient).for_each(|(x, g)| *x += (scale * f64::from(*g)) as f32);
    }
}

/// Projections onto balls of any radius around the clean audio; keeps its memory.
#[derive(Debug, Default)]
struct Projection {
    order: Vec<u32>,
}

impl Projection {
    fn onto(&mut self, norm: Norm, x: &mut [f32], clean: &[f32], radius: f64) {
        match norm {
            Norm::Linf => {
                let radius = radius as f32;
                x.iter_mut().zip(clean).for_each(|(x, c)| *x = x.max(c - radius).min(c + radius));
            }
            Norm::L2 => shrink(x, clean, radius),
            Norm::L1 => soften(x, clean, radius),
            Norm::L0 => self.keep_largest(x, clean, radius as usize),
        }
    }

    fn keep_largest(&mut self, x: &mut [f32], clean: &[f32], count: usize) {
        self.order.clear();
        self.order.extend((0..x.len() as u32).filter(|i| x[*i as usize] != clean[*i as usize]));
        if self.order.len() <= count {
            return;
        }
        let change = |i: u32| (x[i as usize] - clean[i as usize]).abs();
        self.order.select_nth_unstable_by(count, |a, b| change(*b).total_cmp(&change(*a)).then(a.cmp(b)));
        self.order[count..].iter().for_each(|i| x[*i as usize] = clean[*i as usize]);
    }
}

fn shrink(x: &mut [f32], clean: &[f32], radius: f64) {
    let change = sum(x.len(), |i| (f64::from(x[i]) - f64::from(clean[i])).powi(2)).sqrt();
    if change > radius {
        let scale = (radius / change) as f32;
        x.iter_mut().zip(clean).for_each(|(x, c)| *x = c + scale * (*x - c));
    }
}

/// Shrinks every change by the same threshold, found by Newton's method from below: the sum of what is left is
/// convex and piecewise linear in it.
fn soften(x: &mut [f32], clean: &[f32], radius: f64) {
    let change = |i: usize| f64::from((x[i] - clean[i]).abs());
    let mut threshold = 0.0;
    // 100: it ends after at most as many steps as there are kinks between, in practice a dozen.
    for _ in 0..100 {
        let left = sum(x.len(), |i| (change(i) - threshold).max(0.0));
        let above = sum(x.len(), |i| f64::from(u8::from(change(i) > threshold)));
        if left <= radius * (1.0 + 1e-9) || above == 0.0 {
            break;
        }
        threshold += (left - radius) / above;
    }
    if threshold > 0.0 {
        let threshold = threshold as f32;
        for (x, clean) in x.iter_mut().zip(clean) {
            let change = *x - clean;
            let left = (change.abs() - threshold).max(0.0);
            *x = if left > 0.0 { clean + left.copysign(change) } else { *clean };
        }
    }
}
