//! Trusted issuers. Their number is small, so a change loads all of them and lets the rules decide.

use std::borrow::Cow;

use domain::audit::NewAuditEvent;
use domain::id::{TrustedIssuerId, UserId};
use oauth::trusted_issuer::{IssuerSettings, NewTrustedIssuer, TrustedIssuer};

use super::versions::{self, CachedKind};
use super::{Change, Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, authority, values};
use crate::TrustedIssuerRefusal;
use crate::columns::Impossible;
use crate::rules::trusted_issuers as rules;

type IssuerChange<S> = Change<TrustedIssuer, S, TrustedIssuerRefusal>;

/// Lists all issuers, by id.
pub async fn list<S: SqlTransaction>(db: &S) -> Read<Vec<TrustedIssuer>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT id, issuer, settings, created_at, updated_at FROM trusted_issuers ORDER BY id",
    );
    db.list(&LIST, values! {}).await
}

/// All issuers, if the caller still has the rights on which the decision rests.
async fn list_for<S: SqlTransaction>(
    db: &S,
    event: &NewAuditEvent,
) -> Change<Vec<TrustedIssuer>, S, TrustedIssuerRefusal> {
    if !authority::holds(db, event).await? {
        return Err(TrustedIssuerRefusal::RightsChanged.into());
    }
    Ok(list(db).await?)
}

async fn finish<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Read<(), S> {
    versions::grow(db, CachedKind::Limits).await?;
    db.append_audit(event).await
}

/// Adds an issuer.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewTrustedIssuer,
    event: &NewAuditEvent,
) -> IssuerChange<S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO trusted_issuers (issuer, settings, created_at, updated_at)
        VALUES (:issuer, :settings, :at, :at) RETURNING id",
    );
    rules::issuer_may_be_added(&list_for(db, event).await?, new)?;
    let NewTrustedIssuer { issuer, settings } = new;
    let row = values! { issuer, settings: settings.to_json(), at: event.at };
    let id = TrustedIssuerId::new(db.value(&INSERT, row).await?);
    finish(db, event).await?;
    Ok(rules::added_issuer(id, new, event.at))
}

/// Replaces the content of an issuer.
pub async fn update<S: SqlTransaction>(
    db: &S,
    id: TrustedIssuerId,
    new: &NewTrustedIssuer,
    event: &NewAuditEvent,
) -> IssuerChange<S> {
    static UPDATE: NamedStatement = NamedStatement::new(
        "UPDATE trusted_issuers SET issuer = :issuer, settings = :settings, updated_at = :at WHERE id = :id",
    );
    let changed = rules::changed_issuer(&list_for(db, event).await?, id, new, event.at)?;
    let NewTrustedIssuer { issuer, settings } = new;
    db.execute(&UPDATE, values! { issuer, settings: settings.to_json(), at: event.at, id: id.get() }).await?;
    finish(db, event).await?;
    Ok(changed)
}

/// Deletes an issuer and returns its content.
pub async fn delete<S: SqlTransaction>(
    db: &S,
    id: TrustedIssuerId,
    event: &NewAuditEvent,
) -> IssuerChange<S> {
    static DELETE: NamedStatement = NamedStatement::new("DELETE FROM trusted_issuers WHERE id = :id");
    let gone = rules::known_issuer(&list_for(db, event).await?, id)?.clone();
    db.execute(&DELETE, values! { id: id.get() }).await?;
    finish(db, event).await?;
    Ok(gone)
}

/// The users with a verified mail address. The statement has the parameter `email`, in lower case; databases differ in
/// how they read JSON.
pub async fn users_with_email<S: SqlTransaction>(
    db: &S,
    statement: &'static NamedStatement,
    email: &str,
) -> Read<Vec<UserId>, S> {
    let found: Vec<i64> = db.list(statement, values! { email: email.to_ascii_lowercase() }).await?;
    Ok(found.into_iter().map(UserId::new).collect())
}

impl Record for TrustedIssuer {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: TrustedIssuerId::new(row.read()?),
            issuer: row.read()?,
            settings: IssuerSettings::from_json(&row.read::<Cow<'_, str>>()?)
                .map_err(|error| Impossible(error.to_string()))?,
            created_at: row.read()?,
            updated_at: row.read()?,
        })
    }
}
