//! The possessions of a user, and what happens to them when the user is deleted.

use domain::id::{ApplicationId, DataSourceId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::revocation::{Revocation, RevokedSubject};
use rusqlite::Connection;
use store::{MOST_NAMES, Owned, Possessions, UserRefusal};

use crate::versions::{self, Kind};
use crate::{authority, micros, revocations, sql};

/// What was deleted together with its owner.
#[derive(Default)]
pub(super) struct Gone {
    pub(super) ended: Vec<Revocation>,
    pub(super) data_sources: Vec<DataSourceId>,
}

/// Why the user cannot be deleted because of what the user owns, if so. Changes nothing.
pub(super) fn refusal(
    db: &Connection,
    user: UserId,
    possessions: Possessions,
) -> sql::Result<Option<UserRefusal>> {
    const EXISTS: &str = "SELECT EXISTS (SELECT 1 FROM users WHERE id = ?1 AND active = 1)";
    if let Possessions::HandOver(heir) = possessions {
        if heir == user || !sql::value(db, EXISTS, [heir.get()])? {
            return Ok(Some(UserRefusal::UnknownHeir));
        }
        return Ok(owned(db, user)?.refusal_of_heir(&authority::permissions_of_user(db, heir)?));
    }
    Ok(owned(db, user)?.refusal(possessions))
}

fn owned(db: &Connection, user: UserId) -> sql::Result<Owned> {
    const APPLICATIONS: &str = "SELECT count(*) FROM applications WHERE owner_id = ?1";
    const SOURCES: &str = "SELECT count(*) FROM data_sources WHERE owner_id = ?1";
    const APPLICATION_NAMES: &str = "SELECT name FROM applications WHERE owner_id = ?1 ORDER BY id LIMIT ?2";
    const SOURCE_NAMES: &str = "SELECT name FROM data_sources WHERE owner_id = ?1 ORDER BY id LIMIT ?2";
    let names = |text| sql::list(db, text, (user.get(), MOST_NAMES), |row| Ok(row.get(0)?));
    Ok(Owned {
        applications: sql::value(db, APPLICATIONS, [user.get()])?,
        application_names: names(APPLICATION_NAMES)?,
        data_sources: sql::value(db, SOURCES, [user.get()])?,
        data_source_names: names(SOURCE_NAMES)?,
    })
}

/// Hands over or deletes the possessions that [`refusal`] has accepted.
pub(super) fn settle(
    db: &Connection,
    user: UserId,
    possessions: Possessions,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Gone> {
    match possessions {
        Possessions::Keep => Ok(Gone::default()),
        Possessions::HandOver(heir) => hand_over(db, user, heir, at).map(|()| Gone::default()),
        Possessions::Delete => delete(db, user, at, revocation_expires_at),
    }
}

/// The secrets of the applications are revoked: anyone who knows them could act for the new owner. The name
/// of the creator is kept.
fn hand_over(db: &Connection, user: UserId, heir: UserId, at: Timestamp) -> sql::Result<()> {
    const SECRETS: &str = "DELETE FROM secrets
        WHERE application_id IN (SELECT id FROM applications WHERE owner_id = ?1)";
    const UNSHARE: &str = "DELETE FROM data_source_shares WHERE user_id = ?2
        AND data_source_id IN (SELECT id FROM data_sources WHERE owner_id = ?1)";
    const APPLICATIONS: &str = "UPDATE applications SET owner_id = ?2, handed_over_at = ?3,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = ?1))
        WHERE owner_id = ?1";
    const SOURCES: &str = "UPDATE data_sources SET owner_id = ?2, handed_over_at = ?3,
            created_by = coalesce(created_by, (SELECT name FROM users WHERE id = ?1))
        WHERE owner_id = ?1";
    let handing = (user.get(), heir.get(), micros(at));
    sql::execute(db, UNSHARE, (user.get(), heir.get()))?;
    sql::execute(db, SECRETS, [user.get()])?;
    if sql::execute(db, APPLICATIONS, handing)? > 0 {
        versions::grow(db, Kind::Applications)?;
    }
    if sql::execute(db, SOURCES, handing)? > 0 {
        versions::grow(db, Kind::DataSources)?;
    }
    Ok(())
}

fn delete(
    db: &Connection,
    user: UserId,
    at: Timestamp,
    revocation_expires_at: Timestamp,
) -> sql::Result<Gone> {
    const APPLICATIONS: &str = "DELETE FROM applications WHERE owner_id = ?1 RETURNING id";
    const SOURCES: &str = "DELETE FROM data_sources WHERE owner_id = ?1 RETURNING id";
    let ids = |text| sql::list(db, text, [user.get()], |row| Ok(row.get::<_, i64>(0)?));
    let mut gone = Gone::default();
    for id in ids(APPLICATIONS)? {
        let subject = RevokedSubject::Application { application: ApplicationId::new(id), epoch: Epoch::GONE };
        gone.ended.push(revocations::append(db, subject, at, revocation_expires_at)?);
    }
    gone.data_sources = ids(SOURCES)?.into_iter().map(DataSourceId::new).collect();
    if !gone.ended.is_empty() {
        versions::grow(db, Kind::Applications)?;
    }
    if !gone.data_sources.is_empty() {
        versions::grow(db, Kind::DataSources)?;
    }
    Ok(gone)
}
