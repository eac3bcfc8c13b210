//! Revoking grants and single tokens: many at once, in one serialized transaction.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use domain::audit::NewAuditEvent;
use domain::id::GrantId;
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use tokio_postgres::Client;

use crate::batch_queue::BatchedRequest;
use crate::revocations::{self, NewRevocation};
use crate::sql::{self, values};
use crate::unit::{Shared, Unit};
use crate::{audit, micros};

/// The time of a revocation, and the audit event.
#[derive(Debug, Clone)]
pub(crate) struct RevocationDetails {
    pub(crate) revocation_expires_at: Timestamp,
    pub(crate) audit: NewAuditEvent,
}

impl RevocationDetails {
    fn of(&self, subject: RevokedSubject) -> NewRevocation {
        NewRevocation { subject, at: self.audit.at, expires_at: self.revocation_expires_at }
    }
}

/// A pending revocation: one grant or one token.
pub(crate) struct PendingRevocation {
    pub(crate) subject: RevokedSubject,
    pub(crate) details: RevocationDetails,
}

impl BatchedRequest for PendingRevocation {
    type Answer = Vec<Revocation>;

    /// Serialized transactions run one at a time.
    const AT_ONCE: usize = 1;

    fn clashes(&self, other: &Self) -> bool {
        self.subject == other.subject
    }

    /// Revokes each grant unless it was revoked before, and each token in any case.
    async fn run(shared: &Arc<Shared>, batch: &[Self]) -> sql::Result<Vec<Vec<Revocation>>> {
        let unit = Unit::begin_serialized(shared).await?;
        let db = unit.client();
        let grants: Vec<(GrantId, &RevocationDetails)> = batch
            .iter()
            .filter_map(|one| match one.subject {
                RevokedSubject::Grant(grant) => Some((grant, &one.details)),
                _ => None,
            })
            .collect();
        let ended = mark(db, &grants).await?;
        let happens = |one: &&PendingRevocation| !matches!(one.subject, RevokedSubject::Grant(grant) if !ended.contains(&grant));
        let happening: Vec<&PendingRevocation> = batch.iter().filter(happens).collect();
        let new_revocations: Vec<NewRevocation> =
            happening.iter().map(|one| one.details.of(one.subject)).collect();
        let events: Vec<NewAuditEvent> = happening.iter().map(|one| one.details.audit.clone()).collect();
        let (appended, noted, ended) = tokio::join!(
            biased;
            revocations::append(db, &new_revocations),
            audit::append(db, &events),
            unit.end(),
        );
        let appended = appended?;
        noted?;
        ended?;
        unit.at_rest();
        let of_one = |one: &PendingRevocation| {
            appended.iter().filter(|event| event.subject == one.subject).copied().collect()
        };
        Ok(batch.iter().map(of_one).collect())
    }
}

/// Revokes the grants that were not revoked before, with all their tokens. The caller is in a serialized
/// transaction.
pub(crate) async fn revoke_grants(
    db: &Client,
    grants: &[(GrantId, &RevocationDetails)],
) -> sql::Result<Vec<Revocation>> {
    let ended = mark(db, grants).await?;
    let new_revocations: Vec<NewRevocation> = grants
        .iter()
        .filter(|(grant, _)| ended.contains(grant))
        .map(|(grant, details)| details.of(RevokedSubject::Grant(*grant)))
        .collect();
    revocations::append(db, &new_revocations).await
}

/// Marks grants as revoked, in id order like every operation that changes several grants, and returns those
/// that were live.
async fn mark(db: &Client, grants: &[(GrantId, &RevocationDetails)]) -> sql::Result<HashSet<GrantId>> {
    const END: &str = "WITH live AS MATERIALIZED (
            SELECT g.id, w.at FROM grants g
            JOIN unnest($1::bigint[], $2::bigint[]) AS w (id, at) ON w.id = g.id
            WHERE g.revoked_at IS NULL ORDER BY g.id FOR UPDATE OF g)
        UPDATE grants g SET revoked_at = live.at FROM live WHERE g.id = live.id RETURNING g.id";
    if grants.is_empty() {
        return Ok(HashSet::new());
    }
    let once: BTreeMap<i64, i64> =
        grants.iter().map(|(grant, details)| (grant.get(), micros(details.audit.at))).collect();
    let ended = sql::list(
        db,
        END,
        values![once.keys().copied().collect::<Vec<_>>(), once.values().copied().collect::<Vec<_>>()],
        |row| Ok(GrantId::new(row.try_get(0)?)),
    )
    .await;
    Ok(ended?.into_iter().collect())
}
