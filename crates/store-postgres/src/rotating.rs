//! Rotating refresh tokens: many with one statement.

use std::collections::HashSet;
use std::sync::Arc;

use domain::id::GrantId;
use domain::time::Timestamp;
use store::Rotated;

use crate::batch_queue::BatchedRequest;
use crate::micros;
use crate::sql::{self, values};
use crate::unit::Shared;

/// Locks grants in id order, like every operation that changes several grants. A row that was changed
/// meanwhile is checked against the conditions again. A grant of an earlier epoch is not rotated.
const ROTATE: &str = "WITH current AS MATERIALIZED (
        SELECT g.id, w.key, w.at FROM grants g
        JOIN unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS w (id, generation, key, at)
            ON w.id = g.id AND w.generation = g.generation
        WHERE g.revoked_at IS NULL
            AND EXISTS (SELECT 1 FROM applications a WHERE a.id = g.application_id AND a.epoch = g.application_epoch)
            AND EXISTS (SELECT 1 FROM users u WHERE u.id = g.user_id AND u.epoch = g.user_epoch)
        ORDER BY g.id FOR UPDATE OF g)
    UPDATE grants g SET generation = g.generation + 1, rotated_at = c.at, key = c.key
    FROM current c WHERE g.id = c.id RETURNING g.id";

/// One grant to advance to its next generation.
pub(crate) struct PendingRotation {
    pub(crate) id: GrantId,
    pub(crate) generation: i64,
    pub(crate) key: u32,
    pub(crate) at: Timestamp,
}

impl BatchedRequest for PendingRotation {
    type Answer = Rotated;

    const AT_ONCE: usize = 2;

    fn clashes(&self, other: &Self) -> bool {
        self.id == other.id
    }

    async fn run(shared: &Arc<Shared>, batch: &[Self]) -> sql::Result<Vec<Rotated>> {
        let numbers = |of: fn(&Self) -> i64| batch.iter().map(of).collect::<Vec<_>>();
        let connection = shared.connections.get().await?;
        let rotated = sql::list(
            connection.client(),
            ROTATE,
            values![
                numbers(|one| one.id.get()),
                numbers(|one| one.generation),
                numbers(|one| i64::from(one.key)),
                numbers(|one| micros(one.at)),
            ],
            |row| Ok(GrantId::new(row.try_get(0)?)),
        )
        .await;
        let rotated: HashSet<GrantId> = rotated?.into_iter().collect();
        connection.at_rest();
        let became = |one: &Self| if rotated.contains(&one.id) { Rotated::Done } else { Rotated::Lost };
        Ok(batch.iter().map(became).collect())
    }
}
