//! The version of the server, and the state of the structure.

use super::connection::MysqlConnection;
use super::describe::{TABLES, each, number, text};
use crate::server::shown_version;
use crate::{SchemaVersion, SourceError};

/// The product with its version.
pub(super) async fn product(connection: &mut MysqlConnection) -> Result<String, SourceError> {
    let mut version = String::new();
    each(connection, "SELECT VERSION()".to_owned(), 1, |row| {
        version = shown_version(&text(row, 0)?);
        Some(())
    })
    .await?;
    Ok(format!("{} {version}", connection.product().name()))
}

/// Hashes what the description is made of: one row for each table, column, part of an index and part of a foreign key that the
/// user may see. What only changes with the data, such as statistics, does not count. The catalogs are not joined: they have no
/// indexes, so that a join compares each column with each table.
pub(super) async fn version(connection: &mut MysqlConnection) -> Result<SchemaVersion, SourceError> {
    let hashed = |fields: &str| {
        format!("CAST(CONV(LEFT(SHA1(CONCAT_WS('\\n', {fields})), 15), 16, 10) AS SIGNED) AS hash")
    };
    let of_columns = hashed(
        "table_name, ordinal_position, column_name, column_type, is_nullable, COALESCE(collation_name, ''), privileges",
    );
    let of_tables = hashed("table_name, table_type, COALESCE(engine, '')");
    let of_indexes = hashed(
        "table_name, index_name, seq_in_index, non_unique, COALESCE(column_name, ''), COALESCE(sub_part, 0)",
    );
    let of_references = hashed(
        "table_name, constraint_name, ordinal_position, column_name, referenced_table_schema, referenced_table_name, \
         referenced_column_name",
    );
    let of_triggers = hashed("event_object_table, trigger_name, event_manipulation");
    let sql = format!(
        "SELECT CAST(COALESCE(BIT_XOR(hash), 0) AS SIGNED), COUNT(*), CAST(COALESCE(SUM(CRC32(hash)), 0) AS SIGNED) FROM ( \
         SELECT {of_tables} FROM information_schema.tables WHERE table_schema = DATABASE() AND {TABLES} \
         UNION ALL SELECT {of_columns} FROM information_schema.columns WHERE table_schema = DATABASE() \
         UNION ALL SELECT {of_indexes} FROM information_schema.statistics WHERE table_schema = DATABASE() \
         UNION ALL SELECT {of_triggers} FROM information_schema.triggers WHERE trigger_schema = DATABASE() \
         UNION ALL SELECT {of_references} FROM information_schema.key_column_usage \
           WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL) AS parts"
    );
    let mut parts = None;
    each(connection, sql, 3, |row| {
        let part = |at: usize| number(row, at).map(i64::cast_unsigned);
        parts = Some([part(0)?, part(1)?, part(2)?]);
        Some(())
    })
    .await?;
    let detail = || SourceError::Failed { detail: "the catalogs have no version".to_owned() };
    parts.map(SchemaVersion::new).ok_or_else(detail)
}
