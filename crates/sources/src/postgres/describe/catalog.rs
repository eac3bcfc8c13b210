//! What the catalogs say, by the numbers of tables.

use std::collections::HashMap;
use std::ops::ControlFlow;

use odata::cell::{Cell, Row, Value};
use odata::model::{KeyCheck, Supply};
use odata::statement::Statement;

use crate::driver::Statements;
use crate::postgres::connection::PostgresConnection;
use crate::postgres::oid::Oid;
use crate::{SourceError, SourceRow};

/// Which schemas are described: those in the first parameter, or all but the server's own.
pub(in crate::postgres) const SCHEMAS: &str = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' \
     AND ($1 = '' OR n.nspname = ANY (pg_catalog.string_to_array($1, ',')))";

/// Tables, partitioned tables, views, materialized views and foreign tables. A partition is part of its table.
pub(in crate::postgres) const RELATIONS: &str =
    "c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition";

/// Whether a column takes its values from a sequence of its own: it is an identity, or was declared as `serial`.
const COUNTS: &str = "a.attidentity = 'd' OR (a.atthasdef AND EXISTS (SELECT 1 FROM pg_catalog.pg_depend o \
     JOIN pg_catalog.pg_class s ON s.oid = o.objid AND s.relkind = 'S' WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
     AND o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.refobjid = a.attrelid AND o.refobjsubid = a.attnum \
     AND o.deptype = 'a'))";

/// Whether a trigger or a rule may give a new or updated row of the table, or of its partitions, other values. Triggers have the bit 4 for
/// insertions and 16 for updates; those of constraints are the server's own. Each list is read once for all tables.
const REWRITES: &str = "c.oid IN (SELECT coalesce(pg_catalog.pg_partition_root(t.tgrelid), t.tgrelid)::pg_catalog.oid \
     FROM pg_catalog.pg_trigger t WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 20 <> 0) \
     OR c.oid IN (SELECT w.ev_class FROM pg_catalog.pg_rewrite w WHERE w.ev_type IN ('2', '3'))";

/// The collation of ICU by which `tolower` and `toupper` change letters.
pub(super) const LETTERS: &str = "und-x-icu";

/// A table or view.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Relation {
    pub(super) oid: Oid,
    pub(super) schema: String,
    pub(super) name: String,
    /// Whether it is a materialized view.
    pub(super) is_materialized: bool,
    /// Whether it is a table of this database.
    pub(super) is_table: bool,
    /// Why it cannot be served, if it cannot.
    pub(super) omitted: Option<Omission>,
    /// Whether other tables inherit from it, so that its rows are theirs too.
    pub(super) has_heirs: bool,
    /// Whether a trigger or a rule runs when a row is inserted or updated.
    pub(super) has_triggers: bool,
}

impl Relation {
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// Why a table or view cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Omission {
    /// The user may read none of its columns.
    Unreadable,
    /// It is a materialized view that was never filled.
    Unpopulated,
}

impl Omission {
    /// The finding about it.
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Unreadable => "omitted, because the user of the data source may not read it",
            Self::Unpopulated => {
                "omitted, because it is a materialized view without data; REFRESH MATERIALIZED VIEW fills it"
            }
        }
    }
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct CatalogColumn {
    pub(super) number: i16,
    pub(super) name: String,
    pub(super) ty: Oid,
    /// The length, or precision and scale; -1 for none.
    pub(super) modifier: i32,
    pub(super) is_required: bool,
    pub(super) is_readable: bool,
    pub(super) collation: TextOrder,
    /// What supplies its value in a new row.
    pub(super) supply: Supply,
}

/// How the texts of a column are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextOrder {
    /// By their bytes.
    Binary,
    /// By the rules of a language; different texts are different.
    Linguistic,
    /// By rules under which different texts can be equal.
    Loose,
}

/// A domain: a type that is another one with conditions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Domain {
    pub(super) base: Oid,
    pub(super) modifier: i32,
    pub(super) is_required: bool,
}

/// An index over all rows, whose parts are columns.
#[derive(Debug)]
pub(super) struct Index {
    pub(super) is_unique: bool,
    pub(super) is_primary: bool,
    /// The numbers of the columns, in the order of the index.
    pub(super) columns: Vec<i16>,
    /// Whether it is in the order of the type and collation of its first column, so that it serves orders.
    pub(super) is_ordered: bool,
    /// When it finds two equal rows.
    pub(super) check: KeyCheck,
}

/// A foreign key.
#[derive(Debug)]
pub(super) struct Reference {
    pub(super) columns: Vec<i16>,
    pub(super) target: Oid,
    pub(super) target_schema: String,
    pub(super) target_name: String,
    pub(super) target_columns: Vec<i16>,
}

/// The content of the catalogs.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    pub(super) relations: Vec<Relation>,
    pub(super) columns: HashMap<Oid, Vec<CatalogColumn>>,
    pub(super) domains: HashMap<Oid, Domain>,
    pub(super) indexes: HashMap<Oid, Vec<Index>>,
    pub(super) references: HashMap<Oid, Vec<Reference>>,
}

impl Catalog {
    /// Reads the catalogs for these schemas.
    pub(super) async fn read(
        connection: &mut PostgresConnection,
        schemas: &[String],
    ) -> Result<Self, SourceError> {
        let mut catalog = Self::default();
        let given = vec![Value::Text(schemas.join(","))];
        catalog.read_relations(connection, &given).await?;
        catalog.read_columns(connection, &given).await?;
        catalog.read_domains(connection).await?;
        catalog.read_indexes(connection, &given).await?;
        catalog.read_references(connection, &given).await?;
        Ok(catalog)
    }

    /// Whether the database has the collation of ICU by which letters change their case. A server that was built without
    /// ICU has none, nor has a database whose encoding ICU does not know.
    pub(super) async fn has_unicode_letters(
        connection: &mut PostgresConnection,
    ) -> Result<bool, SourceError> {
        let sql = format!("SELECT pg_catalog.to_regcollation('pg_catalog.\"{LETTERS}\"') IS NOT NULL");
        let mut has_it = false;
        each(connection, sql, &[], 1, |row| {
            has_it = flag(row, 0);
            Some(())
        })
        .await?;
        Ok(has_it)
    }

    /// The name of a column by its number.
    pub(super) fn column_name(&self, table: Oid, number: i16) -> Option<String> {
        let columns = self.columns.get(&table)?;
        columns.iter().find(|column| column.number == number).map(|column| column.name.clone())
    }

    async fn read_relations(
        &mut self,
        connection: &mut PostgresConnection,
        given: &[Value],
    ) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT c.oid, n.nspname, c.relname, c.relkind = 'm', pg_catalog.has_schema_privilege(n.oid, 'USAGE'), \
             pg_catalog.has_any_column_privilege(c.oid, 'SELECT'), c.relispopulated, \
             EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid) AND c.relkind <> 'p', \
             c.relkind IN ('r', 'p'), {REWRITES} FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE {RELATIONS} AND {SCHEMAS} ORDER BY 2, 3"
        );
        each(connection, sql, given, 10, |row| {
            self.relations.push(Relation {
                oid: oid(row, 0)?,
                schema: text(row, 1)?,
                name: text(row, 2)?,
                is_materialized: flag(row, 3),
                omitted: reason_to_omit(flag(row, 4) && flag(row, 5), flag(row, 6)),
                has_heirs: flag(row, 7),
                is_table: flag(row, 8),
                has_triggers: flag(row, 9),
            });
            Some(())
        })
        .await
    }

    /// The right to read is looked up once for each table, because most columns have no rights of their own. The columns of a table
    /// are ordered here: the server would sort those of all tables.
    async fn read_columns(
        &mut self,
        connection: &mut PostgresConnection,
        given: &[Value],
    ) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, \
             a.attnotnull, CASE WHEN a.attacl IS NULL THEN c.is_readable \
             ELSE pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') END, \
             CASE WHEN NOT l.collisdeterministic THEN 'l' \
             WHEN l.collname IN ('C', 'POSIX', 'ucs_basic', 'pg_c_utf8') THEN 'b' \
             WHEN l.collname = 'default' AND d.datcollate IN ('C', 'POSIX') THEN 'b' END, \
             a.attgenerated <> '' OR a.attidentity = 'a', a.atthasdef OR a.attidentity = 'd', {COUNTS} \
             FROM pg_catalog.pg_attribute a JOIN ( \
               SELECT c.oid, pg_catalog.has_table_privilege(c.oid, 'SELECT') AS is_readable FROM pg_catalog.pg_class c \
               JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {RELATIONS} AND {SCHEMAS} OFFSET 0 \
             ) c ON c.oid = a.attrelid \
             JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database() \
             LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation \
             WHERE a.attnum > 0 AND NOT a.attisdropped"
        );
        each(connection, sql, given, 11, |row| {
            let column = CatalogColumn {
                number: number(row, 1)?,
                name: text(row, 2)?,
                ty: oid(row, 3)?,
                modifier: integer(row, 4)?.try_into().ok()?,
                is_required: flag(row, 5),
                is_readable: flag(row, 6),
                collation: match text(row, 7).as_deref() {
                    Some("b") => TextOrder::Binary,
                    Some("l") => TextOrder::Loose,
                    _ => TextOrder::Linguistic,
                },
                supply: match (flag(row, 8), flag(row, 9)) {
                    (true, _) => Supply::Database,
                    (false, true) if flag(row, 10) => Supply::Number,
                    (false, true) => Supply::Default(None),
                    (false, false) => Supply::Statement,
                },
            };
            self.columns.entry(oid(row, 0)?).or_default().push(column);
            Some(())
        })
        .await?;
        self.columns.values_mut().for_each(|columns| columns.sort_unstable_by_key(|column| column.number));
        Ok(())
    }

    async fn read_domains(&mut self, connection: &mut PostgresConnection) -> Result<(), SourceError> {
        let sql =
            "SELECT oid, typbasetype, typtypmod, typnotnull FROM pg_catalog.pg_type WHERE typtype = 'd'";
        each(connection, sql.to_owned(), &[], 4, |row| {
            let modifier = integer(row, 2)?.try_into().ok()?;
            let domain = Domain { base: oid(row, 1)?, modifier, is_required: flag(row, 3) };
            self.domains.insert(oid(row, 0)?, domain);
            Some(())
        })
        .await
    }

    async fn read_indexes(
        &mut self,
        connection: &mut PostgresConnection,
        given: &[Value],
    ) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT i.indrelid, i.indisunique, i.indisprimary, i.indkey::pg_catalog.text, i.indnkeyatts::pg_catalog.int8, \
             m.amname = 'btree' AND i.indcollation[0] = coalesce(a.attcollation, 0) AND o.opcdefault, i.indimmediate \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_am m ON m.oid = x.relam \
             JOIN pg_catalog.pg_opclass o ON o.oid = i.indclass[0] \
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
             WHERE i.indpred IS NULL AND i.indexprs IS NULL AND i.indisvalid AND {RELATIONS} AND {SCHEMAS} \
             ORDER BY i.indrelid, i.indisprimary DESC, i.indnatts, x.relname"
        );
        each(connection, sql, given, 7, |row| {
            let mut columns = numbers(&text(row, 3)?)?;
            columns.truncate(integer(row, 4)?.try_into().ok()?);
            let (is_unique, is_primary) = (flag(row, 1), flag(row, 2));
            let (is_ordered, is_immediate) = (flag(row, 5), flag(row, 6));
            let check = if is_immediate { KeyCheck::AtOnce } else { KeyCheck::Later };
            let index = Index { is_unique, is_primary, columns, is_ordered, check };
            self.indexes.entry(oid(row, 0)?).or_default().push(index);
            Some(())
        })
        .await
    }

    async fn read_references(
        &mut self,
        connection: &mut PostgresConnection,
        given: &[Value],
    ) -> Result<(), SourceError> {
        let sql = format!(
            "SELECT k.conrelid, pg_catalog.array_to_string(k.conkey, ' '), k.confrelid, tn.nspname, t.relname, \
             pg_catalog.array_to_string(k.confkey, ' ') \
             FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_class t ON t.oid = k.confrelid JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace \
             WHERE k.contype = 'f' AND k.conparentid = 0 AND {RELATIONS} AND {SCHEMAS} ORDER BY k.conrelid, k.conname"
        );
        each(connection, sql, given, 6, |row| {
            let reference = Reference {
                columns: numbers(&text(row, 1)?)?,
                target: oid(row, 2)?,
                target_schema: text(row, 3)?,
                target_name: text(row, 4)?,
                target_columns: numbers(&text(row, 5)?)?,
            };
            self.references.entry(oid(row, 0)?).or_default().push(reference);
            Some(())
        })
        .await
    }
}

/// Why a table cannot be served. A readable one has at least one column that the user may read; only a materialized view
/// may lack its rows.
fn reason_to_omit(is_readable: bool, is_populated: bool) -> Option<Omission> {
    if !is_readable {
        Some(Omission::Unreadable)
    } else if !is_populated {
        Some(Omission::Unpopulated)
    } else {
        None
    }
}

/// Runs a statement and passes its rows to `take`, which returns `None` for a row that it does not understand.
pub(in crate::postgres) async fn each(
    connection: &mut PostgresConnection,
    sql: String,
    parameters: &[Value],
    columns: usize,
    mut take: impl FnMut(&SourceRow<'_>) -> Option<()> + Send,
) -> Result<(), SourceError> {
    let statement = Statement { sql, parameters: parameters.to_vec(), columns, quicker: None };
    let mut is_understood = true;
    let mut rows = |row: &SourceRow<'_>| {
        is_understood &= take(row).is_some();
        ControlFlow::Continue(())
    };
    connection.run(&statement, &mut rows).await?;
    let detail = || SourceError::Failed { detail: "the catalogs contain something unexpected".to_owned() };
    is_understood.then_some(()).ok_or_else(detail)
}

/// A whole number.
pub(in crate::postgres) fn integer(row: &SourceRow<'_>, at: usize) -> Option<i64> {
    match row.cell(at) {
        Cell::Integer(value) => Some(value),
        _ => None,
    }
}

fn oid(row: &SourceRow<'_>, at: usize) -> Option<Oid> {
    integer(row, at)?.try_into().ok()
}

fn number(row: &SourceRow<'_>, at: usize) -> Option<i16> {
    integer(row, at)?.try_into().ok()
}

fn flag(row: &SourceRow<'_>, at: usize) -> bool {
    row.cell(at).to_value() == Value::Integer(1)
}

/// A text.
pub(in crate::postgres) fn text(row: &SourceRow<'_>, at: usize) -> Option<String> {
    match row.cell(at) {
        Cell::Text(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        _ => None,
    }
}

/// Numbers that are separated by blanks.
fn numbers(text: &str) -> Option<Vec<i16>> {
    text.split_ascii_whitespace().map(|number| number.parse().ok()).collect()
}
