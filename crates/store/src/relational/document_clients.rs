//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, ClientId};
use domain::time::Timestamp;
use oauth::application::Application;

use super::versions::{self, CachedKind};
use super::{Change, NamedStatement, Read, SqlTransaction, applications, sweeps, values};
use crate::{ApplicationRefusal, DocumentClientLimits, NewApplication};

/// Deletes the oldest applications beyond the newest `:most` that no user has allowed and that never got a token. Of
/// those there are few, and no grant need be read.
macro_rules! delete_surplus {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "DELETE FROM applications WHERE id IN (
                SELECT id FROM applications
                WHERE ",
            $condition,
            " AND last_used_at IS NULL
                    AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.application_id = applications.id)
                ORDER BY id DESC LIMIT 1000 OFFSET :most)"
        ))
    };
}

/// Selects the applications without a consent, a grant or a recent use.
macro_rules! unused {
    () => {
        "SELECT id FROM applications
        WHERE client_id LIKE 'https://%' AND updated_at < :since AND coalesce(last_used_at, updated_at) < :since
            AND NOT EXISTS (SELECT 1 FROM consents c WHERE c.application_id = applications.id)
            AND id NOT IN (SELECT DISTINCT application_id FROM grants)
        ORDER BY id LIMIT :batch"
    };
}

/// Stores an application that nobody has allowed yet, in place of the oldest such application if a limit is reached: a
/// refusal would let whoever fills the limit keep others out.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewApplication,
    limits: &DocumentClientLimits,
    event: &NewAuditEvent,
) -> Change<Application, S, ApplicationRefusal> {
    static OF_HOST: NamedStatement = delete_surplus!(
        "substr(client_id, 1, length(:host)) = :host AND substr(client_id, length(:host) + 1, 1) IN ('/', ':')"
    );
    static OF_ALL: NamedStatement = delete_surplus!("client_id LIKE 'https://%'");
    let inserted = applications::insert(db, new, event).await?;
    // The new one is the newest, and stays.
    let host = format!("https://{}", limits.host);
    let most = i64::from(limits.of_host);
    note_deletion(db, db.execute(&OF_HOST, values! { host: host.as_str(), most }).await?).await?;
    let most = i64::from(limits.total);
    note_deletion(db, db.execute(&OF_ALL, values! { most }).await?).await?;
    Ok(inserted)
}

/// Whether an application has this client id and a user has allowed it.
pub async fn is_allowed<S: SqlTransaction>(db: &S, id: &ClientId) -> Read<bool, S> {
    static ALLOWED: NamedStatement = NamedStatement::new(
        "SELECT a.id FROM applications a WHERE a.client_id = :id
            AND EXISTS (SELECT 1 FROM consents c WHERE c.application_id = a.id)",
    );
    Ok(db.find::<ApplicationId>(&ALLOWED, values! { id: id.as_str() }).await?.is_some())
}

/// The applications that may be deleted: without a consent, a grant or a recent use.
pub async fn unused<S: SqlTransaction>(
    db: &S,
    unused_since: Timestamp,
    batch: u32,
) -> Read<Vec<ApplicationId>, S> {
    static UNUSED: NamedStatement = NamedStatement::new(unused!());
    db.list(&UNUSED, values! { since: unused_since, batch: i64::from(batch) }).await
}

/// Deletes the applications that may be deleted, and returns their number.
pub async fn purge<S: SqlTransaction>(db: &S, unused_since: Timestamp, batch: u32) -> Read<u64, S> {
    static PURGE: NamedStatement =
        NamedStatement::new(concat!("DELETE FROM applications WHERE id IN (", unused!(), ")"));
    let purged = db.execute(&PURGE, values! { since: unused_since, batch: i64::from(batch) }).await?;
    note_deletion(db, purged).await?;
    Ok(purged)
}

async fn note_deletion<S: SqlTransaction>(db: &S, deleted: u64) -> Read<(), S> {
    if deleted == 0 {
        return Ok(());
    }
    sweeps::request(db).await?;
    versions::grow(db, CachedKind::Applications).await
}
