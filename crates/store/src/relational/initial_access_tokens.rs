//! Initial access tokens.

use std::borrow::Cow;

use domain::account::Permission;
use domain::audit::NewAuditEvent;
use domain::id::{InitialAccessTokenId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::client_registration::InitialAccessToken;

use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::Impossible;
use crate::{InitialAccessTokenRefusal, MOST_INITIAL_ACCESS_TOKENS, NewInitialAccessToken};

macro_rules! select {
    ($join:literal, $tail:literal) => {
        NamedStatement::new(concat!(
            "SELECT t.id, t.description, t.created_by, u.name, t.created_at, t.expires_at, t.most_uses, t.uses
            FROM initial_access_tokens t ",
            $join,
            " users u ON u.id = CAST(t.created_by AS BIGINT) ",
            $tail
        ))
    };
}

/// The token, if a client may register with it.
pub async fn find_usable<S: SqlTransaction>(
    db: &S,
    digest: &Digest,
    now: Timestamp,
) -> Read<Option<InitialAccessToken>, S> {
    static FIND: NamedStatement = select!(
        "JOIN",
        "WHERE t.digest = :digest AND t.expires_at > :now AND (t.most_uses IS NULL OR t.uses < t.most_uses)
            AND u.active"
    );
    let found: Option<InitialAccessToken> = db.find(&FIND, values! { digest, now }).await?;
    let Some(token) = found else { return Ok(None) };
    let permissions = authority::permissions_of_user(db, token.created_by).await?;
    Ok(permissions.contains(&Permission::Administrator).then_some(token))
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
    // The column holds the number of the user as text.
    let row = values! {
        digest, description, created_by: created_by.to_string(), at: *at, expires_at: *expires_at, most_uses: *most_uses,
    };
    let id: InitialAccessTokenId = db.value(&INSERT, row).await?;
    let token = find(db, id).await?;
    db.append_audit(&NewAuditEvent { subject: Some(token.name()), ..event.clone() }).await?;
    Ok(token)
}

async fn find<S: SqlTransaction>(
    db: &S,
    id: InitialAccessTokenId,
) -> Change<InitialAccessToken, S, InitialAccessTokenRefusal> {
    static FIND: NamedStatement = select!("LEFT JOIN", "WHERE t.id = :id");
    let found: Option<InitialAccessToken> = db.find(&FIND, values! { id }).await?;
    found.ok_or_else(|| InitialAccessTokenRefusal::Unknown.into())
}

/// Lists the tokens, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<InitialAccessToken>, S> {
    static LIST: NamedStatement = select!("LEFT JOIN", "ORDER BY t.id");
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
    let description = gone.ok_or(InitialAccessTokenRefusal::Unknown)?;
    let subject = Some(InitialAccessToken::name_of(id, &description));
    Ok(db.append_audit(&NewAuditEvent { subject, ..event.clone() }).await?)
}

/// Deletes tokens that have expired.
pub async fn purge<S: SqlTransaction>(db: &S, now: Timestamp) -> Read<u64, S> {
    static PURGE: NamedStatement =
        NamedStatement::new("DELETE FROM initial_access_tokens WHERE expires_at <= :now");
    db.execute(&PURGE, values! { now }).await
}

fn user_id(text: &str) -> Result<UserId, Impossible> {
    text.parse().map_err(|_| Impossible(format!("{text:?} is not the number of a user")))
}

impl Record for InitialAccessToken {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            description: row.read()?,
            created_by: user_id(&row.read::<Cow<'_, str>>()?)?,
            created_by_name: row.read()?,
            created_at: row.read()?,
            expires_at: row.read()?,
            most_uses: row.read()?,
            uses: row.read()?,
        })
    }
}
