//! Sign-in: the facts before a password is checked, failures, and familiar networks.
//!
//! A refused sign-in takes the same statements whether or not the name exists, and never a serialized
//! transaction: it only waits for other failures of the same user.

use domain::account::Lockout;
use domain::account::network::Network;
use domain::id::{Epoch, UserId};
use domain::time::Timestamp;
use store::rules;
use store::{
    Answer, ComesFrom, FailureCounted, FamiliarNetwork, MOST_FAMILIAR_NETWORKS, RefusedSignIn, SignInFacts,
    SignIns, SucceededSignIn,
};
use tokio_postgres::{Client, Row};

use crate::sql::{self, values};
use crate::unit::{in_transaction, read};
use crate::users::{self, user_columns};
use crate::{PostgresStore, audit, micros, micros_of};

impl SignIns for PostgresStore {
    fn find_sign_in<'a>(&'a self, name: &'a str, from: ComesFrom) -> Answer<'a, Option<SignInFacts>> {
        read!(self, db => find(db, name, from))
    }

    fn refuse_sign_in(&self, refused: RefusedSignIn) -> Answer<'_, FailureCounted> {
        in_transaction!(self, db => refuse(db, &refused))
    }

    fn note_sign_in(&self, succeeded: SucceededSignIn) -> Answer<'_, ()> {
        in_transaction!(self, db => note(db, &succeeded))
    }
}

/// An id that no user has.
const NOBODY: i64 = 0;

/// The network in its stored form. An unknown network equals no stored one.
fn text(network: Option<Network>) -> Option<String> {
    network.map(|network| network.to_string())
}

async fn find(db: &Client, name: &str, from: ComesFrom) -> sql::Result<Option<SignInFacts>> {
    const FIND: &str = concat!(
        "SELECT ",
        user_columns!(),
        ", n.succeeded_at, n.failures, n.failures_since, n.locked_until
        FROM users u LEFT JOIN familiar_networks n
            ON n.user_id = u.id AND n.network = $2 AND n.user_epoch = u.epoch AND n.succeeded_at >= $3
        WHERE u.folded_name = ANY ($1) ORDER BY array_position($1, u.folded_name) LIMIT 1"
    );
    let forms = users::storable_forms(name);
    sql::find(db, FIND, values![forms, text(from.network), micros(from.familiar_since)], |row| {
        Ok(SignInFacts { user: users::read_user(row)?, familiar: familiar(row, users::COLUMNS)? })
    })
    .await
}

fn familiar(row: &Row, first: usize) -> sql::Result<Option<FamiliarNetwork>> {
    let Some(succeeded_at) = sql::optional_moment(row, first)? else {
        return Ok(None);
    };
    Ok(Some(FamiliarNetwork { succeeded_at, lockout: lockout(row, first + 1)? }))
}

fn lockout(row: &Row, first: usize) -> sql::Result<Lockout> {
    Ok(Lockout {
        failures: sql::number(row, first)?,
        since: sql::optional_moment(row, first + 1)?,
        locked_until: sql::optional_moment(row, first + 2)?,
    })
}

/// Locks the user's row, so that failures of one user are counted one after the other. Later reads see what
/// the previous transaction wrote.
async fn lock(db: &Client, user: i64) -> sql::Result<()> {
    sql::rows(db, "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", values![user]).await.map(drop)
}

/// Which counter applies: that of the network if it is familiar, otherwise that of the user.
async fn counter(db: &Client, user: i64, from: ComesFrom) -> sql::Result<Option<(Option<i64>, Lockout)>> {
    const FIND: &str = "SELECT n.id, coalesce(n.failures, u.failures),
            CASE WHEN n.id IS NULL THEN u.failures_since ELSE n.failures_since END,
            CASE WHEN n.id IS NULL THEN u.locked_until ELSE n.locked_until END
        FROM users u LEFT JOIN familiar_networks n
            ON n.user_id = u.id AND n.network = $2 AND n.user_epoch = u.epoch AND n.succeeded_at >= $3
        WHERE u.id = $1";
    sql::find(db, FIND, values![user, text(from.network), micros(from.familiar_since)], |row| {
        Ok((row.try_get(0)?, lockout(row, 1)?))
    })
    .await
}

async fn refuse(db: &Client, refused: &RefusedSignIn) -> sql::Result<FailureCounted> {
    let at = refused.audit.at;
    let user = refused.user.map_or(NOBODY, UserId::get);
    lock(db, user).await?;
    let (network, before) = counter(db, user, refused.from).await?.unwrap_or_default();
    let counted = match refused.policy {
        Some(policy) => FailureCounted::after(before, policy, at, network.is_some()),
        None => FailureCounted { lockout: before, ..FailureCounted::NOTHING },
    };
    set(db, user, network, counted.lockout).await?;
    let mut events = vec![refused.audit.clone()];
    if user == NOBODY {
        audit::append(db, &events).await?;
        return Ok(FailureCounted::NOTHING);
    }
    if counted.locked_now {
        events.push(rules::lock_event(&refused.audit));
    }
    audit::append(db, &events).await?;
    Ok(counted)
}

async fn set(db: &Client, user: i64, network: Option<i64>, to: Lockout) -> sql::Result<()> {
    const USER: &str = "UPDATE users SET failures = $2, failures_since = $3, locked_until = $4 WHERE id = $1";
    const NETWORK: &str =
        "UPDATE familiar_networks SET failures = $2, failures_since = $3, locked_until = $4 WHERE id = $1";
    let (statement, id) = network.map_or((USER, user), |id| (NETWORK, id));
    sql::execute(
        db,
        statement,
        values![id, i64::from(to.failures), micros_of(to.since), micros_of(to.locked_until)],
    )
    .await
    .map(drop)
}

async fn note(db: &Client, succeeded: &SucceededSignIn) -> sql::Result<()> {
    const FORGET: &str = "UPDATE users SET failures = 0, failures_since = NULL
        WHERE id = $1 AND epoch = $2 AND failures > 0 AND locked_until IS NULL";
    let SucceededSignIn { user, user_epoch, from, at } = *succeeded;
    lock(db, user.get()).await?;
    let familiar = counter(db, user.get(), from).await?.is_some_and(|(network, _)| network.is_some());
    if !familiar {
        sql::execute(db, FORGET, values![user.get(), user_epoch.get()]).await?;
    }
    match from.network {
        Some(network) => remember(db, user, user_epoch, network, at).await,
        None => Ok(()),
    }
}

/// Makes a network familiar. Failures from it are cleared, except for a lock that is still in effect. The
/// caller has locked the user's row, so that concurrent successes cannot exceed the maximum number of
/// networks.
pub(crate) async fn remember(
    db: &Client,
    user: UserId,
    epoch: Epoch,
    network: Network,
    at: Timestamp,
) -> sql::Result<()> {
    const REMEMBER: &str = "INSERT INTO familiar_networks AS n (user_id, user_epoch, network, succeeded_at)
        SELECT id, epoch, $3, $4 FROM users WHERE id = $1 AND epoch = $2 AND active
        ON CONFLICT (user_id, network) DO UPDATE SET user_epoch = excluded.user_epoch,
            succeeded_at = excluded.succeeded_at,
            failures = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.failures ELSE 0 END,
            failures_since = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.failures_since END,
            locked_until = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.locked_until END";
    const KEEP_FEW: &str = "DELETE FROM familiar_networks WHERE user_id = $1 AND id NOT IN
        (SELECT id FROM familiar_networks WHERE user_id = $1 ORDER BY succeeded_at DESC, id DESC LIMIT $2)";
    sql::execute(db, REMEMBER, values![user.get(), epoch.get(), network.to_string(), micros(at)]).await?;
    sql::execute(db, KEEP_FEW, values![user.get(), i64::from(MOST_FAMILIAR_NETWORKS)]).await.map(drop)
}

/// Deletes all familiar networks of the user.
pub(crate) async fn forget_networks(db: &Client, user: UserId) -> sql::Result<()> {
    sql::execute(db, "DELETE FROM familiar_networks WHERE user_id = $1", values![user.get()]).await.map(drop)
}

/// Clears the locks and the failures of the user's familiar networks.
pub(crate) async fn unlock_networks(db: &Client, user: UserId) -> sql::Result<()> {
    const UNLOCK: &str =
        "UPDATE familiar_networks SET failures = 0, failures_since = NULL, locked_until = NULL
        WHERE user_id = $1";
    sql::execute(db, UNLOCK, values![user.get()]).await.map(drop)
}
