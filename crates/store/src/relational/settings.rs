//! Limits and ring keys.

use domain::audit::NewAuditEvent;
use domain::limit::Limit;
use domain::time::Timestamp;

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::Impossible;
use crate::{RightsChanged, StoredKey, rules};

/// Lists the limits that have been set.
pub async fn list_limits<S: SqlTransaction>(db: &S) -> Read<Vec<(Limit, i64)>, S> {
    static LIST: NamedStatement = NamedStatement::new("SELECT id, value FROM limits ORDER BY id");
    Ok(rules::known_limits(db.list(&LIST, values! {}).await?))
}

/// Sets a limit; `None` resets it to its default.
pub async fn set_limit<S: SqlTransaction>(
    db: &S,
    limit: Limit,
    value: Option<i64>,
    event: &NewAuditEvent,
) -> Change<(), S, RightsChanged> {
    static SET: NamedStatement = NamedStatement::new(
        "INSERT INTO limits (id, value) VALUES (:id, :value)
        ON CONFLICT (id) DO UPDATE SET value = excluded.value",
    );
    static RESET: NamedStatement = NamedStatement::new("DELETE FROM limits WHERE id = :id");
    if !authority::holds(db, event).await? {
        return Err(RightsChanged.into());
    }
    let id = limit.id();
    match value {
        Some(value) => db.execute(&SET, values! { id, value }).await?,
        None => db.execute(&RESET, values! { id }).await?,
    };
    versions::grow(db, CachedKind::Limits).await?;
    Ok(db.append_audit(event).await?)
}

/// Lists every ring key, by id.
pub async fn list_keys<S: SqlTransaction>(db: &S) -> Read<Vec<StoredKey>, S> {
    static LIST: NamedStatement =
        NamedStatement::new("SELECT id, created_at, activates_at, sealed FROM ring_keys ORDER BY id");
    db.list(&LIST, values! {}).await
}

impl Record for StoredKey {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { id: row.read()?, created_at: row.read()?, activates_at: row.read()?, sealed: row.read()? })
    }
}

/// Adds a ring key if its id is one above the largest stored id, and says whether it did.
pub async fn insert_key<S: SqlTransaction>(db: &S, key: &StoredKey, event: &NewAuditEvent) -> Read<bool, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO ring_keys (id, created_at, activates_at, sealed) SELECT :id, :created_at, :activates_at, :sealed
        WHERE :id = (SELECT coalesce(max(id), 0) + 1 FROM ring_keys)",
    );
    let StoredKey { id, created_at, activates_at, sealed } = key;
    let row =
        values! { id: *id, created_at: *created_at, activates_at: *activates_at, sealed: sealed.as_slice() };
    if db.execute(&INSERT, row).await? == 0 {
        return Ok(false);
    }
    versions::grow(db, CachedKind::Keys).await?;
    db.append_audit(event).await?;
    Ok(true)
}

/// Deletes ring keys.
pub async fn delete_keys<S: SqlTransaction>(db: &S, ids: &[u32]) -> Read<(), S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM ring_keys WHERE id IN {each :ids}");
    db.execute(&DELETE, values! { ids }).await?;
    versions::grow(db, CachedKind::Keys).await
}

/// The keys other than the active one that were superseded before a time. A key is superseded when the next key
/// becomes active.
pub async fn superseded_keys<S: SqlTransaction>(db: &S, active: u32, before: Timestamp) -> Read<Vec<u32>, S> {
    static SUPERSEDED: NamedStatement = NamedStatement::new(
        "SELECT id FROM (
            SELECT id, lead(activates_at) OVER (ORDER BY id) AS superseded_at FROM ring_keys) AS k
        WHERE id <> :active AND superseded_at < :before",
    );
    db.list(&SUPERSEDED, values! { active, before }).await
}

/// The last of the next `window` grants after an id, if there are any.
pub async fn window_end<S: SqlTransaction>(db: &S, after: i64, window: i64) -> Read<Option<i64>, S> {
    static END: NamedStatement = NamedStatement::new(
        "SELECT max(id) FROM (SELECT id FROM grants WHERE id > :after ORDER BY id LIMIT :window) AS w",
    );
    db.value(&END, values! { after, window }).await
}

/// The keys that seal a refresh token of a live grant between these ids.
pub async fn keys_in_use<S: SqlTransaction>(db: &S, after: i64, end: i64) -> Read<Vec<u32>, S> {
    static IN_USE: NamedStatement = NamedStatement::new(
        "SELECT DISTINCT g.key FROM grants g
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users u ON u.id = g.user_id AND u.epoch = g.user_epoch
        WHERE g.id > :after AND g.id <= :end AND g.refreshable AND g.revoked_at IS NULL",
    );
    db.list(&IN_USE, values! { after, end }).await
}
