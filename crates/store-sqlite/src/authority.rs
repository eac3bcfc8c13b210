//! Checks that the rights on which a decision rests still hold.

use domain::account::{Permission, Rights};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, RoleId, UserId};
use oauth::scope::ScopeSet;
use rusqlite::Connection;
use store::columns::permissions_from_bits;
use store::rules;

use crate::sql;

/// Whether the operation that the event records is still allowed. The server's own operations always are.
pub(crate) fn holds(db: &Connection, event: &NewAuditEvent) -> sql::Result<bool> {
    let Some(authority) = &event.authority else { return Ok(true) };
    for rights in authority.people() {
        if !rights_hold(db, rights)? {
            return Ok(false);
        }
    }
    match authority.application {
        Some(application) => may_still_manage(db, application),
        None => Ok(true),
    }
}

fn rights_hold(db: &Connection, rights: &Rights) -> sql::Result<bool> {
    const EPOCH: &str = "SELECT epoch FROM users WHERE id = ?1 AND active = 1";
    let epoch = sql::find(db, EPOCH, [rights.user.get()], |row| Ok(Epoch::new(row.get(0)?)))?;
    let Some(epoch) = epoch else { return Ok(false) };
    Ok(rights.hold(epoch, &permissions_of_user(db, rights.user)?))
}

/// The permissions of all roles of the user.
pub(crate) fn permissions_of_user(db: &Connection, user: UserId) -> sql::Result<Vec<Permission>> {
    const BITS: &str =
        "SELECT r.permissions FROM user_roles m CROSS JOIN roles r ON r.id = m.role_id WHERE m.user_id = ?1";
    let bits: Vec<i64> = sql::list(db, BITS, [user.get()], |row| Ok(row.get(0)?))?;
    Ok(permissions_from_bits(bits.into_iter().fold(0, |all, some| all | some)))
}

/// The permissions of these roles together.
pub(crate) fn permissions_of_roles(db: &Connection, roles: &[RoleId]) -> sql::Result<Vec<Permission>> {
    const BITS: &str = "SELECT permissions FROM roles WHERE id = ?1";
    let mut all = 0;
    for role in roles {
        all |= sql::find(db, BITS, [role.get()], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
    }
    Ok(permissions_from_bits(all))
}

fn may_still_manage(db: &Connection, application: ApplicationId) -> sql::Result<bool> {
    const SCOPES: &str = "SELECT scopes FROM applications WHERE id = ?1";
    let scopes = sql::find(db, SCOPES, [application.get()], |row| Ok(ScopeSet::from_bits(row.get(0)?)))?;
    Ok(rules::may_still_manage(scopes))
}
