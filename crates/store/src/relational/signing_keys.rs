//! Signing keys.

use domain::audit::NewAuditEvent;
use oauth::signing::SigningAlgorithm;

use super::versions::{self, CachedKind};
use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::Impossible;
use crate::{StoredSigningKey, SupersededSigningKeys};

/// Lists every signing key, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<StoredSigningKey>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT id, algorithm, created_at, activates_at, sealed FROM signing_keys ORDER BY id",
    );
    db.list(&LIST, values! {}).await
}

impl Record for StoredSigningKey {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let id = row.read()?;
        let name: String = row.read()?;
        let algorithm = SigningAlgorithm::from_name(&name)
            .ok_or_else(|| Impossible(format!("a signing key of the algorithm {name}")))?;
        Ok(Self { id, algorithm, created_at: row.read()?, activates_at: row.read()?, sealed: row.read()? })
    }
}

/// Adds a signing key if its id is one above the largest stored id, and says whether it did.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    key: &StoredSigningKey,
    event: &NewAuditEvent,
) -> Read<bool, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO signing_keys (id, algorithm, created_at, activates_at, sealed)
        SELECT :id, :algorithm, :created_at, :activates_at, :sealed
        WHERE :id = (SELECT coalesce(max(id), 0) + 1 FROM signing_keys)",
    );
    let row = values! {
        id: key.id,
        algorithm: key.algorithm.as_str(),
        created_at: key.created_at,
        activates_at: key.activates_at,
        sealed: key.sealed.as_slice(),
    };
    if db.execute(&INSERT, row).await? == 0 {
        return Ok(false);
    }
    versions::grow(db, CachedKind::Keys).await?;
    db.append_audit(event).await?;
    Ok(true)
}

/// Deletes superseded keys, and returns how many.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    which: SupersededSigningKeys,
    event: Option<&NewAuditEvent>,
) -> Read<u64, S> {
    static BEFORE: NamedStatement = NamedStatement::new(
        "DELETE FROM signing_keys WHERE EXISTS (SELECT 1 FROM signing_keys AS newer
            WHERE newer.algorithm = signing_keys.algorithm AND newer.id > signing_keys.id
                AND newer.activates_at < :before)",
    );
    static ALL: NamedStatement = NamedStatement::new(
        "DELETE FROM signing_keys WHERE algorithm = :algorithm AND EXISTS (SELECT 1 FROM signing_keys AS newer
            WHERE newer.algorithm = signing_keys.algorithm AND newer.id > signing_keys.id)",
    );
    let deleted = match which {
        SupersededSigningKeys::Before(before) => db.execute(&BEFORE, values! { before }).await?,
        SupersededSigningKeys::All(algorithm) => {
            db.execute(&ALL, values! { algorithm: algorithm.as_str() }).await?
        }
    };
    if deleted > 0 {
        versions::grow(db, CachedKind::Keys).await?;
        if let Some(event) = event {
            db.append_audit(event).await?;
        }
    }
    Ok(deleted)
}
