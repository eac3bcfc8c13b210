//! Maintenance and metrics.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use store::{Answer, Maintenance, Purge, Purged, StoreFigures, Usage};
use tokio_postgres::Client;

use crate::sql::{self, values};
use crate::unit::{in_one_statement, in_transaction};
use crate::{PostgresStore, micros, purge};

/// Usage rows written in one statement.
const CHUNK: usize = 500;

/// Records last-use times of rows of a table, in id order like every operation that changes several rows.
macro_rules! last_used {
    ($table:literal) => {
        concat!(
            "WITH used AS MATERIALIZED (SELECT t.id, w.at FROM ",
            $table,
            " t
                JOIN unnest($1::bigint[], $2::bigint[]) AS w (id, at) ON w.id = t.id
                WHERE t.last_used_at IS NULL OR t.last_used_at < w.at ORDER BY t.id FOR UPDATE OF t)
            UPDATE ",
            $table,
            " t SET last_used_at = used.at FROM used WHERE t.id = used.id"
        )
    };
}

impl Maintenance for PostgresStore {
    fn record_usage(&self, usage: Usage) -> Answer<'_, ()> {
        let applications = usage.applications.into_iter().map(|(id, at)| (id.get(), micros(at))).collect();
        let secrets = usage.secrets.into_iter().map(|(id, at)| (id.get(), micros(at))).collect();
        let grants = usage.grants.into_iter().map(|(id, at)| (id.get(), micros(at))).collect();
        let personal = usage.personal_access_tokens;
        let personal = personal.into_iter().map(|(id, at)| (id.get(), micros(at))).collect();
        let sessions = usage.sessions.into_iter().map(|(id, at)| (id.get(), micros(at))).collect();
        let kinds: [(&'static str, BTreeMap<i64, i64>); 5] = [
            (last_used!("applications"), applications),
            (last_used!("secrets"), secrets),
            (last_used!("grants"), grants),
            (last_used!("personal_access_tokens"), personal),
            (last_used!("sessions"), sessions),
        ];
        Box::pin(async move {
            for (update, rows) in kinds {
                let rows: Vec<(i64, i64)> = rows.into_iter().collect();
                for chunk in rows.chunks(CHUNK) {
                    let chunk = chunk.to_vec();
                    let set: Answer<'_, ()> =
                        in_one_statement!(self, db => set_last_used(db, update, &chunk));
                    set.await?;
                }
            }
            Ok(())
        })
    }

    fn purge(&self, purge: Purge) -> Answer<'_, Purged> {
        in_transaction!(self, db => purge::batch(db, &purge))
    }

    fn probe(&self) -> Answer<'_, ()> {
        in_one_statement!(self, db => probe(db))
    }

    fn figures(&self) -> StoreFigures {
        let commits = self.shared.figures.commits.load(Ordering::Relaxed);
        StoreFigures {
            commits,
            writes: self.shared.figures.writes.load(Ordering::Relaxed),
            // The server acknowledges a commit once it is durable.
            syncs: commits,
            queued: (self.new_grants.len()
                + self.replays.len()
                + self.rotations.len()
                + self.revocations.len()) as u64,
        }
    }

    fn changes(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.listen();
            self.changes.notified().await;
            Ok(())
        })
    }

    fn close(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.shared.at_rest().await;
            self.stop_listening();
            self.shared.connections.close();
            Ok(())
        })
    }
}

async fn set_last_used(db: &Client, update: &str, rows: &[(i64, i64)]) -> sql::Result<()> {
    let (ids, moments): (Vec<i64>, Vec<i64>) = rows.iter().copied().unzip();
    sql::execute(db, update, values![ids, moments]).await.map(drop)
}

async fn probe(db: &Client) -> sql::Result<()> {
    sql::execute(db, "UPDATE probes SET written = written + 1 WHERE id = 1", &[]).await.map(drop)
}
