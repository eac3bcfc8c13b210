//! Roles, and the rule that an active Administrator always remains.

use domain::account::{Permission, Role};
use domain::audit::NewAuditEvent;
use domain::id::{RoleId, UserId};
use store::columns::{permission_bit, permission_bits, permissions_from_bits};
use store::rules::{self, Administrators};
use store::{Judged, UserRefusal, fold_name};
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::versions::{self, Kind};
use crate::{audit, authority};

pub(crate) async fn list(db: &Client) -> sql::Result<Vec<Role>> {
    sql::list(db, "SELECT id, name, description, permissions FROM roles ORDER BY id", &[], read).await
}

pub(crate) async fn page(db: &Client, after: Option<RoleId>, limit: u32) -> sql::Result<Vec<Role>> {
    const PAGE: &str =
        "SELECT id, name, description, permissions FROM roles WHERE id > $1 ORDER BY id LIMIT $2";
    sql::list(db, PAGE, values![after.map_or(0, RoleId::get), i64::from(limit)], read).await
}

pub(crate) async fn insert(
    db: &Client,
    role: &Role,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Role, UserRefusal>> {
    const INSERT: &str =
        "INSERT INTO roles (name, folded_name, description, permissions) VALUES ($1, $2, $3, $4)
        ON CONFLICT (folded_name) DO NOTHING RETURNING id";
    if let Some(refusal) = refusal(db, &role.permissions, event).await? {
        return Ok(Err(refusal));
    }
    let folded = fold_name(&role.name);
    let inserted = sql::find(
        db,
        INSERT,
        values![role.name.as_str(), folded, role.description.as_str(), permission_bits(&role.permissions)],
        |row| Ok(RoleId::new(row.try_get(0)?)),
    )
    .await;
    let Some(id) = inserted? else {
        return Ok(Err(UserRefusal::NameTaken));
    };
    versions::grow(db, Kind::Roles).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(Role { id, ..role.clone() }))
}

pub(crate) async fn update(
    db: &Client,
    role: &Role,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Role, UserRefusal>> {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM roles WHERE folded_name = $1 AND id <> $2)";
    const UPDATE: &str =
        "UPDATE roles SET name = $2, folded_name = $3, description = $4, permissions = $5 WHERE id = $1";
    let folded = fold_name(&role.name);
    if !exists(db, role.id).await? {
        return Ok(Err(UserRefusal::Unknown));
    }
    let mut touched = authority::permissions_of_roles(db, &[role.id]).await?;
    touched.extend_from_slice(&role.permissions);
    if let Some(refusal) = refusal(db, &touched, event).await? {
        return Ok(Err(refusal));
    }
    if sql::value(db, TAKEN, values![folded, role.id.get()]).await? {
        return Ok(Err(UserRefusal::NameTaken));
    }
    let administrators = Administrators {
        through_other_roles: administrator_except(db, 0, role.id.get()).await?,
        any: administrator_remains(db).await?,
    };
    if let Err(refusal) = rules::role_leaves_an_administrator(role, administrators) {
        return Ok(Err(refusal));
    }
    let bits = permission_bits(&role.permissions);
    let (name, description) = (role.name.as_str(), role.description.as_str());
    sql::execute(db, UPDATE, values![role.id.get(), name, folded, description, bits]).await?;
    versions::grow(db, Kind::Roles).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(role.clone()))
}

pub(crate) async fn delete(
    db: &Client,
    id: RoleId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(), UserRefusal>> {
    const USED: &str = "SELECT EXISTS (SELECT 1 FROM user_roles WHERE role_id = $1)";
    if !exists(db, id).await? {
        return Ok(Err(UserRefusal::Unknown));
    }
    let touched = authority::permissions_of_roles(db, &[id]).await?;
    if let Some(refusal) = refusal(db, &touched, event).await? {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = rules::role_may_be_deleted(id, sql::value(db, USED, values![id.get()]).await?) {
        return Ok(Err(refusal));
    }
    sql::execute(db, "DELETE FROM roles WHERE id = $1", values![id.get()]).await?;
    versions::grow(db, Kind::Roles).await?;
    audit::append_one(db, event).await?;
    Ok(Ok(()))
}

/// Why the caller may not create, change or delete something with these permissions, if so.
pub(crate) async fn refusal(
    db: &Client,
    carried: &[Permission],
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    Ok(rules::rights_cover(authority::holds(db, event).await?, event, carried).err())
}

async fn exists(db: &Client, id: RoleId) -> sql::Result<bool> {
    all_exist(db, &[id]).await
}

/// Whether all of the roles exist.
pub(crate) async fn all_exist(db: &Client, roles: &[RoleId]) -> sql::Result<bool> {
    const MISSING: &str = "SELECT EXISTS (SELECT 1 FROM unnest($1::bigint[]) AS wanted (id)
        WHERE NOT EXISTS (SELECT 1 FROM roles r WHERE r.id = wanted.id))";
    let ids: Vec<i64> = roles.iter().map(|role| role.get()).collect();
    let missing: bool = sql::value(db, MISSING, values![ids]).await?;
    Ok(!missing)
}

/// Whether any of these roles makes its users Administrators.
pub(crate) async fn make_administrator(db: &Client, roles: &[RoleId]) -> sql::Result<bool> {
    const MAKES: &str =
        "SELECT EXISTS (SELECT 1 FROM roles WHERE id = ANY ($1::bigint[]) AND permissions & $2 <> 0)";
    let ids: Vec<i64> = roles.iter().map(|role| role.get()).collect();
    sql::value(db, MAKES, values![ids, permission_bit(Permission::Administrator)]).await
}

/// Whether an active Administrator other than this user remains.
pub(crate) async fn administrator_besides(db: &Client, user: UserId) -> sql::Result<bool> {
    administrator_except(db, user.get(), 0).await
}

/// Whether there is an active Administrator.
pub(crate) async fn administrator_remains(db: &Client) -> sql::Result<bool> {
    administrator_except(db, 0, 0).await
}

async fn administrator_except(db: &Client, user: i64, role: i64) -> sql::Result<bool> {
    const REMAINS: &str = "SELECT EXISTS (
        SELECT 1 FROM roles r JOIN user_roles m ON m.role_id = r.id JOIN users u ON u.id = m.user_id
        WHERE r.permissions & $1 <> 0 AND r.id <> $3 AND u.active AND u.id <> $2)";
    sql::value(db, REMAINS, values![permission_bit(Permission::Administrator), user, role]).await
}

fn read(row: &Row) -> sql::Result<Role> {
    Ok(Role {
        id: RoleId::new(row.try_get(0)?),
        name: row.try_get(1)?,
        description: row.try_get(2)?,
        permissions: permissions_from_bits(row.try_get(3)?),
    })
}
