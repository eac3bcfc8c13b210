//! Changing and deleting users.

use domain::account::{Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::{Connection, params};
use store::rules::{self, AdministratorChange};
use store::{DeletedUser, Judged, PasswordChange, Possessions, UserChange, UserRefusal, fold_name};

use super::{find, name_is_taken, possessions, roles_exist, set_roles, stored};
use crate::versions::{self, Kind};
use crate::{audit, authority, micros, micros_of, purge, revocations, roles, sessions, sign_ins, sql};

pub(super) fn update(
    db: &Connection,
    id: UserId,
    change: &UserChange,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(User, Vec<Revocation>), UserRefusal>> {
    let Some(before) = find(db, id)? else {
        return Ok(Err(UserRefusal::Unknown));
    };
    if let Some(refusal) = refusal(db, &before, change, event)? {
        return Ok(Err(refusal));
    }
    let ends_access = change.ends_access_of(&before);
    let after = change.applied_to(&before);
    write(db, &after)?;
    if change.unlock {
        unlock(db, id)?;
    }
    if let Some(roles) = &change.roles {
        set_roles(db, id, roles)?;
    }
    let mut ended = Vec::new();
    if ends_access {
        ended.push(end_access(db, &after, change.at, change.revocation_expires_at)?);
    }
    if after.name != before.name {
        // An application record contains the name of its owner.
        versions::grow(db, Kind::Applications)?;
    }
    versions::grow(db, Kind::Users)?;
    audit::append(db, event)?;
    Ok(Ok((stored(db, id)?, ended)))
}

/// Deletes sessions and familiar networks. Grants, consents and tokens become invalid because of the epoch.
fn end_access(
    db: &Connection,
    after: &User,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Revocation> {
    sessions::close_all(db, after.id)?;
    sign_ins::forget_networks(db, after.id)?;
    purge::request_sweep(db)?;
    let subject = RevokedSubject::User { user: after.id, epoch: after.epoch };
    revocations::append(db, subject, at, revocation_expires_at)
}

/// Changes the password only if the user's epoch is still that of the password check.
pub(super) fn password(
    db: &Connection,
    change: &PasswordChange,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(Session, Vec<Revocation>), UserRefusal>> {
    const SET: &str = "UPDATE users SET password = ?3, epoch = epoch + 1, updated_at = ?4
        WHERE id = ?1 AND epoch = ?2 AND active";
    let (id, epoch) = (change.user, change.user_epoch);
    if find(db, id)?.is_some_and(|user| user.epoch == epoch) && !authority::holds(db, event)? {
        return Ok(Err(UserRefusal::RightsChanged));
    }
    if sql::execute(db, SET, (id.get(), epoch.get(), change.password.as_phc(), micros(change.at)))? == 0 {
        return Ok(Err(UserRefusal::Unknown));
    }
    let after = stored(db, id)?;
    let ended = end_access(db, &after, change.at, change.revocation_expires_at)?;
    let session = sessions::add(db, &change.session(after.epoch))?;
    if let Some(network) = change.network {
        sign_ins::remember(db, id, after.epoch, network, change.at)?;
    }
    versions::grow(db, Kind::Users)?;
    audit::append(db, event)?;
    Ok(session.map(|session| (session, vec![ended])).ok_or(UserRefusal::Unknown))
}

fn refusal(
    db: &Connection,
    before: &User,
    change: &UserChange,
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    let given = change.roles.as_deref().unwrap_or_default();
    if let Some(refusal) = beyond(db, before, given, event)? {
        return Ok(Some(refusal));
    }
    if let Some(name) = &change.name
        && name_is_taken(db, name, Some(before.id))?
    {
        return Ok(Some(UserRefusal::NameTaken));
    }
    if let Some(roles) = &change.roles
        && !roles_exist(db, roles)?
    {
        return Ok(Some(UserRefusal::UnknownRole));
    }
    let stays = change.active.unwrap_or(before.active)
        && roles::make_administrator(db, change.roles.as_ref().unwrap_or(&before.roles))?;
    last_administrator(db, before, stays)
}

/// Why the caller may not change this user or assign these roles, if so.
fn beyond(
    db: &Connection,
    user: &User,
    given: &[RoleId],
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    let mut touched = authority::permissions_of_user(db, user.id)?;
    touched.extend(authority::permissions_of_roles(db, given)?);
    roles::refusal(db, &touched, event)
}

/// Why the change, after which the user `stays` an active Administrator or not, would leave none, if so.
fn last_administrator(db: &Connection, before: &User, stays: bool) -> sql::Result<Option<UserRefusal>> {
    let change = AdministratorChange {
        was: roles::make_administrator(db, &before.roles)?,
        stays,
        another: roles::administrator_besides(db, before.id)?,
    };
    Ok(rules::user_leaves_an_administrator(before, change).err())
}

fn write(db: &Connection, user: &User) -> sql::Result<()> {
    const UPDATE: &str =
        "UPDATE users SET name = ?2, folded_name = CASE WHEN name = ?2 THEN folded_name ELSE ?3 END,
            password = ?4, active = ?5, password_expires_at = ?6, epoch = ?7, updated_at = ?8
        WHERE id = ?1";
    let row = params![
        user.id.get(),
        user.name,
        fold_name(&user.name),
        user.password.as_phc(),
        user.active,
        micros_of(user.password_expires_at),
        user.epoch.get(),
        micros(user.updated_at),
    ];
    sql::execute(db, UPDATE, row).map(drop)
}

fn unlock(db: &Connection, id: UserId) -> sql::Result<()> {
    const UNLOCK: &str =
        "UPDATE users SET failures = 0, failures_since = NULL, locked_until = NULL WHERE id = ?1";
    sql::execute(db, UNLOCK, [id.get()])?;
    sign_ins::unlock_networks(db, id)
}

pub(super) fn delete(
    db: &Connection,
    id: UserId,
    possessions: Possessions,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> sql::Result<Judged<DeletedUser, UserRefusal>> {
    let Some(user) = find(db, id)? else {
        return Ok(Err(UserRefusal::Unknown));
    };
    if let Some(refusal) = beyond(db, &user, &[], event)? {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = last_administrator(db, &user, false)? {
        return Ok(Err(refusal));
    }
    if let Some(refusal) = possessions::refusal(db, id, possessions)? {
        return Ok(Err(refusal));
    }
    let mut gone = possessions::settle(db, id, possessions, event.at, revocation_expires_at)?;
    if sql::execute(db, "DELETE FROM data_source_shares WHERE user_id = ?1", [id.get()])? > 0 {
        versions::grow(db, Kind::DataSources)?;
    }
    sessions::close_all(db, id)?;
    sign_ins::forget_networks(db, id)?;
    set_roles(db, id, &[])?;
    sql::execute(db, "DELETE FROM users WHERE id = ?1", [id.get()])?;
    let subject = RevokedSubject::User { user: id, epoch: Epoch::GONE };
    gone.ended.push(revocations::append(db, subject, event.at, revocation_expires_at)?);
    purge::request_sweep(db)?;
    versions::grow(db, Kind::Users)?;
    audit::append(db, event)?;
    Ok(Ok(DeletedUser { ended: gone.ended, data_sources: gone.data_sources }))
}
