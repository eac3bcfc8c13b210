//! A shop in SQLite, its model, and the statements of trees over it.

use rusqlite::functions::{Aggregate, Context, FunctionFlags, WindowAggregate};
use rusqlite::types::{ToSqlOutput, ValueRef};
use serde_json::Value as Json;

use crate::bind::expression::Binder;
use crate::bind::scope::{Budget, Scopes};
use crate::cell::{Cell, Row, Value};
use crate::edm_type::EdmType;
use crate::encode::{BodyKind, Encoder, Shape, Slot};
use crate::format::Format;
use crate::model::{Column as TableColumn, ForeignKey, Model, Schema, Storage, Table, TableChanges};
use crate::position::Mark;
use crate::sql::columns::StatementColumns;
use crate::sql::functions::{AGGREGATES, FUNCTIONS, SqlAggregate, SqlFunction, Total};
use crate::sql::{Dialect, select};
use crate::statement::{Statement, Unanswerable};
use crate::syntax::Request;
use crate::tree::column::{ScanColumn, ScanId};
use crate::tree::typed::Typed;
use crate::tree::{Page, PlanNode, Scans};
use crate::url::Url;

const TABLES: &str = "
    CREATE TABLE Countries (Code TEXT PRIMARY KEY, Title TEXT);
    INSERT INTO Countries VALUES ('DE', 'Germany'), ('FR', 'France');
    CREATE TABLE Customers (Id INTEGER PRIMARY KEY, Name TEXT, Country TEXT REFERENCES Countries, Adviser INTEGER REFERENCES Customers);
    INSERT INTO Customers VALUES (1, 'Ann', 'DE', NULL), (2, 'Bob', 'FR', 1), (3, 'Cid', NULL, 2), (4, 'Dan', 'DE', 1);
    CREATE TABLE Orders (Number INTEGER PRIMARY KEY, CustomerId INTEGER REFERENCES Customers, Price NUMERIC, Quantity INTEGER);
    INSERT INTO Orders VALUES (10, 1, 1, 1), (20, 1, 15, 3), (30, 2, 20, 3), (40, NULL, 21.5, 1);
    CREATE TABLE Twins (Code TEXT, Title TEXT);
    INSERT INTO Twins VALUES ('DE', 'Germany'), ('DE', 'Deutschland'), ('FR', 'France');
    CREATE TABLE Kinds (Id INTEGER PRIMARY KEY, B BOOLEAN, I INTEGER, D NUMERIC, F REAL, S TEXT, G UUID, Day DATE, Hour TIME, At DATETIME, Wait TEXT, Raw BLOB);
    INSERT INTO Kinds VALUES (1, 'yes', 7, 2.5, 0.5, 'ä', '01234567-89AB-cdef-0123-456789abcdef', '2024-05-01', '12:30', '2024-05-01T12:00:00+02:00', 'PT60S', x'00ff');
    INSERT INTO Kinds VALUES (2, -1, 7.0, 2.5, 0.5, 'ä', x'0123456789abcdef0123456789abcdef', '2024-05-01T00:00:00', '12:30:00', '2024-05-01 10:00:00', 'PT1M', x'00ff');
    INSERT INTO Kinds (Id) VALUES (3);
";

/// A column that may be null, unless it is the key.
fn column((name, ty): &(&str, EdmType), key: &str, is_guaranteed: bool) -> TableColumn {
    let is_textual = matches!(ty, EdmType::String { .. });
    let storage = Storage { is_guaranteed, is_textual, ..Storage::default() };
    let nullable = *name != key;
    TableColumn { name: (*name).to_owned(), ty: *ty, nullable, storage }
}

fn schema(is_guaranteed: bool) -> Schema {
    let text = EdmType::String { max_length: None };
    let decimal = EdmType::Decimal { precision: None, scale: None };
    let table = |name: &str, columns: &[(&str, EdmType)], references: &[(&str, &str)]| Table {
        schema: None,
        set_name: None,
        name: name.to_owned(),
        columns: columns.iter().map(|of| column(of, columns[0].0, is_guaranteed)).collect(),
        primary_key: vec![columns[0].0.to_owned()],
        key_is_enforced: true,
        foreign_keys: references
            .iter()
            .map(|(column, target)| ForeignKey {
                columns: vec![(*column).to_owned()],
                target_schema: None,
                target_table: (*target).to_owned(),
                target_columns: Vec::new(),
            })
            .collect(),
        has_unusable_index: false,
        changes: TableChanges::default(),
    };
    let number = EdmType::Int64;
    let customers = [("Id", number), ("Name", text), ("Country", text), ("Adviser", number)];
    let orders =
        [("Number", number), ("CustomerId", number), ("Price", decimal), ("Quantity", EdmType::Int32)];
    let kinds = [
        ("Id", number),
        ("B", EdmType::Boolean),
        ("I", number),
        ("D", decimal),
        ("F", EdmType::Double),
        ("S", text),
        ("G", EdmType::Guid),
        ("Day", EdmType::Date),
        ("Hour", EdmType::TimeOfDay),
        ("At", EdmType::DateTimeOffset),
        ("Wait", EdmType::Duration),
        ("Raw", EdmType::Binary),
    ];
    let tables = vec![
        table("Countries", &[("Code", text), ("Title", text)], &[]),
        table("Customers", &customers, &[("Country", "Countries"), ("Adviser", "Customers")]),
        table("Orders", &orders, &[("CustomerId", "Customers")]),
        table("Kinds", &kinds, &[]),
    ];
    Schema { tables }
}

/// The model of a database in which a column may contain anything.
pub(super) fn model() -> Model {
    Model::compile("Shop", schema(false))
}

/// A model in which the country of a customer refers to a table whose keys need not be unique.
pub(super) fn shared_keys_model() -> Model {
    let mut schema = schema(false);
    schema.tables[0].name = "Twins".to_owned();
    schema.tables[0].key_is_enforced = false;
    schema.tables[1].foreign_keys[0].target_table = "Twins".to_owned();
    Model::compile("Shop", schema)
}

/// The model of a database that keeps the declared types.
pub(super) fn strict_model() -> Model {
    Model::compile("Shop", schema(true))
}

/// An expression over the columns of a scan.
pub(super) fn expression(model: &Model, scan: ScanId, name: &str, text: &str) -> Typed {
    let url = Url::read(&format!("/{name}?$orderby={}", text.replace(' ', "%20"))).unwrap();
    let request = Request::parse(&url).unwrap();
    let entity_type = model.entity_type(name).unwrap();
    let scopes = Scopes::of(model, Budget::from(scan.next()), scan, entity_type, true);
    let mut binder = Binder::new(scopes, "$orderby", jiff::Timestamp::UNIX_EPOCH);
    binder.bind_subject(&request.options.order[0].node).unwrap()
}

/// The column of a property.
pub(super) fn named(model: &Model, scan: ScanId, name: &str, property: &str) -> ScanColumn {
    scan.column(model.entity_type(name).unwrap().property(property).unwrap().0)
}

/// The statement of a page in the second dialect.
pub(super) fn strict(page: &Page<'_>, shown: &[ScanColumn]) -> String {
    let scans = Scans::of_page(page);
    select::page(&StatementColumns::of(Dialect::Strict, &scans, page, shown)).unwrap().sql
}

pub(super) struct Shop(rusqlite::Connection);

impl Shop {
    pub(super) fn new() -> Self {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        for function in FUNCTIONS {
            let arguments = i32::try_from(function.arguments).unwrap();
            let call = |context: &Context<'_>| call(function, context);
            connection.create_scalar_function(function.name, arguments, flags, call).unwrap();
        }
        for aggregate in AGGREGATES {
            connection.create_window_function(aggregate.name, 1, flags, Numbers(aggregate)).unwrap();
        }
        connection.execute_batch(TABLES).unwrap();
        Self(connection)
    }

    /// The rows of a page, as they are shown, and the values of the order's terms in each.
    fn read(&self, page: &Page<'_>, shown: &[ScanColumn]) -> (Vec<Json>, Vec<Vec<Mark>>) {
        let scans = Scans::of_page(page);
        let mut columns = StatementColumns::of(Dialect::Sqlite, &scans, page, shown);
        let terms: Vec<usize> = (0..page.order.len()).map(|index| columns.term(index)).collect();
        let encoder = encoder(page, shown, &mut columns);
        self.shown(&encoder, &select::page(&columns).unwrap(), &terms)
    }

    fn shown(
        &self,
        encoder: &Encoder,
        statement: &Statement,
        terms: &[usize],
    ) -> (Vec<Json>, Vec<Vec<Mark>>) {
        let (mut out, mut marks) = (Vec::new(), Vec::new());
        let mut body = encoder.start(&mut out, None);
        self.each(statement, |row| {
            body.row(&mut out, row);
            marks.push(terms.iter().map(|place| Mark::of(row.cell(*place), terms.len())).collect());
        });
        body.finish(&mut out, None);
        let body: Json = serde_json::from_slice(&out).unwrap();
        (body["value"].as_array().unwrap().clone(), marks)
    }

    /// SQLite's query plan for a page.
    pub(super) fn explained(&self, page: &Page<'_>, shown: &[ScanColumn]) -> String {
        let scans = Scans::of_page(page);
        let statement = select::page(&StatementColumns::of(Dialect::Sqlite, &scans, page, shown)).unwrap();
        let sql = format!("EXPLAIN QUERY PLAN {}", statement.sql);
        let mut steps = String::new();
        self.each(&Statement { sql, columns: 4, ..statement }, |row| {
            if let Cell::Text(step) = row.cell(3) {
                steps.push_str(&String::from_utf8_lossy(step));
                steps.push('\n');
            }
        });
        steps
    }

    /// The row of a page over a scan with a key, if it is served.
    pub(super) fn entity(&self, page: &Page<'_>, shown: &[ScanColumn]) -> Vec<Json> {
        let scans = Scans::of_page(page);
        let mut columns = StatementColumns::of(Dialect::Sqlite, &scans, page, shown);
        let encoder = encoder(page, shown, &mut columns);
        self.shown(&encoder, &select::entity(&columns).unwrap(), &[]).0
    }

    pub(super) fn rows(&self, page: &Page<'_>, shown: &[ScanColumn]) -> Vec<Json> {
        self.read(page, shown).0
    }

    /// The rows of all pages, read `size` at a time: each page starts after the last row of the one before.
    pub(super) fn walk(&self, page: &Page<'_>, shown: &[ScanColumn], size: u64) -> Vec<Json> {
        let mut page = Page { rows: Some(size), ..page.clone() };
        let mut all = Vec::new();
        loop {
            let (rows, mut marks) = self.read(&page, shown);
            let Some(last) = marks.pop() else { return all };
            all.extend(rows);
            page = Page { after: Some(last), skip: 0, ..page };
        }
    }

    /// The number of rows of a tree.
    pub(super) fn count(&self, tree: &PlanNode<'_>) -> i64 {
        let mut count = 0;
        self.each(&select::count_rows(Dialect::Sqlite, tree).unwrap(), |row| {
            if let Cell::Integer(number) = row.cell(0) {
                count = number;
            }
        });
        count
    }

    fn each(&self, statement: &Statement, mut visit: impl FnMut(&SqliteRow<'_, '_>)) {
        let mut prepared =
            self.0.prepare(&statement.sql).unwrap_or_else(|error| panic!("{error}: {}", statement.sql));
        assert_eq!(prepared.column_count(), statement.columns, "{}", statement.sql);
        let parameters = rusqlite::params_from_iter(statement.parameters.iter().map(Parameter));
        let mut rows = prepared.query(parameters).unwrap();
        while let Some(row) = rows.next().unwrap() {
            visit(&SqliteRow(row));
        }
    }
}

fn encoder(page: &Page<'_>, shown: &[ScanColumn], columns: &mut StatementColumns<'_>) -> Encoder {
    let mut slot = |column: &ScanColumn| Slot {
        column: columns.column(*column),
        property: columns.scans.property(*column),
    };
    Encoder::new(Shape {
        model: &model(),
        entity_type: page.input.entity_type(),
        shown: shown.iter().map(&mut slot).collect(),
        kinds: None,
        cross_join: None,
        list: None,
        links: &[],
        expanded: Vec::new(),
        subject: BodyKind::Collection,
        path: &[],
        key: Vec::new(),
        tag: Vec::new(),
        format: Format::default(),
        service_root: "https://host/",
    })
}

struct SqliteRow<'a, 'b>(&'a rusqlite::Row<'b>);

impl Row for SqliteRow<'_, '_> {
    fn cell(&self, index: usize) -> Cell<'_> {
        cell(self.0.get_ref(index).unwrap())
    }
}

struct Parameter<'v>(&'v Value);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(value(self.0.as_cell())))
    }
}

fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(integer) => Cell::Integer(integer),
        ValueRef::Real(real) => Cell::Real(real),
        ValueRef::Text(text) => Cell::Text(text),
        ValueRef::Blob(blob) => Cell::Blob(blob),
    }
}

fn value(cell: Cell<'_>) -> ValueRef<'_> {
    match cell {
        Cell::Null => ValueRef::Null,
        Cell::Integer(integer) => ValueRef::Integer(integer),
        Cell::Real(real) => ValueRef::Real(real),
        Cell::Text(text) => ValueRef::Text(text),
        Cell::Blob(blob) => ValueRef::Blob(blob),
        Cell::Typed(typed) => unreachable!("SQLite has no {typed:?}"),
    }
}

fn call(function: &SqlFunction, context: &Context<'_>) -> rusqlite::Result<rusqlite::types::Value> {
    let cells: Vec<Cell<'_>> = (0..context.len()).map(|index| cell(context.get_raw(index))).collect();
    result((function.run)(&cells))
}

fn result(result: Result<Value, Unanswerable>) -> rusqlite::Result<rusqlite::types::Value> {
    let result = result.map_err(|reason| rusqlite::Error::UserFunctionError(Box::new(reason)))?;
    Ok(rusqlite::types::Value::try_from(value(result.as_cell())).unwrap())
}

struct Numbers(&'static SqlAggregate);

impl Aggregate<Total, rusqlite::types::Value> for Numbers {
    fn init(&self, _: &mut Context<'_>) -> rusqlite::Result<Total> {
        Ok(Total::default())
    }

    fn step(&self, context: &mut Context<'_>, total: &mut Total) -> rusqlite::Result<()> {
        total.add(cell(context.get_raw(0)));
        Ok(())
    }

    fn finalize(
        &self,
        _: &mut Context<'_>,
        total: Option<Total>,
    ) -> rusqlite::Result<rusqlite::types::Value> {
        result((self.0.result)(total.unwrap_or_default()))
    }
}

impl WindowAggregate<Total, rusqlite::types::Value> for Numbers {
    fn value(&self, total: Option<&mut Total>) -> rusqlite::Result<rusqlite::types::Value> {
        result((self.0.result)(total.copied().unwrap_or_default()))
    }

    fn inverse(&self, _: &mut Context<'_>, _: &mut Total) -> rusqlite::Result<()> {
        unreachable!("all windows begin with the first row")
    }
}
