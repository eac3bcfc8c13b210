//! The end of everything that was issued to an application.

use domain::id::{ApplicationId, Epoch};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};

use super::versions::{self, CachedKind};
use super::{NamedStatement, Read, SqlTransaction, logout_deliveries, pushed_requests, sweeps, values};

/// Revokes all access of an application: its consents, grants, codes, tokens and pushed requests. It is notified that
/// the sessions have ended of which it knew. Returns `None` if there is no such application.
pub(super) async fn revoke<S: SqlTransaction>(
    db: &S,
    application: ApplicationId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<Option<Vec<Revocation>>, S> {
    static ADVANCE: NamedStatement = NamedStatement::new(
        "UPDATE applications SET epoch = epoch + 1 WHERE id = :application RETURNING epoch",
    );
    let Some(epoch) = db.find::<Epoch>(&ADVANCE, values! { application }).await? else { return Ok(None) };
    versions::grow(db, CachedKind::Applications).await?;
    logout_deliveries::access_of_application_ends(db, application, at).await?;
    pushed_requests::delete_of_application(db, application).await?;
    sweeps::request(db).await?;
    let subject = RevokedSubject::Application { application, epoch };
    Ok(Some(db.append_revocations(&[subject], at, revocation_expires_at).await?))
}
