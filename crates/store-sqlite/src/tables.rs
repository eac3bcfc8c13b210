//! Runs the statements of [`store::relational`] on a connection of SQLite. Nothing has to wait, so every future
//! is ready.

use std::future::{Future, ready};

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::{CachedStatement, Connection};
use store::relational::{
    Failed, Fragments, NamedStatement, ParameterValue, ParameterValues, Read, Record, SqlTransaction,
};

use crate::error::Failure;
use crate::{audit, cells, revocations, sql};

/// There is one writer, so nothing is locked.
static FRAGMENTS: Fragments = Fragments {
    marker: '?',
    each: ("(SELECT value FROM json_each(", "))"),
    position: "instr",
    for_update: "",
    for_no_key_update: "",
    in_order: "CROSS",
};

/// The tables behind a connection.
pub(crate) struct Tables<'a>(pub(crate) &'a Connection);

impl SqlTransaction for Tables<'_> {
    type Failure = Failure;

    fn execute(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<u64, Self>> {
        let run = || Ok(self.bound(statement, values)?.raw_execute()? as u64);
        done(run())
    }

    fn find<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<Option<T>, Self>> {
        let run = || {
            let mut statement = self.bound(statement, values)?;
            let mut rows = statement.raw_query();
            rows.next()?.map(cells::read).transpose()
        };
        done(run())
    }

    fn list<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> impl Future<Output = Read<Vec<T>, Self>> {
        let run = || {
            let mut statement = self.bound(statement, values)?;
            let mut rows = statement.raw_query();
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                all.push(cells::read(row)?);
            }
            Ok(all)
        };
        done(run())
    }

    fn append_events(&self, events: &[NewAuditEvent]) -> impl Future<Output = Read<(), Self>> {
        done(events.iter().try_for_each(|event| audit::append(self.0, event)))
    }

    fn append_revocations(
        &self,
        subjects: &[RevokedSubject],
        at: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Read<Vec<Revocation>, Self>> {
        let append = |subject: &RevokedSubject| revocations::append(self.0, *subject, at, expires_at);
        done(subjects.iter().map(append).collect())
    }
}

fn done<T>(result: sql::Result<T>) -> impl Future<Output = Result<T, Failed<Failure>>> {
    ready(result.map_err(Failed))
}

impl<'a> Tables<'a> {
    /// The compiled statement, with its parameters.
    fn bound(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> sql::Result<CachedStatement<'a>> {
        let translated = statement.translated(&FRAGMENTS)?;
        let mut compiled = self.0.prepare_cached(&translated.sql)?;
        for (index, value) in translated.bound(values).enumerate() {
            bind(&mut compiled, index + 1, value?)?;
        }
        Ok(compiled)
    }
}

/// Lists are bound as JSON, for `json_each`.
fn bind(statement: &mut CachedStatement<'_>, index: usize, value: &ParameterValue<'_>) -> sql::Result<()> {
    let bound = match value {
        ParameterValue::Integer(number) => statement.raw_bind_parameter(index, number),
        ParameterValue::Boolean(truth) => statement.raw_bind_parameter(index, truth),
        ParameterValue::Text(text) => statement.raw_bind_parameter(index, text.as_deref()),
        ParameterValue::Bytes(bytes) => statement.raw_bind_parameter(index, bytes),
        ParameterValue::Integers(_) | ParameterValue::Texts(_) => {
            statement.raw_bind_parameter(index, value.to_json()?)
        }
    };
    Ok(bound?)
}
