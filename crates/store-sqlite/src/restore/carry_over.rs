//! Changes that the current database (`cur`) has seen since the backup (`main`), carried over into the
//! backup.
//!
//! A row that is absent was deleted since, if the current database ever contained it. It cannot have
//! contained rows that were created after its own last id, or between the time of an earlier backup and the
//! time at which that backup was restored. Such rows are distrusted instead, so that undoing a restore does
//! not delete what the first restore left out.

use domain::audit::Action;
use domain::secret::PasswordHash;
use rusqlite::Connection;
use store::{BACKUP_OF, Restored};

use super::{client_keys, count};
use crate::sql;

/// Audit events this long before the backup are compared too, because an event may have been stamped before
/// the backup and committed after it.
const OVERLAP_MICROS: i64 = 3_600_000_000;

/// The maximum number of lost names that are reported for each kind.
const NAMES: i64 = 20;

/// Copies the audit log since the backup, and records what the backup lacks.
pub(super) fn record(db: &Connection, done: &mut Restored) -> sql::Result<()> {
    const AUDIT: &str = "INSERT INTO main.audit_events (at, action, outcome, actor_id, actor_name, folded_actor,
            account_id, application_id, subject, detail, address, request_id)
        SELECT c.at, c.action, c.outcome, c.actor_id, c.actor_name, c.folded_actor, c.account_id, c.application_id, c.subject,
            c.detail, c.address, c.request_id
        FROM cur.audit_events c
        WHERE c.at > (SELECT coalesce(max(at), 0) FROM main.audit_events) - ?1
            AND NOT EXISTS (SELECT 1 FROM main.audit_events m
                WHERE m.at = c.at AND m.action = c.action AND m.request_id IS c.request_id)
        ORDER BY c.id";
    const LOST: [&str; 3] = [
        "SELECT 'user ' || c.name FROM cur.users c
        WHERE NOT EXISTS (SELECT 1 FROM main.users m WHERE m.id = c.id) ORDER BY c.id LIMIT ?1",
        "SELECT 'application ' || c.name FROM cur.applications c
        WHERE NOT EXISTS (SELECT 1 FROM main.applications m WHERE m.id = c.id) ORDER BY c.id LIMIT ?1",
        "SELECT 'data source ' || c.name FROM cur.data_sources c
        WHERE NOT EXISTS (SELECT 1 FROM main.data_sources m WHERE m.id = c.id) ORDER BY c.id LIMIT ?1",
    ];
    absences(db)?;
    sql::execute(db, AUDIT, [OVERLAP_MICROS])?;
    for lost in LOST {
        done.lost.extend(sql::list(db, lost, [NAMES], |row| Ok(row.get::<_, String>(0)?))?);
    }
    Ok(())
}

/// Fills `temp.absent` with the rows of the backup that the current database lacks, and whether it ever
/// contained them.
fn absences(db: &Connection) -> sql::Result<()> {
    const ABSENT: &str =
        "CREATE TEMP TABLE absent (kind TEXT NOT NULL, id INTEGER NOT NULL, known INTEGER NOT NULL)";
    const GAPS: &str = "CREATE TEMP TABLE gaps (since INTEGER NOT NULL, until INTEGER NOT NULL)";
    const RESTORES: &str = "INSERT INTO gaps
        SELECT CAST(strftime('%s', substr(subject, ?2 + 1, 20)) AS INTEGER) * 1000000, at
        FROM cur.audit_events WHERE action = ?1 AND outcome = 'success' AND strftime('%s', substr(subject, ?2 + 1, 20)) > 0";
    sql::run(db, ABSENT)?;
    sql::run(db, GAPS)?;
    let prefix = i64::try_from(BACKUP_OF.len()).unwrap_or(0);
    sql::execute(db, RESTORES, (Action::RestoreBackup.as_str(), prefix))?;
    for table in ["users", "applications", "data_sources"] {
        let find = format!(
            "INSERT INTO absent SELECT '{table}', m.id,
                m.id <= coalesce((SELECT seq FROM cur.sqlite_sequence WHERE name = '{table}'), 0)
                AND NOT EXISTS (SELECT 1 FROM gaps g WHERE m.created_at >= g.since AND m.created_at <= g.until)
            FROM main.{table} m WHERE NOT EXISTS (SELECT 1 FROM cur.{table} c WHERE c.id = m.id)"
        );
        sql::execute(db, &find, ())?;
    }
    Ok(())
}

/// Repeats every revocation since the backup.
pub(super) fn new_revocations(
    db: &Connection,
    unusable: &PasswordHash,
    done: &mut Restored,
) -> sql::Result<()> {
    data_sources(db, done)?;
    applications(db, done)?;
    used_assertions(db)?;
    trusted_origins(db)?;
    trusted_issuers(db)?;
    scopes(db)?;
    roles(db, done)?;
    users(db, unusable, done)?;
    allow_lists(db)?;
    second_factors(db)
}

fn data_sources(db: &Connection, done: &mut Restored) -> sql::Result<()> {
    const DELETED: &str = "DELETE FROM main.data_sources
        WHERE id IN (SELECT id FROM absent WHERE kind = 'data_sources' AND known)";
    const UNSHARED: &str = "DELETE FROM main.data_source_shares AS m WHERE NOT EXISTS (
        SELECT 1 FROM cur.data_source_shares c WHERE c.data_source_id = m.data_source_id AND c.user_id = m.user_id)";
    const RECENT_SIGN_INS: &str = "UPDATE main.data_sources AS m
        SET max_authentication_age = min(coalesce(m.max_authentication_age, c.max_authentication_age), c.max_authentication_age)
        FROM cur.data_sources c WHERE c.id = m.id AND c.max_authentication_age IS NOT NULL";
    const SECOND_FACTORS: &str = "UPDATE main.data_sources SET requires_second_factor = 1
        WHERE id IN (SELECT id FROM cur.data_sources WHERE requires_second_factor)";
    const READ_ONLY: &str = "UPDATE main.data_sources SET writable = 0
        WHERE id IN (SELECT id FROM cur.data_sources WHERE NOT writable)";
    // What an owner has hidden since stays hidden.
    const MODELS: &str = "INSERT INTO main.data_source_models (data_source_id, document)
        SELECT c.data_source_id, c.document FROM cur.data_source_models c
        WHERE c.data_source_id IN (SELECT id FROM main.data_sources)
        ON CONFLICT (data_source_id) DO UPDATE SET document = excluded.document";
    const MODEL_VERSIONS: &str = "UPDATE main.data_sources AS m
        SET model_version = max(m.model_version, c.model_version) + 1
        FROM cur.data_sources c WHERE c.id = m.id AND c.model_version > 0";
    done.data_sources_deleted = count(sql::execute(db, DELETED, ())?);
    sql::execute(db, RECENT_SIGN_INS, ())?;
    sql::execute(db, SECOND_FACTORS, ())?;
    sql::execute(db, READ_ONLY, ())?;
    sql::execute(db, MODELS, ())?;
    sql::execute(db, MODEL_VERSIONS, ())?;
    owners(db, "data_sources")?;
    done.shares_ended = count(sql::execute(db, UNSHARED, ())?);
    Ok(())
}

/// Narrows redirect URIs, client authentication, scopes, web origins and owners to what they are now.
fn applications(db: &Connection, done: &mut Restored) -> sql::Result<()> {
    const DELETED: &str = "DELETE FROM main.applications
        WHERE id IN (SELECT id FROM absent WHERE kind = 'applications' AND known)";
    const ENDED: &str = "SELECT count(*) FROM main.secrets m
        WHERE NOT EXISTS (SELECT 1 FROM cur.secrets c WHERE c.application_id = m.application_id AND c.digest = m.digest)";
    const SECRETS: &str =
        "INSERT INTO main.secrets (application_id, digest, hint, created_at, expires_at, last_used_at, sealed)
        SELECT application_id, digest, hint, created_at, expires_at, last_used_at, sealed FROM cur.secrets
        WHERE application_id IN (SELECT id FROM main.applications) ORDER BY id";
    const SETTINGS: &str = "UPDATE main.applications AS m SET epoch = max(m.epoch, c.epoch),
            redirect_urls = c.redirect_urls, profile = c.profile, client_type = c.client_type,
            grant_types = c.grant_types, scopes = c.scopes, token_format = c.token_format,
            access_token_lifetime_secs = c.access_token_lifetime_secs,
            client_metadata = c.client_metadata, cors_origins = c.cors_origins,
            further_scopes = (SELECT nullif(json_group_array(value), '[]') FROM json_each(m.further_scopes)
                WHERE value IN (SELECT value FROM json_each(c.further_scopes)))
        FROM cur.applications c WHERE c.id = m.id";
    const ORIGINS_REMOVED: &str = "DELETE FROM main.application_origins
        WHERE application_id IN (SELECT id FROM cur.applications)";
    const ORIGINS: &str = "INSERT INTO main.application_origins (application_id, origin)
        SELECT application_id, origin FROM cur.application_origins
        WHERE application_id IN (SELECT id FROM main.applications) ORDER BY id";
    let ended: i64 = sql::value(db, ENDED, ())?;
    done.secrets = ended.unsigned_abs();
    done.applications_deleted = count(sql::execute(db, DELETED, ())?);
    sql::execute(db, "DELETE FROM main.secrets", ())?;
    sql::execute(db, SECRETS, ())?;
    sql::execute(db, SETTINGS, ())?;
    owners(db, "applications")?;
    sql::execute(db, ORIGINS_REMOVED, ())?;
    sql::execute(db, ORIGINS, ())?;
    let distrusted = "id IN (SELECT id FROM absent WHERE kind = 'applications' AND NOT known)";
    done.secrets += client_keys::remove(db, distrusted)?;
    Ok(())
}

/// What was handed over since the backup stays with the new owner, and keeps the name of its creator. An owner whom the
/// backup lacks cannot get it.
fn owners(db: &Connection, table: &str) -> sql::Result<()> {
    let owners = format!(
        "UPDATE main.{table} AS m
        SET owner_id = c.owner_id, created_by = c.created_by, handed_over_at = c.handed_over_at
        FROM cur.{table} c WHERE c.id = m.id AND c.owner_id IN (SELECT id FROM main.users)"
    );
    sql::execute(db, &owners, ()).map(drop)
}

/// What was used since the backup stays used, until it expires.
fn used_assertions(db: &Connection) -> sql::Result<()> {
    const USED: &str = "INSERT INTO main.used_assertions (digest, expires_at)
        SELECT digest, expires_at FROM cur.used_assertions WHERE true ORDER BY id ON CONFLICT DO NOTHING";
    sql::execute(db, USED, ()).map(drop)
}

fn trusted_origins(db: &Connection) -> sql::Result<()> {
    const DELETED: &str = "DELETE FROM main.trusted_origins AS m
        WHERE NOT EXISTS (SELECT 1 FROM cur.trusted_origins c WHERE c.id = m.id AND c.domain = m.domain)
        AND m.id <= coalesce((SELECT seq FROM cur.sqlite_sequence WHERE name = 'trusted_origins'), 0)";
    sql::execute(db, DELETED, ()).map(drop)
}

/// The lists of now apply, also to what the backup alone has: a list that was set since admits no other address again.
fn allow_lists(db: &Connection) -> sql::Result<()> {
    const DELETED: &str = "DELETE FROM main.allow_lists AS m
        WHERE m.owner_kind = 0
            OR (m.owner_kind = 1 AND (m.owner_id IN (SELECT id FROM cur.users)
                OR m.owner_id NOT IN (SELECT id FROM main.users)))
            OR (m.owner_kind = 2 AND (m.owner_id IN (SELECT id FROM cur.applications)
                OR m.owner_id NOT IN (SELECT id FROM main.applications)))";
    const CURRENT: &str = "INSERT INTO main.allow_lists (owner_kind, owner_id, lists)
        SELECT c.owner_kind, c.owner_id, c.lists FROM cur.allow_lists c
        WHERE c.owner_kind = 0 OR (c.owner_kind = 1 AND c.owner_id IN (SELECT id FROM main.users))
            OR (c.owner_kind = 2 AND c.owner_id IN (SELECT id FROM main.applications))";
    sql::execute(db, DELETED, ())?;
    sql::execute(db, CURRENT, ()).map(drop)
}

/// An issuer that was changed or deleted since is not trusted again.
fn trusted_issuers(db: &Connection) -> sql::Result<()> {
    const DELETED: &str = "DELETE FROM main.trusted_issuers AS m
        WHERE NOT EXISTS (SELECT 1 FROM cur.trusted_issuers c WHERE c.id = m.id AND c.issuer = m.issuer AND c.settings = m.settings)
        AND m.id <= coalesce((SELECT seq FROM cur.sqlite_sequence WHERE name = 'trusted_issuers'), 0)";
    sql::execute(db, DELETED, ()).map(drop)
}

/// Deletes the scopes that were deleted since, and implies no more than now. Only an application that is distrusted may
/// still name one, and it grants nothing.
fn scopes(db: &Connection) -> sql::Result<()> {
    const DELETED: &str =
        "DELETE FROM main.scopes AS m WHERE NOT EXISTS (SELECT 1 FROM cur.scopes c WHERE c.id = m.id)
        AND m.id <= coalesce((SELECT seq FROM cur.sqlite_sequence WHERE name = 'scopes'), 0)";
    const NARROWED: &str = "UPDATE main.scopes AS m SET assignment = c.assignment
        FROM cur.scopes c WHERE c.id = m.id AND c.assignment IS NOT NULL";
    const IMPLYING_LESS: &str = "UPDATE main.scopes AS m
        SET implies = (SELECT nullif(json_group_array(value), '[]') FROM json_each(m.implies)
            WHERE value IN (SELECT value FROM json_each(c.implies)))
        FROM cur.scopes c WHERE c.id = m.id AND m.implies IS NOT NULL";
    sql::execute(db, DELETED, ())?;
    sql::execute(db, IMPLYING_LESS, ())?;
    sql::execute(db, NARROWED, ()).map(drop)
}

fn roles(db: &Connection, done: &mut Restored) -> sql::Result<()> {
    const NARROWED: &str = "UPDATE main.roles AS m SET permissions = m.permissions & c.permissions
        FROM cur.roles c WHERE c.id = m.id AND m.permissions & c.permissions <> m.permissions";
    const SECOND_FACTORS: &str = "UPDATE main.roles SET requires_second_factor = 1
        WHERE id IN (SELECT id FROM cur.roles WHERE requires_second_factor)";
    const TAKEN: &str = "DELETE FROM main.user_roles AS m WHERE EXISTS (SELECT 1 FROM cur.users c WHERE c.id = m.user_id)
        AND NOT EXISTS (SELECT 1 FROM cur.user_roles c WHERE c.user_id = m.user_id AND c.role_id = m.role_id)";
    const DELETED: &str =
        "DELETE FROM main.roles AS m WHERE NOT EXISTS (SELECT 1 FROM cur.roles c WHERE c.id = m.id)
        AND m.id <= coalesce((SELECT seq FROM cur.sqlite_sequence WHERE name = 'roles'), 0)
        AND NOT EXISTS (SELECT 1 FROM main.user_roles u WHERE u.role_id = m.id)";
    done.roles_narrowed = count(sql::execute(db, NARROWED, ())?);
    sql::execute(db, SECOND_FACTORS, ())?;
    done.roles_taken = count(sql::execute(db, TAKEN, ())?);
    done.roles_narrowed += count(sql::execute(db, DELETED, ())?);
    Ok(())
}

/// A user who is absent and still owns something is deactivated instead. Only distrusted rows can cause this.
fn users(db: &Connection, unusable: &PasswordHash, done: &mut Restored) -> sql::Result<()> {
    const CHANGED: &str = "SELECT count(*) FROM main.users m JOIN cur.users c ON c.id = m.id
        WHERE c.epoch >= m.epoch AND c.password <> m.password";
    const SWITCHED_OFF: &str = "SELECT count(*) FROM main.users m JOIN cur.users c ON c.id = m.id
        WHERE m.active = 1 AND c.active = 0";
    const NEWER: &str =
        "UPDATE main.users AS m SET password = c.password, password_expires_at = c.password_expires_at,
            failures = c.failures, failures_since = c.failures_since, locked_until = c.locked_until
        FROM cur.users c WHERE c.id = m.id AND c.epoch >= m.epoch";
    const BOTH: &str =
        "UPDATE main.users AS m SET active = min(m.active, c.active), epoch = max(m.epoch, c.epoch),
            subject_seed = c.subject_seed, attributes = c.attributes
        FROM cur.users c WHERE c.id = m.id";
    const OWNERS: &str = "UPDATE absent SET known = 0 WHERE kind = 'users' AND (
        id IN (SELECT owner_id FROM main.applications) OR id IN (SELECT owner_id FROM main.data_sources))";
    const ROLES: &str = "DELETE FROM main.user_roles
        WHERE user_id IN (SELECT id FROM absent WHERE kind = 'users' AND known)";
    const DELETED: &str =
        "DELETE FROM main.users WHERE id IN (SELECT id FROM absent WHERE kind = 'users' AND known)";
    const DISTRUSTED: &str = "UPDATE main.users SET active = 0, password = ?1
        WHERE id IN (SELECT id FROM absent WHERE kind = 'users' AND NOT known)";
    done.passwords_changed = sql::value::<i64>(db, CHANGED, ())?.unsigned_abs();
    done.users_switched_off = sql::value::<i64>(db, SWITCHED_OFF, ())?.unsigned_abs();
    for statement in [NEWER, BOTH, OWNERS, ROLES] {
        sql::execute(db, statement, ())?;
    }
    done.users_deleted = count(sql::execute(db, DELETED, ())?);
    done.users_switched_off += count(sql::execute(db, DISTRUSTED, [unusable.as_phc()])?);
    Ok(())
}

/// The current second factors apply, as the current passwords do. A recovery code that was used since stays used.
fn second_factors(db: &Connection) -> sql::Result<()> {
    const DELETED: [&str; 2] = ["DELETE FROM main.second_factors", "DELETE FROM main.recovery_codes"];
    const FACTORS: &str = "INSERT INTO main.second_factors (user_id, secret, last_step, created_at)
        SELECT user_id, secret, last_step, created_at FROM cur.second_factors
        WHERE user_id IN (SELECT id FROM main.users)";
    const CODES: &str = "INSERT INTO main.recovery_codes (user_id, digest)
        SELECT user_id, digest FROM cur.recovery_codes WHERE user_id IN (SELECT id FROM main.users) ORDER BY id";
    for statement in DELETED.into_iter().chain([FACTORS, CODES]) {
        sql::execute(db, statement, ())?;
    }
    Ok(())
}

/// Moves ids above those that the current database has assigned. Returns the step by which versions must
/// advance.
pub(super) fn numbers(db: &Connection) -> sql::Result<i64> {
    const SEQUENCES: &str = "UPDATE main.sqlite_sequence AS m SET seq = max(m.seq, c.seq)
        FROM cur.sqlite_sequence c WHERE c.name = m.name";
    const MISSING: &str =
        "INSERT INTO main.sqlite_sequence (name, seq) SELECT c.name, c.seq FROM cur.sqlite_sequence c
        WHERE NOT EXISTS (SELECT 1 FROM main.sqlite_sequence m WHERE m.name = c.name)";
    const STEP: &str = "SELECT 1 + max(0, c.users - m.users, c.roles - m.roles, c.applications - m.applications,
            c.data_sources - m.data_sources, c.limits - m.limits, c.keys - m.keys, c.revocations - m.revocations)
        FROM main.versions m, cur.versions c";
    sql::execute(db, SEQUENCES, ())?;
    sql::execute(db, MISSING, ())?;
    sql::value(db, STEP, ())
}
