//! Reading the feed of revocations. The backends append to it.

use domain::time::Timestamp;
use oauth::revocation::Revocation;

use super::{Columns, NamedStatement, Read, Record, ResultRow, SqlTransaction, values};
use crate::columns::{Impossible, SubjectColumns};

/// Lists the revocations after `seq` that have not expired, in order.
pub async fn after<S: SqlTransaction>(
    db: &S,
    seq: i64,
    now: Timestamp,
    limit: u32,
) -> Read<Vec<Revocation>, S> {
    static AFTER: NamedStatement = NamedStatement::new(
        "SELECT seq, kind, token_id, grant_id, user_id, application_id, epoch, at, expires_at
        FROM revocations WHERE seq > :seq AND expires_at > :now ORDER BY seq LIMIT :limit",
    );
    db.list(&AFTER, values! { seq, now, limit }).await
}

impl Record for Revocation {
    fn read<R: ResultRow>(row: &mut Columns<'_, R>) -> Result<Self, Impossible> {
        let seq = row.read()?;
        let subject = SubjectColumns {
            kind: row.read()?,
            token: row.read()?,
            grant: row.read()?,
            user: row.read()?,
            application: row.read()?,
            epoch: row.read()?,
        };
        Ok(Self { seq, subject: subject.try_into()?, at: row.read()?, expires_at: row.read()? })
    }
}
