//! What the catalogs say.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use odata::cell::{Cell, Row, Value};
use odata::model::Supply;
use odata::statement::Statement;

use crate::driver::Statements;
use crate::mysql::connection::MysqlConnection;
use crate::{SourceError, SourceRow};

/// Tables and views. Sequences of MariaDB are none.
pub(in crate::mysql) const TABLES: &str = "table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED')";

/// A table or view.
#[derive(Debug, Default)]
pub(super) struct Relation {
    /// Whether it is a table whose changes belong to transactions.
    pub(super) is_table: bool,
    /// Whether a trigger runs when a row is inserted or updated.
    pub(super) has_triggers: bool,
    pub(super) columns: Vec<CatalogColumn>,
    pub(super) indexes: Vec<Index>,
    pub(super) references: Vec<Reference>,
}

/// A column.
#[derive(Debug)]
pub(super) struct CatalogColumn {
    pub(super) name: String,
    /// The type alone, such as `decimal`.
    pub(super) ty: String,
    /// The type with everything that is declared, such as `decimal(6,2) unsigned`.
    pub(super) full_type: String,
    pub(super) is_nullable: bool,
    /// The maximum length in characters.
    pub(super) length: Option<i64>,
    /// The number of digits or bits, or of digits after the second.
    pub(super) precision: Option<i64>,
    /// The number of digits after the point.
    pub(super) scale: Option<i64>,
    pub(super) collation: Option<String>,
    pub(super) is_readable: bool,
    /// What supplies its value in a new row.
    pub(super) supply: Supply,
}

/// An index.
#[derive(Debug)]
pub(super) struct Index {
    name: String,
    pub(super) is_unique: bool,
    /// Its columns, in its order; `None` for an expression.
    pub(super) columns: Vec<Option<String>>,
    /// Whether it contains the start of each text only, of any of its columns.
    pub(super) is_cut: bool,
    /// Whether it is in the order of its columns.
    pub(super) is_ordered: bool,
}

impl Index {
    pub(super) fn is_primary(&self) -> bool {
        self.name == "PRIMARY"
    }
}

/// A foreign key.
#[derive(Debug)]
pub(super) struct Reference {
    name: String,
    pub(super) columns: Vec<String>,
    pub(super) target_database: String,
    pub(super) target_table: String,
    pub(super) target_columns: Vec<String>,
}

/// The content of the catalogs.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) relations: BTreeMap<String, Relation>,
    /// The name of the database.
    pub(super) database: String,
}

impl Catalog {
    /// Reads the catalogs.
    pub(super) async fn read(connection: &mut MysqlConnection) -> Result<Self, SourceError> {
        let mut catalog = Self::default();
        catalog.read_tables(connection).await?;
        catalog.read_triggers(connection).await?;
        catalog.read_columns(connection).await?;
        catalog.read_indexes(connection).await?;
        catalog.read_references(connection).await?;
        Ok(catalog)
    }

    async fn read_tables(&mut self, connection: &mut MysqlConnection) -> Result<(), SourceError> {
        each(connection, "SELECT DATABASE()".to_owned(), 1, |row| {
            self.database = text(row, 0)?;
            Some(())
        })
        .await?;
        let sql = format!(
            "SELECT t.table_name, t.table_type = 'BASE TABLE' AND e.transactions = 'YES' \
             FROM information_schema.tables t LEFT JOIN information_schema.engines e ON e.engine = t.engine \
             WHERE t.table_schema = DATABASE() AND t.{TABLES}"
        );
        each(connection, sql, 2, |row| {
            let is_table = number(row, 1) == Some(1);
            self.relations.insert(text(row, 0)?, Relation { is_table, ..Relation::default() });
            Some(())
        })
        .await
    }

    /// Only those are listed that the user has the right to see.
    async fn read_triggers(&mut self, connection: &mut MysqlConnection) -> Result<(), SourceError> {
        let sql = "SELECT DISTINCT event_object_table FROM information_schema.triggers \
                   WHERE trigger_schema = DATABASE() AND event_manipulation <> 'DELETE'";
        each(connection, sql.to_owned(), 1, |row| {
            if let Some(relation) = self.relations.get_mut(&text(row, 0)?) {
                relation.has_triggers = true;
            }
            Some(())
        })
        .await
    }

    async fn read_columns(&mut self, connection: &mut MysqlConnection) -> Result<(), SourceError> {
        let sql = "SELECT table_name, column_name, data_type, column_type, is_nullable = 'YES', character_maximum_length, \
                   COALESCE(numeric_precision, datetime_precision), numeric_scale, collation_name, LOCATE('select', LOWER(privileges)) > 0, \
                   LOWER(extra), column_default IS NOT NULL AND column_default <> 'NULL' \
                   FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position";
        each(connection, sql.to_owned(), 12, |row| {
            let extra = text(row, 10)?;
            let column = CatalogColumn {
                name: text(row, 1)?,
                ty: text(row, 2)?.to_lowercase(),
                full_type: text(row, 3)?.to_lowercase(),
                is_nullable: number(row, 4)? != 0,
                length: number(row, 5),
                precision: number(row, 6),
                scale: number(row, 7),
                collation: text(row, 8),
                is_readable: number(row, 9)? != 0,
                supply: if ["virtual", "stored", "persistent"].iter().any(|kind| extra.contains(kind)) {
                    Supply::Database
                } else if extra.contains("auto_increment") {
                    Supply::Number
                } else if number(row, 11)? != 0 {
                    Supply::Default(None)
                } else {
                    Supply::Statement
                },
            };
            // Other kinds of tables have columns too.
            if let Some(relation) = self.relations.get_mut(&text(row, 0)?) {
                relation.columns.push(column);
            }
            Some(())
        })
        .await
    }

    async fn read_indexes(&mut self, connection: &mut MysqlConnection) -> Result<(), SourceError> {
        let sql = "SELECT table_name, index_name, non_unique = 0, column_name, sub_part IS NOT NULL, index_type = 'BTREE' \
                   FROM information_schema.statistics WHERE table_schema = DATABASE() \
                   ORDER BY table_name, index_name <> 'PRIMARY', index_name, seq_in_index";
        each(connection, sql.to_owned(), 6, |row| {
            let Some(relation) = self.relations.get_mut(&text(row, 0)?) else { return Some(()) };
            let (name, column, is_cut) = (text(row, 1)?, text(row, 3), number(row, 4)? != 0);
            match relation.indexes.last_mut().filter(|index| index.name == name) {
                Some(index) => {
                    index.columns.push(column);
                    index.is_cut |= is_cut;
                }
                None => relation.indexes.push(Index {
                    name,
                    is_unique: number(row, 2)? != 0,
                    columns: vec![column],
                    is_cut,
                    is_ordered: number(row, 5)? != 0,
                }),
            }
            Some(())
        })
        .await
    }

    async fn read_references(&mut self, connection: &mut MysqlConnection) -> Result<(), SourceError> {
        let sql = "SELECT table_name, constraint_name, column_name, referenced_table_schema, referenced_table_name, \
                   referenced_column_name FROM information_schema.key_column_usage \
                   WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL \
                   ORDER BY table_name, constraint_name, ordinal_position";
        each(connection, sql.to_owned(), 6, |row| {
            let Some(relation) = self.relations.get_mut(&text(row, 0)?) else { return Some(()) };
            let (name, column, target) = (text(row, 1)?, text(row, 2)?, text(row, 5)?);
            match relation.references.last_mut().filter(|reference| reference.name == name) {
                Some(reference) => {
                    reference.columns.push(column);
                    reference.target_columns.push(target);
                }
                None => relation.references.push(Reference {
                    name,
                    columns: vec![column],
                    target_database: text(row, 3)?,
                    target_table: text(row, 4)?,
                    target_columns: vec![target],
                }),
            }
            Some(())
        })
        .await
    }
}

/// Runs a statement and passes its rows to `take`, which returns `None` for a row that it does not understand.
pub(in crate::mysql) async fn each(
    connection: &mut MysqlConnection,
    sql: String,
    columns: usize,
    mut take: impl FnMut(&SourceRow<'_>) -> Option<()> + Send,
) -> Result<(), SourceError> {
    let statement = Statement { sql, parameters: Vec::new(), columns, quicker: None };
    let mut is_understood = true;
    let mut rows = |row: &SourceRow<'_>| {
        is_understood &= take(row).is_some();
        ControlFlow::Continue(())
    };
    connection.run(&statement, &mut rows).await?;
    let detail = || SourceError::Failed { detail: "the catalogs contain something unexpected".to_owned() };
    is_understood.then_some(()).ok_or_else(detail)
}

/// A whole number; `None` for null, and for one that does not fit.
pub(in crate::mysql) fn number(row: &SourceRow<'_>, at: usize) -> Option<i64> {
    match row.cell(at).to_value() {
        Value::Integer(value) => Some(value),
        _ => None,
    }
}

/// A text, which some columns of the catalogs have as bytes.
pub(in crate::mysql) fn text(row: &SourceRow<'_>, at: usize) -> Option<String> {
    match row.cell(at) {
        Cell::Text(bytes) | Cell::Blob(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        _ => None,
    }
}
