//! How the settings of an application map to columns.

use std::borrow::Cow;

use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat};

use super::{Impossible, ScopeColumns, scopes_from_columns};
use crate::fold_name;

/// The columns of an application's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "each column is the setting of the same name")]
pub struct SettingsColumns<'a> {
    pub name: Cow<'a, str>,
    pub description: Cow<'a, str>,
    pub redirect_urls: Cow<'a, str>,
    pub profile: Cow<'a, str>,
    pub client_type: Cow<'a, str>,
    pub grant_types: Cow<'a, str>,
    pub scopes: u32,
    pub further_scopes: Option<Cow<'a, str>>,
    pub token_format: Cow<'a, str>,
    pub access_token_lifetime_secs: Option<u32>,
    pub contacts: Cow<'a, str>,
    pub logo_url: Option<Cow<'a, str>>,
    pub cors_origins: Cow<'a, str>,
    pub client_metadata: Option<Cow<'a, str>>,
}

impl<'a> SettingsColumns<'a> {
    /// Converts settings to columns.
    ///
    /// # Errors
    /// Never in practice: strings can always be serialized.
    pub fn new(settings: &'a ApplicationSettings) -> Result<Self, Impossible> {
        let ScopeColumns { scopes, further_scopes } = (&settings.scopes).into();
        let grant_types: Vec<&str> = settings.grant_types.iter().map(|grant| grant.as_str()).collect();
        Ok(Self {
            name: settings.name.as_str().into(),
            description: settings.description.as_str().into(),
            redirect_urls: texts_to_json(&settings.redirect_urls)?.into(),
            profile: settings.profile.as_str().into(),
            client_type: settings.client_type.as_str().into(),
            grant_types: grant_types.join(" ").into(),
            scopes,
            further_scopes: further_scopes.map(Cow::from),
            token_format: settings.token_format.as_str().into(),
            access_token_lifetime_secs: settings.access_token_lifetime_secs,
            contacts: texts_to_json(&settings.contacts)?.into(),
            logo_url: settings.logo_url.as_deref().map(Cow::from),
            cors_origins: texts_to_json(&settings.cors_origins)?.into(),
            client_metadata: settings.client_metadata.to_json().map(Cow::from),
        })
    }

    /// The folded name, for searching.
    pub fn folded_name(&self) -> String {
        fold_name(&self.name)
    }

    /// The folded description, for searching.
    pub fn folded_description(&self) -> String {
        fold_name(&self.description)
    }
}

impl TryFrom<SettingsColumns<'_>> for ApplicationSettings {
    type Error = Impossible;

    fn try_from(columns: SettingsColumns<'_>) -> Result<Self, Impossible> {
        let client_types = [ClientType::Confidential, ClientType::Public];
        let formats = [TokenFormat::Opaque, TokenFormat::Jwt];
        let grant_type = |name: &str| named("grant type", name, &GrantType::ALL, GrantType::as_str);
        Ok(Self {
            redirect_urls: texts_from_json(&columns.redirect_urls)?,
            profile: named("profile", &columns.profile, &Profile::ALL, Profile::as_str)?,
            client_type: named("client type", &columns.client_type, &client_types, ClientType::as_str)?,
            grant_types: columns
                .grant_types
                .split_ascii_whitespace()
                .map(grant_type)
                .collect::<Result<_, _>>()?,
            scopes: scopes_from_columns(columns.scopes, columns.further_scopes.as_deref())?,
            token_format: named("token format", &columns.token_format, &formats, TokenFormat::as_str)?,
            access_token_lifetime_secs: columns.access_token_lifetime_secs,
            contacts: texts_from_json(&columns.contacts)?,
            logo_url: columns.logo_url.map(Cow::into_owned),
            cors_origins: texts_from_json(&columns.cors_origins)?,
            client_metadata: ClientMetadata::from_json(columns.client_metadata.as_deref())
                .map_err(|error| Impossible(error.to_string()))?,
            name: columns.name.into_owned(),
            description: columns.description.into_owned(),
        })
    }
}

fn named<T: Copy>(what: &str, name: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, Impossible> {
    all.iter().copied().find(|one| as_str(*one) == name).ok_or_else(|| unknown(what, name))
}

fn unknown(what: &str, value: &str) -> Impossible {
    Impossible(format!("an application with the {what} {value}"))
}

fn texts_to_json(texts: &[String]) -> Result<String, Impossible> {
    serde_json::to_string(texts).map_err(|error| Impossible(error.to_string()))
}

fn texts_from_json(json: &str) -> Result<Vec<String>, Impossible> {
    serde_json::from_str(json).map_err(|_| unknown("list", json))
}
