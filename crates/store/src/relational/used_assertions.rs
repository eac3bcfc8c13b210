//! Used assertions.

use domain::secret::Digest;
use domain::time::Timestamp;

use super::{NamedStatement, Read, SqlTransaction, values};

/// Records the first use of an assertion.
pub async fn insert<S: SqlTransaction>(db: &S, digest: &Digest, expires_at: Timestamp) -> Read<bool, S> {
    static INSERT: NamedStatement = NamedStatement::new(
        "INSERT INTO used_assertions (digest, expires_at) VALUES (:digest, :expires_at) ON CONFLICT DO NOTHING",
    );
    Ok(db.execute(&INSERT, values! { digest, expires_at }).await? > 0)
}
