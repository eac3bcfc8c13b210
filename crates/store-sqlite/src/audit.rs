//! The audit log.

use domain::audit::{AuditEvent, NewAuditEvent};
use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use store::relational::audit::COLUMNS;
use store::{Answer, Audit, AuditFilter, fold_name};

use crate::{SqliteStore, cells, micros, sql};

impl Audit for SqliteStore {
    fn append_audit(&self, events: Vec<NewAuditEvent>) -> Answer<'_, ()> {
        self.write(move |db| events.iter().try_for_each(|event| append(db, event)))
    }

    fn list_audit(&self, filter: AuditFilter) -> Answer<'_, Vec<AuditEvent>> {
        self.read(move |db| list(db, &filter))
    }
}

pub(crate) fn append(db: &Connection, event: &NewAuditEvent) -> sql::Result<()> {
    const APPEND: &str = "INSERT INTO audit_events (at, action, outcome, actor_id, actor_name, folded_actor,
            account_id, application_id, subject, detail, address, request_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    let row = params![
        micros(event.at),
        event.action.as_str(),
        event.outcome.as_str(),
        event.actor.map(UserId::get),
        event.actor_name,
        event.actor_name.as_deref().map(fold_name),
        event.concerned_account().map(UserId::get),
        event.application.map(ApplicationId::get),
        event.subject,
        event.detail,
        event.address,
        event.request_id,
    ];
    sql::execute(db, APPEND, row).map(drop)
}

fn list(db: &Connection, filter: &AuditFilter) -> sql::Result<Vec<AuditEvent>> {
    let mut text = format!("SELECT {COLUMNS} FROM audit_events WHERE 1 = 1");
    let mut values: Vec<Value> = Vec::new();
    let mut narrow = |condition: &str, value: Value| {
        values.push(value);
        text.push_str(condition);
    };
    if let Some(before) = filter.before {
        narrow(" AND id < ?", before.get().into());
    }
    if let Some(name) = &filter.actor_name {
        narrow(" AND folded_actor = ?", fold_name(name).into());
    }
    if let Some(action) = filter.action {
        narrow(" AND action = ?", action.as_str().to_owned().into());
    }
    if let Some(account) = filter.account {
        narrow(" AND account_id = ?", account.get().into());
    }
    if let Some(application) = filter.application {
        narrow(" AND application_id = ?", application.get().into());
    }
    if let Some(since) = filter.since {
        narrow(" AND at >= ?", micros(since).into());
    }
    // With both bounds SQLite uses the index over time; with only a lower bound it would read everything
    // before it.
    if let Some(until) = filter.until.or(filter.since.map(|_| Timestamp::MAX)) {
        narrow(" AND at < ?", micros(until).into());
    }
    narrow(" ORDER BY id DESC LIMIT ?", i64::from(filter.limit).into());
    sql::list(db, &text, params_from_iter(values), cells::read)
}
