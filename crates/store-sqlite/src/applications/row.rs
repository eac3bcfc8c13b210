//! An application as a row.

use oauth::application::{Application, ApplicationSettings, ClientType, GrantType, Profile, TokenFormat};
use oauth::id::{ApplicationId, Epoch, UserId};
use oauth::scope::ScopeSet;
use oauth::time::Timestamp;
use rusqlite::Row;
use store::fold_name;

use crate::error::Failure;
use crate::sql;

/// Settings as columns.
pub(super) struct SettingsRow<'a> {
    pub(super) name: &'a str,
    pub(super) folded_name: String,
    pub(super) description: &'a str,
    pub(super) folded_description: String,
    pub(super) redirect_urls: String,
    pub(super) profile: &'static str,
    pub(super) client_type: &'static str,
    pub(super) grant_types: String,
    pub(super) scopes: u32,
    pub(super) token_format: &'static str,
    pub(super) access_token_lifetime_secs: Option<u32>,
    pub(super) contacts: String,
    pub(super) logo_url: Option<&'a str>,
}

impl<'a> SettingsRow<'a> {
    pub(super) fn new(settings: &'a ApplicationSettings) -> sql::Result<Self> {
        let grant_types: Vec<&str> = settings.grant_types.iter().map(|grant| grant.as_str()).collect();
        Ok(Self {
            name: &settings.name,
            folded_name: fold_name(&settings.name),
            description: &settings.description,
            folded_description: fold_name(&settings.description),
            redirect_urls: texts_to_json(&settings.redirect_urls)?,
            profile: settings.profile.as_str(),
            client_type: settings.client_type.as_str(),
            grant_types: grant_types.join(" "),
            scopes: settings.scopes.bits(),
            token_format: settings.token_format.as_str(),
            access_token_lifetime_secs: settings.access_token_lifetime_secs,
            contacts: texts_to_json(&settings.contacts)?,
            logo_url: settings.logo_url.as_deref(),
        })
    }
}

/// Everything but the secrets.
pub(super) fn read(row: &Row<'_>) -> sql::Result<Application> {
    let client_id: String = row.get(1)?;
    Ok(Application {
        id: ApplicationId::new(row.get(0)?),
        client_id: client_id.parse().map_err(|_| unknown("client id", &client_id))?,
        owner: UserId::new(row.get(2)?),
        owner_name: row.get(3)?,
        epoch: Epoch::new(row.get(4)?),
        settings: read_settings(row)?,
        secrets: Vec::new(),
        created_at: Timestamp::from_micros(row.get(16)?),
        updated_at: Timestamp::from_micros(row.get(17)?),
        last_used_at: row.get::<_, Option<i64>>(18)?.map(Timestamp::from_micros),
    })
}

fn read_settings(row: &Row<'_>) -> sql::Result<ApplicationSettings> {
    let text =
        |column: usize| row.get_ref(column)?.as_str().map_err(|_| unknown("column", &column.to_string()));
    let grant_type = |name: &str| named("grant type", name, &GrantType::ALL, GrantType::as_str);
    Ok(ApplicationSettings {
        name: row.get(5)?,
        description: row.get(6)?,
        redirect_urls: texts_from_json(text(7)?)?,
        profile: named("profile", text(8)?, &[Profile::Compatible, Profile::OAuth21], Profile::as_str)?,
        client_type: named(
            "client type",
            text(9)?,
            &[ClientType::Confidential, ClientType::Public],
            ClientType::as_str,
        )?,
        grant_types: text(10)?.split_ascii_whitespace().map(grant_type).collect::<sql::Result<_>>()?,
        scopes: ScopeSet::from_bits(row.get(11)?),
        token_format: named(
            "token format",
            text(12)?,
            &[TokenFormat::Opaque, TokenFormat::Jwt],
            TokenFormat::as_str,
        )?,
        access_token_lifetime_secs: row.get(13)?,
        contacts: texts_from_json(text(14)?)?,
        logo_url: row.get(15)?,
    })
}

fn named<T: Copy>(what: &str, name: &str, all: &[T], as_str: fn(T) -> &'static str) -> sql::Result<T> {
    all.iter().copied().find(|one| as_str(*one) == name).ok_or_else(|| unknown(what, name))
}

fn unknown(what: &str, value: &str) -> Failure {
    Failure::Inconsistent(format!("an application with the {what} {value}"))
}

fn texts_to_json(texts: &[String]) -> sql::Result<String> {
    serde_json::to_string(texts).map_err(|error| Failure::Inconsistent(error.to_string()))
}

fn texts_from_json(json: &str) -> sql::Result<Vec<String>> {
    serde_json::from_str(json).map_err(|_| unknown("list", json))
}
