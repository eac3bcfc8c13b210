//! A fixture: an in-memory database, its model, and requests against it.

use odata::cell::{Cell, Row, Value};
use odata::edm_type::EdmType;
use odata::error::Error;
use odata::expansion::{Expansion, Gathering, Progress};
use odata::format::{Format, MetadataFormat};
use odata::model::{Column, ForeignKey, Model, Schema, Storage, Table, TableChanges};
use odata::plan::{Plan, PlanContext, Query, prepare};
use odata::position::Position;
use odata::sql::Dialect;
use odata::sql::functions::{AGGREGATES, FUNCTIONS, SqlAggregate, SqlFunction, Total};
use odata::statement::{Statement, Unanswerable};
use odata::url::Url;
use rusqlite::functions::{self, FunctionFlags};
use rusqlite::types::{ToSqlOutput, ValueRef};

/// A database with its model.
pub(crate) struct Database {
    pub(crate) connection: rusqlite::Connection,
    pub(crate) model: Model,
}

struct SqliteRow<'a, 'b>(&'a rusqlite::Row<'b>);

impl Row for SqliteRow<'_, '_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        cell(self.0.get_ref(index).unwrap())
    }
}

pub(crate) fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(integer) => Cell::Integer(integer),
        ValueRef::Real(real) => Cell::Real(real),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(blob) => Cell::Blob(blob),
    }
}

fn call(
    function: &SqlFunction,
    context: &functions::Context<'_>,
) -> rusqlite::Result<rusqlite::types::Value> {
    let cells: Vec<Cell<'_>> = (0..context.len()).map(|index| cell(context.get_raw(index))).collect();
    result((function.run)(&cells))
}

fn result(value: Result<Value, Unanswerable>) -> rusqlite::Result<rusqlite::types::Value> {
    let value = value.map_err(|reason| rusqlite::Error::UserFunctionError(Box::new(reason)))?;
    Ok(owned(&value))
}

struct Numbers(&'static SqlAggregate);

impl functions::Aggregate<Total, rusqlite::types::Value> for Numbers {
    fn init(&self, _: &mut functions::Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut functions::Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(cell(context.get_raw(0)));
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut functions::Context<'_>,
        total: Option<Total>,
    ) -> rusqlite::Result<rusqlite::types::Value> {
        result((self.0.result)(total.unwrap_or_default()))
    }
}

impl functions::WindowAggregate<Total, rusqlite::types::Value> for Numbers {
    fn value(&self, total: Option<&mut Total>) -> rusqlite::Result<rusqlite::types::Value> {
        result((self.0.result)(total.copied().unwrap_or_default()))
    }

    fn inverse(&self, _: &mut functions::Context<'_>, _: &mut Total) -> rusqlite::Result<()> {
        unreachable!("all windows begin with the first row")
    }
}

/// A parameter, byte for byte.
struct Parameter<'v>(&'v Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0.as_cell() {
            Cell::Null => ValueRef::Null,
            Cell::Integer(integer) => ValueRef::Integer(integer),
            Cell::Real(real) => ValueRef::Real(real),
            Cell::Text(text) => ValueRef::Text(text),
            Cell::Blob(blob) => ValueRef::Blob(blob),
            Cell::Typed(typed) => unreachable!("a parameter is never {typed:?}"),
        }))
    }
}

fn owned(value: &Value) -> rusqlite::types::Value {
    match value {
        Value::Null | Value::RawText(_) => rusqlite::types::Value::Null,
        Value::Integer(integer) => rusqlite::types::Value::Integer(*integer),
        Value::Real(real) => rusqlite::types::Value::Real(*real),
        Value::Text(text) | Value::Untyped(text) => rusqlite::types::Value::Text(text.clone()),
        Value::Blob(blob) => rusqlite::types::Value::Blob(blob.clone()),
    }
}

pub(crate) fn table(name: &str, columns: &[(&str, EdmType, bool)], key: &[&str]) -> Table {
    let column = |(name, ty, nullable): &(&str, EdmType, bool)| Column {
        name: (*name).into(),
        ty: *ty,
        nullable: *nullable,
        storage: Storage { is_textual: matches!(ty, EdmType::String { .. }), ..Storage::default() },
    };
    Table {
        schema: None,
        set_name: None,
        name: name.into(),
        columns: columns.iter().map(column).collect(),
        primary_key: key.iter().map(|name| (*name).into()).collect(),
        key_is_enforced: true,
        foreign_keys: Vec::new(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    }
}

pub(crate) fn reference(column: &str, target: &str) -> ForeignKey {
    ForeignKey {
        columns: vec![column.into()],
        target_schema: None,
        target_table: target.into(),
        target_columns: Vec::new(),
    }
}

impl Database {
    pub(crate) fn new(sql: &str, tables: Vec<Table>) -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        for function in FUNCTIONS {
            let arguments = i32::try_from(function.arguments).unwrap();
            let call = |context: &functions::Context<'_>| call(function, context);
            connection.create_scalar_function(function.name, arguments, flags, call).unwrap();
        }
        for aggregate in AGGREGATES {
            connection.create_window_function(aggregate.name, 1, flags, Numbers(aggregate)).unwrap();
        }
        connection.execute_batch(sql).unwrap();
        Self { connection, model: Model::compile("Test", Schema { tables }) }
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
            rows: None,
            service_root: "https://host/api/odata4/test",
            position,
        };
        prepare(&Url::read(url)?, &self.model, &context, Dialect::Sqlite)
    }

    pub(crate) fn error(&self, url: &str) -> Error {
        match self.plan(url, 10, None) {
            Err(error) => error,
            Ok(plan) => panic!("{url} gives {plan:?}"),
        }
    }

    pub(crate) fn each(&self, statement: &Statement, visit: impl FnMut(&dyn DynRow)) {
        self.try_each(statement, visit).unwrap();
    }

    /// Like [`each`](Self::each), for a statement that may fail for a row.
    pub(crate) fn try_each(
        &self,
        statement: &Statement,
        mut visit: impl FnMut(&dyn DynRow),
    ) -> rusqlite::Result<()> {
        let mut prepared = self.connection.prepare(&statement.sql).unwrap();
        assert_eq!(prepared.column_count(), statement.columns, "{}", statement.sql);
        assert_eq!(prepared.parameter_count(), statement.parameters.len(), "{}", statement.sql);
        let parameters = rusqlite::params_from_iter(statement.parameters.iter().map(Parameter));
        let mut rows = prepared.query(parameters)?;
        while let Some(row) = rows.next()? {
            visit(&SqliteRow(row));
        }
        Ok(())
    }

    /// Why a request fails when it runs.
    pub(crate) fn failure(&self, url: &str) -> String {
        let Plan::Entities(query) = self.plan(url, 10, None).unwrap() else { panic!("{url}") };
        match self.try_each(&query.statement, |_| {}) {
            Err(rusqlite::Error::SqliteFailure(_, Some(message))) => message,
            other => panic!("{url}: {other:?}"),
        }
    }

    pub(crate) fn number(&self, statement: &Statement) -> i64 {
        if let Some(quicker) = statement.quicker.as_deref().filter(|quicker| self.holds(&quicker.checks)) {
            let slow = Statement { quicker: None, ..statement.clone() };
            assert_eq!(self.number(&quicker.statement), self.number(&slow), "{}", quicker.statement.sql);
        }
        self.try_number(statement).unwrap()
    }

    /// Like [`number`](Self::number), for a statement that may fail for a row.
    fn try_number(&self, statement: &Statement) -> rusqlite::Result<i64> {
        let mut number = 0;
        self.try_each(statement, |row| {
            if let Cell::Integer(count) = row.at(0) {
                number = count;
            }
        })?;
        Ok(number)
    }

    /// Whether all checks of a faster statement hold.
    pub(crate) fn holds(&self, checks: &[String]) -> bool {
        checks.iter().all(|check| self.connection.query_row(check, [], |row| row.get(0)).unwrap())
    }

    /// Reads one page, and returns it with the position after it if there is more. Checks that the faster
    /// statement gives the same result.
    pub(crate) fn page(&self, query: &Query) -> (String, Option<Position>) {
        let page = self.page_of(query);
        if let Some(quicker) =
            query.statement.quicker.as_deref().filter(|quicker| self.holds(&quicker.checks))
        {
            let mut quick = query.clone();
            quick.statement = quicker.statement.clone();
            assert_eq!(self.page_of(&quick), page, "{}", quicker.statement.sql);
        }
        page
    }

    fn page_of(&self, query: &Query) -> (String, Option<Position>) {
        self.try_page(query).unwrap()
    }

    /// Reads one page with the statement that is always right, or tells why it fails.
    pub(crate) fn try_page(&self, query: &Query) -> Result<(String, Option<Position>), String> {
        let message = |error: rusqlite::Error| error.to_string();
        let mut out = Vec::new();
        let count = query.count.as_ref().map(|count| self.try_number(count)).transpose().map_err(message)?;
        if let Some(mut gathering) = query.gather() {
            self.try_gather(&mut gathering, &query.statement, query.expansion.as_deref()).map_err(message)?;
            let position = query.position_of(&gathering);
            let link = position.is_some().then(|| query.next_link("TOKEN"));
            let body = query.encoder.start(&mut out, count);
            gathering.write(&mut out);
            body.finish(&mut out, link.as_deref());
            return Ok((String::from_utf8(out).unwrap(), position));
        }
        let mut body = query.encoder.start(&mut out, count);
        let (mut position, mut more) = (None, false);
        let read = self.try_each(&query.statement, |row| {
            let written = usize::try_from(body.rows()).unwrap();
            if written == query.page_limit {
                more = true;
                return;
            }
            body.row(&mut out, &Borrowed(row));
            position = Some(query.position_after(&Borrowed(row), written + 1));
        });
        read.map_err(message)?;
        let link = more.then(|| query.next_link("TOKEN"));
        body.finish(&mut out, link.as_deref());
        Ok((String::from_utf8(out).unwrap(), position.filter(|_| more)))
    }

    /// Reads all levels of an expanded page.
    fn gather(&self, gathering: &mut Gathering<'_>, first: &Statement, expansion: Option<&Expansion>) {
        self.try_gather(gathering, first, expansion).unwrap();
    }

    fn try_gather(
        &self,
        gathering: &mut Gathering<'_>,
        first: &Statement,
        expansion: Option<&Expansion>,
    ) -> rusqlite::Result<()> {
        let others = expansion.unwrap().statements();
        for (level, statement) in std::iter::once(first).chain(others).enumerate() {
            let mut goes_on = true;
            self.try_each(statement, |row| {
                goes_on = goes_on && gathering.row(level, &Borrowed(row)) == Progress::Go;
            })?;
        }
        Ok(())
    }

    /// The body of the response to any request.
    pub(crate) fn body(&self, url: &str) -> String {
        self.body_of(url, 100)
    }

    /// Like [`body`](Self::body), with this page size.
    pub(crate) fn body_of(&self, url: &str, page_size: usize) -> String {
        let mut out = Vec::new();
        match self.plan(url, page_size, None).unwrap() {
            Plan::Entities(query) => return self.page(&query).0,
            Plan::Entity(single) if single.expansion.is_some() => {
                let mut gathering = single.gather().unwrap();
                self.gather(&mut gathering, &single.statement, single.expansion.as_deref());
                gathering.write(&mut out);
            }
            Plan::Entity(single) => self.each(&single.statement, |row| {
                single.encoder.entity(&mut out, &Borrowed(row));
            }),
            Plan::Property(single) => self.each(&single.statement, |row| {
                single.encoder.property(&mut out, &Borrowed(row));
            }),
            Plan::Value(single) => self.each(&single.statement, |row| {
                single.encoder.value(&mut out, &Borrowed(row));
            }),
            Plan::Count { statement, .. } => return self.number(&statement).to_string(),
            Plan::ServiceDocument(format) => {
                out = odata::service_document::json(&self.model, "https://host/api/odata4/test", format);
            }
            Plan::Metadata(Some(MetadataFormat::Json)) => out = odata::csdl::json(&self.model),
            Plan::Metadata(_) => out = odata::csdl::xml(&self.model),
        }
        String::from_utf8(out).unwrap()
    }

    /// SQLite's query plan for a page.
    pub(crate) fn explained(&self, url: &str) -> String {
        let Plan::Entities(query) = self.plan(url, 10, None).unwrap() else { panic!("{url}") };
        self.explained_statement(&query.statement)
    }

    /// SQLite's query plan for a statement.
    pub(crate) fn explained_statement(&self, statement: &Statement) -> String {
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let explained = Statement { sql, columns: 4, ..statement.clone() };
        let mut steps = String::new();
        self.each(&explained, |row| {
            if let Cell::Text(text) = row.at(3) {
                steps.push_str(&String::from_utf8_lossy(text));
                steps.push('\n');
            }
        });
        steps
    }

    /// The values of the property `id` in the response to a request.
    pub(crate) fn ids(&self, url: &str) -> Vec<i64> {
        ids(&self.body(url))
    }
}

pub(crate) fn ids(body: &str) -> Vec<i64> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["value"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

/// A row behind a reference.
pub(crate) trait DynRow {
    fn at(&self, index: usize) -> Cell<'_>;
}

impl<R: Row> DynRow for R {
    fn at(&self, index: usize) -> Cell<'_> {
        self.cell(index)
    }
}

/// A row with the same text in every column.
pub(crate) struct TextRow(pub(crate) &'static str);

impl Row for TextRow {
    fn cell(&self, _: usize) -> Cell<'_> {
        Cell::Text(self.0.as_bytes())
    }
}

struct Borrowed<'a>(&'a dyn DynRow);

impl Row for Borrowed<'_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        self.0.at(index)
    }
}
