//! Chooses between a statement and a quicker one that gives the same while the data are as they nearly always are.

use std::collections::HashMap;
use std::time::Duration;

use odata::statement::{Quicker, Statement};

use super::connection::OpenConnection;
use crate::SourceError;

/// How many checks a connection remembers.
const MOST_CHECKS: usize = 256;

/// What checks gave, by their text, and in which state of the data.
pub(super) type Checked = HashMap<String, (i64, Outcome)>;

/// What a check gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Holds,
    Fails,
    /// It gave nothing in so much time.
    TimedOut(Duration),
}

/// The statement to run. Called in the transaction that runs it.
pub(super) fn choose<'s>(
    connection: &OpenConnection,
    statement: &'s Statement,
) -> Result<&'s Statement, SourceError> {
    let Some(quicker) = &statement.quicker else { return Ok(statement) };
    let version = connection.data_version()?;
    Ok(if all_hold(connection, quicker, version)? { &quicker.statement } else { statement })
}

fn all_hold(connection: &OpenConnection, quicker: &Quicker, version: i64) -> Result<bool, SourceError> {
    let patience = Duration::from_millis(quicker.patience_millis);
    for check in &quicker.checks {
        let outcome = match known(connection, check, patience, version) {
            Some(outcome) => outcome,
            None => outcome_of(connection, check, patience, version)?,
        };
        if outcome != Outcome::Holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a check gave in this state of the data, unless more patience may give more.
fn known(connection: &OpenConnection, check: &str, patience: Duration, version: i64) -> Option<Outcome> {
    let (then, outcome) = connection.checked.borrow().get(check).copied()?;
    let is_open = matches!(outcome, Outcome::TimedOut(before) if before < patience);
    (then == version && !is_open).then_some(outcome)
}

/// Runs a check and remembers what it gives. One that takes too long is taken not to hold, until the data change.
fn outcome_of(
    connection: &OpenConnection,
    check: &str,
    patience: Duration,
    version: i64,
) -> Result<Outcome, SourceError> {
    let answer = connection.within(patience, || {
        let answer = connection
            .sqlite()
            .prepare_cached(check)
            .and_then(|mut check| check.query_row([], |row| row.get(0)));
        answer.map_err(|error| connection.failure(&error))
    })?;
    let outcome = match answer {
        Err(SourceError::TimedOut) => Outcome::TimedOut(patience),
        Ok(true) => Outcome::Holds,
        Ok(false) | Err(SourceError::Unsupported { .. }) => Outcome::Fails,
        Err(error) => return Err(error),
    };
    let mut checked = connection.checked.borrow_mut();
    if checked.len() >= MOST_CHECKS {
        checked.clear();
    }
    checked.insert(check.to_owned(), (version, outcome));
    Ok(outcome)
}
