//! The possessions of a user, and what happens to them when the user is deleted.

use domain::id::{ApplicationId, DataSourceId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use store::{MOST_NAMES, Owned, Possessions, UserRefusal};
use tokio_postgres::Client;

use crate::authority;
use crate::error::Failure;
use crate::micros;
use crate::revocations::{self, NewRevocation};
use crate::sql::{self, values};
use crate::versions::{self, Kind};

/// What was deleted together with its owner.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) ended: Vec<Revocation>,
    pub(super) data_sources: Vec<DataSourceId>,
}

/// Why the user cannot be deleted because of what the user owns, if so. Changes nothing.
pub(super) async fn refusal(
    db: &Client,
    user: UserId,
    possessions: Possessions,
) -> sql::Result<Option<UserRefusal>> {
    const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND active)";
    if let Possessions::HandOver(heir) = possessions {
        if heir == user || !sql::value(db, EXISTS, values![heir.get()]).await? {
            return Ok(Some(UserRefusal::UnknownHeir));
        }
        let has = authority::permissions_of_user(db, heir).await?;
        return Ok(owned(db, user).await?.refusal_of_heir(&has));
    }
    Ok(owned(db, user).await?.refusal(possessions))
}

async fn owned(db: &Client, user: UserId) -> sql::Result<Owned> {
    const APPLICATIONS: &str = "SELECT count(*) FROM applications WHERE owner_id = $1";
    const SOURCES: &str = "SELECT count(*) FROM data_sources WHERE owner_id = $1";
    const APPLICATION_NAMES: &str = "SELECT name FROM applications WHERE owner_id = $1 ORDER BY id LIMIT $2";
    const SOURCE_NAMES: &str = "SELECT name FROM data_sources WHERE owner_id = $1 ORDER BY id LIMIT $2";
    Ok(Owned {
        applications: count(db, APPLICATIONS, user).await?,
        application_names: names(db, APPLICATION_NAMES, user).await?,
        data_sources: count(db, SOURCES, user).await?,
        data_source_names: names(db, SOURCE_NAMES, user).await?,
    })
}

async fn count(db: &Client, text: &str, user: UserId) -> sql::Result<u32> {
    let counted = sql::find(db, text, values![user.get()], |row| sql::number(row, 0)).await?;
    counted.ok_or_else(|| Failure::Inconsistent(format!("no row: {text}")))
}

async fn names(db: &Client, text: &str, user: UserId) -> sql::Result<Vec<String>> {
    sql::list(db, text, values![user.get(), i64::from(MOST_NAMES)], |row| Ok(row.try_get(0)?)).await
}

/// Hands over or deletes the possessions that [`refusal`] has accepted.
pub(super) async fn settle(
    db: &Client,
    user: UserId,
    possessions: Possessions,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Gone> {
    match possessions {
        Possessions::Keep => Ok(Gone::default()),
        Possessions::HandOver(heir) => hand_over(db, user, heir, at).await.map(|()| Gone::default()),
        Possessions::Delete => delete(db, user, at, revocation_expires_at).await,
    }
}

/// The secrets of the applications are revoked: anyone who knows them could act for the new owner. The name
/// of the creator is kept.
async fn hand_over(db: &Client, user: UserId, heir: UserId, at: Timestamp) -> sql::Result<()> {
    const SECRETS: &str = "DELETE FROM secrets
        WHERE application_id IN (SELECT id FROM applications WHERE owner_id = $1)";
    const UNSHARE: &str = "DELETE FROM data_source_shares WHERE user_id = $2
        AND data_source_id IN (SELECT id FROM data_sources WHERE owner_id = $1)";
    const APPLICATIONS: &str = "UPDATE applications SET owner_id = $2, handed_over_at = $3,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = $1))
        WHERE owner_id = $1";
    const SOURCES: &str = "UPDATE data_sources SET owner_id = $2, handed_over_at = $3,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = $1))
        WHERE owner_id = $1";
    sql::execute(db, UNSHARE, values![user.get(), heir.get()]).await?;
    sql::execute(db, SECRETS, values![user.get()]).await?;
    if sql::execute(db, APPLICATIONS, values![user.get(), heir.get(), micros(at)]).await? > 0 {
        versions::grow(db, Kind::Applications).await?;
    }
    if sql::execute(db, SOURCES, values![user.get(), heir.get(), micros(at)]).await? > 0 {
        versions::grow(db, Kind::DataSources).await?;
    }
    Ok(())
}

async fn delete(db: &Client, user: UserId, at: Timestamp, expires_at: Timestamp) -> sql::Result<Gone> {
    const APPLICATIONS: &str = "DELETE FROM applications WHERE owner_id = $1 RETURNING id";
    const SOURCES: &str = "DELETE FROM data_sources WHERE owner_id = $1 RETURNING id";
    let applications = sql::list(db, APPLICATIONS, values![user.get()], |row| Ok(row.try_get(0)?)).await?;
    let new_revocations: Vec<NewRevocation> = applications
        .into_iter()
        .map(|id| {
            let subject =
                RevokedSubject::Application { application: ApplicationId::new(id), epoch: Epoch::GONE };
            NewRevocation { subject, at, expires_at }
        })
        .collect();
    let data_sources =
        sql::list(db, SOURCES, values![user.get()], |row| Ok(DataSourceId::new(row.try_get(0)?))).await?;
    if !new_revocations.is_empty() {
        versions::grow(db, Kind::Applications).await?;
    }
    if !data_sources.is_empty() {
        versions::grow(db, Kind::DataSources).await?;
    }
    Ok(Gone { ended: revocations::append(db, &new_revocations).await?, data_sources })
}
