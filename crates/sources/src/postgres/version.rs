//! The version of the server, and the state of the structure.

use odata::cell::Value;

use super::connection::PostgresConnection;
use super::describe::{RELATIONS, SCHEMAS, each, integer, text};
use crate::server::shown_version;
use crate::{SchemaVersion, SourceError};

/// The product with its version.
pub(super) async fn product(connection: &mut PostgresConnection) -> Result<String, SourceError> {
    let sql = "SELECT pg_catalog.current_setting('server_version')".to_owned();
    let mut version = String::new();
    each(connection, sql, &[], 1, |row| {
        version = shown_version(&text(row, 0)?);
        Some(())
    })
    .await?;
    Ok(format!("PostgreSQL {version}"))
}

/// Which rows of the catalogs there are, and the transaction that wrote each. What only changes with the data, such as
/// statistics, is written in place and does not count.
pub(super) async fn version(
    connection: &mut PostgresConnection,
    schemas: &[String],
) -> Result<SchemaVersion, SourceError> {
    let sql = format!(
        "WITH c AS (SELECT c.oid, c.xmin AS written FROM pg_catalog.pg_class c \
           JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE {RELATIONS} AND {SCHEMAS}), \
         r AS (SELECT 1 AS kind, c.oid, 0 AS place, c.written FROM c \
           UNION ALL SELECT 2, a.attrelid, a.attnum, a.xmin FROM pg_catalog.pg_attribute a JOIN c ON c.oid = a.attrelid \
           WHERE a.attnum > 0 \
           UNION ALL SELECT 3, i.indexrelid, 0, i.xmin FROM pg_catalog.pg_index i JOIN c ON c.oid = i.indrelid \
           UNION ALL SELECT 4, k.oid, 0, k.xmin FROM pg_catalog.pg_constraint k JOIN c ON c.oid = k.conrelid \
           UNION ALL SELECT 5, n.oid, 0, n.xmin FROM pg_catalog.pg_namespace n WHERE {SCHEMAS} \
           UNION ALL SELECT 6, t.oid, 0, t.xmin FROM pg_catalog.pg_type t WHERE t.typtype = 'd' \
           UNION ALL SELECT 7, g.oid, 0, g.xmin FROM pg_catalog.pg_trigger g JOIN c ON c.oid = g.tgrelid \
           WHERE NOT g.tgisinternal) \
         SELECT coalesce(pg_catalog.bit_xor(pg_catalog.hash_record_extended(r, 0)), 0), pg_catalog.count(*), \
           (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) FROM r"
    );
    let mut parts = None;
    let given = [Value::Text(schemas.join(","))];
    each(connection, sql, &given, 3, |row| {
        let part = |at: usize| integer(row, at).map(i64::cast_unsigned);
        parts = Some([part(0)?, part(1)?, part(2)?]);
        Some(())
    })
    .await?;
    let detail = || SourceError::Failed { detail: "the catalogs have no version".to_owned() };
    parts.map(SchemaVersion::new).ok_or_else(detail)
}
