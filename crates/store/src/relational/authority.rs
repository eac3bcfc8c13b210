//! Checks that the rights on which a decision rests still hold. Nobody can change them before the transaction
//! ends.

use domain::account::{Authority, CallerSession, CallerToken, Credential, Permission, Rights, TokenIssue};
use domain::audit::NewAuditEvent;
use domain::id::{Epoch, RoleId, UserId};
use domain::time::Timestamp;
use oauth::scope::ScopeSet;

use super::{NamedStatement, Read, SqlTransaction, revocations, values};
use crate::columns::{ISSUED_BEFORE, permissions_from_bits};
use crate::rules;

/// How many revocations are read at once.
const AT_ONCE: u32 = 1_000;

/// Whether the operation that the event records is still allowed. The server's own operations always are.
pub async fn holds<S: SqlTransaction>(db: &S, event: &NewAuditEvent) -> Read<bool, S> {
    let Some(authority) = &event.authority else { return Ok(true) };
    for rights in authority.people() {
        if !rights_hold(db, rights).await? {
            return Ok(false);
        }
    }
    match &authority.credential {
        Credential::Password => Ok(true),
        Credential::Session(session) => session_holds(db, authority.caller.user, session).await,
        Credential::Token(token) => {
            Ok(may_still_manage(db, token.issued).await?
                && token_holds(db, authority, token, event.at).await?)
        }
    }
}

async fn rights_hold<S: SqlTransaction>(db: &S, rights: &Rights) -> Read<bool, S> {
    static EPOCH_AND_BITS: NamedStatement = NamedStatement::new(
        "SELECT u.epoch, r.permissions FROM users u LEFT JOIN user_roles m ON m.user_id = u.id
            LEFT JOIN roles r ON r.id = m.role_id
        WHERE u.id = :user AND u.active",
    );
    let user = rights.user;
    let found: Vec<(Epoch, Option<i64>)> = db.list(&EPOCH_AND_BITS, values! { user }).await?;
    let Some((epoch, _)) = found.first().copied() else { return Ok(false) };
    Ok(rights.hold(epoch, &together(found.into_iter().filter_map(|(_, bits)| bits))))
}

fn together(bits: impl IntoIterator<Item = i64>) -> Vec<Permission> {
    permissions_from_bits(bits.into_iter().fold(0, |all, some| all | some))
}

/// The permissions of all roles of the user.
pub async fn permissions_of_user<S: SqlTransaction>(db: &S, user: UserId) -> Read<Vec<Permission>, S> {
    static BITS: NamedStatement = NamedStatement::new(
        "SELECT r.permissions FROM user_roles m {in order} JOIN roles r ON r.id = m.role_id WHERE m.user_id = :user",
    );
    Ok(together(db.list::<i64>(&BITS, values! { user }).await?))
}

/// The permissions of these roles together.
pub async fn permissions_of_roles<S: SqlTransaction>(db: &S, roles: &[RoleId]) -> Read<Vec<Permission>, S> {
    static BITS: NamedStatement =
        NamedStatement::new("SELECT permissions FROM roles WHERE id IN {each :roles}");
    Ok(together(db.list::<i64>(&BITS, values! { roles }).await?))
}

async fn may_still_manage<S: SqlTransaction>(db: &S, issued: TokenIssue) -> Read<bool, S> {
    static NOW: NamedStatement = NamedStatement::new("SELECT scopes, epoch FROM applications WHERE id = :id");
    let found: Option<(u32, Epoch)> = db.find(&NOW, values! { id: issued.application }).await?;
    let scopes = found.filter(|(_, epoch)| *epoch == issued.epoch).map(|(scopes, _)| scopes);
    Ok(rules::may_still_manage(scopes.map(ScopeSet::from_bits)))
}

/// Whether no revocation ends the token of the caller. The node has considered those before a position of the feed, so
/// that hardly ever one is left to read.
async fn token_holds<S: SqlTransaction>(
    db: &S,
    authority: &Authority,
    token: &CallerToken,
    at: Timestamp,
) -> Read<bool, S> {
    let Unread { after: mut seen, last } = unread(db, token.checked_up_to).await?;
    let Rights { user, epoch, .. } = authority.caller;
    while seen < last {
        let found = revocations::after(db, seen, at, AT_ONCE).await?;
        if found.iter().any(|revocation| revocation.subject.ends_caller(user, epoch, token)) {
            return Ok(false);
        }
        seen = found.last().map_or(last, |revocation| revocation.seq);
    }
    Ok(true)
}

/// Whether the session is still there, and not older than what was revoked since it was checked.
async fn session_holds<S: SqlTransaction>(db: &S, user: UserId, session: &CallerSession) -> Read<bool, S> {
    static HOLDS: NamedStatement = NamedStatement::new(
        "SELECT EXISTS (SELECT 1 FROM sessions WHERE id = :id AND user_id = :user)
            AND NOT EXISTS (SELECT 1 FROM revocations
                WHERE seq > :seen AND kind = :kind AND epoch > :auth_time)",
    );
    let CallerSession { id, auth_time, checked_up_to } = *session;
    let Unread { after: seen, .. } = unread(db, checked_up_to).await?;
    db.value(&HOLDS, values! { id, user, seen, kind: ISSUED_BEFORE, auth_time }).await
}

/// The part of the feed of revocations that a node has not considered.
struct Unread {
    after: i64,
    last: i64,
}

async fn unread<S: SqlTransaction>(db: &S, checked_up_to: i64) -> Read<Unread, S> {
    static LAST: NamedStatement = NamedStatement::new("SELECT revocations FROM versions");
    let last = db.value(&LAST, values! {}).await?;
    // A feed that ends earlier has lost its end, and its positions may be assigned again.
    Ok(Unread { after: if checked_up_to > last { 0 } else { checked_up_to }, last })
}
