//! Chooses between a statement and a faster one with the same result, which applies while the data are in
//! their normal state.

use std::time::Duration;

use odata::statement::{Quicker, Statement};

use super::checked::Outcome;
use super::connection::OpenConnection;
use crate::SourceError;

/// The number of check results that a connection caches.
const MOST_CHECKS: usize = 256;

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

/// Returns the cached result of a check in this state of the data, unless a longer time limit may give a
/// better one.
fn known(connection: &OpenConnection, check: &str, patience: Duration, version: i64) -> Option<Outcome> {
    let (then, outcome) = connection.checked.borrow().get(check).copied()?;
    let is_open = matches!(outcome, Outcome::TimedOut(before) if before < patience);
    (then == version && !is_open).then_some(outcome)
}

/// Runs a check and caches the result. A check that takes too long counts as failed until the data change.
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
