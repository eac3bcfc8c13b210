//! The keys by which applications prove who they are.

use oauth::application::ClientMetadata;
use rusqlite::Connection;
use store::columns::Impossible;

use crate::sql;

/// Removes the keys of the applications for which the SQL condition holds, and returns how many had any.
pub(super) fn remove(db: &Connection, condition: &str) -> sql::Result<u64> {
    const REPLACE: &str = "UPDATE main.applications SET client_metadata = ?2 WHERE id = ?1";
    let find = format!("SELECT id FROM main.applications WHERE client_metadata IS NOT NULL AND {condition}");
    let ids: Vec<i64> = sql::list(db, &find, (), |row| Ok(row.get(0)?))?;
    let mut removed = 0;
    for id in ids {
        let json: String =
            sql::value(db, "SELECT client_metadata FROM main.applications WHERE id = ?1", [id])?;
        let mut metadata =
            ClientMetadata::from_json(Some(&json)).map_err(|error| Impossible(error.to_string()))?;
        if metadata.authentication.remove_credentials() {
            removed += 1;
            sql::execute(db, REPLACE, (id, metadata.to_json()))?;
        }
    }
    Ok(removed)
}
