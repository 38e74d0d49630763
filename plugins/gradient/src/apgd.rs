//! `apgd`: projected gradient descent that chooses its step length itself.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Best, Objective, Surrogate};

use crate::descent::spent_items;

/// Croce & Hein 2020 (arXiv:2003.01690), algorithm 1: steps with momentum; at checkpoints the step is halved and the
/// search goes back to its best point, unless it is still rising.
#[derive(Debug)]
pub struct Apgd {
    steps: usize,
    restarts: usize,
    loss: ApgdLoss,
    n_targets: usize,
    rho: f64,
    early_stop: bool,
}

#[derive(Clone, Copy, Debug)]
enum ApgdLoss {
    Plain(Surrogate),
    /// DLR towards each of the other classes in turn (APGD-T), the likeliest first.
    DlrTargeted,
}

/// Weight of the gradient step against the momentum, alpha of section 3.2.
const STEP_WEIGHT: f32 = 0.75;

impl Attack for Apgd {
    const INFO: AttackInfo = AttackInfo {
        id: "apgd",
        name: "Auto-PGD",
        version: "1.0.0",
        author: "SERAPH",
        license: "MIT OR Apache-2.0",
        citation: "Croce, Hein, \"Reliable evaluation of adversarial robustness with an ensemble of diverse \
                   parameter-free attacks\", ICML 2020",
        doc: "Projected gradient steps with momentum; the step starts at twice the radius and is halved whenever the \
              loss stops rising, each time from the best point so far. With dlr-targeted, one search towards each \
              other class. DLR is defined for 2 and 3 classes too.",
        access_required: Access::GRADIENT,
        access_optional: Access::LOGITS,
        norms: Norms::LINF.with(Norms::L2),
        goals: Goals::ANY,
        params: &[
            Param::i64("steps", 100, 1, 100_000, "gradients of each search").affects_budget(),
            Param::i64("restarts", 1, 1, 1000, "searches; later ones only for unbroken items")
                .affects_budget(),
            Param::choice("loss", &["ce", "dlr", "dlr-targeted", "margin"], "what the steps raise"),
            Param::i64("n_targets", 9, 1, 1000, "classes that dlr-targeted goes towards, at most")
                .affects_budget(),
            Param::f64("rho", 0.75, 0.0, 1.0, "share of rising steps below which the step is halved"),
            Param::bool("early_stop", false, "stop an item once it has succeeded"),
        ],
        presets: &[
            Preset { name: "paper-default", doc: "APGD-CE of AutoAttack: 100 steps, rho 0.75", values: &[] },
            Preset {
                name: "dlr",
                doc: "APGD-DLR: 100 steps on the difference of logits ratio",
                values: &[("loss", Value::Choice("dlr"))],
            },
            Preset {
                name: "targeted",
                doc: "APGD-T of AutoAttack: 100 steps towards each of up to 9 classes",
                values: &[("loss", Value::Choice("dlr-targeted"))],
            },
            Preset {
                name: "strong",
                doc: "APGD-T with 5 restarts of 100 steps; broken items stop",
                values: &[
                    ("loss", Value::Choice("dlr-targeted")),
                    ("restarts", Value::I64(5)),
                    ("early_stop", Value::Bool(true)),
                ],
            },
        ],
        ..AttackInfo::EMPTY
    };

    fn create(config: &Config, _host: &Host) -> Result<Self, Error> {
        let loss = match config.choice("loss")? {
            "dlr-targeted" => ApgdLoss::DlrTargeted,
            plain => ApgdLoss::Plain(Surrogate::from_choice(plain)?),
        };
        Ok(Apgd {
            steps: config.usize("steps")?,
            restarts: config.usize("restarts")?,
            loss,
            n_targets: config.usize("n_targets")?,
            rho: config.f64("rho")?,
            early_stop: config.bool("early_stop")?,
        })
    }

    fn run(&mut self, task: &Task, oracle: &mut Oracle) -> Result<(), Error> {
        let mut search = Search::new(self, task);
        let outcome = self.searches(task, oracle, &mut search);
        search.best.commit_all(oracle)?;
        outcome
    }
}

impl Apgd {
    fn searches(&self, task: &Task, oracle: &mut Oracle, search: &mut Search) -> Result<(), Error> {
        let ranking = match self.loss {
            ApgdLoss::DlrTargeted if !task.is_targeted() => rank_others(task, oracle)?,
            _ => Vec::new(),
        };
        for _ in 0..self.restarts {
            match self.loss {
                ApgdLoss::Plain(surrogate) => search.climb(Objective::new(task, surrogate), oracle)?,
                ApgdLoss::DlrTargeted if task.is_targeted() => {
                    search.climb(Objective::new(task, Surrogate::Dlr), oracle)?;
                }
                ApgdLoss::DlrTargeted => {
                    for rank in 0..self.n_targets.min(oracle.n_classes() - 1) {
                        let classes = ranking.iter().map(|others| others[rank]).collect();
                        search.climb(Objective::towards(task, classes), oracle)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Per item, the classes other than its reference by descending logit of the clean audio. Without a query left for
/// that, by class.
fn rank_others(task: &Task, oracle: &mut Oracle) -> Result<Vec<Vec<i32>>, Error> {
    let (batch, k) = (Batch::of(task, task.items()), oracle.n_classes());
    let mut logits = Vec::new();
    match oracle.logits(batch.x(), batch.items(), &mut logits) {
        Err(error) if error.is_budget() || error.status() == Status::Denied => logits.fill(0.0),
        answer => answer?,
    }
    logits.resize(task.n_items() * k, 0.0);
    let rank = |item: usize| {
        let z = &logits[item * k..(item + 1) * k];
        let mut others: Vec<i32> = (0..k as i32).filter(|class| *class != task.reference(item)).collect();
        others.sort_by(|a, b| z[*b as usize].total_cmp(&z[*a as usize]));
        others
    };
    Ok(task.items().map(rank).collect())
}

/// w_j of section 3.2: where it is decided whether to halve the step. w_j = ceil(p_j steps), p_(j+1) = p_j +
/// max(p_j - p_(j-1) - 0.03, 0.06), here in whole hundredths.
fn checkpoints(steps: usize) -> Vec<usize> {
    let (mut before, mut now) = (0, 22);
    let mut points = vec![0];
    while now < 100 {
        points.push((now * steps).div_ceil(100));
        (before, now) = (now, now + (now - before).saturating_sub(3).max(6));
    }
    points.dedup();
    points
}

/// One task being searched.
struct Search<'t> {
    plan: &'t Apgd,
    task: &'t Task<'t>,
    balls: Vec<Ball<'t>>,
    rngs: Vec<Rng>,
    best: Best,
    walks: Vec<Walk>,
    gradients: Gradients,
}

/// Where one item's search stands.
#[derive(Clone, Debug, Default)]
struct Walk {
    step: f32,
    previous: Vec<f32>,
    value: f32,
    best_x: Vec<f32>,
    best_grad: Vec<f32>,
    best_value: f32,
    /// Since the last checkpoint: rising steps; and at it: the best value, and whether the step was halved there.
    rises: usize,
    best_value_then: f32,
    halved_then: bool,
}

impl<'t> Search<'t> {
    fn new(plan: &'t Apgd, task: &'t Task<'t>) -> Search<'t> {
        Search {
            plan,
            task,
            balls: Ball::all(task),
            rngs: task.items().map(|item| task.rng(item)).collect(),
            best: Best::new(task),
            walks: vec![Walk::default(); task.n_items()],
            gradients: Gradients::default(),
        }
    }

    /// Algorithm 1 from a random start, for the items that are not broken yet (all, the first time).
    fn climb(&mut self, mut objective: Objective, oracle: &mut Oracle) -> Result<(), Error> {
        let unbroken = self.task.items().filter(|item| self.best.score(*item) >= 0.0);
        let mut batch = Batch::of(self.task, unbroken);
        batch.for_each(|item, _, x| self.balls[item].random_start(x, &mut self.rngs[item]));
        let checkpoints = checkpoints(self.plan.steps);
        for step in 0..self.plan.steps {
            self.gradient(&mut batch, &mut objective, oracle)?;
            if batch.is_empty() {
                return Ok(());
            }
            self.observe(&batch, step, &objective, oracle)?;
            if let Some(at) = checkpoints.iter().position(|point| *point == step && step > 0) {
                self.decide(&mut batch, step - checkpoints[at - 1]);
            }
            self.step(&mut batch, step == 0);
            if self.plan.early_stop {
                batch.retain(|item| self.best.score(item) >= 0.0);
            }
            oracle.host().progress(0, step + 1, self.plan.steps, f64::NAN);
        }
        self.finish(&mut batch, &objective, oracle)
    }

    fn gradient(
        &mut self,
        batch: &mut Batch,
        objective: &mut Objective,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        while !batch.is_empty() {
            let loss = objective.loss(batch.items());
            match oracle.loss_grad(batch.x(), batch.items(), &loss, &mut self.gradients) {
                Err(error) if error.is_budget() => self.drop_spent(batch, oracle, error)?,
                answer => return answer,
            }
        }
        Ok(())
    }

    /// Takes note of f(x_k): is it rising, is it the best so far, has it broken the item?
    fn observe(
        &mut self,
        batch: &Batch,
        step: usize,
        objective: &Objective,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        for row in 0..batch.len() {
            let (item, x) = (batch.item(row), batch.utterance(row));
            let value = objective.sign() * self.gradients.loss[row];
            let grad = &mut self.gradients.row_mut(row)[..x.len()];
            grad.iter_mut().for_each(|grad| *grad *= objective.sign());
            let walk = &mut self.walks[item];
            if step == 0 {
                walk.begin(x, 2.0 * self.balls[item].step_unit());
            }
            walk.observe(x, grad, value, step);
            self.note(batch, row, objective.margin(item, self.gradients.logits_row(row)), oracle)?;
        }
        Ok(())
    }

    /// At a checkpoint: items that no longer rise go back to their best point with half the step.
    fn decide(&mut self, batch: &mut Batch, interval: usize) {
        let rho = self.plan.rho;
        batch.for_each(|item, row, x| {
            let walk = &mut self.walks[item];
            if walk.is_to_halve(rho * interval as f64) {
                x.copy_from_slice(&walk.best_x);
                self.gradients.row_mut(row)[..x.len()].copy_from_slice(&walk.best_grad);
            }
        });
    }

    /// z = P(x_k + eta s(grad f)); x_(k+1) = P(x_k + alpha (z - x_k) + (1 - alpha)(x_k - x_(k-1))).
    fn step(&mut self, batch: &mut Batch, first: bool) {
        let weight = if first { 1.0 } else { STEP_WEIGHT };
        batch.for_each(|item, row, x| {
            let (ball, walk) = (&self.balls[item], &mut self.walks[item]);
            let mut z = x.to_vec();
            ball.ascend(&mut z, &self.gradients.row(row)[..x.len()], walk.step);
            ball.project(&mut z);
            for ((x, previous), z) in x.iter_mut().zip(&mut walk.previous).zip(&z) {
                let next = *x + weight * (z - *x) + (1.0 - weight) * (*x - *previous);
                *previous = *x;
                *x = next;
            }
            ball.project(x);
        });
    }

    /// The last iterates have not been looked at yet.
    fn finish(&mut self, batch: &mut Batch, objective: &Objective, oracle: &mut Oracle) -> Result<(), Error> {
        let mut logits = Vec::new();
        while !batch.is_empty() && oracle.access().contains(Access::LOGITS) {
            match oracle.logits(batch.x(), batch.items(), &mut logits) {
                Err(error) if error.is_budget() => self.drop_spent(batch, oracle, error)?,
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        for (row, z) in logits.chunks_exact(oracle.n_classes()).enumerate().take(batch.len()) {
            self.note(batch, row, objective.margin(batch.item(row), z), oracle)?;
        }
        Ok(())
    }

    fn note(&mut self, batch: &Batch, row: usize, margin: f32, oracle: &mut Oracle) -> Result<(), Error> {
        let item = batch.item(row);
        let was_broken = self.best.score(item) < 0.0;
        if self.best.offer(item, batch.row(row), margin) && !was_broken && margin < 0.0 {
            self.best.commit(item, oracle)?;
        }
        Ok(())
    }

    fn drop_spent(&mut self, batch: &mut Batch, oracle: &Oracle, error: Error) -> Result<(), Error> {
        let spent = spent_items(batch, oracle, error)?;
        batch.retain(|item| !spent.contains(&item));
        Ok(())
    }
}

impl Walk {
    fn begin(&mut self, x: &[f32], step: f32) {
        *self = Walk {
            step,
            previous: x.to_vec(),
            value: f32::NEG_INFINITY,
            best_value: f32::NEG_INFINITY,
            best_value_then: f32::NEG_INFINITY,
            best_x: x.to_vec(),
            best_grad: vec![0.0; x.len()],
            ..Walk::default()
        };
    }

    fn observe(&mut self, x: &[f32], grad: &[f32], value: f32, step: usize) {
        self.rises += usize::from(step > 0 && value > self.value);
        self.value = value;
        if value > self.best_value {
            self.best_value = value;
            self.best_x.copy_from_slice(x);
            self.best_grad.copy_from_slice(grad);
        }
        if step == 0 {
            self.best_value_then = value;
        }
    }

    /// Conditions 1 and 2 of section 3.2: too few rising steps, or neither a halving nor a better point since the last
    /// checkpoint. Halves the step if so, and forgets the momentum.
    fn is_to_halve(&mut self, enough_rises: f64) -> bool {
        let too_few = (self.rises as f64) < enough_rises;
        let stalled = !self.halved_then && self.best_value_then >= self.best_value;
        let halve = too_few || stalled;
        if halve {
            self.step *= 0.5;
            self.value = self.best_value;
            self.previous.copy_from_slice(&self.best_x);
        }
        (self.halved_then, self.best_value_then, self.rises) = (halve, self.best_value, 0);
        halve
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 22, then intervals of 19, 16, 13, 10, 7 and 6 hundredths.
    #[test]
    fn checkpoints_are_those_of_the_paper() {
        assert_eq!(checkpoints(100), [0, 22, 41, 57, 70, 80, 87, 93, 99]);
        assert_eq!(checkpoints(1), [0, 1]);
        assert!(checkpoints(7).windows(2).all(|pair| pair[0] < pair[1]));
    }
}
