//! What every search for the smallest success keeps: what each item may still ask, its nearest success, and the best
//! inside the ball.
//!
//! The radius of the task is honoured in the end: the nearest success is handed in if it lies in the ball; else its
//! projection onto the ball, if that still succeeds; else the candidate in the ball that came closest to the goal.

use seraph_plugin::Budget;
use seraph_plugin::prelude::*;
use seraph_plugin::toolkit::{Batch, Best, Objective, Surrogate};

use crate::hyperplane::sum;

/// Part of the spread of the clean logits by which a success must be past the boundary, so that the rounding of
/// another batch size cannot undo it.
const GUARD: f32 = 1e-5;

/// The search for the smallest success of each item of a task.
pub struct Search<'t> {
    task: &'t Task<'t>,
    balls: Vec<Ball<'t>>,
    objective: Objective<'t>,
    confidence: f32,
    /// Per item, logits by which a success must be past the boundary; NaN before its first answer.
    depth: Vec<f32>,
    left: Vec<Budget>,
    nearest: Best,
    distance: Vec<f64>,
    /// What is to be small; the task's own norm, unless a method has a ball of one norm and a goal in another.
    measure: Norm,
    /// Per item, whether its nearest success lies in its ball; any that does is preferred to any that does not.
    is_inside: Vec<bool>,
    inside: Best,
    reached: Vec<bool>,
    margin: Vec<f32>,
    gradients: Gradients,
    logits: Vec<f32>,
    n_classes: usize,
}

impl<'t> Search<'t> {
    /// A search over the items of `task` that follows `surrogate` and counts as a success what is past the boundary
    /// by `confidence` logits.
    pub fn new(
        task: &'t Task<'t>,
        oracle: &Oracle,
        surrogate: Surrogate,
        confidence: f64,
    ) -> Result<Search<'t>, Error> {
        let n_items = task.n_items();
        Ok(Search {
            task,
            balls: Ball::all(task),
            objective: Objective::new(task, surrogate),
            confidence: confidence as f32,
            depth: vec![f32::NAN; n_items],
            left: task.items().map(|item| oracle.budget(item)).collect::<Result<_, _>>()?,
            nearest: Best::new(task),
            distance: vec![f64::INFINITY; n_items],
            measure: task.norm(),
            is_inside: vec![false; n_items],
            inside: Best::new(task),
            reached: Vec::new(),
            margin: Vec::new(),
            gradients: Gradients::default(),
            logits: Vec::new(),
            n_classes: oracle.n_classes(),
        })
    }

    /// Makes what is to be small the number of changed samples, whatever the norm of the ball.
    pub fn measure_samples(&mut self) {
        self.measure = Norm::L0;
    }

    /// The norm that is to be small.
    pub fn measure(&self) -> Norm {
        self.measure
    }

    /// The task.
    pub fn task(&self) -> &'t Task<'t> {
        self.task
    }

    /// The ball of an item.
    pub fn ball(&self, item: usize) -> &Ball<'t> {
        &self.balls[item]
    }

    /// Whether an item has a success, in the ball or not.
    pub fn has_success(&self, item: usize) -> bool {
        self.distance[item].is_finite()
    }

    /// The distance of the nearest success; infinite if there is none.
    pub fn distance(&self, item: usize) -> f64 {
        self.distance[item]
    }

    /// The nearest success without its padding; the clean audio if there is none.
    pub fn nearest(&self, item: usize) -> &[f32] {
        &self.nearest.x(item)[..self.task.length(item)]
    }

    /// Logits by which a success of `item` must be past the boundary.
    pub fn depth(&self, item: usize) -> f32 {
        if self.depth[item].is_nan() { self.confidence } else { self.depth[item] }
    }

    /// Whether row `row` of the last answer that was noted is a success.
    pub fn is_reached(&self, row: usize) -> bool {
        self.reached[row]
    }

    /// How far row `row` of the last answer that was noted is from its goal, in logits; [`Objective::margin`].
    pub fn margin(&self, row: usize) -> f32 {
        self.margin[row]
    }

    /// Asks for the gradient of the objective at every row and notes the rows. Items that cannot pay leave.
    pub fn gradient(&mut self, batch: &mut Batch, oracle: &mut Oracle) -> Result<(), Error> {
        self.admit(batch, 1, 1);
        if batch.is_empty() {
            return Ok(());
        }
        let loss = self.objective.loss(batch.items());
        oracle.loss_grad(batch.x(), batch.items(), &loss, &mut self.gradients)?;
        self.pay(batch.items(), 1);
        if self.objective.sign() < 0.0 {
            self.gradients.grad.iter_mut().for_each(|grad| *grad = -*grad);
        }
        std::mem::swap(&mut self.logits, &mut self.gradients.logits);
        self.note(batch, oracle)
    }

    /// The direction in which the objective of row `row` comes closer to the goal, at its last gradient.
    pub fn ascent(&self, row: usize, length: usize) -> &[f32] {
        &self.gradients.row(row)[..length]
    }

    /// Asks for the logits of every row and notes the rows. Items that cannot pay leave.
    pub fn look(&mut self, batch: &mut Batch, oracle: &mut Oracle) -> Result<(), Error> {
        if !oracle.access().contains(Access::LOGITS) {
            return self.gradient(batch, oracle);
        }
        self.admit(batch, 1, 0);
        if batch.is_empty() {
            return Ok(());
        }
        oracle.logits(batch.x(), batch.items(), &mut self.logits)?;
        self.pay(batch.items(), 0);
        self.note(batch, oracle)
    }

    /// Notes every row of `batch` with the logits that the victim answered for it.
    pub fn note_logits<'l>(
        &mut self,
        batch: &Batch,
        rows: impl Iterator<Item = &'l [f32]>,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        self.logits.clear();
        rows.for_each(|row| self.logits.extend_from_slice(row));
        self.note(batch, oracle)
    }

    /// The logits of row `row` of the last answer that was noted.
    pub fn logits_row(&self, row: usize) -> &[f32] {
        &self.logits[row * self.n_classes..(row + 1) * self.n_classes]
    }

    /// Lets go of the items that cannot pay `forward` and `gradient` queries, keeping where they are.
    pub fn admit(&mut self, batch: &mut Batch, forward: u64, gradient: u64) {
        for row in 0..batch.len() {
            let item = batch.item(row);
            if !self.can_pay(item, forward, gradient) {
                self.keep_unseen(item, batch.utterance(row));
            }
        }
        batch.retain(|item| self.can_pay(item, forward, gradient));
    }

    /// Counts a row of each of `items`, each worth a forward and `gradient` gradient queries.
    pub fn pay(&mut self, items: &[u32], gradient: u64) {
        for item in items {
            let left = &mut self.left[*item as usize];
            left.forward_left -= 1;
            left.gradient_left -= gradient;
        }
    }

    /// Ends the search: hands in the result of every item, also when `outcome` is an error.
    pub fn finish(mut self, outcome: Result<(), Error>, oracle: &mut Oracle) -> Result<(), Error> {
        let outcome = outcome.and_then(|()| self.project_outsiders(oracle));
        for item in self.task.items() {
            let best = if self.is_inside(item) { &self.nearest } else { &self.inside };
            best.commit(item, oracle)?;
        }
        outcome
    }

    /// Whether the nearest success of an item lies in its ball.
    pub fn is_inside(&self, item: usize) -> bool {
        self.is_inside[item]
    }

    /// Tries the projections of the successes outside their balls.
    fn project_outsiders(&mut self, oracle: &mut Oracle) -> Result<(), Error> {
        let outside = self.task.items().filter(|item| self.has_success(*item) && !self.is_inside(*item));
        let mut batch = Batch::of(self.task, outside);
        batch.for_each(|item, _, x| {
            x.copy_from_slice(self.nearest(item));
            self.balls[item].project(x);
        });
        self.look(&mut batch, oracle)
    }

    fn can_pay(&self, item: usize, forward: u64, gradient: u64) -> bool {
        self.left[item].forward_left >= forward && self.left[item].gradient_left >= gradient
    }

    /// Of a search cut short, the projection of the last point is the best guess unless something succeeded.
    fn keep_unseen(&mut self, item: usize, x: &[f32]) {
        if self.is_inside(item) {
            return;
        }
        let mut row = self.task.audio(item).to_vec();
        row[..x.len()].copy_from_slice(x);
        self.balls[item].project(&mut row[..x.len()]);
        self.inside.replace(item, &row, self.inside.score(item));
    }

    fn note(&mut self, batch: &Batch, oracle: &mut Oracle) -> Result<(), Error> {
        self.reached.clear();
        self.margin.clear();
        for row in 0..batch.len() {
            let item = batch.item(row);
            let logits = &self.logits[row * self.n_classes..(row + 1) * self.n_classes];
            let margin = self.objective.margin(item, logits);
            if self.depth[item].is_nan() {
                self.depth[item] = self.confidence + GUARD * spread(logits);
            }
            let reached = margin < -self.depth(item);
            self.offer(item, batch, row, margin, reached, oracle)?;
            self.reached.push(reached);
            self.margin.push(margin);
        }
        Ok(())
    }

    /// Keeps a row if it is the nearest success of its item, or the best in the ball.
    fn offer(
        &mut self,
        item: usize,
        batch: &Batch,
        row: usize,
        margin: f32,
        reached: bool,
        oracle: &mut Oracle,
    ) -> Result<(), Error> {
        let ball = &self.balls[item];
        let from_clean = ball.distance(batch.utterance(row));
        let inside = from_clean <= f64::from(ball.radius());
        if inside {
            self.inside.offer(item, batch.row(row), margin);
        }
        if !reached || (self.is_inside[item] && !inside) {
            return Ok(());
        }
        let distance = self.measured(item, batch.utterance(row), from_clean);
        let first = inside && !self.is_inside[item];
        if first || distance < self.distance[item] {
            (self.distance[item], self.is_inside[item]) = (distance, inside);
            self.nearest.replace(item, batch.row(row), distance as f32);
        }
        if first { self.nearest.commit(item, oracle) } else { Ok(()) }
    }

    /// The size of a change under the norm that is to be small.
    fn measured(&self, item: usize, x: &[f32], from_clean: f64) -> f64 {
        if self.measure == self.task.norm() {
            return from_clean;
        }
        Ball::new(self.measure, self.task.utterance(item), 0.0, self.task.clip()).distance(x)
    }
}

/// Highest less lowest logit; 0 if that is not a number.
fn spread(logits: &[f32]) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let lowest = logits.iter().copied().fold(f32::INFINITY, f32::min);
    if (highest - lowest).is_finite() { highest - lowest } else { 0.0 }
}

/// Euclidean norm, in float64.
pub(crate) fn length(values: &[f32]) -> f64 {
    sum(values.len(), |i| f64::from(values[i]).powi(2)).sqrt()
}

/// Largest absolute value.
pub(crate) fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()))
}

/// How many values are not 0; at least 1.
pub(crate) fn active(values: &[f32]) -> f64 {
    sum(values.len(), |i| f64::from(u8::from(values[i] != 0.0))).max(1.0)
}
