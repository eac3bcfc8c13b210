//! The version counters, in one row.

use rusqlite::Connection;
use store::Versions;

use crate::sql;

/// The kinds of records that nodes cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Users,
    Roles,
    Applications,
    DataSources,
    Limits,
    Keys,
}

/// Advances the version of a kind.
pub(crate) fn grow(db: &Connection, kind: Kind) -> sql::Result<()> {
    let statement = match kind {
        Kind::Users => "UPDATE versions SET users = users + 1",
        Kind::Roles => "UPDATE versions SET roles = roles + 1",
        Kind::Applications => "UPDATE versions SET applications = applications + 1",
        Kind::DataSources => "UPDATE versions SET data_sources = data_sources + 1",
        Kind::Limits => "UPDATE versions SET limits = limits + 1",
        Kind::Keys => "UPDATE versions SET keys = keys + 1",
    };
    sql::execute(db, statement, ()).map(drop)
}

/// Assigns the next position of the revocation feed.
pub(crate) fn next_revocation(db: &Connection) -> sql::Result<i64> {
    sql::value(db, "UPDATE versions SET revocations = revocations + 1 RETURNING revocations", ())
}

pub(crate) fn load(db: &Connection) -> sql::Result<Versions> {
    const LOAD: &str =
        "SELECT users, roles, applications, data_sources, limits, keys, revocations FROM versions";
    let versions = sql::find(db, LOAD, (), |row| {
        Ok(Versions {
            users: row.get(0)?,
            roles: row.get(1)?,
            applications: row.get(2)?,
            data_sources: row.get(3)?,
            limits: row.get(4)?,
            keys: row.get(5)?,
            revocations: row.get(6)?,
        })
    })?;
    versions.ok_or_else(|| crate::error::Failure::Inconsistent("the row of versions is missing".to_owned()))
}
