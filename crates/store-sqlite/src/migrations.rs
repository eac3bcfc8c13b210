//! The migrations of the schema. The list is append-only: a migration that has run anywhere never changes.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::{DatabaseLock, OpenError, Options, connection};

/// A migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// The number, from 1; the same in every backend.
    pub number: i64,
    /// The subject of the migration.
    pub name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration {
        number: 2,
        name: "audit_newest_first",
        sql: include_str!("../migrations/0002_audit_newest_first.sql"),
    },
    Migration {
        number: 3,
        name: "audit_old_indexes",
        sql: include_str!("../migrations/0003_audit_old_indexes.sql"),
    },
    Migration { number: 4, name: "origins", sql: include_str!("../migrations/0004_origins.sql") },
    Migration {
        number: 5,
        name: "origins_of_redirect_urls",
        sql: include_str!("../migrations/0005_origins_of_redirect_urls.sql"),
    },
    Migration {
        number: 6,
        name: "familiar_networks",
        sql: include_str!("../migrations/0006_familiar_networks.sql"),
    },
    Migration { number: 7, name: "handovers", sql: include_str!("../migrations/0007_handovers.sql") },
    Migration {
        number: 8,
        name: "origin_of_grants",
        sql: include_str!("../migrations/0008_origin_of_grants.sql"),
    },
    Migration {
        number: 9,
        name: "sealed_options",
        sql: include_str!("../migrations/0009_sealed_options.sql"),
    },
    Migration { number: 10, name: "scopes", sql: include_str!("../migrations/0010_scopes.sql") },
    Migration {
        number: 11,
        name: "request_details",
        sql: include_str!("../migrations/0011_request_details.sql"),
    },
    Migration { number: 12, name: "signing_keys", sql: include_str!("../migrations/0012_signing_keys.sql") },
    Migration {
        number: 13,
        name: "device_authorizations",
        sql: include_str!("../migrations/0013_device_authorizations.sql"),
    },
    Migration {
        number: 14,
        name: "openid_connect",
        sql: include_str!("../migrations/0014_openid_connect.sql"),
    },
    Migration {
        number: 15,
        name: "pushed_requests",
        sql: include_str!("../migrations/0015_pushed_requests.sql"),
    },
    Migration {
        number: 16,
        name: "used_assertions",
        sql: include_str!("../migrations/0016_used_assertions.sql"),
    },
    Migration {
        number: 17,
        name: "logout_deliveries",
        sql: include_str!("../migrations/0017_logout_deliveries.sql"),
    },
    Migration { number: 18, name: "consent_data", sql: include_str!("../migrations/0018_consent_data.sql") },
    Migration {
        number: 19,
        name: "client_registrations",
        sql: include_str!("../migrations/0019_client_registrations.sql"),
    },
    Migration {
        number: 20,
        name: "trusted_issuers",
        sql: include_str!("../migrations/0020_trusted_issuers.sql"),
    },
    Migration {
        number: 21,
        name: "backchannel_authentications",
        sql: include_str!("../migrations/0021_backchannel_authentications.sql"),
    },
    Migration {
        number: 22,
        name: "authentication_age",
        sql: include_str!("../migrations/0022_authentication_age.sql"),
    },
    Migration {
        number: 23,
        name: "scope_implications",
        sql: include_str!("../migrations/0023_scope_implications.sql"),
    },
    Migration {
        number: 24,
        name: "consents_by_application",
        sql: include_str!("../migrations/0024_consents_by_application.sql"),
    },
    Migration {
        number: 25,
        name: "external_signing_keys",
        sql: include_str!("../migrations/0025_external_signing_keys.sql"),
    },
    Migration { number: 26, name: "provenance", sql: include_str!("../migrations/0026_provenance.sql") },
    Migration { number: 27, name: "mcp_scope", sql: include_str!("../migrations/0027_mcp_scope.sql") },
    Migration {
        number: 28,
        name: "model_documents",
        sql: include_str!("../migrations/0028_model_documents.sql"),
    },
    Migration {
        number: 29,
        name: "changes_of_data",
        sql: include_str!("../migrations/0029_changes_of_data.sql"),
    },
    Migration {
        number: 30,
        name: "personal_access_tokens",
        sql: include_str!("../migrations/0030_personal_access_tokens.sql"),
    },
    Migration {
        number: 31,
        name: "data_source_members",
        sql: include_str!("../migrations/0031_data_source_members.sql"),
    },
    Migration {
        number: 32,
        name: "data_source_credentials",
        sql: include_str!("../migrations/0032_data_source_credentials.sql"),
    },
    Migration {
        number: 33,
        name: "second_factors",
        sql: include_str!("../migrations/0033_second_factors.sql"),
    },
    Migration {
        number: 34,
        name: "session_origins",
        sql: include_str!("../migrations/0034_session_origins.sql"),
    },
    Migration {
        number: 35,
        name: "audit_accounts",
        sql: include_str!("../migrations/0035_audit_accounts.sql"),
    },
    Migration {
        number: 36,
        name: "audit_of_account",
        sql: include_str!("../migrations/0036_audit_of_account.sql"),
    },
    Migration {
        number: 37,
        name: "roles_with_second_factor",
        sql: include_str!("../migrations/0037_roles_with_second_factor.sql"),
    },
    Migration {
        number: 38,
        name: "data_sources_with_second_factor",
        sql: include_str!("../migrations/0038_data_sources_with_second_factor.sql"),
    },
    Migration { number: 39, name: "allow_lists", sql: include_str!("../migrations/0039_allow_lists.sql") },
    Migration {
        number: 40,
        name: "one_time_links",
        sql: include_str!("../migrations/0040_one_time_links.sql"),
    },
    Migration { number: 41, name: "mails", sql: include_str!("../migrations/0041_mails.sql") },
];

/// The migrations that the database at `path` lacks. Changes nothing.
///
/// # Errors
/// As for [`SqliteStore::open`](crate::SqliteStore::open).
pub fn pending(path: &Path) -> Result<&'static [Migration], OpenError> {
    connection::check_file(path)?;
    let _lock = DatabaseLock::shared(path)?;
    let db = connection::open_writer(path, Options::default())?;
    lacking(&db)
}

/// Runs the migrations that the database at `path` lacks, and returns them. Safe while a server is running.
///
/// # Errors
/// As for [`SqliteStore::open`](crate::SqliteStore::open); nothing has changed then.
pub fn migrate(path: &Path) -> Result<&'static [Migration], OpenError> {
    connection::check_file(path)?;
    let _lock = DatabaseLock::shared(path)?;
    run(&mut connection::open_writer(path, Options::default())?)
}

/// Runs all pending migrations in one transaction, so that two processes that start at the same time do not
/// both run them.
pub(crate) fn run(db: &mut Connection) -> Result<&'static [Migration], OpenError> {
    if lacking(db)?.is_empty() {
        return Ok(&[]);
    }
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let steps = lacking(&transaction)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL) STRICT",
    )?;
    for step in steps {
        transaction.execute_batch(step.sql)?;
        transaction.execute("INSERT INTO migrations VALUES (?1, ?2)", (step.number, step.name))?;
    }
    if connection::mark(&transaction)? == 0 {
        transaction.pragma_update(None, "application_id", connection::APPLICATION_ID)?;
    }
    transaction.commit()?;
    Ok(steps)
}

pub(crate) fn lacking(db: &Connection) -> Result<&'static [Migration], OpenError> {
    let there: Option<i64> = db
        .query_row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'", [], |row| {
            row.get(0)
        })
        .optional()?;
    let found: i64 = match there {
        None => 0,
        Some(_) => db.query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |row| row.get(0))?,
    };
    let known = MIGRATIONS.last().map_or(0, |last| last.number);
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    let done = MIGRATIONS.partition_point(|step| step.number <= found);
    Ok(&MIGRATIONS[done..])
}
