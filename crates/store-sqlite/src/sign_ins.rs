//! Sign-in: the facts before a password is checked, failures, and familiar networks.

use domain::account::Lockout;
use domain::account::network::Network;
use domain::id::{Epoch, UserId};
use domain::time::Timestamp;
use rusqlite::{Connection, Row, params};
use store::rules;
use store::{
    Answer, ComesFrom, FailureCounted, FamiliarNetwork, MOST_FAMILIAR_NETWORKS, RefusedSignIn, SignInFacts,
    SignIns, SucceededSignIn,
};

use crate::users::{self, user_columns};
use crate::{SqliteStore, audit, micros, micros_of, sql};

impl SignIns for SqliteStore {
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>> {
        self.read(move |db| find(db, name, from))
    }

    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted> {
        self.write(move |db| refuse(db, &refused))
    }

    fn note_sign_in(&self, succeeded: SucceededSignIn) -> Answer<'_, ()> {
        self.write(move |db| note(db, &succeeded))
    }
}

/// The network in its stored form. An unknown network equals no stored one.
fn text(network: Option<Network>) -> Option<String> {
    network.map(|network| network.to_string())
}

fn find(db: &Connection, name: &str, from: ComesFrom) -> sql::Result<Option<SignInFacts>> {
    const FIND: &str = concat!(
        "SELECT ",
        user_columns!(),
        ", n.succeeded_at, n.failures, n.failures_since, n.locked_until
        FROM users u LEFT JOIN familiar_networks n
            ON n.user_id = u.id AND n.network = ?2 AND n.user_epoch = u.epoch AND n.succeeded_at >= ?3
        WHERE u.folded_name = ?1"
    );
    let (network, since) = (text(from.network), micros(from.familiar_since));
    for form in store::name_forms(name) {
        let found = sql::find(db, FIND, params![form, network, since], |row| {
            Ok(SignInFacts { user: users::read(row)?, familiar: familiar(row, users::COLUMNS)? })
        })?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

fn familiar(row: &Row<'_>, first: usize) -> sql::Result<Option<FamiliarNetwork>> {
    let Some(succeeded_at) = row.get::<_, Option<i64>>(first)?.map(Timestamp::from_micros) else {
        return Ok(None);
    };
    Ok(Some(FamiliarNetwork { succeeded_at, lockout: lockout(row, first + 1)? }))
}

fn lockout(row: &Row<'_>, first: usize) -> sql::Result<Lockout> {
    let moment =
        |column| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp::from_micros));
    Ok(Lockout { failures: row.get(first)?, since: moment(first + 1)?, locked_until: moment(first + 2)? })
}

/// Which counter applies: that of the network if it is familiar, otherwise that of the user.
fn counter(db: &Connection, user: UserId, from: ComesFrom) -> sql::Result<Option<(Option<i64>, Lockout)>> {
    const FIND: &str = "SELECT n.id, coalesce(n.failures, u.failures), iif(n.id IS NULL, u.failures_since, n.failures_since),
            iif(n.id IS NULL, u.locked_until, n.locked_until)
        FROM users u LEFT JOIN familiar_networks n
            ON n.user_id = u.id AND n.network = ?2 AND n.user_epoch = u.epoch AND n.succeeded_at >= ?3
        WHERE u.id = ?1";
    let row = params![user.get(), text(from.network), micros(from.familiar_since)];
    sql::find(db, FIND, row, |row| Ok((row.get(0)?, lockout(row, 1)?)))
}

fn refuse(db: &Connection, refused: &RefusedSignIn) -> sql::Result<FailureCounted> {
    let at = refused.audit.at;
    audit::append(db, &refused.audit)?;
    let (Some(user), Some(policy)) = (refused.user, refused.policy) else {
        return Ok(FailureCounted::NOTHING);
    };
    let Some((network, before)) = counter(db, user, refused.from)? else {
        return Ok(FailureCounted::NOTHING);
    };
    let counted = FailureCounted::after(before, policy, at, network.is_some());
    if counted.lockout != before {
        set(db, user, network, counted.lockout)?;
    }
    if counted.locked_now {
        audit::append(db, &rules::lock_event(&refused.audit))?;
    }
    Ok(counted)
}

fn set(db: &Connection, user: UserId, network: Option<i64>, to: Lockout) -> sql::Result<()> {
    const USER: &str = "UPDATE users SET failures = ?2, failures_since = ?3, locked_until = ?4 WHERE id = ?1";
    const NETWORK: &str =
        "UPDATE familiar_networks SET failures = ?2, failures_since = ?3, locked_until = ?4 WHERE id = ?1";
    let (statement, id) = network.map_or((USER, user.get()), |id| (NETWORK, id));
    sql::execute(db, statement, (id, to.failures, micros_of(to.since), micros_of(to.locked_until))).map(drop)
}

fn note(db: &Connection, succeeded: &SucceededSignIn) -> sql::Result<()> {
    const FORGET: &str = "UPDATE users SET failures = 0, failures_since = NULL
        WHERE id = ?1 AND epoch = ?2 AND failures > 0 AND locked_until IS NULL";
    let SucceededSignIn { user, user_epoch, from, at } = *succeeded;
    let familiar = counter(db, user, from)?.is_some_and(|(network, _)| network.is_some());
    if !familiar {
        sql::execute(db, FORGET, (user.get(), user_epoch.get()))?;
    }
    match from.network {
        Some(network) => remember(db, user, user_epoch, network, at),
        None => Ok(()),
    }
}

/// Makes a network familiar. Failures from it are cleared, except for a lock that is still in effect.
pub(crate) fn remember(
    db: &Connection,
    user: UserId,
    epoch: Epoch,
    network: Network,
    at: Timestamp,
) -> sql::Result<()> {
    const REMEMBER: &str = "INSERT INTO familiar_networks (user_id, user_epoch, network, succeeded_at)
        SELECT id, epoch, ?3, ?4 FROM users WHERE id = ?1 AND epoch = ?2 AND active
        ON CONFLICT (user_id, network) DO UPDATE SET user_epoch = excluded.user_epoch,
            succeeded_at = excluded.succeeded_at,
            failures = iif(user_epoch = excluded.user_epoch AND locked_until > excluded.succeeded_at, failures, 0),
            failures_since =
                iif(user_epoch = excluded.user_epoch AND locked_until > excluded.succeeded_at, failures_since, NULL),
            locked_until =
                iif(user_epoch = excluded.user_epoch AND locked_until > excluded.succeeded_at, locked_until, NULL)";
    const KEEP_FEW: &str = "DELETE FROM familiar_networks WHERE user_id = ?1 AND id NOT IN
        (SELECT id FROM familiar_networks WHERE user_id = ?1 ORDER BY succeeded_at DESC, id DESC LIMIT ?2)";
    sql::execute(db, REMEMBER, (user.get(), epoch.get(), network.to_string(), micros(at)))?;
    sql::execute(db, KEEP_FEW, (user.get(), MOST_FAMILIAR_NETWORKS)).map(drop)
}

/// Deletes all familiar networks of the user.
pub(crate) fn forget_networks(db: &Connection, user: UserId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM familiar_networks WHERE user_id = ?1", [user.get()]).map(drop)
}

/// Clears the locks and the failures of the user's familiar networks.
pub(crate) fn unlock_networks(db: &Connection, user: UserId) -> sql::Result<()> {
    const UNLOCK: &str =
        "UPDATE familiar_networks SET failures = 0, failures_since = NULL, locked_until = NULL
        WHERE user_id = ?1";
    sql::execute(db, UNLOCK, [user.get()]).map(drop)
}
