//! The second factors of users.

use domain::account::second_factor::{SealedTotpSecret, SecondFactor};
use domain::audit::NewAuditEvent;
use domain::id::UserId;
use domain::secret::Digest;
use oauth::revocation::Revocation;

use super::versions::{self, CachedKind};
use super::{
    Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, sessions, values,
};
use crate::columns::Impossible;
use crate::{NewSecondFactor, SecondFactorRefusal};

/// Finds the second factor of a user.
pub async fn find<S: SqlTransaction>(db: &S, user: UserId) -> Read<Option<SecondFactor>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT f.secret, f.last_step, f.created_at,
            (SELECT count(*) FROM recovery_codes r WHERE r.user_id = f.user_id)
        FROM second_factors f WHERE f.user_id = :user",
    );
    db.find(&FIND, values! { user }).await
}

impl Record for SecondFactor {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            secret: SealedTotpSecret::new(row.read()?),
            last_step: row.read()?,
            created_at: row.read()?,
            recovery_codes: row.read()?,
        })
    }
}

/// Stores the second factor of a user who has none, and ends the user's other sessions.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewSecondFactor,
    event: &NewAuditEvent,
) -> Change<Vec<Revocation>, S, SecondFactorRefusal> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO second_factors (user_id, secret, last_step, created_at)
        SELECT u.id, :secret, :step, :at FROM users u
        WHERE u.id = :user AND u.epoch = :user_epoch AND u.active
            AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id)
        RETURNING user_id",
    );
    rights_hold(db, event).await?;
    let NewSecondFactor { user, user_epoch, secret, step, session, revocations_expire_at, .. } = new;
    let user = *user;
    let row = values! { secret: secret.as_bytes(), step: *step, at: event.at, user, user_epoch: *user_epoch };
    if db.find::<UserId>(&INSERT, row).await?.is_none() {
        let exists = find(db, user).await?.is_some();
        return Err(
            if exists { SecondFactorRefusal::Exists } else { SecondFactorRefusal::RightsChanged }.into()
        );
    }
    add_codes(db, user, &new.recovery_codes).await?;
    sessions::note_second_factor(db, *session).await?;
    let ended = sessions::end_others(db, user, *session, event.at, *revocations_expire_at).await?;
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok(ended)
}

async fn rights_hold<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Change<(), S, SecondFactorRefusal> {
    if authority::holds(db, event).await? { Ok(()) } else { Err(SecondFactorRefusal::RightsChanged.into()) }
}

async fn add_codes<S: SqlTransaction>(db: &S, user: UserId, digests: &[Digest]) -> Read<(), S> {
    static ADD: NamedStatement =
        NamedStatement::new("INSERT INTO recovery_codes (user_id, digest) VALUES (:user, :digest)");
    for digest in digests {
        db.execute(&ADD, values! { user, digest }).await?;
    }
    Ok(())
}

async fn delete_codes<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM recovery_codes WHERE user_id = :user");
    db.execute(&DELETE, values! { user }).await.map(drop)
}

/// Uses up the code of a time step. Of concurrent callers, one gets it.
pub async fn use_step<S: SqlTransaction>(db: &S, user: UserId, step: i64) -> Read<bool, S> {
    static USE: NamedStatement = NamedStatement::new(
        "UPDATE second_factors SET last_step = :step WHERE user_id = :user AND last_step < :step",
    );
    Ok(db.execute(&USE, values! { step, user }).await? > 0)
}

/// Uses up a recovery code. Of concurrent callers, one gets it.
pub async fn use_recovery_code<S: SqlTransaction>(
    db: &S,
    user: UserId,
    digest: &Digest,
    event: &NewAuditEvent,
) -> Read<bool, S> {
    static USE: NamedStatement =
        NamedStatement::new("DELETE FROM recovery_codes WHERE user_id = :user AND digest = :digest");
    let is_used = db.execute(&USE, values! { user, digest }).await? > 0;
    if is_used {
        db.append_audit(event).await?;
    }
    Ok(is_used)
}

/// Replaces all recovery codes of a user who has a second factor.
pub async fn replace_recovery_codes<S: SqlTransaction>(
    db: &S,
    user: UserId,
    digests: &[Digest],
    event: &NewAuditEvent,
) -> Change<(), S, SecondFactorRefusal> {
    rights_hold(db, event).await?;
    if find(db, user).await?.is_none() {
        return Err(SecondFactorRefusal::Unknown.into());
    }
    delete_codes(db, user).await?;
    add_codes(db, user, digests).await?;
    Ok(db.append_audit(event).await?)
}

/// Deletes the second factor of a user, with the recovery codes, if the caller has all permissions of that user.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    user: UserId,
    event: &NewAuditEvent,
) -> Change<(), S, SecondFactorRefusal> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM second_factors WHERE user_id = :user");
    rights_hold(db, event).await?;
    if !event.covers(&authority::permissions_of_user(db, user).await?) {
        return Err(SecondFactorRefusal::BeyondRights.into());
    }
    if db.execute(&DELETE, values! { user }).await? == 0 {
        return Err(SecondFactorRefusal::Unknown.into());
    }
    delete_codes(db, user).await?;
    versions::grow(db, CachedKind::Users).await?;
    Ok(db.append_audit(event).await?)
}
