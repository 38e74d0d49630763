//! `sigma-zero`: gradient descent on a smooth count of the changed samples, with an adaptive threshold.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::polish::polish;
use crate::scale::cosine;
use crate::search::{Search, largest};

/// Cina, Villani, Pintor et al. 2025 (arXiv:2402.01879), algorithm 1: delta <- delta - a g / |g|_inf with g the
/// gradient of max(margin, 0) + mean(delta^2 / (delta^2 + sigma)); changes below tau are undone; tau grows by t a
/// after a success, else shrinks by it. Lengths are in units of the width of the box, which is 1 in the paper.
#[derive(Debug)]
pub struct SigmaZero {
    steps: usize,
    step: (f64, f64),
    sigma: f64,
    tau: f64,
    tau_step: f64,
    halvings: usize,
}

impl Attack for SigmaZero {
    const INFO: AttackInfo = AttackInfo {
        id: "sigma-zero",
        name: "Sigma-zero",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Cina, Villani, Pintor, Schonherr, Biggio, Pelillo, \"Sigma-zero: gradient-based optimization of \
                   l0-norm adversarial examples\", ICLR 2025",
        doc: "Lowers the margin and a smooth approximation of the number of changed samples together, and undoes \
              changes below a threshold that adapts to success. One gradient per step.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L0,
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 1000, 1, 1_000_000, "gradients").affects_budget(),
            Param::f64("step_first", 1.0, 1e-6, 100.0, "length of the first step").unit("box"),
            Param::f64("step_last", 0.1, 0.0, 100.0, "length of the last step, along half a cosine")
                .unit("box"),
            Param::f64("sigma", 1e-3, 1e-12, 10.0, "how smooth the count is").log_scale(),
            Param::f64("tau", 0.3, 0.0, 1.0, "first threshold").unit("box"),
            Param::f64("tau_step", 0.01, 0.0, 1.0, "change of the threshold, in units of the step"),
            Param::i64("halvings", 0, 0, 64, "bisections of the number of changed samples, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "1000 steps from 1 to 0.1 of the box, sigma 0.001, first threshold 0.3, its step 0.01",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "the samples that do the least for the goal are undone in the end, by bisection",
                values: &[("halvings", Value::I64(20))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(SigmaZero {
            steps: config.usize("steps")?,
            step: (config.f64("step_first")?, config.f64("step_last")?),
            sigma: config.f64("sigma")?,
            tau: config.f64("tau")?,
            tau_step: config.f64("tau_step")?,
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

impl SigmaZero {
    fn descend(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut batch = Batch::of(task, task.items());
        let mut tau = vec![self.tau; task.n_items()];
        let mut gradient = vec![0.0; task.n_samples()];
        for step in 0..self.steps {
            search.gradient(&mut batch, oracle)?;
            let length = cosine(self.step.0, self.step.1, step, self.steps);
            batch.for_each(|item, row, x| {
                let gradient = &mut gradient[..x.len()];
                self.gradient(search, (row, item), x, gradient);
                descend(x, gradient, length * self.width(task), task.clip());
                let change = if search.is_reached(row) { self.tau_step } else { -self.tau_step };
                drop_below(x, task.utterance(item), (tau[item] * self.width(task)) as f32);
                tau[item] = (tau[item] + change * length).clamp(0.0, 1.0);
            });
            if batch.is_empty() {
                return Ok(());
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        search.look(&mut batch, oracle)
    }

    /// Of max(margin, 0) + mean(delta^2 / (delta^2 + sigma)), both with delta in units of the box.
    fn gradient(&self, search: &Search, (row, item): (usize, usize), x: &[f32], gradient: &mut [f32]) {
        let (clean, width) = (search.task().utterance(item), self.width(search.task()));
        let ascent = search.ascent(row, x.len());
        let short = if search.is_reached(row) { 0.0 } else { width as f32 };
        let (width, sigma) = (width as f32, self.sigma as f32);
        let weight = 2.0 * sigma / x.len() as f32;
        for (i, gradient) in gradient.iter_mut().enumerate() {
            let delta = (x[i] - clean[i]) / width;
            *gradient = weight * delta / (delta * delta + sigma).powi(2) - short * ascent[i];
        }
    }

    fn width(&self, task: &Task) -> f64 {
        f64::from(task.clip().1) - f64::from(task.clip().0)
    }
}

/// x - step g / |g|_inf, in the box.
fn descend(x: &mut [f32], gradient: &[f32], step: f64, clip: (f32, f32)) {
    let norm = largest(gradient);
    if norm > 0.0 {
        let scale = (step / f64::from(norm)) as f32;
        x.iter_mut().zip(gradient).for_each(|(x, g)| *x = (*x - scale * g).max(clip.0).min(clip.1));
    }
}

/// Undoes the changes smaller than `tau`.
fn drop_below(x: &mut [f32], clean: &[f32], tau: f32) {
    for (x, clean) in x.iter_mut().zip(clean) {
        if (*x - clean).abs() < tau {
            *x = *clean;
        }
    }
}
