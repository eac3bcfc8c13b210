//! Maintenance and metrics.

use std::sync::atomic::Ordering;

use domain::time::Timestamp;
use rusqlite::Connection;
use store::{Answer, Maintenance, Purge, Purged, StoreFigures, Usage};

use crate::{SqliteStore, micros, sql};

/// Usage rows written in one operation, so that nobody waits long behind it.
const CHUNK: usize = 500;

impl Maintenance for SqliteStore {
    fn record_usage(&self, usage: Usage) -> Answer<'_, ()> {
        const APPLICATIONS: &str = "UPDATE applications SET last_used_at = ?2
            WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        const SECRETS: &str = "UPDATE secrets SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        const GRANTS: &str = "UPDATE grants SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        const PERSONAL: &str = "UPDATE personal_access_tokens SET last_used_at = ?2
            WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        const SESSIONS: &str = "UPDATE sessions SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
        let applications = usage.applications.into_iter().map(|(id, at)| (id.get(), at));
        let secrets = usage.secrets.into_iter().map(|(id, at)| (id.get(), at));
        let mut grants: Vec<_> = usage.grants.into_iter().map(|(id, at)| (id.get(), at)).collect();
        // Adjacent ids share pages.
        grants.sort_unstable();
        let personal = usage.personal_access_tokens.into_iter().map(|(id, at)| (id.get(), at));
        let sessions = usage.sessions.into_iter().map(|(id, at)| (id.get(), at));
        let kinds = [
            (APPLICATIONS, applications.collect()),
            (SECRETS, secrets.collect()),
            (GRANTS, grants),
            (PERSONAL, personal.collect()),
            (SESSIONS, sessions.collect()),
        ];
        Box::pin(async move {
            for (update, rows) in kinds {
                for chunk in rows.chunks(CHUNK) {
                    let chunk = chunk.to_vec();
                    self.write(move |db| set_last_used(db, update, &chunk)).await?;
                }
            }
            Ok(())
        })
    }

    fn purge(&self, purge: Purge) -> Answer<'_, Purged> {
        Box::pin(self.purge_batch(purge))
    }

    fn probe(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.read_now(|db| sql::value::<i64>(db, "SELECT written FROM probes", ()))?;
            self.write(|db| sql::execute(db, "UPDATE probes SET written = written + 1", ()).map(drop)).await
        })
    }

    fn changes(&self) -> Answer<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn figures(&self) -> StoreFigures {
        let shared = self.writer().shared();
        StoreFigures {
            commits: shared.commits.load(Ordering::Relaxed),
            writes: shared.writes.load(Ordering::Relaxed),
            syncs: shared.syncs.load(Ordering::Relaxed),
            queued: self.queue.len() as u64,
        }
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.queue.close();
            self.writer().finished().await;
            self.readers.close();
            Ok(())
        })
    }
}

fn set_last_used(db: &Connection, update: &str, rows: &[(i64, Timestamp)]) -> sql::Result<()> {
    for (id, at) in rows {
        sql::execute(db, update, (id, micros(*at)))?;
    }
    Ok(())
}
