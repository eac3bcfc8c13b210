//! Checks that the rights on which a decision rests still hold. The caller is in a serialized transaction, so
//! nobody can change them before it commits.

use domain::account::{Permission, Rights};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, RoleId, UserId};
use oauth::scope::ScopeSet;
use store::columns::permissions_from_bits;
use store::rules;
use tokio_postgres::Client;

use crate::sql::{self, values};

/// Whether the operation that the event records is still allowed. The server's own operations always are.
pub(crate) async fn holds(db: &Client, event: &NewAuditEvent) -> sql::Result<bool> {
    let Some(authority) = &event.authority else { return Ok(true) };
    for rights in authority.people() {
        if !rights_hold(db, rights).await? {
            return Ok(false);
        }
    }
    match authority.application {
        Some(application) => may_still_manage(db, application).await,
        None => Ok(true),
    }
}

async fn rights_hold(db: &Client, rights: &Rights) -> sql::Result<bool> {
    const EPOCH_AND_BITS: &str = "SELECT u.epoch, (SELECT bit_or(r.permissions) FROM roles r
            JOIN user_roles m ON m.role_id = r.id WHERE m.user_id = u.id)
        FROM users u WHERE u.id = $1 AND u.active";
    let found = sql::find(db, EPOCH_AND_BITS, values![rights.user.get()], |row| {
        let bits: Option<i64> = row.try_get(1)?;
        Ok((Epoch::new(row.try_get(0)?), permissions_from_bits(bits.unwrap_or(0))))
    })
    .await?;
    Ok(found.is_some_and(|(epoch, permissions)| rights.hold(epoch, &permissions)))
}

/// The permissions of all roles of the user.
pub(crate) async fn permissions_of_user(db: &Client, user: UserId) -> sql::Result<Vec<Permission>> {
    const BITS: &str = "SELECT bit_or(r.permissions) FROM roles r
        JOIN user_roles m ON m.role_id = r.id WHERE m.user_id = $1";
    let bits: Option<i64> = sql::value(db, BITS, values![user.get()]).await?;
    Ok(permissions_from_bits(bits.unwrap_or(0)))
}

/// The permissions of these roles together.
pub(crate) async fn permissions_of_roles(db: &Client, roles: &[RoleId]) -> sql::Result<Vec<Permission>> {
    const BITS: &str = "SELECT bit_or(permissions) FROM roles WHERE id = ANY ($1::bigint[])";
    let ids: Vec<i64> = roles.iter().map(|role| role.get()).collect();
    let bits: Option<i64> = sql::value(db, BITS, values![ids]).await?;
    Ok(permissions_from_bits(bits.unwrap_or(0)))
}

async fn may_still_manage(db: &Client, application: ApplicationId) -> sql::Result<bool> {
    const SCOPES: &str = "SELECT scopes FROM applications WHERE id = $1";
    let scopes = sql::find(db, SCOPES, values![application.get()], |row| {
        Ok(ScopeSet::from_bits(sql::number(row, 0)?))
    })
    .await?;
    Ok(rules::may_still_manage(scopes))
}
