//! A database on the server of MariaDB that the tests share, read with the driver.

use std::sync::Arc;

use odata::cell::{Row, Value};
use odata::model::{Model, Schema, Table};
use odata::sql::Dialect;
use odata::statement::{Statement, Unanswerable};
use sources::{MysqlKind, SourceError};
use testkit::mariadb::{MariaDbDatabase, MariaDbServer};

use crate::database::Database;
use crate::driver::{Driver, ReadRow};

pub(crate) struct Mysql {
    driver: Driver,
    model: Model,
    _on_server: MariaDbDatabase<'static>,
}

impl Mysql {
    pub(crate) fn new(sql: &str, tables: Vec<Table>) -> Self {
        let database = MariaDbServer::shared().create_database();
        database.run(sql);
        let (user, password) = database.server().owner();
        let port = database.server().port().to_string();
        let options = [
            ("ServerName", "127.0.0.1"),
            ("PortNumber", &port),
            ("EncryptionMethod", "noEncryption"),
            ("Database", database.name()),
            ("User", user),
            ("Password", password),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
        let driver = Driver::open(Arc::new(MysqlKind), options);
        Self { driver, model: Model::compile("Test", Schema { tables }), _on_server: database }
    }

    /// The table and the index that each step of the server reads for a page, after the position of its last row if
    /// `after` is set.
    pub(crate) fn explained(&self, url: &str, after: bool) -> Vec<String> {
        let statement = self.statement(url, after);
        let explained = Statement { sql: format!("EXPLAIN {}", statement.sql), columns: 10, ..statement };
        let text = |row: &ReadRow, at: usize| match row.cell(at).to_value() {
            Value::Text(text) => text,
            other => format!("{other:?}"),
        };
        let step =
            |row: &ReadRow| format!("{} {} {} {}", text(row, 2), text(row, 3), text(row, 5), text(row, 9));
        self.driver.read(&explained).unwrap().iter().map(step).collect()
    }
}

impl Database for Mysql {
    const DIALECT: Dialect = Dialect::Mysql;

    type Row = ReadRow;
    type Failure = Unanswerable;

    fn model(&self) -> &Model {
        &self.model
    }

    fn rows(&self, statement: &Statement) -> Result<Vec<ReadRow>, Unanswerable> {
        self.driver.read(statement).map_err(|error| match error {
            SourceError::Unanswerable(reason) => reason,
            other => panic!("{other:?}: {}", statement.sql),
        })
    }
}
