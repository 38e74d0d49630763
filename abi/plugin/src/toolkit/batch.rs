//! The rows that an attack is still working on, contiguous as the oracle wants them.

use crate::Task;

/// One row per active item: `[n_active, n_samples]`, in a single block that shrinks as items are done.
#[derive(Clone, Debug)]
pub struct Batch {
    items: Vec<u32>,
    x: Vec<f32>,
    lengths: Vec<usize>,
    n_samples: usize,
}

impl Batch {
    /// A row per item of `items`, holding its clean audio.
    pub fn of(task: &Task, items: impl IntoIterator<Item = usize>) -> Batch {
        let mut batch = Batch { items: vec![], x: vec![], lengths: vec![], n_samples: task.n_samples() };
        for item in items {
            batch.items.push(item as u32);
            batch.x.extend_from_slice(task.audio(item));
            batch.lengths.push(task.length(item));
        }
        batch
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if every item is done.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The item of each row.
    pub fn items(&self) -> &[u32] {
        &self.items
    }

    /// The item of row `row`.
    pub fn item(&self, row: usize) -> usize {
        self.items[row] as usize
    }

    /// All rows: `[len, n_samples]`.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    /// Row `row`, padding included.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.x[row * self.n_samples..(row + 1) * self.n_samples]
    }

    /// Row `row` without its padding, to change.
    pub fn utterance_mut(&mut self, row: usize) -> &mut [f32] {
        let start = row * self.n_samples;
        &mut self.x[start..start + self.lengths[row]]
    }

    /// Row `row` without its padding.
    pub fn utterance(&self, row: usize) -> &[f32] {
        let start = row * self.n_samples;
        &self.x[start..start + self.lengths[row]]
    }

    /// Changes each row: `change(item, row, utterance)`.
    pub fn for_each(&mut self, mut change: impl FnMut(usize, usize, &mut [f32])) {
        for row in 0..self.len() {
            let item = self.item(row);
            change(item, row, self.utterance_mut(row));
        }
    }

    /// Drops the rows of the items that `keep` refuses; the others move together.
    pub fn retain(&mut self, mut keep: impl FnMut(usize) -> bool) {
        let mut kept = 0;
        for row in 0..self.len() {
            if keep(self.item(row)) {
                let from = row * self.n_samples;
                self.x.copy_within(from..from + self.n_samples, kept * self.n_samples);
                self.items[kept] = self.items[row];
                self.lengths[kept] = self.lengths[row];
                kept += 1;
            }
        }
        self.items.truncate(kept);
        self.lengths.truncate(kept);
        self.x.truncate(kept * self.n_samples);
    }
}
