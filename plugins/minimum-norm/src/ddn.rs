//! `ddn`: the direction from the gradient, the length from whether the last step succeeded.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::polish::polish;
use crate::scale::{Scale, cosine, linear_distance};
use crate::search::{Search, length};

/// Rony et al. 2019 (arXiv:1811.09600), algorithm 1: delta <- delta + a g / |g|; the radius shrinks by gamma after a
/// success, else grows by it; delta is scaled to the radius.
#[derive(Debug)]
pub struct Ddn {
    steps: usize,
    init_norm: f64,
    gamma: f64,
    step: (f64, f64),
    scale: Scale,
    surrogate: Surrogate,
    halvings: usize,
}

impl Attack for Ddn {
    const INFO: AttackInfo = AttackInfo {
        id: "ddn",
        name: "Decoupled direction and norm",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Rony, Hafemann, Oliveira, Ben Ayed, Sabourin, Granger, \"Decoupling direction and norm for \
                   efficient gradient-based L2 adversarial attacks and defenses\", CVPR 2019",
        doc: "Follows the gradient on a sphere around the clean audio whose radius shrinks by a constant factor \
              after each success and grows by it after each failure. One gradient per step.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L2,
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 1000, 1, 1_000_000, "gradients").affects_budget(),
            Param::f64("init_norm", 1.0, 1e-9, 1e6, "first radius").log_scale(),
            Param::f64("gamma", 0.05, 1e-6, 0.9, "part of the radius by which it changes"),
            Param::f64("step_first", 1.0, 1e-9, 1e6, "length of the first step").log_scale(),
            Param::f64("step_last", 0.01, 0.0, 1e6, "length of the last step, along half a cosine"),
            Scale::PARAM,
            Param::choice("loss", Surrogate::CHOICES, "what the steps raise"),
            Param::i64("halvings", 0, 0, 64, "bisections of the way from the clean audio, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "cross entropy, gamma 0.05, steps from 1 to 0.01, the longest of the paper's budgets, 1000 steps",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "steps measured in the distance of the linearised boundary, on the margin, and a bisection",
                values: &[
                    ("steps", Value::I64(300)),
                    ("scale", Value::Choice("linear")),
                    ("loss", Value::Choice("margin")),
                    ("halvings", Value::I64(10)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Ddn {
            steps: config.usize("steps")?,
            init_norm: config.f64("init_norm")?,
            gamma: config.f64("gamma")?,
            step: (config.f64("step_first")?, config.f64("step_last")?),
            scale: Scale::from_config(config)?,
            surrogate: Surrogate::from_choice(config.choice("loss")?)?,
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, self.surrogate, 0.0)?;
        let outcome =
            self.descend(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl Ddn {
    fn descend(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut batch = Batch::of(task, task.items());
        let mut unit = vec![1.0; task.n_items()];
        let mut radius = vec![self.init_norm; task.n_items()];
        let mut rngs: Vec<Rng> = task.items().map(|item| task.rng(item)).collect();
        for step in 0..self.steps {
            search.gradient(&mut batch, oracle)?;
            let share = cosine(self.step.0, self.step.1, step, self.steps);
            batch.for_each(|item, row, x| {
                if step == 0 && self.scale == Scale::Linear {
                    unit[item] = positive_or_one(linear_distance(search, row, item, x, Norm::L2));
                    radius[item] *= unit[item];
                }
                radius[item] *= if search.is_reached(row) { 1.0 - self.gamma } else { 1.0 + self.gamma };
                climb(x, search.ascent(row, x.len()), share * unit[item], &mut rngs[item]);
                rescale(x, task.utterance(item), radius[item], task.clip());
            });
            if batch.is_empty() {
                return Ok(());
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        search.look(&mut batch, oracle)
    }
}

/// x + step g / |g|; a random direction where there is no gradient.
fn climb(x: &mut [f32], gradient: &[f32], step: f64, rng: &mut Rng) {
    let norm = length(gradient);
    if norm > 0.0 {
        let scale = step / norm;
        x.iter_mut().zip(gradient).for_each(|(x, g)| *x += (scale * f64::from(*g)) as f32);
    } else {
        let scale = (step / (x.len() as f64).sqrt()) as f32;
        x.iter_mut().for_each(|x| *x += scale * rng.normal());
    }
}

/// Brings x to the sphere of this radius, then into the box.
fn rescale(x: &mut [f32], clean: &[f32], radius: f64, clip: (f32, f32)) {
    let change = Ball::new(Norm::L2, clean, 0.0, clip).distance(x);
    let scale = if change > 0.0 { (radius / change) as f32 } else { 0.0 };
    for (x, clean) in x.iter_mut().zip(clean) {
        *x = (clean + scale * (*x - clean)).max(clip.0).min(clip.1);
    }
}

/// A unit that can be divided by and multiplied with.
pub(crate) fn positive_or_one(distance: f64) -> f64 {
    if distance > 0.0 && distance.is_finite() { distance } else { 1.0 }
}
