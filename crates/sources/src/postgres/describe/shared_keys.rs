//! Looks for rows that share a declared key, which no index rules out.

use std::time::Duration;

use odata::cell::Value;
use odata::model::{Finding, Model, Schema, Table};
use odata::plan::count_shared;
use odata::sql::Dialect;
use odata::statement::Statement;

use super::catalog::{each, integer};
use crate::driver::Statements;
use crate::postgres::connection::PostgresConnection;
use crate::server::{refuse_key, unensured_key};
use crate::{Deadline, Described, SourceError};

/// The time to look at all tables of a database.
const PATIENCE: Duration = Duration::from_secs(2);

/// The search for rows that share a declared key, in all tables of a database.
pub(super) struct SharedKeys(Deadline);

impl SharedKeys {
    /// A search that ends soon, however many tables and rows there are.
    pub(super) fn within_patience() -> Self {
        Self(Deadline::after(PATIENCE))
    }

    /// Reports whether rows of the table share its declared key, which consists of the columns `named`.
    pub(super) async fn look_for(
        &self,
        connection: &mut PostgresConnection,
        table: &Table,
        named: String,
        described: &mut Described,
    ) -> Result<(), SourceError> {
        let message = match self.count(connection, table).await? {
            Some(rows @ 1..) => {
                let message =
                    format!("{rows} rows share the values of the declared key {named}: they are not served");
                refuse_key(described, &table.full_name(), message);
                return Ok(());
            }
            Some(_) => unensured_key(&named),
            None => format!(
                "it could not be found out soon whether the declared key {named} is unique: rows that share one are not \
                 served, and each request looks for them. A unique index on {named} would save that"
            ),
        };
        described.findings.push(Finding { subject: table.full_name(), message });
        Ok(())
    }

    /// How many rows share a key; `None` if that cannot be found out in time.
    async fn count(
        &self,
        connection: &mut PostgresConnection,
        table: &Table,
    ) -> Result<Option<i64>, SourceError> {
        let patience = self.0.remaining();
        let Some(statement) = counting(table).filter(|_| !patience.is_zero()) else { return Ok(None) };
        run(connection, "SAVEPOINT shared_keys").await?;
        let counted = count_within(connection, statement, patience).await;
        if let Err(error) = &counted
            && error.taints_connection()
        {
            return counted.map(Some);
        }
        // It also takes the time limit back.
        run(connection, "ROLLBACK TO SAVEPOINT shared_keys").await?;
        run(connection, "RELEASE SAVEPOINT shared_keys").await?;
        // Why a table cannot be read is said to whoever reads it.
        Ok(counted.ok())
    }
}

/// The statement that counts rows that share a key, as the data source compares them.
fn counting(table: &Table) -> Option<Statement> {
    let model = Model::compile("", Schema { tables: vec![table.clone()] });
    count_shared(model.entity_types.first()?, Dialect::Postgres).ok()
}

async fn count_within(
    connection: &mut PostgresConnection,
    counting: Statement,
    patience: Duration,
) -> Result<i64, SourceError> {
    let limit = Value::Text(patience.as_millis().max(1).to_string());
    let sql = "SELECT pg_catalog.set_config('statement_timeout', $1, true)".to_owned();
    each(connection, sql, &[limit], 1, |_| Some(())).await?;
    let mut rows = 0;
    let Statement { sql, parameters, columns, .. } = counting;
    each(connection, sql, &parameters, columns, |row| {
        rows = integer(row, 0)?;
        Some(())
    })
    .await?;
    Ok(rows)
}

async fn run(connection: &mut PostgresConnection, sql: &str) -> Result<(), SourceError> {
    let statement = Statement { sql: sql.to_owned(), parameters: Vec::new(), columns: 0, quicker: None };
    let mut none = |_: &crate::SourceRow<'_>| std::ops::ControlFlow::Continue(());
    connection.run(&statement, &mut none).await
}
