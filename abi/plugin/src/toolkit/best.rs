//! The best candidate of each item so far, and its commit.

use crate::{Error, Oracle, Task};

/// Per item, the candidate with the lowest score: a margin ([`Objective::margin`](super::Objective::margin)),
/// negative once the goal is reached.
#[derive(Clone, Debug)]
pub struct Best {
    x: Vec<f32>,
    score: Vec<f32>,
    n_samples: usize,
}

impl Best {
    /// No candidate yet: the clean audio, infinitely far from the goal.
    pub fn new(task: &Task) -> Best {
        let x = task.items().flat_map(|item| task.audio(item)).copied().collect();
        Best { x, score: vec![f32::INFINITY; task.n_items()], n_samples: task.n_samples() }
    }

    /// Keeps `x` (`[n_samples]`) if its score is lower than any before; says whether it was.
    pub fn offer(&mut self, item: usize, x: &[f32], score: f32) -> bool {
        let better = score < self.score[item];
        if better {
            self.replace(item, x, score);
        }
        better
    }

    /// Keeps `x` whatever came before.
    pub fn replace(&mut self, item: usize, x: &[f32], score: f32) {
        self.score[item] = score;
        self.x[item * self.n_samples..][..self.n_samples].copy_from_slice(x);
    }

    /// The lowest score of an item.
    pub fn score(&self, item: usize) -> f32 {
        self.score[item]
    }

    /// The candidate of an item: `[n_samples]`.
    pub fn x(&self, item: usize) -> &[f32] {
        &self.x[item * self.n_samples..][..self.n_samples]
    }

    /// Hands in the candidate of an item.
    pub fn commit(&self, item: usize, oracle: &mut Oracle) -> Result<(), Error> {
        oracle.commit(item, self.x(item))
    }

    /// Hands in every candidate.
    pub fn commit_all(&self, oracle: &mut Oracle) -> Result<(), Error> {
        (0..self.score.len()).try_for_each(|item| self.commit(item, oracle))
    }
}
