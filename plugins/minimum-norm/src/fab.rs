//! `fab`: steps to the linearised boundary, drawn towards the clean audio.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::deepfool::nearest;
use crate::hyperplane::{Solver, sum};
use crate::planes::{Planes, groups};
use crate::polish::polish;
use crate::search::Search;

/// Croce & Hein 2020 (arXiv:1907.02044), algorithm 1: x <- (1 - a)(x + eta d) + a (x_clean + eta d_clean), with d and
/// d_clean the least changes of x and of the clean audio onto the nearest linearised boundary in the box, and
/// a = min(|d| / (|d| + |d_clean|), a_max); after a success, x <- (1 - beta) x_clean + beta x.
#[derive(Debug)]
pub struct Fab {
    steps: usize,
    restarts: usize,
    alpha_max: f64,
    eta: f64,
    beta: f64,
    candidates: usize,
    halvings: usize,
}

impl Attack for Fab {
    const INFO: AttackInfo = AttackInfo {
        id: "fab",
        name: "Fast adaptive boundary",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Croce, Hein, \"Minimally distorted adversarial examples with a fast adaptive boundary attack\", \
                   ICML 2020",
        doc: "Projects onto the nearest linearised boundary, from where it is and from the clean audio, goes to a \
              point between, and steps back towards the clean audio after each success. A step asks for one \
              gradient per class (targeted: one) and one forward.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::LINF.with(Norms::L2).with(Norms::L1),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 100, 1, 100_000, "linearisations of each restart").affects_budget(),
            Param::i64("restarts", 1, 1, 1000, "starts; from the second on, random ones").affects_budget(),
            Param::f64(
                "alpha_max",
                0.1,
                0.0,
                1.0,
                "largest part of the way towards the clean audio's projection",
            ),
            Param::f64("eta", 1.05, 1.0, 10.0, "how far to go, in units of the least change"),
            Param::f64("beta", 0.9, 0.0, 1.0, "what is kept of the change after a success"),
            Param::i64("candidates", 100_000, 1, 100_000, "classes looked at, the strongest ones")
                .affects_budget(),
            Param::i64("halvings", 3, 0, 64, "bisections of the way from the clean audio, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "100 steps from one start, a_max 0.1, eta 1.05, beta 0.9, a final search of 3 steps",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "5 starts and a longer final search",
                values: &[("restarts", Value::I64(5)), ("halvings", Value::I64(10))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(Fab {
            steps: config.usize("steps")?,
            restarts: config.usize("restarts")?,
            alpha_max: config.f64("alpha_max")?,
            eta: config.f64("eta")?,
            beta: config.f64("beta")?,
            candidates: config.usize("candidates")?,
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, 0.0)?;
        let outcome =
            self.restart(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl Fab {
    fn restart(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let task = search.task();
        let mut rngs: Vec<Rng> = task.items().map(|item| task.rng(item)).collect();
        let mut planes = Planes::new(self.candidates);
        for items in groups(task, oracle, self.candidates) {
            for restart in 0..self.restarts {
                let mut batch = Batch::of(task, items.clone());
                if restart > 0 {
                    batch.for_each(|item, _, x| random_start(search, item, x, &mut rngs[item]));
                }
                self.search(search, &mut planes, &mut batch, oracle)?;
            }
        }
        Ok(())
    }

    /// One start.
    fn search(
        &self,
        search: &mut Search,
        planes: &mut Planes,
        batch: &mut Batch,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        let task = search.task();
        let (mut solver, mut other) = (Solver::default(), Vec::new());
        for step in 0..self.steps {
            planes.ask(search, batch, oracle)?;
            planes.face();
            batch.for_each(|item, row, x| {
                other.clear();
                other.extend_from_slice(task.utterance(item));
                self.step(planes, row, task, &mut solver, x, &mut other);
            });
            search.look(batch, oracle)?;
            batch.for_each(|item, row, x| {
                if search.is_reached(row) {
                    draw_back(x, task.utterance(item), self.beta as f32);
                }
            });
            if batch.is_empty() {
                break;
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        Ok(())
    }

    /// A point between the projections of `x` and of `clean`, which is overwritten.
    fn step(
        &self,
        planes: &Planes,
        row: usize,
        task: &Task,
        solver: &mut Solver,
        x: &mut [f32],
        clean: &mut [f32],
    ) {
        let clip = task.clip();
        let Some((plane, from_x)) = nearest(planes, row, task.norm(), solver, x, |_| clip) else { return };
        // The plane as the clean audio sees it: the same gap, and what x has gained on the way.
        let gained = sum(x.len(), |i| f64::from(plane.w[i]) * (f64::from(x[i]) - f64::from(clean[i])));
        let from_clean = solver.cross(task.norm(), plane.w, plane.gap + gained, clean, |_| clip);
        let (d, d_clean) = (from_x.distance, from_clean.distance);
        let alpha = if d + d_clean > 0.0 { (d / (d + d_clean)).min(self.alpha_max) as f32 } else { 0.0 };
        from_x.apply(plane.w, self.eta, x, |_| clip);
        from_clean.apply(plane.w, self.eta, clean, |_| clip);
        x.iter_mut().zip(clean).for_each(|(x, clean)| *x += alpha * (*clean - *x));
    }
}

/// (1 - beta) clean + beta x.
fn draw_back(x: &mut [f32], clean: &[f32], beta: f32) {
    x.iter_mut().zip(clean).for_each(|(x, clean)| *x = clean + beta * (*x - clean));
}

/// A random point at most half as far as the nearest success, or half the radius away.
fn random_start(search: &Search, item: usize, x: &mut [f32], rng: &mut Rng) {
    let task = search.task();
    let radius = search.distance(item).min(f64::from(task.radius(item))) / 2.0;
    Ball::new(task.norm(), task.utterance(item), radius as f32, task.clip()).random_start(x, rng);
}
