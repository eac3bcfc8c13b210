//! Backchannel authentication requests.

use domain::account::attributes::SubjectSeed;
use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, BackchannelAuthenticationId, CodeId, ConsentId, Epoch, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::backchannel::BackchannelAuthentication;
use oauth::grant::GrantDetails;

use super::device_authorizations::{ALLOWED, DENIED, code, decision, details};
use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, consents, values};
use crate::columns::{Impossible, ScopeColumns};
use crate::{
    AccessAnswer, AccessAnswered, BackchannelInsertion, NewBackchannelAuthentication, NewConsent,
    StoredConsent,
};

macro_rules! select {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "SELECT id, code_id, application_id, application_epoch, user_id, user_epoch, scopes, further_scopes,
                details, binding_message, max_age_secs, address, created_at, expires_at, polled_at, decision,
                consent_id
            FROM backchannel_authentications WHERE ",
            $condition
        ))
    };
}

/// Stores a request. The user is locked, so that concurrent requests cannot exceed the limits.
pub async fn insert<S: SqlTransaction>(
    db: &S,
    new: &NewBackchannelAuthentication,
) -> Read<BackchannelInsertion, S> {
    static LOCK: NamedStatement = NamedStatement::new(
        "SELECT id FROM users WHERE id = :user AND epoch = :user_epoch {for no key update}",
    );
    static APPLICATION: NamedStatement =
        NamedStatement::new("SELECT id FROM applications WHERE id = :application AND epoch = :epoch");
    let NewBackchannelAuthentication { application, application_epoch: epoch, user, user_epoch, .. } = *new;
    if db.find::<UserId>(&LOCK, values! { user, user_epoch }).await?.is_none()
        || db.find::<ApplicationId>(&APPLICATION, values! { application, epoch }).await?.is_none()
    {
        return Ok(BackchannelInsertion::Gone);
    }
    if let Some(next_expiry) = over_limit(db, new).await? {
        return Ok(BackchannelInsertion::TooMany { next_expiry });
    }
    write(db, new).await?;
    Ok(BackchannelInsertion::Stored)
}

/// When the first of the requests expires that leave no room for another one; `None` if there is room. A request from before
/// the clock was set back takes none.
async fn over_limit<S: SqlTransaction>(
    db: &S,
    new: &NewBackchannelAuthentication,
) -> Read<Option<Timestamp>, S> {
    static OPEN: NamedStatement = NamedStatement::new(
        "SELECT application_id, expires_at FROM backchannel_authentications
        WHERE user_id = :user AND expires_at > :at AND created_at <= :latest_noted
            AND (decision IS NULL OR decision = :denied)
        ORDER BY expires_at LIMIT :most",
    );
    let NewBackchannelAuthentication { application, user, at, limits, .. } = *new;
    let (latest_noted, most) = (at.latest_noted(), i64::from(limits.of_user));
    let row = values! { user, at, latest_noted, denied: DENIED, most };
    let open: Vec<(ApplicationId, Timestamp)> = db.list(&OPEN, row).await?;
    let of_pair: Vec<Timestamp> =
        open.iter().filter(|(of, _)| *of == application).map(|(_, expiry)| *expiry).collect();
    let is_full = |count: usize, most: u32| count >= most as usize;
    Ok(if is_full(of_pair.len(), limits.of_pair) {
        of_pair.first().copied()
    } else if is_full(open.len(), limits.of_user) {
        open.first().map(|(_, expiry)| *expiry)
    } else {
        None
    })
}

async fn write<S: SqlTransaction>(db: &S, new: &NewBackchannelAuthentication) -> Read<(), S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO backchannel_authentications (digest, code_id, application_id, application_epoch, user_id,
            user_epoch, scopes, further_scopes, details, binding_message, max_age_secs, address, created_at,
            expires_at)
        VALUES (:digest, :code, :application, :epoch, :user, :user_epoch, :scopes, :further_scopes, :details,
            :message, :max_age, :address, :at, :expires_at)",
    );
    let ScopeColumns { scopes, further_scopes } = (&new.scopes).into();
    let row = values! {
        digest: &new.digest, code: new.code.as_bytes().as_slice(), application: new.application,
        epoch: new.application_epoch, user: new.user, user_epoch: new.user_epoch, scopes, further_scopes,
        details: new.details.to_json(), message: new.binding_message.as_deref(), max_age: new.max_age_secs,
        address: new.address.as_deref(), at: new.at, expires_at: new.expires_at,
    };
    db.execute(&INSERT, row).await.map(drop)
}

/// Finds a request by the digest of its `auth_req_id`.
pub async fn find_by_auth_req_id<S: SqlTransaction>(
    db: &S,
    digest: Digest,
) -> Read<Option<BackchannelAuthentication>, S> {
    static FIND: NamedStatement = select!("digest = :digest");
    db.find(&FIND, values! { digest: &digest }).await
}

/// Finds a request by its number.
pub async fn find<S: SqlTransaction>(
    db: &S,
    id: BackchannelAuthenticationId,
) -> Read<Option<BackchannelAuthentication>, S> {
    static FIND: NamedStatement = select!("id = :id");
    db.find(&FIND, values! { id }).await
}

/// Lists the requests that wait for a user, oldest first.
pub async fn list_waiting<S: SqlTransaction>(
    db: &S,
    user: UserId,
    user_epoch: Epoch,
    at: Timestamp,
    most: u32,
) -> Read<Vec<BackchannelAuthentication>, S> {
    static LIST: NamedStatement = select!(
        "user_id = :user AND user_epoch = :user_epoch AND expires_at > :at AND decision IS NULL
        ORDER BY id LIMIT :most"
    );
    db.list(&LIST, values! { user, user_epoch, at, most }).await
}

impl Record for BackchannelAuthentication {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let id = row.read()?;
        let code = CodeId::from_bytes(code(row.read()?)?);
        let (application, application_epoch) = (row.read()?, row.read()?);
        let (user, user_epoch): (UserId, Epoch) = (row.read()?, row.read()?);
        Ok(Self {
            id,
            code,
            application,
            application_epoch,
            user,
            user_epoch,
            scopes: row.scopes()?,
            details: details(row.read()?)?,
            binding_message: row.read()?,
            max_age_secs: row.read()?,
            address: row.read()?,
            created_at: row.read()?,
            expires_at: row.read()?,
            polled_at: row.read()?,
            decision: {
                let (decided, consent): (Option<i64>, Option<ConsentId>) = (row.read()?, row.read()?);
                let allowed = decided == Some(ALLOWED);
                decision(decided, allowed.then_some(user), allowed.then_some(user_epoch), consent)?
            },
        })
    }
}

/// Records a poll, unless another one was recorded shortly before.
pub async fn poll<S: SqlTransaction>(
    db: &S,
    id: BackchannelAuthenticationId,
    at: Timestamp,
    unless_after: Timestamp,
) -> Read<bool, S> {
    static POLL: NamedStatement = NamedStatement::new(
        "UPDATE backchannel_authentications SET polled_at = :at
        WHERE id = :id AND (polled_at IS NULL OR polled_at <= :unless_after OR polled_at > :latest_noted)",
    );
    let latest_noted = at.latest_noted();
    Ok(db.execute(&POLL, values! { at, id, unless_after, latest_noted }).await? == 1)
}

/// Stores the decision of the user. The row is locked, so that of two decisions one is stored, with its consent.
pub async fn answer<S: SqlTransaction>(
    db: &S,
    id: BackchannelAuthenticationId,
    user: UserId,
    answer: &AccessAnswer,
    event: &NewAuditEvent,
) -> Read<AccessAnswered, S> {
    static LOCK: NamedStatement = NamedStatement::new(
        "SELECT id FROM backchannel_authentications
        WHERE id = :id AND user_id = :user AND decision IS NULL AND expires_at > :at {for update}",
    );
    static DENY: NamedStatement =
        NamedStatement::new("UPDATE backchannel_authentications SET decision = :decision WHERE id = :id");
    let open = db.find::<BackchannelAuthenticationId>(&LOCK, values! { id, user, at: event.at }).await?;
    if open.is_none() {
        return Ok(AccessAnswered::Closed);
    }
    match answer {
        AccessAnswer::Allow { consent, details } => allow(db, id, consent, details, event).await,
        AccessAnswer::Deny => {
            db.execute(&DENY, values! { decision: DENIED, id }).await?;
            db.append_audit(event).await?;
            Ok(AccessAnswered::Stored(Vec::new()))
        }
    }
}

async fn allow<S: SqlTransaction>(
    db: &S,
    id: BackchannelAuthenticationId,
    new: &NewConsent,
    details: &GrantDetails,
    event: &NewAuditEvent,
) -> Read<AccessAnswered, S> {
    static ALLOW: NamedStatement = NamedStatement::new(
        "UPDATE backchannel_authentications SET decision = :decision, consent_id = :consent, scopes = :scopes,
            further_scopes = :further_scopes, details = :details
        WHERE id = :id",
    );
    let Some(StoredConsent { consent, ended }) = consents::allow(db, new, event).await? else {
        return Ok(AccessAnswered::Gone);
    };
    let ScopeColumns { scopes, further_scopes } = (&new.scopes).into();
    let row = values! {
        decision: ALLOWED, consent: consent.id, scopes, further_scopes, details: details.to_json(), id,
    };
    db.execute(&ALLOW, row).await?;
    Ok(AccessAnswered::Stored(ended))
}

/// Lists the active users who have allowed an application something, by id.
pub async fn list_users_who_allowed<S: SqlTransaction>(
    db: &S,
    application: ApplicationId,
    after: UserId,
    most: u32,
) -> Read<Vec<(UserId, SubjectSeed)>, S> {
    static LIST: NamedStatement = NamedStatement::new(
        "SELECT u.id, u.subject_seed FROM users u
        JOIN consents c ON c.user_id = u.id AND c.application_id = :application AND c.user_epoch = u.epoch
        JOIN applications a ON a.id = c.application_id AND a.epoch = c.application_epoch
        WHERE u.id > :after AND u.active ORDER BY u.id LIMIT :most",
    );
    let found: Vec<(UserId, String)> = db.list(&LIST, values! { application, after, most }).await?;
    Ok(found.into_iter().map(|(user, seed)| (user, SubjectSeed::new(seed))).collect())
}
