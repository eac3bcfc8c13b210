//! Roles, and the rule that an active Administrator always remains.

use domain::account::{Permission, Role};
use domain::audit::NewAuditEvent;
use domain::id::{RoleId, UserId};

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::{Impossible, permission_bit, permission_bits, permissions_from_bits};
use crate::rules::{self, Administrators};
use crate::{UserRefusal, fold_name};

/// Lists every role, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<Role>, S> {
    page(db, None, u32::MAX).await
}

/// Lists roles by id, after `after`, at most `limit`.
pub async fn page<S: SqlTransaction>(db: &S, after: Option<RoleId>, limit: u32) -> Read<Vec<Role>, S> {
    static PAGE: NamedStatement = NamedStatement::new(
        "SELECT id, name, description, permissions, requires_second_factor FROM roles
        WHERE id > :after ORDER BY id LIMIT :limit",
    );
    let after = after.map_or(0, RoleId::get);
    db.list(&PAGE, values! { after, limit }).await
}

impl Record for Role {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            name: row.read()?,
            description: row.read()?,
            permissions: permissions_from_bits(row.read()?),
            requires_second_factor: row.read()?,
        })
    }
}

/// Creates a role; `role.id` is ignored.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    role: &Role,
    event: &NewAuditEvent,
) -> Change<Role, S, UserRefusal> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO roles (name, folded_name, description, permissions, requires_second_factor)
        VALUES (:name, :folded, :description, :permissions, :requires_second_factor)
        ON CONFLICT (folded_name) DO NOTHING RETURNING id",
    );
    rights_cover(db, &role.permissions, event).await?;
    let Role { name, description, permissions, requires_second_factor, .. } = role;
    let requires_second_factor = *requires_second_factor;
    let permissions = permission_bits(permissions);
    let row = values! { name, folded: fold_name(name), description, permissions, requires_second_factor };
    let id: Option<RoleId> = db.find(&INSERT, row).await?;
    let id = id.ok_or(UserRefusal::NameTaken)?;
    versions::grow(db, CachedKind::Roles).await?;
    db.append_audit(event).await?;
    Ok(Role { id, ..role.clone() })
}

/// Replaces the name, the description and the permissions of a role.
pub async fn update<S: SqlTransaction>(
    db: &S,
    role: &Role,
    event: &NewAuditEvent,
) -> Change<Role, S, UserRefusal> {
    static TAKEN: NamedStatement =
        NamedStatement::new("SELECT EXISTS (SELECT 1 FROM roles WHERE folded_name = :folded AND id <> :id)");
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE roles SET name = :name, folded_name = :folded, description = :description,
            permissions = :permissions, requires_second_factor = :requires_second_factor
        WHERE id = :id",
    );
    let Role { id, name, description, permissions, requires_second_factor } = role;
    let requires_second_factor = *requires_second_factor;
    let (id, folded) = (*id, fold_name(name));
    rights_cover_role(db, id, permissions, event).await?;
    if db.value(&TAKEN, values! { folded: &folded, id }).await? {
        return Err(UserRefusal::NameTaken.into());
    }
    let administrators = Administrators {
        through_other_roles: administrator_except(db, UserId::new(0), id).await?,
        any: administrator_remains(db).await?,
    };
    rules::role_leaves_an_administrator(role, administrators)?;
    let permissions = permission_bits(permissions);
    db.execute(&UPDATE, values! { name, folded, description, permissions, requires_second_factor, id })
        .await?;
    versions::grow(db, CachedKind::Roles).await?;
    db.append_audit(event).await?;
    Ok(role.clone())
}

/// Deletes a role that no user has and that is not built in.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: RoleId,
    event: &NewAuditEvent,
) -> Change<(), S, UserRefusal> {
    static USED: NamedStatement =
        NamedStatement::new("SELECT EXISTS (SELECT 1 FROM user_roles WHERE role_id = :id)");
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM roles WHERE id = :id");
    rights_cover_role(db, id, &[], event).await?;
    rules::role_may_be_deleted(id, db.value(&USED, values! { id }).await?)?;
    db.execute(&DELETE, values! { id }).await?;
    versions::grow(db, CachedKind::Roles).await?;
    Ok(db.append_audit(event).await?)
}

/// The role exists, and the caller has its permissions and those that it would get.
async fn rights_cover_role<S: SqlTransaction>(
    db: &S,
    id: RoleId,
    new: &[Permission],
    event: &NewAuditEvent,
) -> Change<(), S, UserRefusal> {
    if !all_exist(db, &[id]).await? {
        return Err(UserRefusal::Unknown.into());
    }
    let mut carried = authority::permissions_of_roles(db, &[id]).await?;
    carried.extend_from_slice(new);
    rights_cover(db, &carried, event).await
}

/// The caller may create, change or delete something with these permissions.
pub(super) async fn rights_cover<S: SqlTransaction>(
    db: &S,
    carried: &[Permission],
    event: &NewAuditEvent,
) -> Change<(), S, UserRefusal> {
    Ok(rules::rights_cover(authority::holds(db, event).await?, event, carried)?)
}

/// Whether all of the roles exist.
pub(super) async fn all_exist<S: SqlTransaction>(db: &S, roles: &[RoleId]) -> Read<bool, S> {
    static ALL: NamedStatement = NamedStatement::new(
        "SELECT NOT EXISTS (SELECT 1 FROM {each :roles} AS wanted
            WHERE NOT EXISTS (SELECT 1 FROM roles r WHERE r.id = wanted.value))",
    );
    db.value(&ALL, values! { roles }).await
}

/// Whether any of these roles makes its users Administrators.
pub(super) async fn make_administrator<S: SqlTransaction>(db: &S, roles: &[RoleId]) -> Read<bool, S> {
    Ok(authority::permissions_of_roles(db, roles).await?.contains(&Permission::Administrator))
}

/// Whether there is an active Administrator.
pub async fn administrator_remains<S: SqlTransaction>(db: &S) -> Read<bool, S> {
    administrator_except(db, UserId::new(0), RoleId::new(0)).await
}

/// Whether there is an active Administrator other than this user, through another role than this.
pub(super) async fn administrator_except<S: SqlTransaction>(
    db: &S,
    user: UserId,
    role: RoleId,
) -> Read<bool, S> {
    static REMAINS: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (
            SELECT 1 FROM roles r {in order} JOIN user_roles m ON m.role_id = r.id
                {in order} JOIN users u ON u.id = m.user_id
            WHERE r.permissions & :bit <> 0 AND r.id <> :role AND u.active AND u.id <> :user)",
    );
    let bit = permission_bit(Permission::Administrator);
    db.value(&REMAINS, values! { bit, role, user }).await
}
