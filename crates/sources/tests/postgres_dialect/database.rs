//! A database on the server that the tests share, its model, and requests against it.

use odata::cell::{Cell, Row, Value};
use odata::error::Error;
use odata::format::Format;
use odata::model::{Model, Schema, Table};
use odata::plan::{Plan, PlanContext, Query, prepare};
use odata::position::Position;
use odata::sql::Dialect;
use odata::statement::Statement;
use odata::url::Url;
use testkit::postgres::{PostgresDatabase, PostgresServer};
use tokio::runtime::Runtime;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls};

use crate::cells::{Parameter, ReadRow};

/// The pages after which a walk has surely gone wrong.
const MOST_PAGES: usize = 1_000;

pub(crate) struct Database {
    runtime: Runtime,
    client: Client,
    pub(crate) model: Model,
    _on_server: PostgresDatabase<'static>,
}

impl Database {
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

    pub(crate) fn plan(
        &self,
        url: &str,
        page_size: usize,
        position: Option<Position>,
    ) -> Result<Plan, Error> {
        let context = PlanContext {
            now: "2024-06-01T00:00:00Z".parse().unwrap(),
            page_size,
            format: Format::default(),
            service_root: "https://host/api/odata4/test",
            position,
        };
        prepare(&Url::read(url)?, &self.model, &context, Dialect::Postgres)
    }

    pub(crate) fn rows(&self, statement: &Statement) -> Result<Vec<ReadRow>, SqlState> {
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

    /// The only number that a statement returns.
    pub(crate) fn number(&self, statement: &Statement) -> Result<i64, SqlState> {
        let rows = self.rows(statement)?;
        match rows[0].cell(0) {
            Cell::Integer(number) => Ok(number),
            other => panic!("{other:?}"),
        }
    }

    /// The body of one page, and the position after it if there is more.
    fn page(&self, query: &Query) -> Result<(String, Option<Position>), SqlState> {
        let mut out = Vec::new();
        let count = query.count.as_ref().map(|count| self.number(count)).transpose()?;
        let mut body = query.encoder.start(&mut out, count);
        let rows = self.rows(&query.statement)?;
        let (written, more) = rows.split_at(rows.len().min(query.page_limit));
        for row in written {
            body.row(&mut out, row);
        }
        body.finish(&mut out, None);
        let position = written.last().filter(|_| !more.is_empty());
        // A position travels in a link.
        let position = position.map(|row| query.position_after(row, written.len()).to_bytes());
        let position = position.map(|bytes| Position::from_bytes(&bytes).unwrap());
        Ok((String::from_utf8(out).unwrap(), position))
    }

    /// The entities of all pages in their order.
    pub(crate) fn walk(&self, url: &str, page_size: usize) -> Result<Vec<serde_json::Value>, SqlState> {
        let mut position = None;
        let mut entities = Vec::new();
        for page in 0..MOST_PAGES {
            // The text of the link is the caller's matter.
            let link = format!("{url}{}$skiptoken=x", if url.contains('?') { '&' } else { '?' });
            let url = if page == 0 { url } else { link.as_str() };
            let plan = self.plan(url, page_size, position).unwrap_or_else(|error| panic!("{url}: {error}"));
            let Plan::Entities(query) = plan else { panic!("{url}") };
            let (body, next) = self.page(&query)?;
            let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
            entities.append(body["value"].as_array_mut().unwrap());
            position = next;
            if position.is_none() {
                return Ok(entities);
            }
        }
        panic!("{url} has no end");
    }

    /// The values of the property `id` on all pages.
    pub(crate) fn ids(&self, url: &str, page_size: usize) -> Result<Vec<i64>, SqlState> {
        Ok(self.walk(url, page_size)?.iter().map(|row| row["id"].as_i64().unwrap()).collect())
    }

    /// The body of the response to a request for a set, an entity, a property, a value or a count.
    pub(crate) fn body(&self, url: &str) -> String {
        let mut out = Vec::new();
        let rows = |statement: &Statement| self.rows(statement).unwrap();
        match self.plan(url, 100, None).unwrap_or_else(|error| panic!("{url}: {error}")) {
            Plan::Entities(query) => return self.page(&query).unwrap().0,
            Plan::Entity(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.entity(&mut out, row);
            }),
            Plan::Property(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.property(&mut out, row);
            }),
            Plan::Value(single) => rows(&single.statement).iter().for_each(|row| {
                single.encoder.value(&mut out, row);
            }),
            Plan::Count { statement, .. } => return self.number(&statement).unwrap().to_string(),
            other => panic!("{other:?}"),
        }
        String::from_utf8(out).unwrap()
    }

    /// The steps of PostgreSQL for a page, after the position of its last row if `after` is set.
    pub(crate) fn explained(&self, url: &str, after: bool) -> String {
        let Plan::Entities(query) = self.plan(url, 3, None).unwrap() else { panic!("{url}") };
        let statement = if after {
            let position = self.page(&query).unwrap().1;
            let link = format!("{url}{}$skiptoken=x", if url.contains('?') { '&' } else { '?' });
            let Plan::Entities(query) = self.plan(&link, 3, position).unwrap() else { panic!("{link}") };
            query.statement
        } else {
            query.statement
        };
        let sql = format!("EXPLAIN (COSTS OFF) {}", statement.sql);
        let explained = Statement { sql, columns: 1, ..statement };
        let text = |row: &ReadRow| match row.cell(0).to_value() {
            Value::Text(text) => text,
            other => panic!("{other:?}"),
        };
        self.rows(&explained).unwrap().iter().map(text).collect::<Vec<_>>().join("\n")
    }
}
