//! How an application maps to rows: one for each of its secrets, or one if it has none.

use std::borrow::Cow;

use domain::id::{ApplicationId, Epoch, SecretId, UserId};
use domain::secret::Digest;
use oauth::application::{Application, StoredSecret};
use store::columns::SettingsColumns;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::sql;

/// The columns that [`read_all`] expects.
macro_rules! columns {
    () => {
        "a.id, a.client_id, a.owner_id, o.name, a.epoch, a.name, a.description, a.redirect_urls, a.profile,
            a.client_type, a.grant_types, a.scopes, a.token_format, a.access_token_lifetime_secs, a.contacts,
            a.logo_url, a.created_at, a.updated_at, a.last_used_at, a.cors_origins, a.created_by, a.handed_over_at,
            s.id, s.digest, s.hint, s.created_at, s.expires_at, s.last_used_at, s.sealed"
    };
}
pub(super) use columns;

/// The first column of a secret.
const SECRET: usize = 22;

/// Reads every application from the rows, which are sorted by application and secret.
pub(super) fn read_all(rows: &[Row]) -> sql::Result<Vec<Application>> {
    let mut all: Vec<Application> = Vec::new();
    for row in rows {
        let id = ApplicationId::new(row.try_get(0)?);
        if all.last().is_none_or(|last| last.id != id) {
            all.push(read(row)?);
        }
        if let (Some(application), Some(secret)) = (all.last_mut(), read_secret(row)?) {
            application.secrets.push(secret);
        }
    }
    Ok(all)
}

fn read(row: &Row) -> sql::Result<Application> {
    let client_id: &str = row.try_get(1)?;
    let impossible = |_| Failure::Inconsistent(format!("an application with the client id {client_id}"));
    Ok(Application {
        id: ApplicationId::new(row.try_get(0)?),
        client_id: client_id.parse().map_err(impossible)?,
        owner: UserId::new(row.try_get(2)?),
        owner_name: row.try_get(3)?,
        handed_over: sql::handover(row, 20)?,
        epoch: Epoch::new(row.try_get(4)?),
        settings: read_settings(row)?.try_into()?,
        secrets: Vec::new(),
        created_at: sql::moment(row, 16)?,
        updated_at: sql::moment(row, 17)?,
        last_used_at: sql::optional_moment(row, 18)?,
    })
}

fn read_settings(row: &Row) -> sql::Result<SettingsColumns<'_>> {
    let text = |column: usize| row.try_get::<_, &str>(column).map(Cow::from);
    let lifetime: Option<i64> = row.try_get(13)?;
    Ok(SettingsColumns {
        name: text(5)?,
        description: text(6)?,
        redirect_urls: text(7)?,
        profile: text(8)?,
        client_type: text(9)?,
        grant_types: text(10)?,
        scopes: sql::number(row, 11)?,
        token_format: text(12)?,
        access_token_lifetime_secs: lifetime.map(|_| sql::number(row, 13)).transpose()?,
        contacts: text(14)?,
        logo_url: row.try_get::<_, Option<&str>>(15)?.map(Cow::from),
        cors_origins: text(19)?,
    })
}

fn read_secret(row: &Row) -> sql::Result<Option<StoredSecret>> {
    let Some(id) = row.try_get::<_, Option<i64>>(SECRET)? else {
        return Ok(None);
    };
    Ok(Some(StoredSecret {
        id: SecretId::new(id),
        digest: Digest::from_bytes(sql::bytes(row, SECRET + 1)?),
        hint: row.try_get(SECRET + 2)?,
        created_at: sql::moment(row, SECRET + 3)?,
        expires_at: sql::optional_moment(row, SECRET + 4)?,
        last_used_at: sql::optional_moment(row, SECRET + 5)?,
        sealed: row.try_get(SECRET + 6)?,
    }))
}
