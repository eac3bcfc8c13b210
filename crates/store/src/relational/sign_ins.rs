//! Sign-in: the facts before a password is checked, failures, and familiar networks.
//!
//! A refused sign-in takes the same statements whether or not the name exists. It only waits for other
//! failures of the same user.

use domain::account::Lockout;
use domain::account::network::Network;
use domain::id::UserId;
use domain::time::Timestamp;

use super::{
    Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, familiar_networks, users, values,
};
use crate::columns::Impossible;
use crate::rules;
use crate::{ComesFrom, FailureCounted, FamiliarNetwork, RefusedSignIn, SignInFacts, SucceededSignIn};

/// An id that no user has.
const NOBODY: UserId = UserId::new(0);

/// The network in its stored form. An unknown network equals no stored one.
fn text(network: Option<Network>) -> Option<String> {
    network.map(|network| network.to_string())
}

/// Finds the user with that name, ignoring case, and what is known about the network.
pub async fn find<S: SqlTransaction>(db: &S, name: &str, from: ComesFrom) -> Read<Option<SignInFacts>, S> {
    static FIND: NamedStatement = users::select!(
        ", n.succeeded_at, n.failures, n.failures_since, n.locked_until, u.folded_name",
        "LEFT JOIN familiar_networks n ON n.user_id = u.id AND n.network = :network
            AND n.user_epoch = u.epoch AND n.succeeded_at >= :since
        WHERE u.folded_name IN {each :forms}"
    );
    let forms = users::storable_forms(name);
    let row = values! { network: text(from.network), since: from.familiar_since, forms: forms.as_slice() };
    Ok(users::first(&forms, db.list(&FIND, row).await?))
}

impl Record for SignInFacts {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let (user, succeeded_at): (_, Option<Timestamp>) = (row.record()?, row.read()?);
        let (failures, since, locked_until) = (row.read::<Option<u32>>()?, row.read()?, row.read()?);
        let lockout = Lockout { failures: failures.unwrap_or_default(), since, locked_until };
        Ok(Self {
            user,
            familiar: succeeded_at.map(|succeeded_at| FamiliarNetwork { succeeded_at, lockout }),
        })
    }
}

/// Locks the user's row, so that failures of one user are counted one after the other. Later reads see what
/// the previous transaction wrote.
async fn lock<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static LOCK: NamedStatement =
        NamedStatement::new("SELECT id FROM users WHERE id = :user {for no key update}");
    db.find::<UserId>(&LOCK, values! { user }).await.map(drop)
}

/// The counter that applies: that of the network if it is familiar, otherwise that of the user.
#[derive(Default)]
struct Counter {
    network: Option<i64>,
    lockout: Lockout,
}

impl Record for Counter {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        Ok(Self { network: row.read()?, lockout: row.record()? })
    }
}

async fn counter<S: SqlTransaction>(db: &S, user: UserId, from: ComesFrom) -> Read<Counter, S> {
    static FIND: NamedStatement = NamedStatement::new(
        "SELECT n.id, coalesce(n.failures, u.failures),
            CASE WHEN n.id IS NULL THEN u.failures_since ELSE n.failures_since END,
            CASE WHEN n.id IS NULL THEN u.locked_until ELSE n.locked_until END
        FROM users u LEFT JOIN familiar_networks n
            ON n.user_id = u.id AND n.network = :network AND n.user_epoch = u.epoch AND n.succeeded_at >= :since
        WHERE u.id = :user",
    );
    let row = values! { network: text(from.network), since: from.familiar_since, user };
    Ok(db.find(&FIND, row).await?.unwrap_or_default())
}

/// Records a refused sign-in, and counts it if it counts as a failure.
pub async fn refuse<S: SqlTransaction>(db: &S, refused: &RefusedSignIn) -> Read<FailureCounted, S> {
    let user = refused.user.unwrap_or(NOBODY);
    lock(db, user).await?;
    let Counter { network, lockout } = counter(db, user, refused.from).await?;
    let counted = match refused.policy {
        Some(policy) => FailureCounted::after(lockout, policy, refused.audit.at, network.is_some()),
        None => FailureCounted { lockout, ..FailureCounted::NOTHING },
    };
    set(db, user, network, counted.lockout).await?;
    let mut events = vec![refused.audit.clone()];
    if user == NOBODY {
        db.append_events(&events).await?;
        return Ok(FailureCounted::NOTHING);
    }
    if counted.locked_now {
        events.push(rules::lock_event(&refused.audit));
    }
    db.append_events(&events).await?;
    Ok(counted)
}

async fn set<S: SqlTransaction>(db: &S, user: UserId, network: Option<i64>, to: Lockout) -> Read<(), S> {
    static USER: NamedStatement = NamedStatement::new(
        "UPDATE users SET failures = :failures, failures_since = :since, locked_until = :locked_until
        WHERE id = :id",
    );
    static NETWORK: NamedStatement = NamedStatement::new(
        "UPDATE familiar_networks SET failures = :failures, failures_since = :since,
            locked_until = :locked_until
        WHERE id = :id",
    );
    let (statement, id) = network.map_or((&USER, user.get()), |id| (&NETWORK, id));
    let Lockout { failures, since, locked_until } = to;
    db.execute(statement, values! { failures, since, locked_until, id }).await.map(drop)
}

/// Records the network of a successful sign-in, and clears the failures that apply to it.
pub async fn note<S: SqlTransaction>(db: &S, succeeded: &SucceededSignIn) -> Read<(), S> {
    static FORGET: NamedStatement = NamedStatement::new(
        "UPDATE users SET failures = 0, failures_since = NULL
        WHERE id = :user AND epoch = :user_epoch AND failures > 0 AND locked_until IS NULL",
    );
    let SucceededSignIn { user, user_epoch, from, at } = *succeeded;
    lock(db, user).await?;
    if counter(db, user, from).await?.network.is_none() {
        db.execute(&FORGET, values! { user, user_epoch }).await?;
    }
    match from.network {
        Some(network) => familiar_networks::remember(db, user, user_epoch, network, at).await,
        None => Ok(()),
    }
}
