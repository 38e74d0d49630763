//! `deepfool`: steps to the nearest of the linearised boundaries until one is crossed.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::hyperplane::{Crossing, Solver};
use crate::planes::{Plane, Planes, groups};
use crate::polish::polish;
use crate::search::Search;

/// Moosavi-Dezfooli, Fawzi, Frossard 2016 (arXiv:1511.04599), algorithm 2 and section 3.3:
/// l = argmin_k |f_k - f_y| / |w_k|_q, x <- x + (1 + overshoot) |f_l - f_y| / |w_l|_q times the steepest direction.
/// Each step is the least that crosses the plane within the box.
#[derive(Debug)]
pub struct DeepFool {
    steps: usize,
    overshoot: f64,
    candidates: usize,
    halvings: usize,
}

impl Attack for DeepFool {
    const INFO: AttackInfo = AttackInfo {
        id: "deepfool",
        name: "DeepFool",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Moosavi-Dezfooli, Fawzi, Frossard, \"DeepFool: a simple and accurate method to fool deep neural \
                   networks\", CVPR 2016",
        doc: "Linearises the victim at the current audio, one boundary per class, and steps just across the nearest, \
              until the goal is reached. A step asks for one gradient per class (targeted: one) and one forward.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L2.with(Norms::LINF),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 50, 1, 100_000, "linearisations").affects_budget(),
            Param::f64("overshoot", 0.02, 0.0, 10.0, "part of each step that is added to it"),
            Param::i64("candidates", 10, 1, 100_000, "classes looked at, the strongest ones")
                .affects_budget(),
            Param::i64("halvings", 0, 0, 64, "bisections of the way from the clean audio, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset {
                name: "paper-default",
                doc: "overshoot 0.02 and 50 steps, section 3; of many classes the 10 strongest, as in the authors' code",
                values: &[],
            },
            Preset {
                name: "strong",
                doc: "all classes, and a bisection of the way found",
                values: &[("candidates", Value::I64(100_000)), ("halvings", Value::I64(10))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(DeepFool {
            steps: config.usize("steps")?,
            overshoot: config.f64("overshoot")?,
            candidates: config.usize("candidates")?,
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, 0.0)?;
        let outcome =
            self.cross_all(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl DeepFool {
    fn cross_all(&self, search: &mut Search, oracle: &mut Oracle) -> Result<(), Error> {
        let mut planes = Planes::new(self.candidates);
        groups(search.task(), oracle, self.candidates).try_for_each(|items| {
            let batch = Batch::of(search.task(), items);
            self.cross(search, &mut planes, batch, oracle)
        })
    }

    fn cross(
        &self,
        search: &mut Search,
        planes: &mut Planes,
        mut batch: Batch,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        let mut solver = Solver::default();
        for step in 0..self.steps {
            planes.ask(search, &mut batch, oracle)?;
            let task = search.task();
            batch.for_each(|_, row, x| {
                let clip = task.clip();
                if let Some((plane, crossing)) = nearest(planes, row, task.norm(), &mut solver, x, |_| clip) {
                    crossing.apply(plane.w, 1.0 + self.overshoot, x, |_| clip);
                }
            });
            search.look(&mut batch, oracle)?;
            batch.retain(|item| !search.has_success(item));
            if batch.is_empty() {
                break;
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        Ok(())
    }
}

/// The nearest plane of a row, and the way there; of planes that are all out of reach, the first.
pub(crate) fn nearest<'p>(
    planes: &'p Planes,
    row: usize,
    norm: Norm,
    solver: &mut Solver,
    x: &[f32],
    bounds: impl Fn(usize) -> (f32, f32) + Copy,
) -> Option<(Plane<'p>, Crossing)> {
    let crossings = planes.of(row).map(|plane| (plane, solver.cross(norm, plane.w, plane.gap, x, bounds)));
    let cost = |crossing: &Crossing| if crossing.reached { crossing.distance } else { f64::INFINITY };
    crossings.reduce(|best, other| if cost(&other.1) < cost(&best.1) { other } else { best })
}
