//! Checks that the rights on which a decision rests still hold. Nobody can change them before the transaction
//! ends.

use domain::account::{Permission, Rights};
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, Epoch, RoleId, UserId};
use oauth::scope::ScopeSet;

use super::{NamedStatement, Read, SqlTransaction, values};
use crate::columns::permissions_from_bits;
use crate::rules;

/// Whether the operation that the event records is still allowed. The server's own operations always are.
pub async fn holds<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Read<bool, S> {
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

async fn rights_hold<S: SqlTransaction>(db: &S, rights: &Rights) -> Read<bool, S> {
    static EPOCH_AND_BITS: NamedStatement = NamedStatement::new(
        "SELECT u.epoch, r.permissions FROM users u LEFT JOIN user_roles m ON m.user_id = u.id
            LEFT JOIN roles r ON r.id = m.role_id
        WHERE u.id = :user AND u.active",
    );
    let user = rights.user;
    let found: Vec<(Epoch, Option<i64>)> = db.list(&EPOCH_AND_BITS, values! { user }).await?;
    let Some((epoch, _)) = found.first().copied() else { return Ok(false) };
    Ok(rights.hold(epoch, &together(found.into_iter().filter_map(|(_, bits)| bits))))
}

fn together(bits: impl IntoIterator<Item = i64>) -> Vec<Permission> {
    permissions_from_bits(bits.into_iter().fold(0, |all, some| all | some))
}

/// The permissions of all roles of the user.
pub async fn permissions_of_user<S: SqlTransaction>(db: &S, user: UserId) -> Read<Vec<Permission>, S> {
    static BITS: NamedStatement = NamedStatement::new(
        "SELECT r.permissions FROM user_roles m {in order} JOIN roles r ON r.id = m.role_id WHERE m.user_id = :user",
    );
    Ok(together(db.list::<i64>(&BITS, values! { user }).await?))
}

/// The permissions of these roles together.
pub async fn permissions_of_roles<S: SqlTransaction>(db: &S, roles: &[RoleId]) -> Read<Vec<Permission>, S> {
    static BITS: NamedStatement =
        NamedStatement::new("SELECT permissions FROM roles WHERE id IN {each :roles}");
    Ok(together(db.list::<i64>(&BITS, values! { roles }).await?))
}

async fn may_still_manage<S: SqlTransaction>(db: &S, id: ApplicationId) -> Read<bool, S> {
    static SCOPES: NamedStatement = NamedStatement::new("SELECT scopes FROM applications WHERE id = :id");
    let scopes: Option<u32> = db.find(&SCOPES, values! { id }).await?;
    Ok(rules::may_still_manage(scopes.map(ScopeSet::from_bits)))
}
