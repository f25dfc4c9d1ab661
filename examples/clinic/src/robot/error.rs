//! What can go wrong in a robot's job.

use std::{fmt, io};

use crate::http::Answer;

/// Why a job did not end with an appointment.
#[derive(Debug)]
pub(crate) enum ClinicError {
    /// The connection, or the pipe to whoever started the robot.
    Io(io::Error),
    /// The portal answered, but not with what the robot looks for.
    Page(u16),
    /// The library would not run the job, or could not record it.
    Idempotent(idempotent::Error),
}

impl ClinicError {
    pub(super) fn page(answer: &Answer) -> ClinicError {
        ClinicError::Page(answer.status())
    }
}

impl fmt::Display for ClinicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClinicError::Io(error) => write!(f, "{error}"),
            ClinicError::Page(status) => write!(f, "the portal showed another page (status {status})"),
            ClinicError::Idempotent(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for ClinicError {}

impl From<io::Error> for ClinicError {
    fn from(error: io::Error) -> ClinicError {
        ClinicError::Io(error)
    }
}

impl From<idempotent::Error> for ClinicError {
    fn from(error: idempotent::Error) -> ClinicError {
        ClinicError::Idempotent(error)
    }
}
