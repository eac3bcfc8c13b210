//! Users: accounts, and revocation of their access.

use domain::account::attributes::{SubjectSeed, UserAttributes};
use domain::account::{Lockout, User};
use domain::audit::NewAuditEvent;
use domain::id::{RoleId, UserId};
use domain::secret::PasswordHash;

use super::versions::{self, CachedKind};
use super::{
    Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, roles, sought,
    values,
};
use crate::columns::Impossible;
use crate::{NewUser, UserRefusal, fold_name, name_forms};

pub mod change;
mod possessions;

/// Selects users, with further columns after theirs.
macro_rules! select {
    ($columns:literal, $tail:literal) => {
        $crate::relational::NamedStatement::new(concat!(
            "SELECT u.id, u.name, u.password, u.active, u.password_expires_at,
                (SELECT string_agg(CAST(role_id AS text), ' ' ORDER BY role_id) FROM user_roles
                    WHERE user_id = u.id),
                u.epoch, u.failures, u.failures_since, u.locked_until, u.attributes, u.subject_seed,
                EXISTS (SELECT 1 FROM second_factors f WHERE f.user_id = u.id), u.created_at, u.updated_at",
            $columns,
            " FROM users u ",
            $tail
        ))
    };
}

pub(super) use select;

impl Record for User {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            name: row.read()?,
            password: row.read()?,
            active: row.read()?,
            password_expires_at: row.read()?,
            roles: row.numbers(RoleId::new)?,
            epoch: row.read()?,
            lockout: row.record()?,
            attributes: attributes(row.read()?)?,
            subject_seed: SubjectSeed::new(row.read()?),
            has_second_factor: row.read()?,
            created_at: row.read()?,
            updated_at: row.read()?,
        })
    }
}

fn attributes(stored: Option<&str>) -> Result<Option<Box<UserAttributes>>, Impossible> {
    let Some(json) = stored else { return Ok(None) };
    let attributes = UserAttributes::from_json(Some(json)).map_err(|error| Impossible(error.to_string()))?;
    Ok(Some(Box::new(attributes)))
}

impl Record for Lockout {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { failures: row.read()?, since: row.read()?, locked_until: row.read()? })
    }
}

/// A record of a user, and the form of the name under which the user is stored.
pub(super) struct OfName<T> {
    record: T,
    folded: String,
}

impl<T: Record> Record for OfName<T> {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { record: row.record()?, folded: row.read()? })
    }
}

/// The record whose user is stored under the earliest of the forms.
pub(super) fn first<T>(forms: &[String], found: Vec<OfName<T>>) -> Option<T> {
    let rank = |one: &OfName<T>| forms.iter().position(|form| *form == one.folded);
    found.into_iter().min_by_key(rank).map(|one| one.record)
}

/// Finds a user by id.
pub async fn find<S: SqlTransaction>(db: &S, id: UserId) -> Read<Option<User>, S> {
    static FIND: NamedStatement = select!("", "WHERE u.id = :id");
    db.find(&FIND, values! { id }).await
}

/// Finds a user by name, ignoring case.
pub async fn find_by_name<S: SqlTransaction>(db: &S, name: &str) -> Read<Option<User>, S> {
    static FIND: NamedStatement = select!(", u.folded_name", "WHERE u.folded_name IN {each :forms}");
    let forms = storable_forms(name);
    Ok(first(&forms, db.list(&FIND, values! { forms: forms.as_slice() }).await?))
}

/// The forms under which a name may be stored, the most likely first.
pub(super) fn storable_forms(name: &str) -> Vec<String> {
    name_forms(&sought(name))
}

/// Lists users by id, after `after`, at most `limit`.
pub async fn list<S: SqlTransaction>(db: &S, after: Option<UserId>, limit: u32) -> Read<Vec<User>, S> {
    static LIST: NamedStatement = select!("", "WHERE u.id > :after ORDER BY u.id LIMIT :limit");
    db.list(&LIST, values! { after: after.map_or(0, UserId::get), limit }).await
}

/// Lists users whose name contains the text, ignoring case, by id, after `after`, at most `limit`.
pub async fn search<S: SqlTransaction>(
    db: &S,
    after: Option<UserId>,
    limit: u32,
    text: &str,
) -> Read<Vec<User>, S> {
    static SEARCH: NamedStatement = select!(
        "",
        "WHERE u.id > :after AND {position}(u.folded_name, :text) > 0 ORDER BY u.id LIMIT :limit"
    );
    let after = after.map_or(0, UserId::get);
    db.list(&SEARCH, values! { after, text: fold_name(&sought(text)), limit }).await
}

/// Creates a user.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewUser,
    event: &NewAuditEvent,
) -> Change<User, S, UserRefusal> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO users (epoch, active, name, folded_name, password, password_expires_at, attributes, created_at,
            updated_at)
        VALUES (1, :active, :name, :folded, :password, :password_expires_at, :attributes, :at, :at) RETURNING id",
    );
    let given = authority::permissions_of_roles(db, &new.roles).await?;
    roles::rights_cover(db, &given, event).await?;
    name_is_free(db, &new.name, None).await?;
    roles_exist(db, &new.roles).await?;
    let NewUser { name, password, active, password_expires_at, at, .. } = new;
    let (active, password_expires_at, at) = (*active, *password_expires_at, *at);
    let attributes = new.attributes.to_json();
    let row = values! {
        active,
        name,
        folded: fold_name(name),
        password,
        password_expires_at,
        attributes: attributes.as_deref(),
        at,
    };
    let id = db.value(&INSERT, row).await?;
    set_roles(db, id, &new.roles).await?;
    versions::grow(db, CachedKind::Users).await?;
    db.append_audit(event).await?;
    Ok(stored(db, id).await?)
}

/// Reads the user after a write.
async fn stored<S: SqlTransaction>(db: &S, id: UserId) -> Read<User, S> {
    let found = find(db, id).await?;
    Ok(found.ok_or_else(|| Impossible(format!("user {id} has vanished")))?)
}

async fn name_is_free<S: SqlTransaction>(
    db: &S,
    name: &str,
    besides: Option<UserId>,
) -> Change<(), S, UserRefusal> {
    static TAKEN: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM users WHERE folded_name IN {each :forms} AND id IS DISTINCT FROM :besides)",
    );
    let forms = storable_forms(name);
    let is_taken: bool = db.value(&TAKEN, values! { forms: forms.as_slice(), besides }).await?;
    if is_taken { Err(UserRefusal::NameTaken.into()) } else { Ok(()) }
}

async fn roles_exist<S: SqlTransaction>(db: &S, roles: &[RoleId]) -> Change<(), S, UserRefusal> {
    if roles::all_exist(db, roles).await? { Ok(()) } else { Err(UserRefusal::UnknownRole.into()) }
}

async fn set_roles<S: SqlTransaction>(db: &S, id: UserId, roles: &[RoleId]) -> Read<(), S> {
    static CLEAR: NamedStatement = NamedStatement::new("DELETE FROM user_roles WHERE user_id = :id");
    static ADD: NamedStatement = NamedStatement::new(
        "INSERT INTO user_roles (user_id, role_id) SELECT DISTINCT :id, added.value FROM {each :roles} AS added",
    );
    db.execute(&CLEAR, values! { id }).await?;
    if !roles.is_empty() {
        db.execute(&ADD, values! { id, roles }).await?;
    }
    Ok(())
}

/// Replaces a password hash that has old parameters, if the stored hash is still `old`.
pub async fn replace_password_hash<S: SqlTransaction>(
    db: &S,
    id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Read<(), S> {
    static REPLACE: NamedStatement =
        NamedStatement::new("UPDATE users SET password = :new WHERE id = :id AND password = :old");
    if db.execute(&REPLACE, values! { new, id, old }).await? > 0 {
        versions::grow(db, CachedKind::Users).await?;
    }
    Ok(())
}
