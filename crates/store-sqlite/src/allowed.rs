//! The list of everything that a user has allowed.

use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use oauth::grant::{Allowed, AllowedData};
use rusqlite::Connection;
use store::columns::data_bits;

use crate::{cells, micros, sql};

/// Returns one entry for each application. The query steps from one application to the next by the indices, so
/// the consents and grants of other applications are not read.
pub(crate) fn list(
    db: &Connection,
    user: UserId,
    now: Timestamp,
    after: Option<ApplicationId>,
    limit: u32,
) -> sql::Result<Vec<Allowed>> {
    const NEXT: &str = "SELECT min(id) FROM (
            SELECT min(application_id) AS id FROM consents WHERE user_id = ?1 AND application_id > ?2
            UNION ALL
            SELECT min(application_id) FROM grants
            WHERE user_id = ?1 AND application_id > ?2 AND revoked_at IS NULL)";
    let mut at = after.map_or(0, ApplicationId::get);
    let mut allowed = Vec::new();
    while allowed.len() < limit as usize {
        let Some(next) = sql::value::<Option<i64>>(db, NEXT, (user.get(), at))? else { break };
        at = next;
        allowed.extend(find_allowed(db, user, now, ApplicationId::new(at))?);
    }
    Ok(allowed)
}

/// Merges the user's consents and grants for the application.
fn find_allowed(
    db: &Connection,
    user: UserId,
    now: Timestamp,
    application: ApplicationId,
) -> sql::Result<Option<Allowed>> {
    const GIVEN: &str = "WITH given AS (
            SELECT application_epoch, user_epoch, scopes, further_scopes, data, created_at, NULL AS last_used_at
            FROM consents WHERE user_id = ?1 AND application_id = ?3
            UNION ALL
            SELECT application_epoch, user_epoch, scopes, further_scopes, json_extract(details, '$.data'), created_at,
                last_used_at
            FROM grants WHERE user_id = ?1 AND application_id = ?3 AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > ?2))
        SELECT a.id, a.name, o.name, a.created_by, a.handed_over_at, g.scopes, g.further_scopes,
            CASE WHEN g.scopes & ?4 <> 0 THEN '[' || coalesce(g.data, 'null') || ']' END,
            g.created_at, g.last_used_at
        FROM given g
        JOIN users u ON u.id = ?1 AND u.epoch = g.user_epoch
        JOIN applications a ON a.id = ?3 AND a.epoch = g.application_epoch
        JOIN users o ON o.id = a.owner_id";
    let mut sum: Option<Allowed> = None;
    sql::list(db, GIVEN, (user.get(), micros(now), application.get(), data_bits()), |row| {
        let Some(sum) = &mut sum else {
            sum = Some(cells::read(row)?);
            return Ok(());
        };
        let next: Allowed = cells::read(row)?;
        sum.scopes = sum.scopes.union(&next.scopes);
        sum.data = std::mem::replace(&mut sum.data, AllowedData::Nothing).union(next.data);
        sum.since = sum.since.min(next.since);
        sum.last_used_at = sum.last_used_at.max(next.last_used_at);
        Ok(())
    })?;
    Ok(sum)
}
