//! `sparsefool`: few samples that cross the boundary as DeepFool finds it.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Surrogate};

use crate::deepfool::nearest;
use crate::hyperplane::{Solver, sum};
use crate::planes::{Planes, groups};
use crate::polish::polish;
use crate::search::Search;

/// Modas, Moosavi-Dezfooli, Frossard 2019 (arXiv:1811.02248), algorithm 2: from x_i, DeepFool's boundary point x_B and
/// the normal w there; then algorithm 1, the least L1 change across the plane through x_i + lambda (x_B - x_i), one
/// sample after the other to its bound. All samples of a plane are found in one pass.
///
/// Under L0 the bounds are the box; under Linf they are the ball, and the number of changed samples is what is small.
#[derive(Debug)]
pub struct SparseFool {
    steps: usize,
    lam: f64,
    overshoot: f64,
    inner_steps: usize,
    candidates: usize,
    order: Norm,
    halvings: usize,
}

impl Attack for SparseFool {
    const INFO: AttackInfo = AttackInfo {
        id: "sparsefool",
        name: "SparseFool",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Modas, Moosavi-Dezfooli, Frossard, \"SparseFool: a few pixels make a big difference\", CVPR 2019",
        doc: "Linearises the boundary where DeepFool meets it and crosses that plane with the fewest samples, each \
              moved to its bound. Under Linf the bounds are the ball and the number of changed samples is kept small.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::L0.with(Norms::LINF),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 20, 1, 100_000, "planes").affects_budget(),
            Param::f64("lam", 3.0, 1.0, 1000.0, "how far beyond the boundary the plane lies, 1: on it"),
            Param::f64("overshoot", 0.02, 0.0, 10.0, "part of each of DeepFool's steps that is added to it"),
            Param::i64("inner_steps", 50, 1, 100_000, "linearisations of DeepFool").affects_budget(),
            Param::i64("candidates", 10, 1, 100_000, "classes that DeepFool looks at").affects_budget(),
            Param::choice(
                "order",
                &["slope", "gain"],
                "samples with the largest w first, or with the largest gain",
            ),
            Param::i64("halvings", 0, 0, 64, "bisections of the number of changed samples, in the end")
                .affects_budget(),
        ],
        presets: &[
            Preset { name: "paper-default", doc: "lambda 3, at most 20 planes, overshoot 0.02", values: &[] },
            Preset {
                name: "strong",
                doc: "planes on the boundary, samples by what they gain, and the least useful undone in the end",
                values: &[
                    ("steps", Value::I64(50)),
                    ("lam", Value::F64(1.0)),
                    ("candidates", Value::I64(100_000)),
                    ("order", Value::Choice("gain")),
                    ("halvings", Value::I64(20)),
                ],
            },
            Preset {
                name: "staa-net",
                doc: "the baseline of STAA-Net: lambda 10, for a threat under Linf",
                values: &[("lam", Value::F64(10.0))],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        Ok(SparseFool {
            steps: config.usize("steps")?,
            lam: config.f64("lam")?,
            overshoot: config.f64("overshoot")?,
            inner_steps: config.usize("inner_steps")?,
            candidates: config.usize("candidates")?,
            order: if config.choice("order")? == "gain" { Norm::L0 } else { Norm::L1 },
            halvings: config.usize("halvings")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(task, oracle, Surrogate::Margin, 0.0)?;
        search.measure_samples();
        let outcome =
            self.cross_all(&mut search, oracle).and_then(|()| polish(&mut search, self.halvings, oracle));
        search.finish(outcome, oracle)
    }
}

impl SparseFool {
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
        let task = search.task();
        let bounds: Vec<Bounds> = task.items().map(|item| Bounds::of(task, item)).collect();
        let mut solver = Solver::default();
        for step in 0..self.steps {
            let mut boundary = batch.clone();
            self.deepfool(search, planes, &mut solver, &mut boundary, oracle)?;
            search.gradient(&mut boundary, oracle)?;
            batch.retain(|item| boundary.items().contains(&(item as u32)));
            batch.for_each(|item, row, x| {
                let (w, end) = (search.ascent(row, x.len()), boundary.utterance(row));
                let way = sum(x.len(), |i| f64::from(w[i]) * (f64::from(end[i]) - f64::from(x[i])));
                let bounds = |i: usize| bounds[item].of_sample(i);
                let gap = self.lam * (1.0 + self.overshoot) * way;
                solver.cross(self.order, w, gap, x, bounds).apply(w, 1.0, x, bounds);
            });
            search.look(&mut batch, oracle)?;
            let reached: Vec<bool> = (0..batch.len()).map(|row| search.is_reached(row)).collect();
            let mut row = 0..;
            batch.retain(|_| !reached[row.next().expect("an open range")]);
            if batch.is_empty() {
                break;
            }
            oracle.host().progress(0, step + 1, self.steps, f64::NAN);
        }
        Ok(())
    }

    /// Moves every row to a point just across the boundary, by DeepFool's least L2 steps.
    fn deepfool(
        &self,
        search: &mut Search,
        planes: &mut Planes,
        solver: &mut Solver,
        boundary: &mut Batch,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        let clip = search.task().clip();
        let mut active = boundary.clone();
        for _ in 0..self.inner_steps {
            planes.ask(search, &mut active, oracle)?;
            active.for_each(|_, row, x| {
                if let Some((plane, crossing)) = nearest(planes, row, Norm::L2, solver, x, |_| clip) {
                    crossing.apply(plane.w, 1.0 + self.overshoot, x, |_| clip);
                }
            });
            search.look(&mut active, oracle)?;
            let (mut row, mut across) = (0, Vec::new());
            boundary.for_each(|item, _, x| {
                if row < active.len() && active.item(row) == item {
                    x.copy_from_slice(active.utterance(row));
                    if search.is_reached(row) {
                        across.push(item);
                    }
                    row += 1;
                }
            });
            active.retain(|item| !across.contains(&item));
            if active.is_empty() {
                break;
            }
        }
        Ok(())
    }
}

/// How far each sample of an item may go.
struct Bounds {
    clip: (f32, f32),
    /// Under Linf, the ends of the ball in the box.
    ends: Option<(Vec<f32>, Vec<f32>)>,
}

impl Bounds {
    fn of(task: &Task, item: usize) -> Bounds {
        let ball = Ball::of(task, item);
        let end = |far: f32| {
            let mut end: Vec<f32> = ball.clean().iter().map(|x| x + far).collect();
            ball.project(&mut end);
            end
        };
        let reach = 2.0 * ball.radius();
        let ends = (task.norm() == Norm::Linf).then(|| (end(-reach), end(reach)));
        Bounds { clip: task.clip(), ends }
    }

    fn of_sample(&self, i: usize) -> (f32, f32) {
        self.ends.as_ref().map_or(self.clip, |(low, high)| (low[i], high[i]))
    }
}
