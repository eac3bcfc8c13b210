//! Codes that created no grant: many at once, in one serialized transaction. A code that was redeemed before ends the
//! grant that it created.

use std::collections::HashMap;
use std::sync::Arc;

use domain::audit::NewAuditEvent;
use domain::id::{CodeId, GrantId};
use oauth::revocation::RevokedSubject;
use store::GrantCreation;
use tokio_postgres::Client;

use crate::audit;
use crate::batch_queue::BatchedRequest;
use crate::pending_revocations::{self, RevocationDetails};
use crate::sql::{self, values};
use crate::unit::{Shared, Unit};

/// A code that created no grant, and the audit event for the case that it was redeemed before.
pub(crate) struct Replay {
    pub(crate) code: CodeId,
    pub(crate) details: RevocationDetails,
}

impl BatchedRequest for Replay {
    type Answer = GrantCreation;

    /// Serialized transactions run one at a time.
    const AT_ONCE: usize = 1;

    fn clashes(&self, other: &Self) -> bool {
        self.code == other.code
    }

    async fn run(shared: &Arc<Shared>, batch: &[Self]) -> sql::Result<Vec<GrantCreation>> {
        let unit = Unit::begin_serialized(shared).await?;
        let db = unit.client();
        let created = created_by(db, batch).await?;
        let replayed =
            || batch.iter().filter_map(|one| created.get(&one.code).map(|grant| (*grant, &one.details)));
        let ended = pending_revocations::revoke_grants(db, &replayed().collect::<Vec<_>>()).await?;
        let events: Vec<NewAuditEvent> = replayed().map(|(_, details)| details.audit.clone()).collect();
        audit::append(db, &events).await?;
        let answer = |one: &Self| match created.get(&one.code) {
            None => GrantCreation::Gone,
            Some(grant) => {
                let subject = RevokedSubject::Grant(*grant);
                GrantCreation::Replayed(
                    ended.iter().filter(|event| event.subject == subject).copied().collect(),
                )
            }
        };
        let answers = batch.iter().map(answer).collect();
        unit.commit(answers).await
    }
}

/// The grants that the codes created.
async fn created_by(db: &Client, batch: &[Replay]) -> sql::Result<HashMap<CodeId, GrantId>> {
    const CREATED: &str = "SELECT id, code_id FROM grants WHERE code_id = ANY ($1::bytea[])";
    let codes: Vec<&[u8]> = batch.iter().map(|one| one.code.as_bytes().as_slice()).collect();
    let read = |row: &tokio_postgres::Row| {
        Ok((CodeId::from_bytes(sql::bytes(row, 1)?), GrantId::new(row.try_get(0)?)))
    };
    Ok(sql::list(db, CREATED, values![codes], read).await?.into_iter().collect())
}
