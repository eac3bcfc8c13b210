//! Requests of devices.

use domain::audit::NewAuditEvent;
use domain::id::{ApplicationId, CodeId, ConsentId, DeviceAuthorizationId, Epoch, UserId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::device::DeviceAuthorization;
use oauth::grant::GrantDetails;
use oauth::token::polling::UserDecision;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, consents, values};
use crate::columns::{Impossible, ScopeColumns};
use crate::{
    AccessAnswer, AccessAnswered, DeviceInsertion, NewConsent, NewDeviceAuthorization, StoredConsent,
};

pub(super) const ALLOWED: i64 = 1;
pub(super) const DENIED: i64 = 2;

macro_rules! select {
    ($condition:literal) => {
        NamedStatement::new(concat!(
            "SELECT id, code_id, application_id, application_epoch, scopes, further_scopes, details, expires_at,
                polled_at, decision, user_id, user_epoch, consent_id
            FROM device_authorizations WHERE ",
            $condition
        ))
    };
}

/// Stores a request. The application is locked, so that concurrent requests cannot exceed the limit.
pub async fn insert<S: SqlTransaction>(db: &S, new: &NewDeviceAuthorization) -> Read<DeviceInsertion, S> {
    static LOCK: NamedStatement = NamedStatement::new(
        "SELECT id FROM applications WHERE id = :application AND epoch = :epoch {for no key update}",
    );
    static OPEN: NamedStatement = NamedStatement::new(
        "SELECT count(*) FROM device_authorizations
        WHERE application_id = :application AND expires_at > :at AND created_at <= :latest_noted
            AND decision IS NULL",
    );
    static EVICT: NamedStatement = NamedStatement::new(
        "DELETE FROM device_authorizations WHERE decision IS NULL AND id IN (SELECT id FROM device_authorizations
            WHERE application_id = :application AND expires_at > :at AND created_at <= :latest_noted
                AND decision IS NULL
            ORDER BY id LIMIT :surplus)",
    );
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO device_authorizations (device_digest, user_digest, code_id, application_id, application_epoch,
            scopes, further_scopes, details, created_at, expires_at)
        VALUES (:device_digest, :user_digest, :code, :application, :epoch, :scopes, :further_scopes, :details, :at,
            :expires_at)
        ON CONFLICT DO NOTHING",
    );
    let NewDeviceAuthorization { application, application_epoch: epoch, at, expires_at, .. } = *new;
    if db.find::<ApplicationId>(&LOCK, values! { application, epoch }).await?.is_none() {
        return Ok(DeviceInsertion::Gone);
    }
    // A request from before the clock was set back takes no room.
    let latest_noted = at.latest_noted();
    let open: i64 = db.value(&OPEN, values! { application, at, latest_noted }).await?;
    let surplus = open - i64::from(new.most) + 1;
    if surplus > 0 {
        if !new.replaces_oldest {
            return Ok(DeviceInsertion::TooMany);
        }
        db.execute(&EVICT, values! { application, at, latest_noted, surplus }).await?;
    }
    let ScopeColumns { scopes, further_scopes } = (&new.scopes).into();
    let row = values! {
        device_digest: &new.device_digest, user_digest: &new.user_digest, code: new.code.as_bytes().as_slice(),
        application, epoch, scopes, further_scopes, details: new.details.to_json(), at, expires_at,
    };
    let inserted = db.execute(&INSERT, row).await? == 1;
    Ok(if inserted { DeviceInsertion::Stored } else { DeviceInsertion::CodeTaken })
}

/// Finds a request by the digest of its device code.
pub async fn find_by_device_code<S: SqlTransaction>(
    db: &S,
    digest: Digest,
) -> Read<Option<DeviceAuthorization>, S> {
    static FIND: NamedStatement = select!("device_digest = :digest");
    db.find(&FIND, values! { digest: &digest }).await
}

/// Finds a request by the digest of its user code.
pub async fn find_by_user_code<S: SqlTransaction>(
    db: &S,
    digest: Digest,
) -> Read<Option<DeviceAuthorization>, S> {
    static FIND: NamedStatement = select!("user_digest = :digest");
    db.find(&FIND, values! { digest: &digest }).await
}

impl Record for DeviceAuthorization {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self {
            id: row.read()?,
            code: CodeId::from_bytes(code(row.read()?)?),
            application: row.read()?,
            application_epoch: row.read()?,
            scopes: row.scopes()?,
            details: details(row.read()?)?,
            expires_at: row.read()?,
            polled_at: row.read()?,
            decision: decision(row.read()?, row.read()?, row.read()?, row.read()?)?,
        })
    }
}

pub(super) fn code(stored: Option<[u8; 16]>) -> Result<[u8; 16], Impossible> {
    stored.ok_or_else(|| Impossible("a request without the id of its grant".to_owned()))
}

pub(super) fn details(stored: Option<&str>) -> Result<GrantDetails, Impossible> {
    GrantDetails::from_json(stored).map_err(|error| Impossible(error.to_string()))
}

pub(super) fn decision(
    decision: Option<i64>,
    user: Option<UserId>,
    user_epoch: Option<Epoch>,
    consent: Option<ConsentId>,
) -> Result<UserDecision, Impossible> {
    match (decision, user, user_epoch, consent) {
        (None, None, None, None) => Ok(UserDecision::Pending),
        (Some(DENIED), None, None, None) => Ok(UserDecision::Denied),
        (Some(ALLOWED), Some(user), Some(user_epoch), Some(consent)) => {
            Ok(UserDecision::Allowed { user, user_epoch, consent })
        }
        _ => Err(Impossible("a request with half a decision".to_owned())),
    }
}

/// Records a poll, unless another one was recorded shortly before.
pub async fn poll<S: SqlTransaction>(
    db: &S,
    id: DeviceAuthorizationId,
    at: Timestamp,
    unless_after: Timestamp,
) -> Read<bool, S> {
    static POLL: NamedStatement = NamedStatement::new(
        "UPDATE device_authorizations SET polled_at = :at
        WHERE id = :id AND (polled_at IS NULL OR polled_at <= :unless_after OR polled_at > :latest_noted)",
    );
    let latest_noted = at.latest_noted();
    Ok(db.execute(&POLL, values! { at, id, unless_after, latest_noted }).await? == 1)
}

/// Stores the decision of the user. The row is locked, so that of two decisions one is stored, with its consent.
pub async fn answer<S: SqlTransaction>(
    db: &S,
    id: DeviceAuthorizationId,
    answer: &AccessAnswer,
    event: &NewAuditEvent,
) -> Read<AccessAnswered, S> {
    static LOCK: NamedStatement = NamedStatement::new(
        "SELECT id FROM device_authorizations WHERE id = :id AND decision IS NULL AND expires_at > :at {for update}",
    );
    static DENY: NamedStatement =
        NamedStatement::new("UPDATE device_authorizations SET decision = :decision WHERE id = :id");
    if db.find::<DeviceAuthorizationId>(&LOCK, values! { id, at: event.at }).await?.is_none() {
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
    id: DeviceAuthorizationId,
    new: &NewConsent,
    details: &GrantDetails,
    event: &NewAuditEvent,
) -> Read<AccessAnswered, S> {
    static ALLOW: NamedStatement = NamedStatement::new(
        "UPDATE device_authorizations SET decision = :decision, user_id = :user, user_epoch = :user_epoch,
            consent_id = :consent, scopes = :scopes, further_scopes = :further_scopes, details = :details
        WHERE id = :id",
    );
    let Some(StoredConsent { consent, ended }) = consents::allow(db, new, event).await? else {
        return Ok(AccessAnswered::Gone);
    };
    let ScopeColumns { scopes, further_scopes } = (&new.scopes).into();
    let row = values! {
        decision: ALLOWED, user: new.user, user_epoch: new.user_epoch, consent: consent.id, scopes, further_scopes,
        details: details.to_json(), id,
    };
    db.execute(&ALLOW, row).await?;
    Ok(AccessAnswered::Stored(ended))
}
