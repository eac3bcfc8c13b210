//! What happens to a database that `pg_restore` filled, before anybody may use it: the steps of
//! [`store::Restoring`], in one transaction. There is nothing to compare with, because the previous content
//! was overwritten.

mod client_keys;

use domain::account::ADMINISTRATOR_ROLE;
use domain::audit::NewAuditEvent;
use domain::time::Timestamp;
use store::columns::{OnRestore, TABLES};
use store::relational::{client_registrations, roles, settings};
use store::{Credentials, ID_GAP, NewAdministrator, Restored, Restoring, StoredKey, fold_name};
use tokio_postgres::Client;

use crate::error::Failure;
use crate::sql::{self, values};
use crate::tables::Tables;
use crate::{DatabaseUrl, OpenError, Opening, Options, audit, dump_detection, micros, migrations, unit};

/// Why a restored database was left as it is in the dump.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// No active Administrator would remain after the restore.
    #[error(
        "no active Administrator would remain; nothing was changed. Name a user of the dump with --administrator NAME: \
         that user becomes an active Administrator with a new password"
    )]
    NoAdministrator,
    /// The named user is not in the dump.
    #[error(
        "the dump has no user {name}; nothing was changed. Its Administrators are: {administrators}; name one with --administrator NAME"
    )]
    UnknownAdministrator {
        /// The name in the request.
        name: String,
        /// The names that are possible.
        administrators: String,
    },
    /// Another session uses the tables.
    #[error("the database is in use; nothing was changed. Stop every node, then try again")]
    InUse(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database reported an error, or cannot be reached any more.
    #[error("the database did not finish; run the command again")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<Failure> for RestoreError {
    fn from(failure: Failure) -> Self {
        if failure.is_locked() { Self::InUse(Box::new(failure)) } else { Self::Database(Box::new(failure)) }
    }
}

/// A database that `pg_restore` filled and that nodes cannot open yet.
pub struct RestoredDump(Opening);

impl RestoredDump {
    /// Opens the database, and migrates it to this version.
    ///
    /// # Errors
    /// If it contains no installation or one of a newer version, or cannot be reached.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let opening = Opening::begin(url, Options::default()).await?;
        opening.refuse_empty().await?;
        migrations::run(&opening.connections, opening.client()).await?;
        Ok(Self(opening))
    }

    /// The ring keys of the dump, sealed under its master key.
    ///
    /// # Errors
    /// If they cannot be read.
    pub async fn keys(&self) -> Result<Vec<StoredKey>, RestoreError> {
        Ok(settings::list_keys(&Tables(self.0.client())).await.map_err(Failure::from)?)
    }

    /// When the dump was taken, as far as it shows: the time of the newest event in its audit log.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn taken_at(&self) -> Result<Timestamp, RestoreError> {
        let newest = "SELECT coalesce(max(at), 0) FROM audit_events";
        Ok(Timestamp::from_micros(sql::value(self.0.client(), newest, &[]).await?))
    }

    /// Performs all steps of [`store::Restoring`] except for the comparison, in one transaction. Afterwards
    /// nodes may open the database.
    ///
    /// # Errors
    /// If no active Administrator would remain, or another session uses the database; nothing was changed
    /// then.
    pub async fn revoke(self, restoring: &Restoring) -> Result<Restored, RestoreError> {
        let db = self.0.client();
        // If it is dropped without a commit, the connection is closed and everything is rolled back.
        db.batch_execute(BEGIN).await.map_err(Failure::from)?;
        let done = run(db, restoring).await?;
        db.batch_execute("COMMIT").await.map_err(Failure::from)?;
        Ok(done)
    }
}

/// Without a statement timeout: with the server's own limit, a large database could not be restored.
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '4s'; SET LOCAL statement_timeout = 0";

async fn run(db: &Client, restoring: &Restoring) -> Result<Restored, RestoreError> {
    let mut done = Restored::default();
    sql::rows(db, unit::LOCK_VERSIONS, &[]).await?;
    if restoring.credentials != Credentials::TrustBackup {
        distrust(db, restoring, &mut done).await?;
    }
    leave_a_gap(db).await?;
    end_what_was_handed_out(db, &restoring.key, &mut done).await?;
    client_registrations::end_all_tokens(&Tables(db), restoring.event.at).await.map_err(Failure::from)?;
    if let Some(administrator) = &restoring.administrator {
        appoint(db, administrator).await?;
    }
    if !roles::administrator_remains(&Tables(db)).await.map_err(Failure::from)? {
        return Err(RestoreError::NoAdministrator);
    }
    let detail = Some(done.detail(restoring.credentials));
    audit::append_one(db, &NewAuditEvent { detail, ..restoring.event.clone() }).await?;
    dump_detection::note(db).await?;
    Ok(done)
}

async fn distrust(db: &Client, restoring: &Restoring, done: &mut Restored) -> sql::Result<()> {
    const USERS: &str =
        "UPDATE users SET active = false, password = $1 WHERE folded_name IS DISTINCT FROM $2";
    let administrator = restoring.administrator.as_ref().map(|administrator| fold_name(&administrator.name));
    done.secrets = sql::execute(db, "DELETE FROM secrets", &[]).await? + client_keys::remove(db).await?;
    done.users_switched_off =
        sql::execute(db, USERS, values![restoring.unusable_password.as_phc(), administrator]).await?;
    sql::execute(db, "DELETE FROM second_factors", &[]).await?;
    sql::execute(db, "DELETE FROM recovery_codes", &[]).await?;
    // One of them may have lost the trust since.
    sql::execute(db, "DELETE FROM trusted_issuers", &[]).await.map(drop)
}

/// It is unknown which ids were assigned after the dump, and who learned of them. Sequences are restarted
/// rather than set, because setting one would survive a rollback.
async fn leave_a_gap(db: &Client) -> sql::Result<()> {
    const SEQUENCES: &str = "SELECT quote_ident(table_name), quote_ident(column_name),
            pg_get_serial_sequence(quote_ident(table_name), column_name)
        FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'
        ORDER BY table_name";
    let read = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?));
    let sequences: Vec<(String, String, String)> = sql::list(db, SEQUENCES, &[], read).await?;
    for (table, column, sequence) in sequences {
        let last = format!(
            "SELECT greatest((SELECT last_value FROM {sequence}), (SELECT max({column}) FROM {table}))"
        );
        let last: i64 = sql::value(db, &last, &[]).await?;
        let next = last + ID_GAP + 1;
        db.batch_execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} RESTART WITH {next}")).await?;
    }
    Ok(())
}

/// Tokens, codes and next links become invalid with the ring; the rows are only deleted so that they do not
/// collide with new ones. Epochs and versions advance by more than can have been assigned since the dump.
async fn end_what_was_handed_out(db: &Client, key: &StoredKey, done: &mut Restored) -> sql::Result<()> {
    const INSERT: &str =
        "INSERT INTO ring_keys (id, created_at, activates_at, sealed) VALUES ($1, $2, $3, $4)";
    const EPOCHS: [&str; 2] =
        ["UPDATE users SET epoch = epoch + $1", "UPDATE applications SET epoch = epoch + $1"];
    const VERSIONS: &str = "UPDATE versions SET users = users + $1, roles = roles + $1,
        applications = applications + $1, data_sources = data_sources + $1, limits = limits + $1, keys = keys + $1,
        revocations = revocations + $1 WHERE id = 1";
    // A table comes after those to which it refers, so its rows are deleted before theirs.
    for table in TABLES.iter().rev().filter(|table| table.on_restore == OnRestore::Emptied) {
        let deleted = sql::execute(db, &format!("DELETE FROM {}", table.name), &[]).await?;
        done.count_deleted(table, deleted);
    }
    sql::execute(db, "UPDATE sweeps SET started = requested, cursor = 0, until = 0", &[]).await?;
    let (created, activates) = (micros(key.created_at), micros(key.activates_at));
    let id = i64::from(key.id);
    sql::execute(db, INSERT, values![id, created, activates, key.sealed.as_slice()]).await?;
    for statement in EPOCHS.into_iter().chain([VERSIONS]) {
        sql::execute(db, statement, values![ID_GAP]).await?;
    }
    Ok(())
}

async fn appoint(db: &Client, new: &NewAdministrator) -> Result<(), RestoreError> {
    const APPOINT: &str =
        "UPDATE users SET password = $2, active = true, password_expires_at = NULL, failures = 0,
        failures_since = NULL, locked_until = NULL, epoch = epoch + 1 WHERE folded_name = $1";
    const ROLE: &str =
        "INSERT INTO user_roles (user_id, role_id) SELECT id, $2 FROM users WHERE folded_name = $1
        ON CONFLICT DO NOTHING";
    const NAMES: &str = "SELECT u.name FROM users u JOIN user_roles m ON m.user_id = u.id
        WHERE m.role_id = $1 ORDER BY u.id LIMIT 20";
    let name = fold_name(&new.name);
    let role = ADMINISTRATOR_ROLE.get();
    let known = sql::can_be_stored(&name)
        && sql::execute(db, APPOINT, values![name, new.password.as_phc()]).await? > 0;
    if !known {
        let names: Vec<String> = sql::list(db, NAMES, values![role], |row| Ok(row.try_get(0)?)).await?;
        let (name, administrators) = (new.name.clone(), names.join(", "));
        return Err(RestoreError::UnknownAdministrator { name, administrators });
    }
    sql::execute(db, ROLE, values![name, role]).await?;
    Ok(())
}
