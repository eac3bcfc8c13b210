//! The transaction that makes a backup safe to use. It performs the steps of [`store::Restoring`] in their
//! order.

use domain::account::ADMINISTRATOR_ROLE;
use domain::audit::NewAuditEvent;
use rusqlite::Connection;
use store::columns::{OnRestore, TABLES};
use store::relational::{client_registrations, roles, run_ready};
use store::{Credentials, ID_GAP, NewAdministrator, Restored, Restoring, StoredKey, fold_name};

use super::{carry_over, client_keys, count, stored};
use crate::backup::CopyError;
use crate::tables::Tables;
use crate::{audit, sql};

pub(super) fn run(db: &Connection, restoring: &Restoring, compared: bool) -> Result<Restored, CopyError> {
    let mut done = Restored::default();
    if compared {
        carry_over::record(db, &mut done)?;
    }
    match restoring.credentials {
        Credentials::CarryOver => carry_over::new_revocations(db, &restoring.unusable_password, &mut done)?,
        Credentials::Distrust => distrust(db, restoring, &mut done)?,
        Credentials::TrustBackup => {}
    }
    let step = if compared { carry_over::numbers(db)? } else { leave_a_gap(db)? };
    end_what_was_handed_out(db, &restoring.key, step, &mut done)?;
    run_ready(client_registrations::end_all_tokens(&Tables(db), restoring.event.at))?;
    if let Some(administrator) = &restoring.administrator {
        appoint(db, administrator)?;
    }
    if !run_ready(roles::administrator_remains(&Tables(db)))? {
        return Err(CopyError::NoAdministrator);
    }
    let detail = Some(done.detail(restoring.credentials));
    audit::append(db, &NewAuditEvent { detail, ..restoring.event.clone() })?;
    Ok(done)
}

/// Tokens, codes and next links become invalid with the ring; the rows are only deleted so that they do not
/// collide with new ones. Every version advances by `step`, so that none is assigned twice.
fn end_what_was_handed_out(
    db: &Connection,
    key: &StoredKey,
    step: i64,
    done: &mut Restored,
) -> sql::Result<()> {
    const INSERT: &str =
        "INSERT INTO ring_keys (id, created_at, activates_at, sealed) VALUES (?1, ?2, ?3, ?4)";
    const EPOCHS: [&str; 2] =
        ["UPDATE users SET epoch = epoch + 1", "UPDATE applications SET epoch = epoch + 1"];
    const VERSIONS: &str = "UPDATE versions SET users = users + ?1, roles = roles + ?1,
        applications = applications + ?1, data_sources = data_sources + ?1, limits = limits + ?1, keys = keys + ?1,
        revocations = revocations + ?1";
    // A table comes after those to which it refers, so its rows are deleted before theirs.
    for table in TABLES.iter().rev().filter(|table| table.on_restore == OnRestore::Emptied) {
        let deleted = count(sql::execute(db, &format!("DELETE FROM {}", table.name), ())?);
        done.count_deleted(table, deleted);
    }
    sql::execute(db, "UPDATE sweeps SET started = requested, cursor = 0, until = 0", ())?;
    sql::execute(db, INSERT, (key.id, stored(key.created_at), stored(key.activates_at), &key.sealed))?;
    for epochs in EPOCHS {
        sql::execute(db, epochs, ())?;
    }
    sql::execute(db, VERSIONS, [step]).map(drop)
}

/// It is unknown which ids were assigned after the backup, and who learned of them. Returns the step by which
/// versions must advance.
fn leave_a_gap(db: &Connection) -> sql::Result<i64> {
    const MISSING: &str = "INSERT INTO sqlite_sequence (name, seq) SELECT s.name, 0 FROM sqlite_schema s
        WHERE s.type = 'table' AND instr(s.sql, 'AUTOINCREMENT') > 0
            AND NOT EXISTS (SELECT 1 FROM sqlite_sequence q WHERE q.name = s.name)";
    sql::execute(db, MISSING, ())?;
    sql::execute(db, "UPDATE sqlite_sequence SET seq = seq + ?1", [ID_GAP])?;
    Ok(ID_GAP)
}

fn distrust(db: &Connection, restoring: &Restoring, done: &mut Restored) -> sql::Result<()> {
    const USERS: &str = "UPDATE users SET active = 0, password = ?1 WHERE folded_name IS NOT ?2";
    let administrator = restoring.administrator.as_ref().map(|administrator| fold_name(&administrator.name));
    let row = (restoring.unusable_password.as_phc(), administrator);
    done.secrets = count(sql::execute(db, "DELETE FROM secrets", ())?) + client_keys::remove(db, "true")?;
    done.users_switched_off = count(sql::execute(db, USERS, row)?);
    sql::execute(db, "DELETE FROM second_factors", ())?;
    sql::execute(db, "DELETE FROM recovery_codes", ())?;
    // One of them may have lost the trust since.
    sql::execute(db, "DELETE FROM trusted_issuers", ()).map(drop)
}

fn appoint(db: &Connection, new: &NewAdministrator) -> Result<(), CopyError> {
    const APPOINT: &str =
        "UPDATE users SET password = ?2, active = 1, password_expires_at = NULL, failures = 0,
        failures_since = NULL, locked_until = NULL, epoch = epoch + 1 WHERE folded_name = ?1";
    const ROLE: &str =
        "INSERT INTO user_roles (user_id, role_id) SELECT id, ?2 FROM users WHERE folded_name = ?1
        ON CONFLICT DO NOTHING";
    const NAMES: &str = "SELECT u.name FROM users u JOIN user_roles m ON m.user_id = u.id
        WHERE m.role_id = ?1 ORDER BY u.id LIMIT 20";
    let name = fold_name(&new.name);
    if sql::execute(db, APPOINT, (&name, new.password.as_phc()))? == 0 {
        let names: Vec<String> = sql::list(db, NAMES, [ADMINISTRATOR_ROLE.get()], |row| Ok(row.get(0)?))?;
        let (name, administrators) = (new.name.clone(), names.join(", "));
        return Err(CopyError::UnknownAdministrator { name, administrators });
    }
    sql::execute(db, ROLE, (&name, ADMINISTRATOR_ROLE.get()))?;
    Ok(())
}
