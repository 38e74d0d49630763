//! The loop of every iterated attack here: gradient, step, project, and per item what to hand in.

use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Best, Objective, Surrogate};

/// How to iterate.
#[derive(Clone, Copy, Debug)]
pub struct Descent {
    /// The loss whose gradient is followed.
    pub surrogate: Surrogate,
    /// Steps of each restart.
    pub steps: usize,
    /// Length of the first step, in units of [`Ball::step_unit`].
    pub rel_step: f32,
    /// Length of the later steps.
    pub schedule: Schedule,
    /// Starts; from the second on, only the items not yet broken.
    pub restarts: usize,
    /// Whether the first start is random too; later ones always are.
    pub random_start: bool,
    /// Which iterate is handed in.
    pub keep: Keep,
    /// Stops an item once its margin is below minus this.
    pub stop_below: Option<f32>,
}

/// Of a step under L1, the share of samples that move in the first restart; a quarter of it in each later one, since
/// the fewer move, the better their budget is spent, and the more steps it takes.
const L1_SHARE: f64 = 0.01;

/// How step lengths go on from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// All alike.
    Constant,
    /// Down to 0 along half a cosine.
    Cosine,
}

/// Which iterate of an item is handed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The last one, as papers define it; of several restarts, the best of the last ones.
    Last,
    /// The one with the lowest margin. Costs a forward query more, for the last iterate.
    Best,
}

impl Schedule {
    /// The schedule of a parameter's word.
    pub fn from_choice(choice: &str) -> Schedule {
        if choice == "cosine" { Schedule::Cosine } else { Schedule::Constant }
    }
}

impl Keep {
    /// The rule of a parameter's word.
    pub fn from_choice(choice: &str) -> Keep {
        if choice == "best" { Keep::Best } else { Keep::Last }
    }
}

/// What a method makes of a gradient before the step along it; what differs between the methods.
pub trait Direction {
    /// A restart of `item` begins.
    fn restart(&mut self, item: usize);

    /// Turns the gradient of the objective (to be raised) at the current iterate into the direction to step in.
    fn direct(&mut self, item: usize, grad: &mut [f32]);
}

/// The gradient itself.
#[derive(Debug)]
pub struct Steepest;

impl Direction for Steepest {
    fn restart(&mut self, _item: usize) {}
    fn direct(&mut self, _item: usize, _grad: &mut [f32]) {}
}

impl Descent {
    /// Runs all restarts and commits each item's result: when it first succeeds, and in the end.
    pub fn run(&self, task: &Task, oracle: &mut Oracle, method: &mut impl Direction) -> Result<(), Error> {
        let mut search = Search::new(self, task);
        for restart in 0..self.restarts {
            let mut batch =
                Batch::of(task, task.items().filter(|item| restart == 0 || !search.is_broken(*item)));
            if batch.is_empty() {
                break;
            }
            search.balls.iter_mut().for_each(|ball| ball.set_l1_share(L1_SHARE / 4_f64.powi(restart as i32)));
            search.start(&mut batch, method, restart > 0 || self.random_start);
            if let Err(error) = search.climb(&mut batch, oracle, method) {
                search.best.commit_all(oracle)?;
                return Err(error);
            }
            search.best.commit_all(oracle)?;
        }
        Ok(())
    }

    /// Length of step `step`, as a share of the first.
    fn decay(&self, step: usize) -> f32 {
        match self.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine => {
                (0.5 * (1.0 + (std::f64::consts::PI * step as f64 / self.steps as f64).cos())) as f32
            }
        }
    }
}

/// One task being searched.
struct Search<'t> {
    plan: &'t Descent,
    balls: Vec<Ball<'t>>,
    rngs: Vec<Rng>,
    objective: Objective<'t>,
    best: Best,
    gradients: Gradients,
    logits: Vec<f32>,
}

impl<'t> Search<'t> {
    fn new(plan: &'t Descent, task: &'t Task<'t>) -> Search<'t> {
        Search {
            plan,
            balls: Ball::all(task),
            rngs: task.items().map(|item| task.rng(item)).collect(),
            objective: Objective::new(task, plan.surrogate),
            best: Best::new(task),
            gradients: Gradients::default(),
            logits: Vec::new(),
        }
    }

    fn is_broken(&self, item: usize) -> bool {
        self.best.score(item) < 0.0
    }

    fn start(&mut self, batch: &mut Batch, method: &mut impl Direction, random: bool) {
        batch.for_each(|item, _, x| {
            method.restart(item);
            if random {
                self.balls[item].random_start(x, &mut self.rngs[item]);
            }
        });
    }

    /// The iterations of one restart.
    fn climb(
        &mut self,
        batch: &mut Batch,
        oracle: &mut Oracle,
        method: &mut impl Direction,
    ) -> Result<(), Error> {
        for step in 0..self.plan.steps {
            self.gradient(batch, oracle)?;
            if batch.is_empty() {
                return Ok(());
            }
            self.note_iterates(batch, oracle)?;
            self.step(batch, method, self.plan.rel_step * self.plan.decay(step));
            self.drop_finished(batch);
            oracle.host().progress(0, step + 1, self.plan.steps, f64::NAN);
        }
        self.finish(batch, oracle)
    }

    /// Asks for the gradient at every iterate. Items that cannot pay for theirs leave with what they have.
    fn gradient(&mut self, batch: &mut Batch, oracle: &mut Oracle) -> Result<(), Error> {
        while !batch.is_empty() {
            let loss = self.objective.loss(batch.items());
            match oracle.loss_grad(batch.x(), batch.items(), &loss, &mut self.gradients) {
                Err(error) if error.is_budget() => self.drop_spent(batch, oracle, error)?,
                answer => return answer,
            }
        }
        Ok(())
    }

    /// Step and project: x <- P(x + a d).
    fn step(&mut self, batch: &mut Batch, method: &mut impl Direction, rel_step: f32) {
        let sign = self.objective.sign();
        batch.for_each(|item, row, x| {
            let (ball, grad) = (&self.balls[item], &mut self.gradients.row_mut(row)[..x.len()]);
            if sign < 0.0 {
                grad.iter_mut().for_each(|grad| *grad = -*grad);
            }
            method.direct(item, grad);
            ball.ascend(x, grad, rel_step * ball.step_unit());
            ball.project(x);
        });
    }

    /// What the gradient's own forward pass says about the iterates before the step.
    fn note_iterates(&mut self, batch: &Batch, oracle: &mut Oracle) -> Result<(), Error> {
        if self.plan.keep == Keep::Last && self.plan.stop_below.is_none() {
            return Ok(());
        }
        for row in 0..batch.len() {
            let margin = self.objective.margin(batch.item(row), self.gradients.logits_row(row));
            self.note(batch, row, margin, oracle)?;
        }
        Ok(())
    }

    /// Keeps an iterate if it is the best of its item, and commits it when it is the first that succeeds.
    fn note(&mut self, batch: &Batch, row: usize, margin: f32, oracle: &mut Oracle) -> Result<(), Error> {
        let item = batch.item(row);
        let was_broken = self.is_broken(item);
        if self.best.offer(item, batch.row(row), margin) && !was_broken && self.is_broken(item) {
            self.best.commit(item, oracle)?;
        }
        Ok(())
    }

    fn drop_finished(&mut self, batch: &mut Batch) {
        if let Some(below) = self.plan.stop_below {
            batch.retain(|item| self.best.score(item) >= -below);
        }
    }

    /// The last iterates: evaluated if it matters which one is handed in.
    fn finish(&mut self, batch: &mut Batch, oracle: &mut Oracle) -> Result<(), Error> {
        let choice = self.plan.keep == Keep::Best || self.plan.restarts > 1 || self.plan.stop_below.is_some();
        if !choice || !oracle.access().contains(Access::LOGITS) {
            self.keep_unseen(batch);
            return Ok(());
        }
        while !batch.is_empty() {
            match oracle.logits(batch.x(), batch.items(), &mut self.logits) {
                Err(error) if error.is_budget() => self.drop_spent(batch, oracle, error)?,
                Err(error) => return Err(error),
                Ok(()) => return self.note_last(batch, oracle),
            }
        }
        Ok(())
    }

    fn note_last(&mut self, batch: &Batch, oracle: &mut Oracle) -> Result<(), Error> {
        let k = oracle.n_classes();
        for row in 0..batch.len() {
            let margin = self.objective.margin(batch.item(row), &self.logits[row * k..(row + 1) * k]);
            self.note(batch, row, margin, oracle)?;
        }
        Ok(())
    }

    /// Iterates that nobody evaluated: of a rising sequence the last is the best guess, unless one succeeded.
    fn keep_unseen(&mut self, batch: &Batch) {
        for row in 0..batch.len() {
            let item = batch.item(row);
            if !self.is_broken(item) {
                self.best.replace(item, batch.row(row), self.best.score(item));
            }
        }
    }

    /// Lets go of the items without a query left, with what they have.
    fn drop_spent(&mut self, batch: &mut Batch, oracle: &Oracle, error: Error) -> Result<(), Error> {
        let spent = spent_items(batch, oracle, error)?;
        let mut leaving = batch.clone();
        leaving.retain(|item| spent.contains(&item));
        self.keep_unseen(&leaving);
        batch.retain(|item| !spent.contains(&item));
        Ok(())
    }
}

/// The items of `batch` without a query left; if there are none, the error is not about them.
pub(crate) fn spent_items(batch: &Batch, oracle: &Oracle, error: Error) -> Result<Vec<usize>, Error> {
    let mut spent = Vec::new();
    for row in 0..batch.len() {
        let budget = oracle.budget(batch.item(row))?;
        if budget.forward_left == 0 || budget.gradient_left == 0 {
            spent.push(batch.item(row));
        }
    }
    if spent.is_empty() { Err(error) } else { Ok(spent) }
}
