//! Why an operation was refused.

/// Why an operation could not be done. Nothing was written when it is returned by a CPU definition.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A tensor does not hold as many values as its shape says.
    #[error("{tensor} holds {found} values, its shape needs {expected}")]
    Length {
        /// Which argument.
        tensor: &'static str,
        /// Values that it must hold.
        expected: usize,
        /// Values that it holds.
        found: usize,
    },
    /// A row is said to be longer than its storage.
    #[error("row {row} is said to have {length} samples, the tensor has {n_samples} per row")]
    RowLength {
        /// Index of the row.
        row: usize,
        /// Its stated length in samples.
        length: usize,
        /// Samples that a row can hold.
        n_samples: usize,
    },
    /// More rows or samples than an index can count.
    #[error("{n_rows} rows of {n_samples} samples are too many to index")]
    TooLarge {
        /// Rows asked for.
        n_rows: usize,
        /// Samples per row asked for.
        n_samples: usize,
    },
    /// A number is outside the range in which the operation is defined.
    #[error("{name} is {value}, it must be {expected}")]
    Parameter {
        /// Which argument.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What would be accepted.
        expected: &'static str,
    },
    /// A kernel was launched with arguments that do not fit the signature in its source.
    #[error("kernel {kernel}: {problem}")]
    Launch {
        /// Name of the kernel.
        kernel: String,
        /// What does not fit.
        problem: String,
    },
    /// There is no device to run on, or the device, its driver or its compiler failed.
    #[error("{0}")]
    Device(String),
}

/// Refuses a tensor whose length is not `expected`.
pub(crate) fn check_len(tensor: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Length { tensor, expected, found }) }
}

/// Refuses a number that is NaN, infinite or negative.
pub(crate) fn check_radius(name: &'static str, value: f32) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        return Ok(());
    }
    Err(Error::Parameter { name, value: value.into(), expected: "finite and at least 0" })
}

/// Refuses a number that is NaN or infinite.
pub(crate) fn check_finite(name: &'static str, value: f32) -> Result<(), Error> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(Error::Parameter { name, value: value.into(), expected: "finite" })
    }
}
