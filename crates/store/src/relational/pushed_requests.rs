//! Pushed authorization requests.

use domain::id::{ApplicationId, PushedRequestId};
use domain::secret::Digest;
use domain::time::Timestamp;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::{Impossible, provenance_from_json, provenance_to_json};
use crate::{NewPushedRequest, PushedRequest, PushedRequestOpening};

/// Whether a row, by this name, is one of a stranger.
macro_rules! of_stranger {
    ($row:literal) => {
        concat!(
            "(", $row, ".opened_at IS NOT NULL AND ", $row, ".opened_at = ", $row, ".pushed_at OR EXISTS (SELECT 1 FROM applications a
                WHERE a.id = ", $row, ".application_id
                    AND (a.client_type = 'public' OR a.client_id LIKE 'https://%'
                        OR EXISTS (SELECT 1 FROM client_registrations r WHERE r.application_id = a.id))))"
        )
    };
}

/// Deletes the oldest unexpired requests of strangers, so that one less than `:most` are left. More than a few are too
/// many only after a limit was lowered.
macro_rules! evict {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "DELETE FROM pushed_requests WHERE id IN (SELECT p.id FROM pushed_requests p
            WHERE p.expires_at > :at AND ",
            $condition,
            " AND ",
            of_stranger!("p"),
            " ORDER BY p.id DESC LIMIT 1000 OFFSET :most - 1)"
        ))
    };
}

macro_rules! insert {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "INSERT INTO pushed_requests (digest, application_id, parameters, provenance, pushed_at, opened_at, expires_at)
            SELECT :digest, :application, :parameters, :provenance, :at, :opened_at, :expires_at ",
            $condition,
            " RETURNING id"
        ))
    };
}

/// Stores a request of an application that authenticates, unless a limit is reached. Counting reads only open requests,
/// of which there are no more than the limit; one from before the clock was set back takes no room.
pub async fn insert<S: SqlTransaction>(db: &S, new: &NewPushedRequest) -> Read<Option<PushedRequestId>, S> {
    static INSERT: NamedStatement = insert!(
        "WHERE (SELECT count(*) FROM pushed_requests WHERE expires_at > :at AND pushed_at <= :latest_noted) < :total
        AND (SELECT count(*) FROM pushed_requests WHERE expires_at > :at AND pushed_at <= :latest_noted
            AND application_id = :application AND (opened_at IS NULL OR opened_at <> pushed_at)) < :of_application"
    );
    let NewPushedRequest { digest, application, parameters, at, opened_at, expires_at, limits, .. } = new;
    let provenance = provenance_to_json(new.provenance)?;
    let row = values! {
        digest, application: *application, parameters, provenance, at: *at, opened_at: *opened_at, expires_at: *expires_at,
        total: limits.total, of_application: limits.of_application, latest_noted: at.latest_noted(),
    };
    Ok(db.find(&INSERT, row).await?.map(PushedRequestId::new))
}

/// Stores a request that may come from a stranger, in place of the oldest one of its kind if a limit is reached: a
/// refusal would let whoever fills the limit keep others out, while people present their requests within seconds.
pub async fn insert_by_stranger<S: SqlTransaction>(
    db: &S,
    new: &NewPushedRequest,
) -> Read<Option<PushedRequestId>, S> {
    static EVICT_OF_APPLICATION: NamedStatement =
        evict!("p.opened_at IS NULL AND p.application_id = :application");
    static EVICT: NamedStatement = evict!("p.opened_at IS NULL");
    static EVICT_OPENED_OF_APPLICATION: NamedStatement =
        evict!("p.opened_at IS NOT NULL AND p.application_id = :application");
    static EVICT_OPENED: NamedStatement = evict!("p.opened_at IS NOT NULL");
    static INSERT: NamedStatement = insert!("");
    let NewPushedRequest { digest, application, parameters, at, opened_at, expires_at, limits, .. } = new;
    let provenance = provenance_to_json(new.provenance)?;
    let (of_application, of_all) = match opened_at {
        None => (&EVICT_OF_APPLICATION, &EVICT),
        Some(_) => (&EVICT_OPENED_OF_APPLICATION, &EVICT_OPENED),
    };
    let most = limits.strangers_of_application;
    db.execute(of_application, values! { at: *at, application: *application, most }).await?;
    db.execute(of_all, values! { at: *at, most: limits.strangers }).await?;
    let row = values! {
        digest, application: *application, parameters, provenance, at: *at, opened_at: *opened_at, expires_at: *expires_at,
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
        "SELECT application_id, parameters, provenance, pushed_at, opened_at, expires_at FROM pushed_requests
        WHERE id = :id AND digest = :digest AND expires_at > :now",
    );
    db.find(&FIND, values! { id, digest, now }).await
}

/// Moves the expiry of a valid request that no browser has presented before; of one of a stranger only within the
/// limits.
pub async fn open<S: SqlTransaction>(
    db: &S,
    id: PushedRequestId,
    digest: &Digest,
    opening: &PushedRequestOpening,
) -> Read<bool, S> {
    static OPEN: NamedStatement = NamedStatement::new(concat!(
        "UPDATE pushed_requests SET opened_at = :now, expires_at = :expires_at
        WHERE id = :id AND digest = :digest AND expires_at > :now AND opened_at IS NULL
            AND (NOT ",
        of_stranger!("pushed_requests"),
        " OR ((SELECT count(*) FROM pushed_requests o
                WHERE o.expires_at > :now AND o.opened_at IS NOT NULL AND o.application_id = pushed_requests.application_id
                    AND ",
        of_stranger!("o"),
        ") < :of_application
            AND (SELECT count(*) FROM pushed_requests o
                WHERE o.expires_at > :now AND o.opened_at IS NOT NULL AND ",
        of_stranger!("o"),
        ") < :strangers))"
    ));
    let PushedRequestOpening { now, expires_at, limits } = *opening;
    let row = values! {
        now, expires_at, id, digest, of_application: limits.strangers_of_application, strangers: limits.strangers,
    };
    Ok(db.execute(&OPEN, row).await? > 0)
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
            provenance: provenance_from_json(row.read()?)?,
            pushed_at: row.read()?,
            opened_at: row.read()?,
            expires_at: row.read()?,
        })
    }
}
