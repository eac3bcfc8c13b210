//! Passes over the tables whose rows become invalid when an epoch advances.

use super::{NamedStatement, Read, SqlTransaction, values};

/// Requests a pass, after an epoch has advanced or its subject was deleted.
pub async fn request<S: SqlTransaction>(db: &S) -> Read<(), S> {
    static REQUEST: NamedStatement = NamedStatement::new("UPDATE sweeps SET requested = requested + 1");
    db.execute(&REQUEST, values! {}).await.map(drop)
}
