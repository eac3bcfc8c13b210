//! Changing and deleting users.

use domain::account::{Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use store::rules::{self, AdministratorChange};
use store::{DeletedUser, Judged, PasswordChange, Possessions, UserChange, UserRefusal, fold_name};
use tokio_postgres::Client;

use super::{find, name_is_taken, possessions, set_roles, stored};
use crate::sql::{self, values};
use crate::versions::{self, Kind};
use crate::{audit, authority, micros, micros_of, purge, revocations, roles, sessions, sign_ins};

pub(super) async fn update(
    db: &Client,
    id: UserId,
    change: &UserChange,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(User, Vec<Revocation>), UserRefusal>> {
    let Some(before) = find(db, id).await? else {
        return Ok(Err(UserRefusal::Unknown));
    };
    if let Some(refusal) = refusal(db, &before, change, event).await? {
        return Ok(Err(refusal));
    }
    let ends_access = change.ends_access_of(&before);
    let after = change.applied_to(&before);
    write(db, &after).await?;
    if change.unlock {
        unlock(db, id).await?;
    }
    if let Some(roles) = &change.roles {
        set_roles(db, id, roles).await?;
    }
    let mut ended = Vec::new();
    if ends_access {
        ended = end_access(db, &after, change.at, change.revocation_expires_at).await?;
    }
    if after.name != before.name {
        // An application record contains the name of its owner.
        versions::grow(db, Kind::Applications).await?;
    }
    versions::grow(db, Kind::Users).await?;
    audit::append_one(db, event).await?;
    Ok(Ok((stored(db, id).await?, ended)))
}

/// Deletes sessions and familiar networks. Grants, consents and tokens become invalid because of the epoch. A
/// session that is being opened at the same time carries the earlier epoch and is invalid as well.
async fn end_access(
    db: &Client,
    after: &User,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Vec<Revocation>> {
    sessions::close_all(db, after.id).await?;
    sign_ins::forget_networks(db, after.id).await?;
    purge::request_sweep(db).await?;
    let subject = RevokedSubject::User { user: after.id, epoch: after.epoch };
    revocations::append_one(db, subject, at, revocation_expires_at).await
}

/// Changes the password only if the user's epoch is still that of the password check. Runs in a serialized
/// transaction.
pub(super) async fn password(
    db: &Client,
    change: &PasswordChange,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Session, Vec<Revocation>), UserRefusal>> {
    const SET: &str = "UPDATE users SET password = $3, epoch = epoch + 1, updated_at = $4
        WHERE id = $1 AND epoch = $2 AND active";
    let (id, epoch) = (change.user, change.user_epoch);
    if find(db, id).await?.is_some_and(|user| user.epoch == epoch) && !authority::holds(db, event).await? {
        return Ok(Err(UserRefusal::RightsChanged));
    }
    if sql::execute(db, SET, values![id.get(), epoch.get(), change.password.as_phc(), micros(change.at)])
        .await?
        == 0
    {
        return Ok(Err(UserRefusal::Unknown));
    }
    let after = stored(db, id).await?;
    let ended = end_access(db, &after, change.at, change.revocation_expires_at).await?;
    let session = sessions::add(db, &change.session(after.epoch)).await?;
    if let Some(network) = change.network {
        sign_ins::remember(db, id, after.epoch, network, change.at).await?;
    }
    versions::grow(db, Kind::Users).await?;
    audit::append_one(db, event).await?;
    Ok(session.map(|session| (session, ended)).ok_or(UserRefusal::Unknown))
}

async fn refusal(
    db: &Client,
    before: &User,
    change: &UserChange,
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    let given = change.roles.as_deref().unwrap_or_default();
    if let Some(refusal) = beyond(db, before, given, event).await? {
        return Ok(Some(refusal));
    }
    if let Some(name) = &change.name
        && name_is_taken(db, name, Some(before.id)).await?
    {
        return Ok(Some(UserRefusal::NameTaken));
    }
    if let Some(roles) = &change.roles
        && !roles::all_exist(db, roles).await?
    {
        return Ok(Some(UserRefusal::UnknownRole));
    }
    let stays = change.active.unwrap_or(before.active)
        && roles::make_administrator(db, change.roles.as_ref().unwrap_or(&before.roles)).await?;
    last_administrator(db, before, stays).await
}

/// Why the caller may not change this user or assign these roles, if so.
async fn beyond(
    db: &Client,
    user: &User,
    given: &[RoleId],
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    let mut touched = authority::permissions_of_user(db, user.id).await?;
    touched.extend(authority::permissions_of_roles(db, given).await?);
    roles::refusal(db, &touched, event).await
}

/// Why the change, after which the user `stays` an active Administrator or not, would leave none, if so.
async fn last_administrator(db: &Client, before: &User, stays: bool) -> sql::Result<Option<UserRefusal>> {
    let change = AdministratorChange {
        was: roles::make_administrator(db, &before.roles).await?,
        stays,
        another: roles::administrator_besides(db, before.id).await?,
    };
    Ok(rules::user_leaves_an_administrator(before, change).err())
}

/// Leaves the failure counters alone, because they are counted outside serialized transactions.
async fn write(db: &Client, user: &User) -> sql::Result<()> {
    const UPDATE: &str =
        "UPDATE users SET name = $2, folded_name = CASE WHEN name = $2 THEN folded_name ELSE $3 END,
            password = $4, active = $5, password_expires_at = $6, epoch = $7, updated_at = $8
        WHERE id = $1";
    sql::execute(
        db,
        UPDATE,
        values![
            user.id.get(),
            user.name.as_str(),
            fold_name(&user.name),
            user.password.as_phc(),
            user.active,
            micros_of(user.password_expires_at),
            user.epoch.get(),
            micros(user.updated_at),
        ],
    )
    .await
    .map(drop)
}

async fn unlock(db: &Client, id: UserId) -> sql::Result<()> {
    const UNLOCK: &str =
        "UPDATE users SET failures = 0, failures_since = NULL, locked_until = NULL WHERE id = $1";
    sql::execute(db, UNLOCK, values![id.get()]).await?;
    sign_ins::unlock_networks(db, id).await
}

pub(super) async fn delete(
    db: &Client,
    id: UserId,
    possessions: Possessions,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<DeletedUser, UserRefusal>> {
    let Some(user) = find(db, id).await? else {
        return Ok(Err(UserRefusal::Unknown));
    };
    if let Some(refusal) = beyond(db, &user, &[], event).await? {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = last_administrator(db, &user, false).await? {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = possessions::refusal(db, id, possessions).await? {
        return Ok(Err(refusal));
    }
    let mut gone = possessions::settle(db, id, possessions, event.at, revocation_expires_at).await?;
    if sql::execute(db, "DELETE FROM data_source_shares WHERE user_id = $1", values![id.get()]).await? > 0 {
        versions::grow(db, Kind::DataSources).await?;
    }
    sessions::close_all(db, id).await?;
    sign_ins::forget_networks(db, id).await?;
    set_roles(db, id, &[]).await?;
    sql::execute(db, "DELETE FROM users WHERE id = $1", values![id.get()]).await?;
    let subject = RevokedSubject::User { user: id, epoch: Epoch::GONE };
    gone.ended.extend(revocations::append_one(db, subject, event.at, revocation_expires_at).await?);
    purge::request_sweep(db).await?;
    versions::grow(db, Kind::Users).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(DeletedUser { ended: gone.ended, data_sources: gone.data_sources }))
}
