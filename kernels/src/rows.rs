//! Shape of a batch of waveforms that differ in length.

use crate::error::{Error, check_len};

/// Shape `[n_rows, n_samples]`, row-major, of which row `r` holds `length(r)` samples and padding after them.
///
/// Operations per row look at no padding. Those that write rows leave the padding as their own documentation
/// says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    n_samples: usize,
    lengths: Vec<usize>,
}

impl Rows {
    /// Rows of `n_samples` each, of which `lengths[r]` are sound and the rest is padding.
    pub fn new(n_samples: usize, lengths: &[usize]) -> Result<Self, Error> {
        if let Some((row, &length)) = lengths.iter().enumerate().find(|(_, length)| **length > n_samples) {
            return Err(Error::RowLength { row, length, n_samples });
        }
        let n_rows = lengths.len();
        // A row's samples are counted in 32 bits, and no product of sizes may overflow.
        let fits = n_samples <= u32::MAX as usize
            && n_rows.checked_mul(n_samples).is_some_and(|n_values| n_values <= isize::MAX as usize / 16);
        if !fits {
            return Err(Error::TooLarge { n_rows, n_samples });
        }
        Ok(Self { n_samples, lengths: lengths.to_vec() })
    }

    /// Rows without padding.
    pub fn full(n_rows: usize, n_samples: usize) -> Result<Self, Error> {
        Self::new(n_samples, &vec![n_samples; n_rows])
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lengths.len()
    }

    /// Samples that a row holds, padding included: the distance between the starts of neighbouring rows.
    pub fn n_samples(&self) -> usize {
        self.n_samples
    }

    /// Samples of row `row` before its padding.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn length(&self, row: usize) -> usize {
        self.lengths[row]
    }

    /// Samples before the padding, row by row.
    pub fn lengths(&self) -> &[usize] {
        &self.lengths
    }

    /// Values in a tensor of this shape, padding included.
    pub fn n_values(&self) -> usize {
        self.n_rows() * self.n_samples
    }

    /// Row `row` of a tensor of this shape, without its padding.
    pub(crate) fn row<'a, T>(&self, tensor: &'a [T], row: usize) -> &'a [T] {
        &tensor[row * self.n_samples..][..self.lengths[row]]
    }

    /// Refuses a tensor of another size.
    pub(crate) fn check(&self, tensor: &'static str, n_values: usize) -> Result<(), Error> {
        check_len(tensor, n_values, self.n_values())
    }

    /// Refuses a list that has not one entry per row.
    pub(crate) fn check_per_row(&self, list: &'static str, n_entries: usize) -> Result<(), Error> {
        check_len(list, n_entries, self.n_rows())
    }
}
