//! A database on the server of PostgreSQL that the tests share.

use odata::cell::{Row, Value};
use odata::model::{Model, Schema, Table};
use odata::sql::Dialect;
use odata::statement::Statement;
use testkit::postgres::{PostgresDatabase, PostgresServer};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use super::cells::{Parameter, ReadRow};
use crate::database::Database;

pub(crate) struct Postgres {
    runtime: Runtime,
    client: Client,
    model: Model,
    _on_server: PostgresDatabase<'static>,
}

impl Postgres {
    pub(crate) fn new(sql: &str, tables: Vec<Table>) -> Self {
        let database = PostgresServer::shared().create_database();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let client = runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
            runtime.spawn(connection);
            client.batch_execute(sql).await.unwrap();
            client
        });
        Self { runtime, client, model: Model::compile("Test", Schema { tables }), _on_server: database }
    }

    /// The steps of the server for a page, after the position of its last row if `after` is set.
    pub(crate) fn explained(&self, url: &str, after: bool) -> String {
        let statement = self.statement(url, after);
        let sql = format!("EXPLAIN (COSTS OFF) {}", statement.sql);
        let explained = Statement { sql, columns: 1, ..statement };
        let text = |row: &ReadRow| match row.cell(0).to_value() {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        self.rows(&explained).unwrap().iter().map(text).collect::<Vec<_>>().join("\n")
    }
}

impl Database for Postgres {
    const DIALECT: Dialect = Dialect::Postgres;

    type Row = ReadRow;
    type Failure = SqlState;

    fn model(&self) -> &Model {
        &self.model
    }

    fn rows(&self, statement: &Statement) -> Result<Vec<ReadRow>, SqlState> {
        let parameters: Vec<Parameter<'_>> = statement.parameters.iter().map(Parameter).collect();
        let typed: Vec<(&(dyn ToSql + Sync), Type)> =
            parameters.iter().map(|parameter| (parameter as &(dyn ToSql + Sync), parameter.ty())).collect();
        let rows = self.runtime.block_on(self.client.query_typed(&statement.sql, &typed));
        let rows = rows.map_err(|error| match error.code() {
            // A division by zero, a number out of range, a negative length.
            Some(code) if ["22012", "22003", "22011"].contains(&code.code()) => code.clone(),
            _ => panic!("{error:?}: {}", statement.sql),
        })?;
        if let Some(row) = rows.first() {
            assert_eq!(row.len(), statement.columns, "{}", statement.sql);
        }
        Ok(rows.iter().map(ReadRow::of).collect())
    }
}
