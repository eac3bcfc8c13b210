//! Users: accounts, failures, and revocation of their access.

use domain::account::{Lockout, Role, Session, User};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, SessionId, UserId};
use domain::secret::PasswordHash;
use domain::time::Timestamp;
use oauth::revocation::Revocation;
use store::{
    Answer, DeletedUser, Judged, NewSession, NewUser, PasswordChange, Possessions, UserChange, UserRefusal,
    Users, fold_name, name_forms,
};
use tokio_postgres::{Client, Row};

use crate::error::Failure;
use crate::sql::{self, values};
use crate::unit::{in_transaction, read, serialized};
use crate::versions::{self, Kind};
use crate::{PostgresStore, audit, authority, micros, micros_of, roles, sessions};

mod change;
mod possessions;

/// The columns that [`read_user`] reads, in its order.
macro_rules! user_columns {
    () => {
        "u.id, u.name, u.password, u.active, u.password_expires_at,
            ARRAY(SELECT role_id FROM user_roles WHERE user_id = u.id ORDER BY role_id),
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

impl Users for PostgresStore {
    fn find_user(&self, id: UserId) -> Answer<'_, Option<User>> {
        read!(self, db => find(db, id))
    }

    fn find_user_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, Option<User>> {
        read!(self, db => find_by_name(db, name))
    }

    fn list_users(&self, after: Option<UserId>, limit: u32) -> Answer<'_, Vec<User>> {
        const LIST: &str = user_sql!("WHERE u.id > $1 ORDER BY u.id LIMIT $2");
        let after = after.map_or(0, UserId::get);
        read!(self, db => sql::list(db, LIST, values![after, i64::from(limit)], read_user))
    }

    fn search_users(&self, after: Option<UserId>, limit: u32, text: String) -> Answer<'_, Vec<User>> {
        read!(self, db => search(db, after, limit, &text))
    }

    fn insert_user(&self, new: NewUser, audit: NewAuditEvent) -> Answer<'_, Judged<User, UserRefusal>> {
        serialized!(self, db => insert(db, &new, &audit))
    }

    fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(User, Vec<Revocation>), UserRefusal>> {
        serialized!(self, db => change::update(db, id, &change, &audit))
    }

    fn delete_user(
        &self,
        id: UserId,
        possessions: Possessions,
        revocation_expires_at: Timestamp,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<DeletedUser, UserRefusal>> {
        serialized!(self, db => change::delete(db, id, possessions, revocation_expires_at, &audit))
    }

    fn change_password(
        &self,
        change: PasswordChange,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<(Session, Vec<Revocation>), UserRefusal>> {
        serialized!(self, db => change::password(db, &change, &audit))
    }

    fn replace_password_hash(&self, id: UserId, old: PasswordHash, new: PasswordHash) -> Answer<'_, ()> {
        serialized!(self, db => replace_password_hash(db, id, &old, &new))
    }

    fn list_roles(&self) -> Answer<'_, Vec<Role>> {
        read!(self, db => roles::list(db))
    }

    fn page_of_roles(&self, after: Option<RoleId>, limit: u32) -> Answer<'_, Vec<Role>> {
        read!(self, db => roles::page(db, after, limit))
    }

    fn insert_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        serialized!(self, db => roles::insert(db, &role, &audit))
    }

    fn update_role(&self, role: Role, audit: NewAuditEvent) -> Answer<'_, Judged<Role, UserRefusal>> {
        serialized!(self, db => roles::update(db, &role, &audit))
    }

    fn delete_role(&self, id: RoleId, audit: NewAuditEvent) -> Answer<'_, Judged<(), UserRefusal>> {
        serialized!(self, db => roles::delete(db, id, &audit))
    }

    fn insert_session(&self, new: NewSession, audit: NewAuditEvent) -> Answer<'_, Option<Session>> {
        in_transaction!(self, db => sessions::insert(db, &new, &audit))
    }

    fn find_session(&self, id: SessionId) -> Answer<'_, Option<Session>> {
        read!(self, db => sessions::find(db, id))
    }

    fn list_sessions(&self, user: UserId) -> Answer<'_, Vec<Session>> {
        read!(self, db => sessions::list(db, user))
    }

    fn delete_session(&self, id: SessionId, audit: NewAuditEvent) -> Answer<'_, ()> {
        in_transaction!(self, db => sessions::delete(db, id, &audit))
    }
}

async fn find(db: &Client, id: UserId) -> sql::Result<Option<User>> {
    sql::find(db, user_sql!("WHERE u.id = $1"), values![id.get()], read_user).await
}

async fn search(db: &Client, after: Option<UserId>, limit: u32, text: &str) -> sql::Result<Vec<User>> {
    const SEARCH: &str =
        user_sql!("WHERE u.id > $1 AND strpos(u.folded_name, $3) > 0 ORDER BY u.id LIMIT $2");
    if !sql::can_be_stored(text) {
        return Ok(Vec::new());
    }
    let after = after.map_or(0, UserId::get);
    sql::list(db, SEARCH, values![after, i64::from(limit), fold_name(text)], read_user).await
}

async fn find_by_name(db: &Client, name: &str) -> sql::Result<Option<User>> {
    const FIND: &str =
        user_sql!("WHERE u.folded_name = ANY ($1) ORDER BY array_position($1, u.folded_name) LIMIT 1");
    sql::find(db, FIND, values![storable_forms(name)], read_user).await
}

/// The forms under which a name may be stored. Nobody has a name with a NUL, but the query for it is the
/// same.
pub(crate) fn storable_forms(name: &str) -> Vec<String> {
    name_forms(name).into_iter().map(|form| form.replace('\0', "\u{1}")).collect()
}

async fn insert(db: &Client, new: &NewUser, event: &NewAuditEvent) -> sql::Result<Judged<User, UserRefusal>> {
    const INSERT: &str = "INSERT INTO users (epoch, active, name, folded_name, password, password_expires_at,
            created_at, updated_at)
        VALUES (1, $1, $2, $3, $4, $5, $6, $6) RETURNING id";
    let given = authority::permissions_of_roles(db, &new.roles).await?;
    if let Some(refusal) = roles::refusal(db, &given, event).await? {
        return Ok(Err(refusal));
    }
    let folded = fold_name(&new.name);
    if name_is_taken(db, &new.name, None).await? {
        return Ok(Err(UserRefusal::NameTaken));
    }
    if !roles::all_exist(db, &new.roles).await? {
        return Ok(Err(UserRefusal::UnknownRole));
    }
    let id = sql::value(
        db,
        INSERT,
        values![
            new.active,
            new.name.as_str(),
            folded,
            new.password.as_phc(),
            micros_of(new.password_expires_at),
            micros(new.at)
        ],
    )
    .await;
    let id = UserId::new(id?);
    set_roles(db, id, &new.roles).await?;
    versions::grow(db, Kind::Users).await?;
    audit::append_one(db, event).await?;
    stored(db, id).await.map(Ok)
}

/// Reads the user after a write.
async fn stored(db: &Client, id: UserId) -> sql::Result<User> {
    find(db, id).await?.ok_or_else(|| Failure::Inconsistent(format!("user {id} has vanished")))
}

async fn name_is_taken(db: &Client, name: &str, besides: Option<UserId>) -> sql::Result<bool> {
    const TAKEN: &str =
        "SELECT EXISTS (SELECT 1 FROM users WHERE folded_name = ANY ($1) AND id IS DISTINCT FROM $2)";
    sql::value(db, TAKEN, values![storable_forms(name), besides.map(UserId::get)]).await
}

async fn set_roles(db: &Client, id: UserId, roles: &[RoleId]) -> sql::Result<()> {
    const ADD: &str = "INSERT INTO user_roles (user_id, role_id)
        SELECT DISTINCT $1::bigint, role FROM unnest($2::bigint[]) AS role";
    sql::execute(db, "DELETE FROM user_roles WHERE user_id = $1", values![id.get()]).await?;
    if !roles.is_empty() {
        let roles: Vec<i64> = roles.iter().map(|role| role.get()).collect();
        sql::execute(db, ADD, values![id.get(), roles]).await?;
    }
    Ok(())
}

async fn replace_password_hash(
    db: &Client,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> sql::Result<()> {
    const REPLACE: &str = "UPDATE users SET password = $3 WHERE id = $1 AND password = $2";
    if sql::execute(db, REPLACE, values![id.get(), old.as_phc(), new.as_phc()]).await? > 0 {
        versions::grow(db, Kind::Users).await?;
    }
    Ok(())
}

/// Reads a user from the first columns of a row, which are [`user_columns`].
pub(crate) fn read_user(row: &Row) -> sql::Result<User> {
    let roles: Vec<i64> = row.try_get(5)?;
    Ok(User {
        id: UserId::new(row.try_get(0)?),
        name: row.try_get(1)?,
        password: PasswordHash::new(row.try_get::<_, String>(2)?),
        active: row.try_get(3)?,
        password_expires_at: sql::optional_moment(row, 4)?,
        roles: roles.into_iter().map(RoleId::new).collect(),
        epoch: Epoch::new(row.try_get(6)?),
        lockout: Lockout {
            failures: sql::number(row, 7)?,
            since: sql::optional_moment(row, 8)?,
            locked_until: sql::optional_moment(row, 9)?,
        },
        created_at: sql::moment(row, 10)?,
        updated_at: sql::moment(row, 11)?,
    })
}
