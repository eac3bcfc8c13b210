//! The networks from which users signed in recently.

use domain::account::network::Network;
use domain::id::{Epoch, UserId};
use domain::time::Timestamp;

use super::{NamedStatement, Read, SqlTransaction, values};
use crate::MOST_FAMILIAR_NETWORKS;

/// Makes a network familiar. Failures from it are cleared, except for a lock that is still in effect. The
/// user's row is locked, so that concurrent successes cannot exceed the maximum number of networks.
pub(super) async fn remember<S: SqlTransaction>(
    db: &S,
    user: UserId,
    epoch: Epoch,
    network: Network,
    at: Timestamp,
) -> Read<(), S> {
    static REMEMBER: NamedStatement = NamedStatement::new(
        "INSERT INTO familiar_networks AS n (user_id, user_epoch, network, succeeded_at)
        SELECT id, epoch, :network, :at FROM users WHERE id = :user AND epoch = :epoch AND active
        ON CONFLICT (user_id, network) DO UPDATE SET user_epoch = excluded.user_epoch,
            succeeded_at = excluded.succeeded_at,
            failures = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.failures ELSE 0 END,
            failures_since = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.failures_since END,
            locked_until = CASE WHEN n.user_epoch = excluded.user_epoch AND n.locked_until > excluded.succeeded_at
                THEN n.locked_until END",
    );
    static KEEP_FEW: NamedStatement = NamedStatement::new(
        "DELETE FROM familiar_networks WHERE user_id = :user AND id NOT IN (
            SELECT id FROM familiar_networks WHERE user_id = :user ORDER BY succeeded_at DESC, id DESC
            LIMIT :most)",
    );
    db.execute(&REMEMBER, values! { network: network.to_string(), at, user, epoch }).await?;
    db.execute(&KEEP_FEW, values! { user, most: MOST_FAMILIAR_NETWORKS }).await.map(drop)
}

/// Deletes all familiar networks of the user.
pub(super) async fn forget<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static FORGET: NamedStatement =
        NamedStatement::new("DELETE FROM familiar_networks WHERE user_id = :user");
    db.execute(&FORGET, values! { user }).await.map(drop)
}

/// Clears the locks and the failures of the user's familiar networks.
pub(super) async fn unlock<S: SqlTransaction>(db: &S, user: UserId) -> Read<(), S> {
    static UNLOCK: NamedStatement = NamedStatement::new(
        "UPDATE familiar_networks SET failures = 0, failures_since = NULL, locked_until = NULL
        WHERE user_id = :user",
    );
    db.execute(&UNLOCK, values! { user }).await.map(drop)
}
