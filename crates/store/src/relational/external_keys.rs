//! Signing keys whose private half is in a signer.

use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm;

use super::versions::{self, CachedKind};
use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::StoredExternalKey;
use crate::columns::Impossible;

/// Lists every external signing key, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<StoredExternalKey>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT id, key_id, algorithm, created_at, activates_at, seen_at, sealed FROM external_signing_keys ORDER BY id",
    );
    db.list(&LIST, values! {}).await
}

impl Record for StoredExternalKey {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let (id, key_id, name): (_, _, String) = (row.read()?, row.read()?, row.read()?);
        let algorithm = SigningAlgorithm::from_name(&name)
            .ok_or_else(|| Impossible(format!("a signing key of the algorithm {name}")))?;
        Ok(Self {
            id,
            key_id,
            algorithm,
            created_at: row.read()?,
            activates_at: row.read()?,
            seen_at: row.read()?,
            sealed: row.read()?,
        })
    }
}

/// Adds an external key if its id is one above the largest stored id and its `kid` is new, and says whether it did.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    key: &StoredExternalKey,
    event: &NewAuditEvent,
) -> Read<bool, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO external_signing_keys (id, key_id, algorithm, created_at, activates_at, seen_at, sealed)
        SELECT :id, :key_id, :algorithm, :created_at, :activates_at, :seen_at, :sealed
        WHERE :id = (SELECT coalesce(max(id), 0) + 1 FROM external_signing_keys)
            AND NOT EXISTS (SELECT 1 FROM external_signing_keys WHERE key_id = :key_id)",
    );
    let row = values! {
        id: key.id,
        key_id: key.key_id.as_str(),
        algorithm: key.algorithm.as_str(),
        created_at: key.created_at,
        activates_at: key.activates_at,
        seen_at: key.seen_at,
        sealed: key.sealed.as_slice(),
    };
    if db.execute(&INSERT, row).await? == 0 {
        return Ok(false);
    }
    versions::grow(db, CachedKind::Keys).await?;
    db.append_audit(event).await?;
    Ok(true)
}

/// Records that keys were found in a signer.
pub async fn see<S: SqlTransaction>(db: &S, ids: &[u32], at: Timestamp) -> Read<(), S> {
    static SEE: NamedStatement = NamedStatement::new(
        "UPDATE external_signing_keys SET seen_at = :at WHERE id IN {each :ids} AND seen_at < :at",
    );
    let ids: Vec<i64> = ids.iter().copied().map(i64::from).collect();
    db.execute(&SEE, values! { ids: ids.as_slice(), at }).await.map(|_| ())
}

/// Deletes keys that nobody has seen since, and returns how many.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    ids: &[u32],
    unseen_since: Timestamp,
    event: &NewAuditEvent,
) -> Read<u64, S> {
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM external_signing_keys WHERE id IN {each :ids} AND seen_at < :unseen_since",
    );
    let ids: Vec<i64> = ids.iter().copied().map(i64::from).collect();
    let deleted = db.execute(&DELETE, values! { ids: ids.as_slice(), unseen_since }).await?;
    if deleted > 0 {
        versions::grow(db, CachedKind::Keys).await?;
        db.append_audit(event).await?;
    }
    Ok(deleted)
}
