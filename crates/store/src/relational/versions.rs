//! The version counters, in one row.

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::Versions;
use crate::columns::Impossible;

/// The kinds of records that nodes cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the column of the same name")]
pub enum CachedKind {
    Users,
    Roles,
    Applications,
    DataSources,
    Limits,
    Keys,
}

/// Advances the version of a kind.
pub async fn grow<S: SqlTransaction>(db: &S, kind: CachedKind) -> Read<(), S> {
    static USERS: NamedStatement = NamedStatement::new("UPDATE versions SET users = users + 1 WHERE id = 1");
    static ROLES: NamedStatement = NamedStatement::new("UPDATE versions SET roles = roles + 1 WHERE id = 1");
    static APPLICATIONS: NamedStatement =
        NamedStatement::new("UPDATE versions SET applications = applications + 1 WHERE id = 1");
    static DATA_SOURCES: NamedStatement =
        NamedStatement::new("UPDATE versions SET data_sources = data_sources + 1 WHERE id = 1");
    static LIMITS: NamedStatement =
        NamedStatement::new("UPDATE versions SET limits = limits + 1 WHERE id = 1");
    static KEYS: NamedStatement = NamedStatement::new("UPDATE versions SET keys = keys + 1 WHERE id = 1");
    let statement = match kind {
        CachedKind::Users => &USERS,
        CachedKind::Roles => &ROLES,
        CachedKind::Applications => &APPLICATIONS,
        CachedKind::DataSources => &DATA_SOURCES,
        CachedKind::Limits => &LIMITS,
        CachedKind::Keys => &KEYS,
    };
    db.execute(statement, values! {}).await.map(drop)
}

/// The current versions.
pub async fn load<S: SqlTransaction>(db: &S) -> Read<Versions, S> {
    static LOAD: NamedStatement = NamedStatement::new(
        "SELECT users, roles, applications, data_sources, limits, keys, revocations FROM versions WHERE id = 1",
    );
    db.value(&LOAD, values! {}).await
}

impl Record for Versions {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            users: row.read()?,
            roles: row.read()?,
            applications: row.read()?,
            data_sources: row.read()?,
            limits: row.read()?,
            keys: row.read()?,
            revocations: row.read()?,
        })
    }
}
