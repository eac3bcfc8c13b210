//! Chooses between a statement and a quicker one that gives the same while the data are as they nearly always are.

use std::collections::HashMap;
use std::time::Duration;

use odata::statement::{Quicker, Statement};

use super::connection::OpenConnection;
use crate::SourceError;

/// How long the checks of one statement may take; then the statement that needs none is run.
const PATIENCE: Duration = Duration::from_secs(2);

/// How many checks a connection remembers.
const MOST_CHECKS: usize = 256;

/// What checks gave, by their text, and in which state of the data.
pub(super) type Checked = HashMap<String, (i64, bool)>;

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
    for check in &quicker.checks {
        let known = connection.checked.borrow().get(check).copied();
        let holds = match known {
            Some((then, holds)) if then == version => holds,
            _ => {
                let holds = holds(connection, check)?;
                let mut checked = connection.checked.borrow_mut();
                if checked.len() >= MOST_CHECKS {
                    checked.clear();
                }
                checked.insert(check.clone(), (version, holds));
                holds
            }
        };
        if !holds {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a check holds. One that takes too long is taken not to, until the data change.
fn holds(connection: &OpenConnection, check: &str) -> Result<bool, SourceError> {
    let answer = connection.within(PATIENCE, || {
        let answer = connection
            .sqlite()
            .prepare_cached(check)
            .and_then(|mut check| check.query_row([], |row| row.get(0)));
        answer.map_err(|error| connection.failure(&error))
    })?;
    match answer {
        Err(SourceError::TimedOut) => Ok(false),
        answer => answer,
    }
}
