//! Why a call across the boundary failed: a status code and a sentence.

use std::borrow::Cow;
use std::fmt;

use seraph_sys as sys;

/// A negative `seraph_status`, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Anything else.
    Fail,
    /// An argument breaks its contract.
    Argument,
    /// Out of memory, or past the memory budget.
    Memory,
    /// This object does not do that.
    Unsupported,
    /// The threat model does not grant it.
    Denied,
    /// The host-counted budget of a row is spent.
    Budget,
    /// The task is cancelled: return soon.
    Cancelled,
    /// NaN or infinity where there must be none.
    NonFinite,
    /// Wrong order of calls.
    State,
    /// A version that this side does not speak.
    Version,
    /// The model file is missing, broken or unfit.
    Model,
}

/// Each status, its code in the header, and what it says when nobody said more.
const STATUSES: [(Status, sys::seraph_status, &str); 11] = [
    (Status::Fail, sys::SERAPH_E_FAIL, "failed"),
    (Status::Argument, sys::SERAPH_E_ARG, "an argument breaks its contract"),
    (Status::Memory, sys::SERAPH_E_NOMEM, "out of memory"),
    (Status::Unsupported, sys::SERAPH_E_UNSUPPORTED, "not supported"),
    (Status::Denied, sys::SERAPH_E_DENIED, "not granted by the threat model"),
    (Status::Budget, sys::SERAPH_E_BUDGET, "the query budget is spent"),
    (Status::Cancelled, sys::SERAPH_E_CANCELLED, "cancelled"),
    (Status::NonFinite, sys::SERAPH_E_NONFINITE, "NaN or infinity"),
    (Status::State, sys::SERAPH_E_STATE, "called out of order"),
    (Status::Version, sys::SERAPH_E_VERSION, "unknown version"),
    (Status::Model, sys::SERAPH_E_MODEL, "the model is missing, broken or unfit"),
];

impl Status {
    /// The code in the header.
    pub fn code(self) -> sys::seraph_status {
        STATUSES.iter().find(|row| row.0 == self).map_or(sys::SERAPH_E_FAIL, |row| row.1)
    }

    /// The status of a negative code; an unknown one is `Fail`.
    pub fn from_code(code: sys::seraph_status) -> Status {
        STATUSES.iter().find(|row| row.1 == code).map_or(Status::Fail, |row| row.0)
    }

    fn sentence(self) -> &'static str {
        STATUSES.iter().find(|row| row.0 == self).map_or("failed", |row| row.2)
    }
}

/// Why a call failed: what the host reads as a status and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    status: Status,
    message: Cow<'static, str>,
}

impl Error {
    /// An error of this status; `message` is lower case, without a final stop, and names what the user holds.
    pub fn new(status: Status, message: impl Into<Cow<'static, str>>) -> Error {
        Error { status, message: message.into() }
    }

    /// An argument breaks its contract.
    pub fn argument(message: impl Into<Cow<'static, str>>) -> Error {
        Error::new(Status::Argument, message)
    }

    /// The status that goes back to the host.
    pub fn status(&self) -> Status {
        self.status
    }

    /// True if a row had no query left: nothing was asked, nothing was charged.
    pub fn is_budget(&self) -> bool {
        self.status == Status::Budget
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::new(status, status.sentence())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of a call that returned `code`.
pub(crate) fn check(code: sys::seraph_status) -> Result<(), Error> {
    if code >= 0 { Ok(()) } else { Err(Status::from_code(code).into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_survives_the_boundary() {
        for (status, code, _) in STATUSES {
            assert_eq!(Status::from_code(status.code()), status);
            assert_eq!(status.code(), code);
        }
        assert_eq!(Status::from_code(-999), Status::Fail);
    }
}
