//! Users: accounts, failures, and revocation of their access.

use domain::account::{Lockout, Role, Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, SessionId, UserId};
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::revocation::Revocation;
use rusqlite::{Connection, Row, params};
use store::{
    Answer, DeletedUser, Judged, NewSession, NewUser, PasswordChange, Possessions, UserChange, UserRefusal,
    Users, fold_name, name_forms,
};

use crate::error::Failure;
use crate::versions::{self, Kind};
use crate::{SqliteStore, audit, authority, micros, micros_of, roles, sessions, sql};

mod change;
mod possessions;

/// The columns that [`read`] reads, in its order.
macro_rules! user_columns {
    () => {
        "u.id, u.name, u.password, u.active, u.password_expires_at,
            (SELECT group_concat(role_id, ' ' ORDER BY role_id) FROM user_roles WHERE user_id = u.id),
            u.epoch, u.failures, u.failures_since, u.locked_until, u.created_at, u.updated_at"
    };
}
pub(crate) use user_columns;

/// The number of those columns.
pub(crate) const COLUMNS: usize = 12;

macro_rules! user_sql {
    ($tail:literal) => {
        concat!("SELECT ", $crate::users::user_columns!(), " FROM users u ", $tail)
    };
}

impl Users for SqliteStore {
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>> {
        self.read(move |db| find(db, id))
    }

    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>> {
        self.read(move |db| {
            for form in name_forms(name) {
                let found = sql::find(db, user_sql!("WHERE u.folded_name = ?1"), [form], read)?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            Ok(None)
        })
    }

    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>> {
        let after = after.map_or(0, UserId::get);
        self.read(move |db| {
            sql::list(db, user_sql!("WHERE u.id > ?1 ORDER BY u.id LIMIT ?2"), (after, limit), read)
        })
    }

    fn search_users(&self, after: Option<UserId>, limit: u32, text: String) -> Answer<'_, Vec<User>> {
        const SEARCH: &str =
            user_sql!("WHERE u.id > ?1 AND instr(u.folded_name, ?3) > 0 ORDER BY u.id LIMIT ?2");
        let after = after.map_or(0, UserId::get);
        self.read(move |db| sql::list(db, SEARCH, (after, limit, fold_name(&text)), read))
    }

    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>> {
        self.write(move |db| insert(db, &new, &audit))
    }

    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>> {
        self.write(move |db| change::update(db, id, &change, &audit))
    }

    fn delete_user(
        &self,
        id: UserId,
        possessions: Possessions,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DeletedUser, UserRefusal>> {
        self.write(move |db| change::delete(db, id, possessions, revocation_expires_at, &audit))
    }

    fn change_password(
        &self,
        change: PasswordChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Session, Vec<Revocation>), UserRefusal>> {
        self.write(move |db| change::password(db, &change, &audit))
    }

    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()> {
        self.write(move |db| {
            const REPLACE: &str = "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2";
            if sql::execute(db, REPLACE, (id.get(), old.as_phc(), new.as_phc()))? > 0 {
                versions::grow(db, Kind::Users)?;
            }
            Ok(())
        })
    }

    fn list_roles(&self) -> Answer<'_, Vec<Role>> {
        self.read(roles::list)
    }

    fn page_of_roles(&self, after: Option<RoleId>, limit: u32) -> Answer<'_, Vec<Role>> {
        self.read(move |db| roles::page(db, after, limit))
    }

    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        self.write(move |db| roles::insert(db, &role, &audit))
    }

    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        self.write(move |db| roles::update(db, &role, &audit))
    }

    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>> {
        self.write(move |db| roles::delete(db, id, &audit))
    }

    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Option<Session>> {
        self.write(move |db| sessions::insert(db, &new, &audit))
    }

    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>> {
        self.read(move |db| sessions::find(db, id))
    }

    fn list_sessions(&self, user: UserId) -> Answer<'_, Vec<Session>> {
        self.read(move |db| sessions::list(db, user))
    }

    fn delete_session(&self, id: SessionId, audit: NewAuditEvent) -> Answer<'_, ()> {
        self.write(move |db| sessions::delete(db, id, &audit))
    }
}

fn find(db: &Connection, id: UserId) -> sql::Result<Option<User>> {
    sql::find(db, user_sql!("WHERE u.id = ?1"), [id.get()], read)
}

fn insert(db: &Connection, new: &NewUser, event: &NewAuditEvent) -> sql::Result<Judged<User, UserRefusal>> {
    const INSERT: &str = "INSERT INTO users (epoch, active, name, folded_name, password, password_expires_at,
            created_at, updated_at)
        VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?6)";
    let given = authority::permissions_of_roles(db, &new.roles)?;
    if let Some(refusal) = roles::refusal(db, &given, event)? {
        return Ok(Err(refusal));
    }
    let folded = fold_name(&new.name);
    if name_is_taken(db, &new.name, None)? {
        return Ok(Err(UserRefusal::NameTaken));
    }
    if !roles_exist(db, &new.roles)? {
        return Ok(Err(UserRefusal::UnknownRole));
    }
    let row = params![
        new.active,
        new.name,
        folded,
        new.password.as_phc(),
        micros_of(new.password_expires_at),
        micros(new.at)
    ];
    sql::execute(db, INSERT, row)?;
    let id = UserId::new(db.last_insert_rowid());
    set_roles(db, id, &new.roles)?;
    versions::grow(db, Kind::Users)?;
    audit::append(db, event)?;
    stored(db, id).map(Ok)
}

/// Reads the user after a write.
fn stored(db: &Connection, id: UserId) -> sql::Result<User> {
    find(db, id)?.ok_or_else(|| Failure::Inconsistent(format!("user {id} has vanished")))
}

fn name_is_taken(db: &Connection, name: &str, besides: Option<UserId>) -> sql::Result<bool> {
    const TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE folded_name = ?1 AND id IS NOT ?2)";
    for form in name_forms(name) {
        if sql::value(db, TAKEN, (form, besides.map(UserId::get)))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn roles_exist(db: &Connection, ids: &[RoleId]) -> sql::Result<bool> {
    for id in ids {
        if !roles::exists(db, *id)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn set_roles(db: &Connection, id: UserId, roles: &[RoleId]) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM user_roles WHERE user_id = ?1", [id.get()])?;
    for role in roles {
        const ADD: &str = "INSERT INTO user_roles (user_id, role_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        sql::execute(db, ADD, (id.get(), role.get()))?;
    }
    Ok(())
}

/// Reads a user from the first columns of a row, which are [`user_columns`].
pub(crate) fn read(row: &Row<'_>) -> sql::Result<User> {
    let roles: Option<String> = row.get(5)?;
    let roles = roles.as_deref().unwrap_or_default().split_ascii_whitespace().map(str::parse).collect();
    let moment = |micros: Option<i64>| micros.map(Timestamp::from_micros);
    Ok(User {
        id: UserId::new(row.get(0)?),
        name: row.get(1)?,
        password: PasswordHash::new(row.get::<_, String>(2)?),
        active: row.get(3)?,
        password_expires_at: moment(row.get(4)?),
        roles: Result::map_err(roles, |_| Failure::Inconsistent("a role without a number".to_owned()))?,
        epoch: Epoch::new(row.get(6)?),
        lockout: Lockout {
            failures: row.get(7)?,
            since: moment(row.get(8)?),
            locked_until: moment(row.get(9)?),
        },
        created_at: Timestamp::from_micros(row.get(10)?),
        updated_at: Timestamp::from_micros(row.get(11)?),
    })
}
