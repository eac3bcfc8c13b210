//! The list of everything that a user has allowed.

use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use oauth::grant::Allowed;
use store::columns::data_bits;
use tokio_postgres::Client;

use crate::sql::{self, values};
use crate::{cells, micros};

/// Returns one entry for each application. The query steps from one application to the next by the indices, so
/// the consents and grants of other applications are not read.
pub(crate) async fn list(
    db: &Client,
    user: UserId,
    now: Timestamp,
    after: Option<ApplicationId>,
    limit: u32,
) -> sql::Result<Vec<Allowed>> {
    let most = limit as usize;
    let mut at = after.map_or(0, ApplicationId::get);
    let mut allowed = Vec::new();
    while allowed.len() < most {
        let next = applications_after(db, user, at, limit).await?;
        let Some(last) = next.last() else { break };
        at = *last;
        let is_last = next.len() < most;
        allowed.extend(added_up(db, user, now, next).await?);
        if is_last {
            break;
        }
    }
    allowed.truncate(most);
    Ok(allowed)
}

/// Returns the applications for which the user has a consent or grant, valid or not.
async fn applications_after(db: &Client, user: UserId, after: i64, limit: u32) -> sql::Result<Vec<i64>> {
    const NEXT: &str = "WITH RECURSIVE given (id) AS (
            SELECT $2::bigint
            UNION ALL
            SELECT least(
                (SELECT min(application_id) FROM consents WHERE user_id = $1 AND application_id > given.id),
                (SELECT min(application_id) FROM grants
                    WHERE user_id = $1 AND application_id > given.id AND revoked_at IS NULL))
            FROM given WHERE given.id IS NOT NULL)
        SELECT id FROM given WHERE id > $2 LIMIT $3";
    sql::list(db, NEXT, values![user.get(), after, i64::from(limit)], |row| Ok(row.try_get(0)?)).await
}

/// Merges the user's consents and grants for each of these applications, by id.
async fn added_up(
    db: &Client,
    user: UserId,
    now: Timestamp,
    applications: Vec<i64>,
) -> sql::Result<Vec<Allowed>> {
    const SUM: &str = "WITH given AS (
            SELECT application_id, application_epoch, user_epoch, scopes, further_scopes, data, created_at,
                NULL::bigint AS last_used_at
            FROM consents WHERE user_id = $1 AND application_id = ANY ($3::bigint[])
            UNION ALL
            SELECT application_id, application_epoch, user_epoch, scopes, further_scopes, details::jsonb ->> 'data', created_at,
                last_used_at
            FROM grants WHERE user_id = $1 AND application_id = ANY ($3::bigint[]) AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > $2))
        SELECT a.id, a.name, o.name, a.created_by, a.handed_over_at, bit_or(g.scopes),
            '[' || string_agg(DISTINCT substr(g.further_scopes, 2, length(g.further_scopes) - 2), ',') || ']',
            '[' || string_agg(DISTINCT coalesce(g.data, 'null'), ',') FILTER (WHERE g.scopes & $4 <> 0) || ']',
            min(g.created_at), max(g.last_used_at)
        FROM given g
        JOIN users u ON u.id = $1 AND u.epoch = g.user_epoch
        JOIN applications a ON a.id = g.application_id AND a.epoch = g.application_epoch
        JOIN users o ON o.id = a.owner_id
        GROUP BY a.id, a.name, o.name ORDER BY a.id";
    sql::list(db, SUM, values![user.get(), micros(now), applications, data_bits()], cells::read).await
}
