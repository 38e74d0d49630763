//! A shape that kernels can read.

use super::{Buffer, Device, Work};
use crate::{Error, Rows};

/// A [`Rows`] whose lengths are on the device as well.
#[derive(Debug)]
pub struct DeviceRows {
    rows: Rows,
    lengths: Buffer<u64>,
}

impl DeviceRows {
    pub(crate) fn new(device: &Device, rows: &Rows) -> Result<Self, Error> {
        let lengths: Vec<u64> = rows.lengths().iter().map(|length| *length as u64).collect();
        Ok(Self { rows: rows.clone(), lengths: device.upload(&lengths)? })
    }

    /// The shape.
    pub fn shape(&self) -> &Rows {
        &self.rows
    }

    pub(crate) fn lengths(&self) -> &Buffer<u64> {
        &self.lengths
    }

    pub(crate) fn n_rows(&self) -> u64 {
        self.rows.n_rows() as u64
    }

    pub(crate) fn n_samples(&self) -> u64 {
        self.rows.n_samples() as u64
    }

    /// Something for each sample of each row.
    pub(crate) fn samples(&self) -> Work {
        self.each(self.n_samples())
    }

    /// `n_each` things for each row.
    pub(crate) fn each(&self, n_each: u64) -> Work {
        Work { n_rows: self.n_rows(), n_each }
    }
}
