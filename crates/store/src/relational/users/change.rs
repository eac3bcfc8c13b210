//! Changing and deleting users.

use domain::account::attributes::Attribute;
use domain::account::{Session as BrowserSession, User};
use domain::allow_list::AllowListOwner;
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};

use super::{find, name_is_free, possessions, roles_exist, set_roles, stored};
use crate::relational::versions::{self, CachedKind};
use crate::relational::{
    Change, NamedStatement, Read, SqlTransaction, allow_lists, authority, familiar_networks,
    personal_access_tokens, roles, sessions, sweeps, values,
};
use crate::rules::{self, AdministratorChange};
use crate::{DeletedUser, PasswordChange, Possessions, UserChange, UserRefusal, fold_name};

/// Changes a user, and revokes the user's access if the change asks for it.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: UserId,
    change: &UserChange,
    event: &NewAuditEvent,
) -> Change<(User, Vec<Revocation>), S, UserRefusal> {
    let before = find(db, id).await?.ok_or(UserRefusal::Unknown)?;
    check(db, &before, change, event).await?;
    let after = change.applied_to(&before);
    write(db, &after).await?;
    if change.unlock {
        unlock(db, id).await?;
    }
    if let Some(roles) = &change.roles {
        set_roles(db, id, roles).await?;
    }
    let mut ended = Vec::new();
    if change.ends_access_of(&before) {
        ended = end_access(db, id, after.epoch, change.at, change.revocation_expires_at).await?;
    }
    if after.name != before.name {
        // An application record contains the name of its owner.
        versions::grow(db, CachedKind::Applications).await?;
    }
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok((stored(db, id).await?, ended))
}

/// Deletes sessions, familiar networks, personal access tokens and one-time links. Grants, consents and tokens become invalid because of the epoch. A
/// session that is being opened at the same time carries the earlier epoch and is invalid as well.
pub(in crate::relational) async fn end_access<S: SqlTransaction>(
    db: &S,
    user: UserId,
    epoch: Epoch,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<Vec<Revocation>, S> {
    sessions::close_all(db, user, at).await?;
    familiar_networks::forget(db, user).await?;
    personal_access_tokens::delete_all(db, user).await?;
    delete_links(db, user).await?;
    delete_links_by(db, user).await?;
    sweeps::request(db).await?;
    let subject = RevokedSubject::User { user, epoch };
    db.append_revocations(&[subject], at, revocation_expires_at).await
}

/// Deletes all one-time links of a user.
pub(in crate::relational) async fn delete_links<S: SqlTransaction>(db: &S, user: UserId) -> Read<u64, S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM one_time_links WHERE user_id = :user");
    db.execute(&DELETE, values! { user }).await
}

/// Deletes all one-time links that a user has made.
async fn delete_links_by<S: SqlTransaction>(db: &S, maker: UserId) -> Read<u64, S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM one_time_links WHERE created_by = :maker");
    db.execute(&DELETE, values! { maker }).await
}

/// Deletes the one-time links of a user that were sent to another mail address than this, with the mails that wait:
/// whoever reads that mail is not known to be the user any more.
async fn delete_links_elsewhere<S: SqlTransaction>(
    db: &S,
    user: UserId,
    address: Option<&str>,
) -> Read<u64, S> {
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM one_time_links
        WHERE user_id = :user AND sent_to IS NOT NULL AND sent_to <> COALESCE(:address, '')",
    );
    db.execute(&DELETE, values! { user, address }).await
}

/// Changes the password only if the user's epoch is still that of the password check.
pub async fn password<S: SqlTransaction>(
    db: &S,
    change: &PasswordChange,
    event: &NewAuditEvent,
) -> Change<(BrowserSession, Vec<Revocation>), S, UserRefusal> {
    static SET: NamedStatement = NamedStatement::new(
        "UPDATE users SET password = :password, epoch = epoch + 1, updated_at = :at
        WHERE id = :id AND epoch = :epoch AND active",
    );
    let PasswordChange { user: id, user_epoch: epoch, password, at, .. } = change;
    let (id, epoch, at) = (*id, *epoch, *at);
    if find(db, id).await?.is_some_and(|user| user.epoch == epoch) && !authority::holds(db, event).await? {
        return Err(UserRefusal::RightsChanged.into());
    }
    if db.execute(&SET, values! { password, at, id, epoch }).await? == 0 {
        return Err(UserRefusal::Unknown.into());
    }
    let after = stored(db, id).await?;
    let ended = end_access(db, id, after.epoch, at, change.revocation_expires_at).await?;
    let session = sessions::add(db, &change.session(after.epoch)).await?;
    if let Some(network) = change.network {
        familiar_networks::remember(db, id, after.epoch, network, at).await?;
    }
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok((session.ok_or(UserRefusal::Unknown)?, ended))
}

async fn check<S: SqlTransaction>(
    db: &S,
    before: &User,
    change: &UserChange,
    event: &NewAuditEvent,
) -> Change<(), S, UserRefusal> {
    rights_cover(db, before, change.roles.as_deref().unwrap_or_default(), event).await?;
    if let Some(name) = &change.name {
        name_is_free(db, name, Some(before.id)).await?;
    }
    if let Some(roles) = &change.roles {
        roles_exist(db, roles).await?;
    }
    let stays = change.active.unwrap_or(before.active)
        && roles::make_administrator(db, change.roles.as_ref().unwrap_or(&before.roles)).await?;
    leaves_an_administrator(db, before, stays).await
}

/// The caller may change this user and assign these roles.
async fn rights_cover<S: SqlTransaction>(
    db: &S,
    user: &User,
    given: &[RoleId],
    event: &NewAuditEvent,
) -> Change<(), S, UserRefusal> {
    let mut carried = authority::permissions_of_user(db, user.id).await?;
    carried.extend(authority::permissions_of_roles(db, given).await?);
    roles::rights_cover(db, &carried, event).await
}

/// The change, after which the user `stays` an active Administrator or not, leaves one.
async fn leaves_an_administrator<S: SqlTransaction>(
    db: &S,
    before: &User,
    stays: bool,
) -> Change<(), S, UserRefusal> {
    let change = AdministratorChange {
        was: roles::make_administrator(db, &before.roles).await?,
        stays,
        another: roles::administrator_except(db, before.id, RoleId::new(0)).await?,
    };
    Ok(rules::user_leaves_an_administrator(before, change)?)
}

/// Leaves the failure counters alone, because they may be counted outside of this transaction.
async fn write<S: SqlTransaction>(db: &S, user: &User) -> Read<(), S> {
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE users SET name = :name, folded_name = CASE WHEN name = :name THEN folded_name ELSE :folded END,
            password = :password, active = :active, password_expires_at = :password_expires_at,
            attributes = :attributes, epoch = :epoch, updated_at = :updated_at
        WHERE id = :id",
    );
    let User { id, name, password, active, password_expires_at, epoch, updated_at, .. } = user;
    let attributes = user.attributes.as_ref().and_then(|attributes| attributes.to_json());
    let row = values! {
        name,
        folded: fold_name(name),
        password,
        active: *active,
        password_expires_at: *password_expires_at,
        attributes: attributes.as_deref(),
        epoch: *epoch,
        updated_at: *updated_at,
        id: *id,
    };
    db.execute(&UPDATE, row).await?;
    let address = user.attributes.as_deref().and_then(|attributes| attributes.get(Attribute::Email));
    delete_links_elsewhere(db, user.id, address).await.map(drop)
}

/// Clears the locks and the failures of the user and of the user's familiar networks.
pub(in crate::relational) async fn unlock<S: SqlTransaction>(db: &S, id: UserId) -> Read<(), S> {
    static UNLOCK: NamedStatement = NamedStatement::new(
        "UPDATE users SET failures = 0, failures_since = NULL, locked_until = NULL WHERE id = :id",
    );
    db.execute(&UNLOCK, values! { id }).await?;
    familiar_networks::unlock(db, id).await
}

/// Deletes a user, and treats what the user owns as `possessions` says.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: UserId,
    possessions: Possessions,
    revocation_expires_at: Timestamp,
    event: &NewAuditEvent,
) -> Change<DeletedUser, S, UserRefusal> {
    static UNSHARE: NamedStatement =
        NamedStatement::new("DELETE FROM data_source_shares WHERE user_id = :id");
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM users WHERE id = :id");
    let user = find(db, id).await?.ok_or(UserRefusal::Unknown)?;
    rights_cover(db, &user, &[], event).await?;
    leaves_an_administrator(db, &user, false).await?;
    possessions::may_be_treated(db, id, possessions).await?;
    let mut deleted = possessions::settle(db, id, possessions, event.at, revocation_expires_at).await?;
    if db.execute(&UNSHARE, values! { id }).await? > 0 {
        versions::grow(db, CachedKind::DataSources).await?;
    }
    sessions::close_all(db, id, event.at).await?;
    familiar_networks::forget(db, id).await?;
    personal_access_tokens::delete_all(db, id).await?;
    allow_lists::delete(db, AllowListOwner::User(id)).await?;
    set_roles(db, id, &[]).await?;
    db.execute(&DELETE, values! { id }).await?;
    let subject = RevokedSubject::User { user: id, epoch: Epoch::GONE };
    let ended = db.append_revocations(&[subject], event.at, revocation_expires_at).await?;
    deleted.ended.extend(ended);
    sweeps::request(db).await?;
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok(deleted)
}
