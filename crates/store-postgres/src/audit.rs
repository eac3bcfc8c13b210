//! The audit log.

use std::fmt::Write;

use domain::audit::{Action, AuditEvent, NewAuditEvent};
use domain::id::{ApplicationId, AuditId, UserId};
use store::relational::audit::COLUMNS;
use store::{Answer, Audit, AuditFilter, fold_name};
use tokio_postgres::Client;

use crate::sql::{self, SqlParameter, parameter, values};
use crate::unit::{in_one_statement, read};
use crate::{PostgresStore, cells, micros};

impl Audit for PostgresStore {
    fn append_audit(&self, events: Vec<NewAuditEvent>) -> Answer<'_, ()> {
        in_one_statement!(self, db => append(db, &events))
    }

    fn list_audit(&self, filter: AuditFilter) -> Answer<'_, Vec<AuditEvent>> {
        read!(self, db => list(db, &filter))
    }
}

/// Replaces the characters that PostgreSQL cannot store.
fn kept(text: Option<&String>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{fffd}"))
}

pub(crate) async fn append(db: &Client, events: &[NewAuditEvent]) -> sql::Result<()> {
    const APPEND: &str = "INSERT INTO audit_events (at, action, outcome, actor_id, actor_name, folded_actor,
            account_id, application_id, subject, detail, address, request_id)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::bigint[],
            $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[])";
    if events.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&NewAuditEvent) -> Option<&String>| {
        events.iter().map(|event| kept(of(event))).collect::<Vec<_>>()
    };
    let folded = |event: &NewAuditEvent| kept(event.actor_name.as_ref()).as_deref().map(fold_name);
    sql::execute(
        db,
        APPEND,
        values![
            events.iter().map(|event| micros(event.at)).collect::<Vec<_>>(),
            events.iter().map(|event| event.action.as_str()).collect::<Vec<_>>(),
            events.iter().map(|event| event.outcome.as_str()).collect::<Vec<_>>(),
            events.iter().map(|event| event.actor.map(UserId::get)).collect::<Vec<_>>(),
            texts(|event| event.actor_name.as_ref()),
            events.iter().map(folded).collect::<Vec<_>>(),
            events.iter().map(|event| event.concerned_account().map(UserId::get)).collect::<Vec<_>>(),
            events.iter().map(|event| event.application.map(ApplicationId::get)).collect::<Vec<_>>(),
            texts(|event| event.subject.as_ref()),
            texts(|event| event.detail.as_ref()),
            texts(|event| event.address.as_ref()),
            texts(|event| event.request_id.as_ref()),
        ],
    )
    .await
    .map(drop)
}

/// Appends one event.
pub(crate) async fn append_one(db: &Client, event: &NewAuditEvent) -> sql::Result<()> {
    append(db, std::slice::from_ref(event)).await
}

async fn list(db: &Client, filter: &AuditFilter) -> sql::Result<Vec<AuditEvent>> {
    let mut text = format!("SELECT {COLUMNS} FROM audit_events WHERE true");
    let before = filter.before.map(AuditId::get);
    let actor = filter.actor_name.as_deref().map(|name| fold_name(&name.replace('\0', "\u{fffd}")));
    let action = filter.action.map(Action::as_str);
    let account = filter.account.map(UserId::get);
    let application = filter.application.map(ApplicationId::get);
    let since = filter.since.map(micros);
    let until = filter.until.map(micros);
    let limit = i64::from(filter.limit);
    let mut bound: Vec<SqlParameter<'_>> = Vec::new();
    let conditions: [(&str, Option<SqlParameter<'_>>); 7] = [
        ("id < ", before.as_ref().map(parameter)),
        ("folded_actor = ", actor.as_ref().map(parameter)),
        ("action = ", action.as_ref().map(parameter)),
        ("account_id = ", account.as_ref().map(parameter)),
        ("application_id = ", application.as_ref().map(parameter)),
        ("at >= ", since.as_ref().map(parameter)),
        ("at < ", until.as_ref().map(parameter)),
    ];
    for (condition, value) in conditions {
        if let Some(value) = value {
            bound.push(value);
            let _ = write!(text, " AND {condition}${}", bound.len());
        }
    }
    bound.push(parameter(&limit));
    let _ = write!(text, " ORDER BY id DESC LIMIT ${}", bound.len());
    sql::list(db, &text, &bound, cells::read).await
}
