//! Why the system database could not answer.

use std::error::Error;
use std::fmt;

/// A failure of the database, never of the caller's input. `Display` never prints the cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Too many writes are waiting; retry shortly.
    #[error("the system database is busy")]
    Busy,
    /// The disk is full, or the database is read-only: nothing can be made durable.
    #[error("the system database cannot store anything at present")]
    NotWritable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database cannot be reached or does not answer.
    #[error("the system database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database contains an invalid value.
    #[error("the system database contains an invalid record: {0}")]
    Inconsistent(String),
}

/// An error with all its causes, in one line for the log.
#[derive(Debug)]
pub struct WithCauses<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
