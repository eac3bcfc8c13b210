//! The possessions of a user, and what happens to them when the user is deleted.

use domain::id::{ApplicationId, DataSourceId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::revocation::RevokedSubject;

use crate::relational::applications::credentials;
use crate::relational::versions::{self, CachedKind};
use crate::relational::{Change, NamedStatement, Read, SqlTransaction, authority, values};
use crate::{DeletedUser, MOST_NAMES, Owned, Possessions, UserRefusal};

/// The user may be deleted in spite of what the user owns. Changes nothing.
pub(super) async fn may_be_treated<S: SqlTransaction>(
    db: &S,
    user: UserId,
    possessions: Possessions,
) -> Change<(), S, UserRefusal> {
    static EXISTS: NamedStatement =
        NamedStatement::new("SELECT EXISTS (SELECT 1 FROM users WHERE id = :heir AND active)");
    let refusal = if let Possessions::HandOver(heir) = possessions {
        if heir == user || !db.value(&EXISTS, values! { heir }).await? {
            return Err(UserRefusal::UnknownHeir.into());
        }
        let has = authority::permissions_of_user(db, heir).await?;
        owned(db, user).await?.refusal_of_heir(&has)
    } else {
        owned(db, user).await?.refusal(possessions)
    };
    refusal.map_or(Ok(()), |refusal| Err(refusal.into()))
}

async fn owned<S: SqlTransaction>(db: &S, user: UserId) -> Read<Owned, S> {
    static APPLICATIONS: NamedStatement =
        NamedStatement::new("SELECT count(*) FROM applications WHERE owner_id = :user");
    static SOURCES: NamedStatement =
        NamedStatement::new("SELECT count(*) FROM data_sources WHERE owner_id = :user");
    static APPLICATION_NAMES: NamedStatement =
        NamedStatement::new("SELECT name FROM applications WHERE owner_id = :user ORDER BY id LIMIT :limit");
    static SOURCE_NAMES: NamedStatement =
        NamedStatement::new("SELECT name FROM data_sources WHERE owner_id = :user ORDER BY id LIMIT :limit");
    Ok(Owned {
        applications: db.value(&APPLICATIONS, values! { user }).await?,
        application_names: db.list(&APPLICATION_NAMES, values! { user, limit: MOST_NAMES }).await?,
        data_sources: db.value(&SOURCES, values! { user }).await?,
        data_source_names: db.list(&SOURCE_NAMES, values! { user, limit: MOST_NAMES }).await?,
    })
}

/// Hands over or deletes the possessions that [`may_be_treated`] has accepted.
pub(super) async fn settle<S: SqlTransaction>(
    db: &S,
    user: UserId,
    possessions: Possessions,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<DeletedUser, S> {
    match possessions {
        Possessions::Keep => Ok(DeletedUser::default()),
        Possessions::HandOver(heir) => hand_over(db, user, heir, at).await.map(|()| DeletedUser::default()),
        Possessions::Delete => delete(db, user, at, revocation_expires_at).await,
    }
}

/// The credentials of the applications are removed: anyone who has them could act for the new owner. The name
/// of the creator is kept.
async fn hand_over<S: SqlTransaction>(db: &S, user: UserId, heir: UserId, at: Timestamp) -> Read<(), S> {
    static UNSHARE: NamedStatement = NamedStatement::new(
        "DELETE FROM data_source_shares WHERE user_id = :heir
            AND data_source_id IN (SELECT id FROM data_sources WHERE owner_id = :user)",
    );
    static APPLICATIONS: NamedStatement = NamedStatement::new(
        "UPDATE applications SET owner_id = :heir, handed_over_at = :at,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = :user))
        WHERE owner_id = :user",
    );
    static SOURCES: NamedStatement = NamedStatement::new(
        "UPDATE data_sources SET owner_id = :heir, handed_over_at = :at,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = :user))
        WHERE owner_id = :user",
    );
    db.execute(&UNSHARE, values! { heir, user }).await?;
    credentials::remove_of_owner(db, user).await?;
    if db.execute(&APPLICATIONS, values! { heir, at, user }).await? > 0 {
        versions::grow(db, CachedKind::Applications).await?;
    }
    if db.execute(&SOURCES, values! { heir, at, user }).await? > 0 {
        versions::grow(db, CachedKind::DataSources).await?;
    }
    Ok(())
}

async fn delete<S: SqlTransaction>(
    db: &S,
    user: UserId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> Read<DeletedUser, S> {
    static APPLICATIONS: NamedStatement =
        NamedStatement::new("DELETE FROM applications WHERE owner_id = :user RETURNING id");
    static SOURCES: NamedStatement =
        NamedStatement::new("DELETE FROM data_sources WHERE owner_id = :user RETURNING id");
    let applications: Vec<ApplicationId> = db.list(&APPLICATIONS, values! { user }).await?;
    let data_sources: Vec<DataSourceId> = db.list(&SOURCES, values! { user }).await?;
    let gone = |application| RevokedSubject::Application { application, epoch: Epoch::GONE };
    let subjects: Vec<RevokedSubject> = applications.into_iter().map(gone).collect();
    if !subjects.is_empty() {
        versions::grow(db, CachedKind::Applications).await?;
    }
    if !data_sources.is_empty() {
        versions::grow(db, CachedKind::DataSources).await?;
    }
    let ended = db.append_revocations(&subjects, at, revocation_expires_at).await?;
    Ok(DeletedUser { ended, data_sources })
}
