//! The version counters, in one row. They change only in serialized transactions.

use store::Versions;
use tokio_postgres::Client;

use crate::error::Failure;
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
pub(crate) async fn grow(db: &Client, kind: Kind) -> sql::Result<()> {
    let statement = match kind {
        Kind::Users => "UPDATE versions SET users = users + 1 WHERE id = 1",
        Kind::Roles => "UPDATE versions SET roles = roles + 1 WHERE id = 1",
        Kind::Applications => "UPDATE versions SET applications = applications + 1 WHERE id = 1",
        Kind::DataSources => "UPDATE versions SET data_sources = data_sources + 1 WHERE id = 1",
        Kind::Limits => "UPDATE versions SET limits = limits + 1 WHERE id = 1",
        Kind::Keys => "UPDATE versions SET keys = keys + 1 WHERE id = 1",
    };
    sql::execute(db, statement, &[]).await.map(drop)
}

pub(crate) async fn load(db: &Client) -> sql::Result<Versions> {
    const LOAD: &str = "SELECT users, roles, applications, data_sources, limits, keys, revocations FROM versions WHERE id = 1";
    let versions = sql::find(db, LOAD, &[], |row| {
        Ok(Versions {
            users: row.try_get(0)?,
            roles: row.try_get(1)?,
            applications: row.try_get(2)?,
            data_sources: row.try_get(3)?,
            limits: row.try_get(4)?,
            keys: row.try_get(5)?,
            revocations: row.try_get(6)?,
        })
    })
    .await;
    versions?.ok_or_else(|| Failure::Inconsistent("the row of versions is missing".to_owned()))
}
