//! Initial access tokens.

use domain::audit::NewAuditEvent;
use domain::id::InitialAccessTokenId;
use domain::secret::Digest;
use domain::time::Timestamp;

use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::Impossible;
use crate::{
    InitialAccessToken, InitialAccessTokenRefusal, MOST_INITIAL_ACCESS_TOKENS, NewInitialAccessToken,
};

/// Whether a client may register with the token.
pub async fn is_usable<S: SqlTransaction>(db: &S, digest: &Digest, now: Timestamp) -> Read<bool, S> {
    static IS: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM initial_access_tokens
            WHERE digest = :digest AND expires_at > :now AND (most_uses IS NULL OR uses < most_uses))",
    );
    db.value(&IS, values! { digest, now }).await
}

/// Counts one use.
pub(super) async fn count_use<S: SqlTransaction>(db: &S, digest: &Digest) -> Read<(), S> {
    static COUNT: NamedStatement =
        NamedStatement::new("UPDATE initial_access_tokens SET uses = uses + 1 WHERE digest = :digest");
    db.execute(&COUNT, values! { digest }).await.map(drop)
}

async fn rights_hold<S: SqlTransaction>(
    db: &S,
    event: &NewAuditEvent,
) -> Change<(), S, InitialAccessTokenRefusal> {
    if authority::holds(db, event).await? {
        Ok(())
    } else {
        Err(InitialAccessTokenRefusal::RightsChanged.into())
    }
}

/// Stores a token.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewInitialAccessToken,
    event: &NewAuditEvent,
) -> Change<InitialAccessToken, S, InitialAccessTokenRefusal> {
    static COUNT: NamedStatement = NamedStatement::new("SELECT count(*) FROM initial_access_tokens");
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO initial_access_tokens (digest, description, created_by, created_at, expires_at, most_uses, uses)
        VALUES (:digest, :description, :created_by, :at, :expires_at, :most_uses, 0) RETURNING id",
    );
    rights_hold(db, event).await?;
    let count: i64 = db.value(&COUNT, values! {}).await?;
    if count >= i64::from(MOST_INITIAL_ACCESS_TOKENS) {
        return Err(InitialAccessTokenRefusal::Full.into());
    }
    let NewInitialAccessToken { digest, description, created_by, at, expires_at, most_uses } = new;
    let row = values! {
        digest, description, created_by, at: *at, expires_at: *expires_at, most_uses: *most_uses,
    };
    let id = db.value(&INSERT, row).await?;
    db.append_audit(&NewAuditEvent { subject: Some(description.clone()), ..event.clone() }).await?;
    Ok(InitialAccessToken {
        id,
        description: description.clone(),
        created_by: created_by.clone(),
        created_at: *at,
        expires_at: *expires_at,
        most_uses: *most_uses,
        uses: 0,
    })
}

/// Lists the tokens, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<InitialAccessToken>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT id, description, created_by, created_at, expires_at, most_uses, uses FROM initial_access_tokens
        ORDER BY id",
    );
    db.list(&LIST, values! {}).await
}

/// Deletes a token.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: InitialAccessTokenId,
    event: &NewAuditEvent,
) -> Change<(), S, InitialAccessTokenRefusal> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM initial_access_tokens WHERE id = :id RETURNING description");
    rights_hold(db, event).await?;
    let gone: Option<String> = db.find(&DELETE, values! { id }).await?;
    let subject = Some(gone.ok_or(InitialAccessTokenRefusal::Unknown)?);
    Ok(db.append_audit(&NewAuditEvent { subject, ..event.clone() }).await?)
}

/// Deletes tokens that have expired.
pub async fn purge<S: SqlTransaction>(db: &S, now: Timestamp) -> Read<u64, S> {
    static PURGE: NamedStatement =
        NamedStatement::new("DELETE FROM initial_access_tokens WHERE expires_at <= :now");
    db.execute(&PURGE, values! { now }).await
}

impl Record for InitialAccessToken {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            description: row.read()?,
            created_by: row.read()?,
            created_at: row.read()?,
            expires_at: row.read()?,
            most_uses: row.read()?,
            uses: row.read()?,
        })
    }
}
