//! Creating grants: one statement redeems many codes.

use std::collections::HashMap;
use std::sync::Arc;

use domain::id::{CodeId, ConsentId, GrantId};
use store::columns::{OriginColumns, ScopeColumns};
use store::{GrantCreation, NewGrant, StoreError};
use tokio_postgres::Client;

use crate::batch_queue::{BatchQueue, BatchedRequest, PendingAnswer};
use crate::pending_revocations::RevocationDetails;
use crate::replays::Replay;
use crate::sql::{self, values};
use crate::unit::Shared;
use crate::{micros, micros_of};

/// Checks the preconditions of the grants and creates them. The statement waits for a consent that is being
/// revoked, and a consent that it uses cannot be revoked before it commits; a revocation therefore sees every
/// grant under its consent. A grant without a consent locks its user instead. In the same way it waits for a session that
/// is being ended, and whoever ends a session sees every grant of its codes.
const CREATE: &str = "WITH wanted AS (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[],
            $7::bool[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::text[],
            $14::text[], $15::text[])
        AS w (application_id, application_epoch, user_id, user_epoch, code_id, scopes, refreshable, key, created_at,
            expires_at, consent_id, origin, further_scopes, details, sid)
    ), consented AS MATERIALIZED (
        SELECT id, user_id, user_epoch, application_id, application_epoch FROM consents
        WHERE id = ANY ($11::bigint[]) FOR KEY SHARE
    ), held AS MATERIALIZED (
        SELECT id FROM users
        WHERE id IN (SELECT user_id FROM wanted WHERE consent_id IS NULL) FOR KEY SHARE
    ), signed_in AS MATERIALIZED (
        SELECT user_id, user_epoch, sid, expires_at FROM sessions
        WHERE user_id = ANY ($3::bigint[]) AND sid = ANY ($15::text[]) FOR KEY SHARE
    )
    INSERT INTO grants (application_id, application_epoch, user_id, user_epoch, code_id, scopes, refreshable,
        generation, key, created_at, expires_at, origin, further_scopes, details)
    SELECT w.application_id, w.application_epoch, w.user_id, w.user_epoch, w.code_id, w.scopes, w.refreshable, 0, w.key,
        w.created_at, w.expires_at, w.origin, w.further_scopes, w.details
    FROM wanted w
    JOIN applications a ON a.id = w.application_id AND a.epoch = w.application_epoch
    JOIN users u ON u.id = w.user_id AND u.epoch = w.user_epoch
    WHERE CASE WHEN w.consent_id IS NULL THEN EXISTS (SELECT 1 FROM held h WHERE h.id = w.user_id)
        ELSE EXISTS (SELECT 1 FROM consented c WHERE c.id = w.consent_id
            AND c.user_id = w.user_id AND c.user_epoch = w.user_epoch
            AND c.application_id = w.application_id AND c.application_epoch = w.application_epoch) END
        AND (w.sid IS NULL OR EXISTS (SELECT 1 FROM signed_in s WHERE s.user_id = w.user_id
            AND s.user_epoch = w.user_epoch AND s.sid = w.sid AND s.expires_at > w.created_at))
    ON CONFLICT (code_id) DO NOTHING
    RETURNING id, code_id";

/// One grant to create, and the audit event for the case that its code was redeemed before.
pub(crate) struct CreateGrant {
    pub(crate) new: NewGrant,
    pub(crate) replay: RevocationDetails,
    /// Where it is looked up why a code created nothing.
    pub(crate) replays: BatchQueue<Replay>,
}

impl CreateGrant {
    fn code(&self) -> Option<CodeId> {
        self.new.origin.code()
    }

    /// Queues the question why the code created nothing, even if the caller is gone. It is an operation of its own,
    /// which neither delays nor fails those whose grants were created.
    fn look_up(&self, shared: &Arc<Shared>, code: CodeId) -> Created {
        match self.replays.submit(shared, Replay { code, details: self.replay.clone() }) {
            Ok(pending) => Created::LookedUp(pending),
            Err(refused) => Created::Refused(refused),
        }
    }
}

/// What the statement did with one request.
pub(crate) enum Created {
    /// A new grant was created.
    Grant(GrantId),
    /// A precondition no longer holds.
    Gone,
    /// Nothing was created; why, is being looked up.
    LookedUp(PendingAnswer<GrantCreation>),
    /// Nothing was created, and why cannot be looked up now.
    Refused(StoreError),
}

impl Created {
    /// Waits for what is being looked up.
    pub(crate) async fn finished(self) -> Result<GrantCreation, StoreError> {
        match self {
            Self::Grant(grant) => Ok(GrantCreation::Grant(grant)),
            Self::Gone => Ok(GrantCreation::Gone),
            Self::LookedUp(pending) => pending.received().await,
            Self::Refused(refused) => Err(refused),
        }
    }
}

impl BatchedRequest for CreateGrant {
    type Answer = Created;

    const AT_ONCE: usize = 2;

    /// Grants are identified by their codes: the same code twice, and a second grant without a code, wait for
    /// the next batch.
    fn clashes(&self, other: &Self) -> bool {
        self.code() == other.code()
    }

    async fn run(shared: &Arc<Shared>, batch: &[Self]) -> sql::Result<Vec<Created>> {
        let connection = shared.connections.get().await?;
        let created = create(connection.client(), batch).await?;
        connection.at_rest();
        // From here on nothing may fail, because the statement must not run again.
        let answer = |request: &Self| match (created.get(&request.code()), request.code()) {
            (Some(grant), _) => Created::Grant(*grant),
            (None, None) => Created::Gone,
            (None, Some(code)) => request.look_up(shared, code),
        };
        Ok(batch.iter().map(answer).collect())
    }
}

async fn create(db: &Client, batch: &[CreateGrant]) -> sql::Result<HashMap<Option<CodeId>, GrantId>> {
    let numbers = |of: fn(&NewGrant) -> i64| batch.iter().map(|one| of(&one.new)).collect::<Vec<_>>();
    let codes: Vec<Option<CodeId>> = batch.iter().map(CreateGrant::code).collect();
    let rows = sql::rows(
        db,
        CREATE,
        values![
            numbers(|new| new.application.get()),
            numbers(|new| new.application_epoch.get()),
            numbers(|new| new.user.get()),
            numbers(|new| new.user_epoch.get()),
            codes.iter().map(|code| code.as_ref().map(|code| code.as_bytes().as_slice())).collect::<Vec<_>>(),
            numbers(|new| i64::from(new.scopes.bits())),
            batch.iter().map(|one| one.new.refreshable).collect::<Vec<_>>(),
            numbers(|new| i64::from(new.key)),
            numbers(|new| micros(new.at)),
            batch.iter().map(|one| micros_of(one.new.expires_at)).collect::<Vec<_>>(),
            batch.iter().map(|one| one.new.consent.map(ConsentId::get)).collect::<Vec<_>>(),
            batch.iter().map(|one| OriginColumns::from(one.new.origin).origin).collect::<Vec<_>>(),
            batch.iter().map(|one| ScopeColumns::from(&one.new.scopes).further_scopes).collect::<Vec<_>>(),
            batch.iter().map(|one| one.new.details.to_json()).collect::<Vec<_>>(),
            batch.iter().map(|one| one.new.session.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await;
    let read = |row: &tokio_postgres::Row| {
        let code = sql::optional_bytes(row, 1)?.map(CodeId::from_bytes);
        Ok((code, GrantId::new(row.try_get(0)?)))
    };
    rows?.iter().map(read).collect()
}
