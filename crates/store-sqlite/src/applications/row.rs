//! How an application maps to a row.

use std::borrow::Cow;

use domain::id::{ApplicationId, Epoch, UserId};
use domain::time::Timestamp;
use oauth::application::Application;
use rusqlite::Row;
use store::columns::SettingsColumns;

use crate::error::Failure;
use crate::sql;

/// Reads everything except the secrets.
pub(super) fn read(row: &Row<'_>) -> sql::Result<Application> {
    let client_id: String = row.get(1)?;
    let impossible = |_| Failure::Inconsistent(format!("an application with the client id {client_id}"));
    Ok(Application {
        id: ApplicationId::new(row.get(0)?),
        client_id: client_id.parse().map_err(impossible)?,
        owner: UserId::new(row.get(2)?),
        owner_name: row.get(3)?,
        handed_over: sql::handover(row, 20)?,
        epoch: Epoch::new(row.get(4)?),
        settings: read_settings(row)?.try_into()?,
        secrets: Vec::new(),
        created_at: Timestamp::from_micros(row.get(16)?),
        updated_at: Timestamp::from_micros(row.get(17)?),
        last_used_at: row.get::<_, Option<i64>>(18)?.map(Timestamp::from_micros),
    })
}

fn read_settings<'a>(row: &'a Row<'_>) -> sql::Result<SettingsColumns<'a>> {
    let text = |column: usize| {
        let text = row.get_ref(column)?.as_str();
        text.map(Cow::from).map_err(|_| Failure::Inconsistent("an application without its texts".to_owned()))
    };
    Ok(SettingsColumns {
        name: text(5)?,
        description: text(6)?,
        redirect_urls: text(7)?,
        profile: text(8)?,
        client_type: text(9)?,
        grant_types: text(10)?,
        scopes: row.get(11)?,
        token_format: text(12)?,
        access_token_lifetime_secs: row.get(13)?,
        contacts: text(14)?,
        logo_url: row.get::<_, Option<String>>(15)?.map(Cow::from),
        cors_origins: text(19)?,
    })
}
