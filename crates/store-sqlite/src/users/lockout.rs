//! The counter of failed sign-ins.

use oauth::account::{Lockout, LockoutPolicy};
use oauth::audit::{Action, NewAuditEvent, Outcome};
use oauth::id::UserId;
use rusqlite::Connection;
use store::FailureCounted;

use crate::versions::{self, Kind};
use crate::{audit, micros_of, sql};

pub(super) fn count_failure(
    db: &Connection,
    id: UserId,
    policy: LockoutPolicy,
    event: &NewAuditEvent,
) -> sql::Result<FailureCounted> {
    const SET: &str = "UPDATE users SET failures = ?2, failures_since = ?3, locked_until = ?4 WHERE id = ?1";
    audit::append(db, event)?;
    let Some(user) = super::find(db, id)? else {
        return Ok(FailureCounted { lockout: Lockout::default(), locked_now: false });
    };
    let counted = FailureCounted::after(user.lockout, policy, event.at);
    let Lockout { failures, since, locked_until } = counted.lockout;
    if counted.lockout != user.lockout {
        sql::execute(db, SET, (id.get(), failures, micros_of(since), micros_of(locked_until)))?;
    }
    if counted.locked_now {
        audit::append(
            db,
            &NewAuditEvent { action: Action::LockAccount, outcome: Outcome::Success, ..event.clone() },
        )?;
        versions::grow(db, Kind::Users)?;
    }
    Ok(counted)
}

pub(super) fn has_failures(db: &Connection, id: UserId) -> sql::Result<bool> {
    const HAS: &str =
        "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND failures > 0 AND locked_until IS NULL)";
    sql::value(db, HAS, [id.get()])
}

pub(super) fn forget_failures(db: &Connection, id: UserId) -> sql::Result<()> {
    const FORGET: &str =
        "UPDATE users SET failures = 0, failures_since = NULL WHERE id = ?1 AND locked_until IS NULL";
    sql::execute(db, FORGET, [id.get()]).map(drop)
}
