//! Revoking all access of a user, of an application, of both together, or of a time.

use domain::audit::NewAuditEvent;
use domain::id::{Epoch, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};

use super::versions::{self, CachedKind};
use super::{
    Change, NamedStatement, Read, SqlTransaction, application_access, authority, consents, logout_deliveries,
    one_time_links, personal_access_tokens, sessions, users, values,
};
use crate::columns::ISSUED_BEFORE;
use crate::{AccessOf, RightsChanged};

/// Revokes access. Returns `None` if there is no such user or application, or if the user has not allowed the
/// application.
pub async fn revoke<S: SqlTransaction>(
    db: &S,
    access: AccessOf,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<Option<Vec<Revocation>>, S, RightsChanged> {
    if !authority::holds(db, event).await? {
        return Err(RightsChanged.into());
    }
    let ended = match access {
        AccessOf::UserAtApplication { user, application } => {
            let ended = consents::revoke(db, user, application, event.at, revocation_expires_at).await?;
            if ended.is_some() {
                logout_deliveries::access_at_application_ends(db, user, application, event.at).await?;
            }
            ended
        }
        AccessOf::User(user) => of_user(db, user, event.at, revocation_expires_at).await?,
        AccessOf::Application(application) => {
            application_access::revoke(db, application, event.at, revocation_expires_at).await?
        }
        AccessOf::IssuedBefore(instant) => Some(issued_before(db, instant, event.at).await?),
    };
    if ended.is_some() {
        db.append_audit(event).await?;
    }
    Ok(ended)
}

async fn of_user<S: SqlTransaction>(
    db: &S,
    user: UserId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<Option<Vec<Revocation>>, S> {
    static ADVANCE: NamedStatement =
        NamedStatement::new("UPDATE users SET epoch = epoch + 1 WHERE id = :user RETURNING epoch");
    let Some(epoch) = db.find::<Epoch>(&ADVANCE, values! { user }).await? else { return Ok(None) };
    versions::grow(db, CachedKind::Users).await?;
    Ok(Some(users::change::end_access(db, user, epoch, at, revocation_expires_at).await?))
}

/// Grants do not expire, so the revocation does not either. It replaces those of earlier instants. The sessions are deleted,
/// so that a node that has not learned of the revocation redeems none of their codes.
async fn issued_before<S: SqlTransaction>(
    db: &S,
    instant: Timestamp,
    at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    static REPLACE: NamedStatement =
        NamedStatement::new("DELETE FROM revocations WHERE kind = :kind AND epoch <= :instant");
    db.execute(&REPLACE, values! { kind: ISSUED_BEFORE, instant }).await?;
    sessions::close_older(db, instant, at).await?;
    personal_access_tokens::delete_older(db, instant).await?;
    one_time_links::delete_older(db, instant).await?;
    db.append_revocations(&[RevokedSubject::IssuedBefore(instant)], at, Timestamp::MAX).await
}
