//! The names and passwords that users have stored for the databases of data sources.

use domain::account::SealedOption;
use domain::audit::NewAuditEvent;
use domain::id::{DataSourceId, UserId};

use super::rights_hold;
use crate::DataSourceRefusal;
use crate::relational::{Change, NamedStatement, Read, SqlTransaction, values};

/// Finds what a user has stored for a data source.
pub async fn find<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    user: UserId,
) -> Read<Option<SealedOption>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT sealed FROM data_source_credentials WHERE data_source_id = :id AND user_id = :user",
    );
    let sealed: Option<String> = db.find(&FIND, values! { id, user }).await?;
    Ok(sealed.map(SealedOption::new))
}

/// Lists the data sources for which a user has stored something, by id: those after `after`, at most `limit`.
pub async fn list<S: SqlTransaction>(
    db: &S,
    user: UserId,
    after: Option<DataSourceId>,
    limit: u32,
) -> Read<Vec<DataSourceId>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT data_source_id FROM data_source_credentials
        WHERE user_id = :user AND data_source_id > :after ORDER BY data_source_id LIMIT :limit",
    );
    db.list(&LIST, values! { user, after: after.map_or(0, DataSourceId::get), limit }).await
}

/// Stores or deletes what a user has stored for a data source that the user may read.
pub async fn change<S: SqlTransaction>(
    db: &S,
    id: DataSourceId,
    user: UserId,
    sealed: Option<&SealedOption>,
    event: &NewAuditEvent,
) -> Change<(), S, DataSourceRefusal> {
    static STORE: NamedStatement = NamedStatement::new(
        "INSERT INTO data_source_credentials (data_source_id, user_id, sealed) VALUES (:id, :user, :sealed)
        ON CONFLICT (data_source_id, user_id) DO UPDATE SET sealed = excluded.sealed",
    );
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM data_source_credentials WHERE data_source_id = :id AND user_id = :user",
    );
    rights_hold(db, event).await?;
    let readable = super::find(db, id).await?.filter(|source| source.is_readable_by(user));
    readable.ok_or(DataSourceRefusal::Unknown)?;
    match sealed {
        Some(sealed) => db.execute(&STORE, values! { id, user, sealed: sealed.as_str() }).await?,
        None => db.execute(&DELETE, values! { id, user }).await?,
    };
    Ok(db.append_audit(event).await?)
}

/// Deletes what was stored by users who may not read the data source any more.
pub(super) async fn delete_of_strangers<S: SqlTransaction>(db: &S, id: DataSourceId) -> Read<(), S> {
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM data_source_credentials WHERE data_source_id = :id
            AND user_id NOT IN (SELECT user_id FROM data_source_shares WHERE data_source_id = :id)
            AND user_id NOT IN (SELECT owner_id FROM data_sources WHERE id = :id)",
    );
    db.execute(&DELETE, values! { id }).await.map(drop)
}
