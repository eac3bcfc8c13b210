//! Roles, and the rule that an active Administrator always remains.

use domain::account::{Permission, Role};
use domain::audit::NewAuditEvent;
use domain::id::{RoleId, UserId};
use rusqlite::{Connection, Row, params};
use store::columns::{permission_bit, permission_bits, permissions_from_bits};
use store::rules::{self, Administrators};
use store::{Judged, UserRefusal, fold_name};

use crate::versions::{self, Kind};
use crate::{audit, authority, sql};

pub(crate) fn list(db: &Connection) -> sql::Result<Vec<Role>> {
    sql::list(db, "SELECT id, name, description, permissions FROM roles ORDER BY id", (), read)
}

pub(crate) fn page(db: &Connection, after: Option<RoleId>, limit: u32) -> sql::Result<Vec<Role>> {
    const PAGE: &str =
        "SELECT id, name, description, permissions FROM roles WHERE id > ?1 ORDER BY id LIMIT ?2";
    sql::list(db, PAGE, (after.map_or(0, RoleId::get), limit), read)
}

pub(crate) fn insert(
    db: &Connection,
    role: &Role,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Role, UserRefusal>> {
    const INSERT: &str =
        "INSERT INTO roles (name, folded_name, description, permissions) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (folded_name) DO NOTHING";
    if let Some(refusal) = refusal(db, &role.permissions, event)? {
        return Ok(Err(refusal));
    }
    let row = params![role.name, fold_name(&role.name), role.description, permission_bits(&role.permissions)];
    if sql::execute(db, INSERT, row)? == 0 {
        return Ok(Err(UserRefusal::NameTaken));
    }
    let id = RoleId::new(db.last_insert_rowid());
    versions::grow(db, Kind::Roles)?;
    audit::append(db, event)?;
    Ok(Ok(Role { id, ..role.clone() }))
}

pub(crate) fn update(
    db: &Connection,
    role: &Role,
    event: &NewAuditEvent,
) -> sql::Result<Judged<Role, UserRefusal>> {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM roles WHERE folded_name = ?1 AND id <> ?2)";
    const UPDATE: &str =
        "UPDATE roles SET name = ?2, folded_name = ?3, description = ?4, permissions = ?5 WHERE id = ?1";
    let folded = fold_name(&role.name);
    if !exists(db, role.id)? {
        return Ok(Err(UserRefusal::Unknown));
    }
    let mut touched = authority::permissions_of_roles(db, &[role.id])?;
    touched.extend_from_slice(&role.permissions);
    if let Some(refusal) = refusal(db, &touched, event)? {
        return Ok(Err(refusal));
    }
    if sql::value(db, TAKEN, (&folded, role.id.get()))? {
        return Ok(Err(UserRefusal::NameTaken));
    }
    let administrators = Administrators {
        through_other_roles: administrator_except(db, 0, role.id.get())?,
        any: administrator_remains(db)?,
    };
    if let Err(refusal) = rules::role_leaves_an_administrator(role, administrators) {
        return Ok(Err(refusal));
    }
    let row = params![role.id.get(), role.name, folded, role.description, permission_bits(&role.permissions)];
    sql::execute(db, UPDATE, row)?;
    versions::grow(db, Kind::Roles)?;
    audit::append(db, event)?;
    Ok(Ok(role.clone()))
}

pub(crate) fn delete(
    db: &Connection,
    id: RoleId,
    event: &NewAuditEvent,
) -> sql::Result<Judged<(), UserRefusal>> {
    const USED: &str = "SELECT EXISTS (SELECT 1 FROM user_roles WHERE role_id = ?1)";
    if !exists(db, id)? {
        return Ok(Err(UserRefusal::Unknown));
    }
    let touched = authority::permissions_of_roles(db, &[id])?;
    if let Some(refusal) = refusal(db, &touched, event)? {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = rules::role_may_be_deleted(id, sql::value(db, USED, [id.get()])?) {
        return Ok(Err(refusal));
    }
    sql::execute(db, "DELETE FROM roles WHERE id = ?1", [id.get()])?;
    versions::grow(db, Kind::Roles)?;
    audit::append(db, event)?;
    Ok(Ok(()))
}

/// Why the caller may not create, change or delete something with these permissions, if so.
pub(crate) fn refusal(
    db: &Connection,
    carried: &[Permission],
    event: &NewAuditEvent,
) -> sql::Result<Option<UserRefusal>> {
    Ok(rules::rights_cover(authority::holds(db, event)?, event, carried).err())
}

pub(crate) fn exists(db: &Connection, id: RoleId) -> sql::Result<bool> {
    sql::value(db, "SELECT EXISTS (SELECT 1 FROM roles WHERE id = ?1)", [id.get()])
}

/// Whether any of these roles makes its users Administrators.
pub(crate) fn make_administrator(db: &Connection, roles: &[RoleId]) -> sql::Result<bool> {
    const MAKES: &str = "SELECT EXISTS (SELECT 1 FROM roles WHERE id = ?1 AND permissions & ?2 <> 0)";
    for role in roles {
        if sql::value(db, MAKES, (role.get(), permission_bit(Permission::Administrator)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an active Administrator other than this user remains.
pub(crate) fn administrator_besides(db: &Connection, user: UserId) -> sql::Result<bool> {
    administrator_except(db, user.get(), 0)
}

/// Whether there is an active Administrator.
pub(crate) fn administrator_remains(db: &Connection) -> sql::Result<bool> {
    administrator_except(db, 0, 0)
}

fn administrator_except(db: &Connection, user: i64, role: i64) -> sql::Result<bool> {
    const REMAINS: &str = "SELECT EXISTS (
        SELECT 1 FROM roles r CROSS JOIN user_roles m ON m.role_id = r.id CROSS JOIN users u ON u.id = m.user_id
        WHERE r.permissions & ?1 <> 0 AND r.id <> ?3 AND u.active = 1 AND u.id <> ?2)";
    sql::value(db, REMAINS, (permission_bit(Permission::Administrator), user, role))
}

fn read(row: &Row<'_>) -> sql::Result<Role> {
    Ok(Role {
        id: RoleId::new(row.get(0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        permissions: permissions_from_bits(row.get(3)?),
    })
}
