//! Runs the statements of [`store::relational`] on a connection to PostgreSQL.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use store::relational::{
    Failed, Fragments, NamedStatement, ParameterValue, ParameterValues, Read, Record, SqlTransaction,
};
use tokio_postgres::Client;

use crate::error::Failure;
use crate::revocations::{self, NewRevocation};
use crate::sql::{self, SqlParameter, parameter};
use crate::{audit, cells};

static FRAGMENTS: Fragments = Fragments {
    marker: '$',
    each: ("(SELECT unnest(", ") AS value)"),
    position: "strpos",
    for_update: "FOR UPDATE",
    for_no_key_update: "FOR NO KEY UPDATE",
    in_order: "",
};

/// The tables behind a connection.
pub(crate) struct Tables<'a>(pub(crate) &'a Client);

impl SqlTransaction for Tables<'_> {
    type Failure = Failure;

    async fn execute(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> Read<u64, Self> {
        let translated = statement.translated(&FRAGMENTS)?;
        let parameters =
            translated.bound(values).map(|value| value.map(bind)).collect::<Result<Vec<_>, _>>()?;
        sql::execute(self.0, &translated.sql, &parameters).await.map_err(Failed)
    }

    async fn find<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> Read<Option<T>, Self> {
        let rows = self.rows(statement, values).await?;
        rows.first().map(cells::read).transpose().map_err(Failed)
    }

    async fn list<T: Record>(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> Read<Vec<T>, Self> {
        let rows = self.rows(statement, values).await?;
        rows.iter().map(cells::read).collect::<Result<_, _>>().map_err(Failed)
    }

    async fn append_events(&self, events: &[NewAuditEvent]) -> Read<(), Self> {
        audit::append(self.0, events).await.map_err(Failed)
    }

    async fn append_revocations(
        &self,
        subjects: &[RevokedSubject],
        at: Timestamp,
        expires_at: Timestamp,
    ) -> Read<Vec<Revocation>, Self> {
        let of = |subject: &RevokedSubject| NewRevocation { subject: *subject, at, expires_at };
        let new: Vec<NewRevocation> = subjects.iter().map(of).collect();
        revocations::append(self.0, &new).await.map_err(Failed)
    }
}

impl Tables<'_> {
    async fn rows(
        &self,
        statement: &'static NamedStatement,
        values: ParameterValues<'_>,
    ) -> Read<Vec<tokio_postgres::Row>, Self> {
        let translated = statement.translated(&FRAGMENTS)?;
        let parameters =
            translated.bound(values).map(|value| value.map(bind)).collect::<Result<Vec<_>, _>>()?;
        sql::rows(self.0, &translated.sql, &parameters).await.map_err(Failed)
    }
}

impl From<Failed<Failure>> for Failure {
    fn from(Failed(failure): Failed<Failure>) -> Self {
        failure
    }
}

fn bind<'a>(value: &'a ParameterValue<'_>) -> SqlParameter<'a> {
    match value {
        ParameterValue::Integer(number) => parameter(number),
        ParameterValue::Boolean(truth) => parameter(truth),
        ParameterValue::Text(text) => parameter(text),
        ParameterValue::Bytes(bytes) => parameter(bytes),
        ParameterValue::Integers(numbers) => parameter(numbers),
        ParameterValue::Texts(texts) => parameter(texts),
    }
}
