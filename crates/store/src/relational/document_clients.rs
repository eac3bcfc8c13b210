//! Applications that the metadata documents of clients describe.

use domain::audit::NewAuditEvent;
use domain::id::ApplicationId;
use domain::time::Timestamp;
use oauth::application::Application;

use super::versions::{self, CachedKind};
use super::{Change, NamedStatement, Read, SqlTransaction, applications, sweeps, values};
use crate::{ApplicationRefusal, NewApplication};

/// Stores an application that nobody has allowed yet, unless there are `most` of them.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewApplication,
    most: u32,
    event: &NewAuditEvent,
) -> Change<Option<Application>, S, ApplicationRefusal> {
    static WAITING: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM applications
        WHERE client_id LIKE 'https://%' AND id NOT IN (SELECT application_id FROM consents)",
    );
    let waiting: i64 = db.value(&WAITING, values! {}).await?;
    if waiting >= i64::from(most) {
        return Ok(None);
    }
    applications::insert(db, new, event).await.map(Some)
}

/// The applications that may be deleted: without a consent, a grant or a recent use.
pub async fn unused<S: SqlTransaction>(
    db: &S,
    unused_since: Timestamp,
    batch: u32,
) -> Read<Vec<ApplicationId>, S> {
    static UNUSED: NamedStatement = NamedStatement::new(
        "SELECT id FROM applications
        WHERE client_id LIKE 'https://%' AND updated_at < :since AND coalesce(last_used_at, updated_at) < :since
            AND id NOT IN (SELECT application_id FROM consents)
            AND id NOT IN (SELECT application_id FROM grants)
        ORDER BY id LIMIT :batch",
    );
    db.list(&UNUSED, values! { since: unused_since, batch: i64::from(batch) }).await
}

/// Deletes the applications that may be deleted, and returns their number.
pub async fn purge<S: SqlTransaction>(db: &S, unused_since: Timestamp, batch: u32) -> Read<u64, S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM applications WHERE id IN {each :ids}");
    let ids: Vec<i64> = unused(db, unused_since, batch).await?.into_iter().map(ApplicationId::get).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    let deleted = db.execute(&DELETE, values! { ids: ids.as_slice() }).await?;
    sweeps::request(db).await?;
    versions::grow(db, CachedKind::Applications).await?;
    Ok(deleted)
}
