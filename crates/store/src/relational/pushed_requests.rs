//! Pushed authorization requests.

use domain::id::{ApplicationId, PushedRequestId};
use domain::secret::Digest;
use domain::time::Timestamp;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::Impossible;
use crate::{NewPushedRequest, PushedRequest};

/// Stores a request unless a limit is reached. Counting reads only open requests, of which there are no more than the
/// limit.
pub async fn insert<S: SqlTransaction>(db: &S, new: &NewPushedRequest) -> Read<Option<PushedRequestId>, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO pushed_requests (digest, application_id, parameters, pushed_at, opened_at, expires_at)
        SELECT :digest, :application, :parameters, :at, :opened_at, :expires_at
        WHERE (SELECT count(*) FROM pushed_requests WHERE expires_at > :at) < :total
        AND (SELECT count(*) FROM pushed_requests WHERE expires_at > :at AND application_id = :application)
            < :of_application
        RETURNING id",
    );
    let NewPushedRequest { digest, application, parameters, at, opened_at, expires_at, limits } = new;
    let row = values! {
        digest, application: *application, parameters, at: *at, opened_at: *opened_at, expires_at: *expires_at,
        total: limits.total, of_application: limits.of_application,
    };
    Ok(db.find(&INSERT, row).await?.map(PushedRequestId::new))
}

/// Finds a valid request.
pub async fn find<S: SqlTransaction>(
    db: &S,
    id: PushedRequestId,
    digest: &Digest,
    now: Timestamp,
) -> Read<Option<PushedRequest>, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT application_id, parameters, pushed_at, opened_at, expires_at FROM pushed_requests
        WHERE id = :id AND digest = :digest AND expires_at > :now",
    );
    db.find(&FIND, values! { id, digest, now }).await
}

/// Moves the expiry of a valid request that no browser has presented before.
pub async fn open<S: SqlTransaction>(
    db: &S,
    id: PushedRequestId,
    digest: &Digest,
    now: Timestamp,
    expires_at: Timestamp,
) -> Read<bool, S> {
    static OPEN: NamedStatement = NamedStatement::new(
        "UPDATE pushed_requests SET opened_at = :now, expires_at = :expires_at
        WHERE id = :id AND digest = :digest AND expires_at > :now AND opened_at IS NULL",
    );
    Ok(db.execute(&OPEN, values! { now, expires_at, id, digest }).await? > 0)
}

/// Deletes a valid request.
pub async fn consume<S: SqlTransaction>(
    db: &S,
    id: PushedRequestId,
    digest: &Digest,
    now: Timestamp,
) -> Read<bool, S> {
    static CONSUME: NamedStatement = NamedStatement::new(
        "DELETE FROM pushed_requests WHERE id = :id AND digest = :digest AND expires_at > :now",
    );
    Ok(db.execute(&CONSUME, values! { id, digest, now }).await? > 0)
}

/// Deletes every request of an application.
pub(super) async fn delete_of_application<S: SqlTransaction>(
    db: &S,
    application: ApplicationId,
) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM pushed_requests WHERE application_id = :application");
    db.execute(&DELETE, values! { application }).await.map(drop)
}

impl Record for PushedRequest {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            application: row.read()?,
            parameters: row.read()?,
            pushed_at: row.read()?,
            opened_at: row.read()?,
            expires_at: row.read()?,
        })
    }
}
