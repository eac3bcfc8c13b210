//! The counter of failed sign-ins.

use oauth::account::{Lockout, LockoutPolicy};
use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::id::UserId;
use store::FailureCounted;
use tokio_postgres::Client;

use crate::sql::{self, values};
use crate::versions::{self, Kind};
use crate::{audit, micros_of};

/// Has the seat, so that failures at many nodes at once are counted one after the other.
pub(super) async fn count_failure(
    db: &Client,
    id: UserId,
    policy: LockoutPolicy,
    event: &NewAuditEvent,
) -> sql::Result<FailureCounted> {
    const SET: &str = "UPDATE users SET failures = $2, failures_since = $3, locked_until = $4 WHERE id = $1";
    audit::append_one(db, event).await?;
    let Some(user) = super::find(db, id).await? else {
        return Ok(FailureCounted { lockout: Lockout::default(), locked_now: false });
    };
    let counted = FailureCounted::after(user.lockout, policy, event.at);
    let Lockout { failures, since, locked_until } = counted.lockout;
    if counted.lockout != user.lockout {
        sql::execute(
            db,
            SET,
            values![id.get(), i64::from(failures), micros_of(since), micros_of(locked_until)],
        )
        .await?;
    }
    if counted.locked_now {
        let lock = NewAuditEvent { action: Action::LockAccount, outcome: Outcome::Success, ..event.clone() };
        audit::append_one(db, &lock).await?;
        versions::grow(db, Kind::Users).await?;
    }
    Ok(counted)
}

pub(super) async fn has_failures(db: &Client, id: UserId) -> sql::Result<bool> {
    const HAS: &str =
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = $1 AND failures > 0 AND locked_until IS NULL)";
    sql::value(db, HAS, values![id.get()]).await
}

pub(super) async fn forget_failures(db: &Client, id: UserId) -> sql::Result<()> {
    const FORGET: &str =
        "UPDATE users SET failures = 0, failures_since = NULL WHERE id = $1 AND locked_until IS NULL";
    sql::execute(db, FORGET, values![id.get()]).await.map(drop)
}
