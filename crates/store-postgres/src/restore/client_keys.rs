//! The keys by which applications prove who they are.

use oauth::application::ClientMetadata;
use store::columns::Impossible;
use tokio_postgres::Client;

use crate::error::Failure;
use crate::sql::{self, values};

/// Applications that are read at once.
const WINDOW: i64 = 1_000;

/// Removes the keys of all applications, and returns how many had any. The text is not read as `jsonb`, which refuses
/// some escapes of JSON.
pub(super) async fn remove(db: &Client) -> sql::Result<u64> {
    const WITH_METADATA: &str = "SELECT id, client_metadata FROM applications
        WHERE id > $1 AND client_metadata IS NOT NULL ORDER BY id LIMIT $2";
    const REPLACE: &str = "UPDATE applications SET client_metadata = $2 WHERE id = $1";
    let (mut after, mut removed) = (i64::MIN, 0);
    loop {
        let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
        let window: Vec<(i64, String)> = sql::list(db, WITH_METADATA, values![after, WINDOW], read).await?;
        let Some((last, _)) = window.last() else { return Ok(removed) };
        after = *last;
        for (id, json) in window {
            let mut metadata = ClientMetadata::from_json(Some(&json))
                .map_err(|error| Failure::from(Impossible(error.to_string())))?;
            if metadata.authentication.remove_credentials() {
                removed += 1;
                sql::execute(db, REPLACE, values![id, metadata.to_json()]).await?;
            }
        }
    }
}
