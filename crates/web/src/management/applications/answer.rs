//! The wire form of an application.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::management::applications::Added;
use domain::secret::ClientSecret;
use domain::time::Timestamp;
use oauth::application::{Application, AuthenticationMethod, GrantType, StoredSecret, TokenExchangePolicy};
use oauth::jwt::Object;
use oauth::scope::ScopeRegistry;
use oauth::signing::SigningAlgorithm;
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{openid, requests};
use crate::respond::management::rfc3339;

/// An application as an element of a list.
pub(super) struct Listed {
    /// The stored record.
    pub(super) application: Application,
    /// The names of scopes.
    pub(super) registry: Arc<ScopeRegistry>,
}

impl Serialize for Listed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        listed(&self.application, &self.registry).serialize(serializer)
    }
}

/// An application in responses; Hybrid Data Pipeline's members come first, then ours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationResponse<'a> {
    id: i64,
    name: &'a str,
    description: &'a str,
    redirect_urls: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    profile: &'static str,
    client_type: &'static str,
    grant_types: Vec<&'static str>,
    scopes: Vec<String>,
    token_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_signing_alg: Option<&'static str>,
    dpop_bound_access_tokens: bool,
    #[serde(flatten)]
    requests: requests::RequestsResponse<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_client_auth: Option<BTreeMap<&'static str, String>>,
    tls_client_certificate_bound_access_tokens: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    introspection_signed_response_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    introspection_audiences: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_endpoint_auth_signing_alg: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks: Option<&'a Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jwks_uri: Option<&'a str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    self_registered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token_lifetime: Option<u32>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    contacts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_url: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cors_origins: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    token_exchange: Option<&'a TokenExchangePolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    openid: Option<Value>,
    created_at: String,
    updated_at: String,
    created_by: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_over_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    handed_over_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<SecretResponse<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A secret in responses: everything except its value.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretResponse<'a> {
    id: i64,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<String>,
    hint: &'a str,
}

/// What a response shows of an application besides the stored record.
pub(super) struct ResponseParts<'a> {
    /// The secret, if this response may contain it.
    pub(super) secret: Option<&'a ClientSecret>,
    /// Warnings about accepted settings.
    pub(super) warnings: Vec<String>,
    /// Expired secrets are not shown.
    pub(super) now: Timestamp,
    /// The names of scopes.
    pub(super) registry: Arc<ScopeRegistry>,
}

impl<'a> ResponseParts<'a> {
    /// The application with its client id.
    pub(super) fn application(self, application: &'a Application) -> ApplicationResponse<'a> {
        let live = application.secrets.iter().filter(|secret| secret.is_live(self.now));
        ApplicationResponse {
            client_id: Some(application.client_id.as_str()),
            client_secret: self.secret.map(ClientSecret::expose),
            secrets: Some(live.map(secret_response).collect()),
            warnings: self.warnings,
            ..listed(application, &self.registry)
        }
    }
}

/// An application as an element of a list: without client id and secrets.
fn listed<'a>(application: &'a Application, registry: &ScopeRegistry) -> ApplicationResponse<'a> {
    let settings = &application.settings;
    let authentication = &settings.client_metadata.authentication;
    ApplicationResponse {
        id: application.id.get(),
        name: &settings.name,
        description: &settings.description,
        redirect_urls: &settings.redirect_urls,
        client_id: None,
        client_secret: None,
        profile: settings.profile.as_str(),
        client_type: settings.client_type.as_str(),
        grant_types: settings.grant_types.iter().copied().map(GrantType::as_str).collect(),
        scopes: registry.names(&settings.scopes),
        token_format: settings.token_format.as_str(),
        access_token_signing_alg: settings
            .client_metadata
            .access_token_signing_alg
            .map(SigningAlgorithm::as_str),
        introspection_signed_response_alg: settings
            .client_metadata
            .introspection_signed_response_alg
            .map(SigningAlgorithm::as_str),
        introspection_audiences: &settings.client_metadata.introspection_audiences,
        token_endpoint_auth_method: authentication
            .token_endpoint_auth_method
            .map(AuthenticationMethod::as_str),
        token_endpoint_auth_signing_alg: authentication.assertion_algorithm(),
        jwks: authentication.jwks.as_ref(),
        jwks_uri: authentication.jwks_uri.as_deref(),
        self_registered: settings.client_metadata.self_registered.is_some(),
        dpop_bound_access_tokens: settings.client_metadata.dpop_bound_access_tokens,
        requests: (&settings.client_metadata).into(),
        tls_client_auth: authentication.tls_client_auth.as_ref().map(|name| BTreeMap::from([name.shown()])),
        tls_client_certificate_bound_access_tokens: settings
            .client_metadata
            .tls_client_certificate_bound_access_tokens,
        access_token_lifetime: settings.access_token_lifetime_secs,
        contacts: &settings.contacts,
        logo_url: settings.logo_url.as_deref(),
        cors_origins: &settings.cors_origins,
        token_exchange: settings.client_metadata.token_exchange.as_ref(),
        openid: openid::shown(&settings.client_metadata.openid),
        created_at: rfc3339(application.created_at),
        updated_at: rfc3339(application.updated_at),
        created_by: application.created_by(),
        handed_over_to: application.handed_over.as_ref().map(|_| application.owner_name.as_str()),
        handed_over_at: application.handed_over.as_ref().map(|handover| rfc3339(handover.at)),
        last_used_at: application.last_used_at.map(rfc3339),
        secrets: None,
        warnings: Vec::new(),
    }
}

fn secret_response(secret: &StoredSecret) -> SecretResponse<'_> {
    SecretResponse {
        id: secret.id.get(),
        created_at: rfc3339(secret.created_at),
        expires_at: secret.expires_at.map(rfc3339),
        last_used_at: secret.last_used_at.map(rfc3339),
        hint: &secret.hint,
    }
}

/// The response to adding a secret, the only time that it is shown.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddedSecret<'a> {
    id: i64,
    client_secret: &'a str,
    created_at: String,
    expires_at: Option<String>,
}

impl<'a> From<&'a Added> for AddedSecret<'a> {
    fn from(added: &'a Added) -> Self {
        Self {
            id: added.stored.id.get(),
            client_secret: added.secret.expose(),
            created_at: rfc3339(added.stored.created_at),
            expires_at: added.stored.expires_at.map(rfc3339),
        }
    }
}
