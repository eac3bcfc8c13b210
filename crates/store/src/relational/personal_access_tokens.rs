//! Personal access tokens.

use domain::audit::NewAuditEvent;
use domain::id::{PersonalAccessTokenId, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::personal_access_token::{self, MOST_OF_A_USER, PersonalAccessToken};
use oauth::scope::ScopeSet;

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::columns::{Impossible, data_access_from_json, data_access_to_json};
use crate::{NewPersonalAccessToken, PersonalAccessTokenRefusal};

macro_rules! select {
    ($tail:literal) => {
        NamedStatement::new(concat!(
            "SELECT t.id, t.user_id, t.user_epoch, t.name, t.scopes, t.data, t.created_at, t.expires_at, t.last_used_at
            FROM personal_access_tokens t JOIN users u ON u.id = t.user_id AND u.epoch = t.user_epoch ",
            $tail
        ))
    };
}

/// Stores a token.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewPersonalAccessToken,
    event: &NewAuditEvent,
) -> Change<PersonalAccessToken, S, PersonalAccessTokenRefusal> {
    static COUNT: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM personal_access_tokens WHERE user_id = :user AND expires_at > :at",
    );
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO personal_access_tokens (user_id, user_epoch, digest, name, scopes, data, created_at, expires_at)
        SELECT u.id, u.epoch, :digest, :name, :scopes, :data, :at, :expires_at
        FROM users u WHERE u.id = :user AND u.epoch = :user_epoch AND u.active
        RETURNING id, user_id, user_epoch, name, scopes, data, created_at, expires_at, last_used_at",
    );
    rights_hold(db, event).await?;
    let NewPersonalAccessToken { digest, user, user_epoch, name, scopes, data, at, expires_at } = new;
    let (user, at) = (*user, *at);
    let count: i64 = db.value(&COUNT, values! { user, at }).await?;
    if count >= i64::from(MOST_OF_A_USER) {
        return Err(PersonalAccessTokenRefusal::Full.into());
    }
    let data = data_access_to_json(data.as_deref())?;
    let row = values! {
        digest, name, scopes: scopes.bits(), data, at, expires_at: *expires_at, user, user_epoch: *user_epoch,
    };
    let stored: Option<PersonalAccessToken> = db.find(&INSERT, row).await?;
    let stored = stored.ok_or(PersonalAccessTokenRefusal::RightsChanged)?;
    db.append_audit(&NewAuditEvent { subject: Some(stored.in_words()), ..event.clone() }).await?;
    Ok(stored)
}

async fn rights_hold<S: SqlTransaction>(
    db: &S,
    event: &NewAuditEvent,
) -> Change<(), S, PersonalAccessTokenRefusal> {
    if authority::holds(db, event).await? {
        Ok(())
    } else {
        Err(PersonalAccessTokenRefusal::RightsChanged.into())
    }
}

/// The token with that digest, whether or not it has expired.
pub async fn find<S: SqlTransaction>(db: &S, digest: &Digest) -> Read<Option<PersonalAccessToken>, S> {
    static FIND: NamedStatement = select!("WHERE t.digest = :digest");
    db.find(&FIND, values! { digest }).await
}

/// Lists the tokens of a user, by id.
pub async fn list<S: SqlTransaction>(db: &S, user: UserId) -> Read<Vec<PersonalAccessToken>, S> {
    static LIST: NamedStatement = select!("WHERE t.user_id = :user ORDER BY t.id");
    db.list(&LIST, values! { user }).await
}

/// Deletes a token. It is cached like its user.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    user: UserId,
    id: PersonalAccessTokenId,
    event: &NewAuditEvent,
) -> Change<(), S, PersonalAccessTokenRefusal> {
    static DELETE: NamedStatement = NamedStatement::new(
        "DELETE FROM personal_access_tokens WHERE id = :id AND user_id = :user RETURNING name",
    );
    rights_hold(db, event).await?;
    let gone: Option<String> = db.find(&DELETE, values! { id, user }).await?;
    let name = gone.ok_or(PersonalAccessTokenRefusal::Unknown)?;
    versions::grow(db, CachedKind::Users).await?;
    let subject = Some(personal_access_token::in_words(id, &name));
    Ok(db.append_audit(&NewAuditEvent { subject, ..event.clone() }).await?)
}

/// Deletes all tokens of a user, who has a later epoch.
pub(super) async fn delete_all<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM personal_access_tokens WHERE user_id = :user");
    db.execute(&DELETE, values! { user }).await.map(drop)
}

/// Deletes all tokens that are older than an instant.
pub(super) async fn delete_older<S: SqlTransaction>(db: &S, instant: Timestamp) -> Read<(), S> {
    static DELETE: NamedStatement =
        NamedStatement::new("DELETE FROM personal_access_tokens WHERE created_at < :instant");
    db.execute(&DELETE, values! { instant }).await.map(drop)
}

impl Record for PersonalAccessToken {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            user: row.read()?,
            user_epoch: row.read()?,
            name: row.read()?,
            scopes: ScopeSet::from_bits(row.read()?),
            data: data_access_from_json(row.read::<Option<&str>>()?)?.map(Box::new),
            created_at: row.read()?,
            expires_at: row.read()?,
            last_used_at: row.read()?,
        })
    }
}
