//! The output of `sluicegate application`.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use oauth::application::{Application, AuthenticationMethod, GrantType};
use oauth::scope::ScopeRegistry;
use oauth::signing::{JwsAlgorithm, SigningAlgorithm};
use serde_json::{Value, json};

use crate::cli::secrets;
use crate::messages::date_time;
use crate::terminal::{say, show_json};

pub(super) fn show(application: &Application, now: Timestamp, registry: &ScopeRegistry, as_json: bool) {
    if as_json {
        return show_json(&in_json(application, now, registry));
    }
    let settings = &application.settings;
    let grant_types: Vec<&str> = settings.grant_types.iter().copied().map(GrantType::as_str).collect();
    let last_used = application.last_used_at.map_or_else(|| "never".to_owned(), date_time);
    let handed_over =
        application.handed_over.as_ref().map_or_else(String::new, |handover| date_time(handover.at));
    let lines = [
        ("id", application.id.to_string()),
        ("name", settings.name.clone()),
        ("description", settings.description.clone()),
        ("clientId", application.client_id.to_string()),
        ("type", settings.client_type.as_str().to_owned()),
        ("profile", settings.profile.as_str().to_owned()),
        ("owner", application.owner_name.clone()),
        ("redirect URLs", settings.redirect_urls.join(" ")),
        ("grant types", grant_types.join(" ")),
        ("scopes", registry.text(&settings.scopes)),
        ("token life", settings.access_token_lifetime_secs.map_or_else(|| "limit 100".to_owned(), seconds)),
        ("contacts", settings.contacts.join(" ")),
        ("logo", settings.logo_url.clone().unwrap_or_default()),
        ("CORS origins", settings.cors_origins.join(" ")),
        ("registered", format!("{} by {}", date_time(application.created_at), application.created_by())),
        ("handed over", handed_over),
        ("last used", format!("{last_used} (updated once a minute)")),
    ];
    for (name, value) in lines {
        say(&format!("{name:14} {value}"));
    }
    for secret in application.live_secrets(now) {
        let end = secret.expires_at.map_or_else(String::new, |end| format!(", ends {}", date_time(end)));
        say(&format!("secret {:7} …{}, made {}{end}", secret.id, secret.hint, date_time(secret.created_at)));
    }
}

/// An application as JSON, with the members of the management API.
pub(super) fn in_json(application: &Application, now: Timestamp, registry: &ScopeRegistry) -> Value {
    let settings = &application.settings;
    let authentication = &settings.client_metadata.authentication;
    let requests = &settings.client_metadata.requests;
    json!({
        "id": application.id.get(),
        "name": settings.name,
        "description": settings.description,
        "redirectUrls": settings.redirect_urls,
        "clientId": application.client_id.as_str(),
        "profile": settings.profile.as_str(),
        "clientType": settings.client_type.as_str(),
        "grantTypes": settings.grant_types.iter().copied().map(GrantType::as_str).collect::<Vec<_>>(),
        "scopes": registry.names(&settings.scopes),
        "tokenFormat": settings.token_format.as_str(),
        "accessTokenSigningAlg": settings.client_metadata.access_token_signing_alg.map(SigningAlgorithm::as_str),
        "introspectionSignedResponseAlg":
            settings.client_metadata.introspection_signed_response_alg.map(SigningAlgorithm::as_str),
        "tokenEndpointAuthMethod": authentication.token_endpoint_auth_method.map(AuthenticationMethod::as_str),
        "tokenEndpointAuthSigningAlg": authentication.assertion_algorithm(),
        "jwks": authentication.jwks,
        "jwksUri": authentication.jwks_uri,
        "selfRegistered": settings.client_metadata.self_registered.is_some(),
        "dpopBoundAccessTokens": settings.client_metadata.dpop_bound_access_tokens,
        "requirePushedAuthorizationRequests": settings.client_metadata.require_pushed_authorization_requests,
        "requireSignedRequestObject": requests.require_signed_request_object,
        "requestObjectSigningAlg": requests.request_object_signing_alg.map(JwsAlgorithm::as_str),
        "requestUris": requests.request_uris,
        "authorizationSignedResponseAlg": requests.authorization_signed_response_alg.map(SigningAlgorithm::as_str),
        "tlsClientAuth": authentication.tls_client_auth.as_ref().map(|name| BTreeMap::from([name.shown()])),
        "tlsClientCertificateBoundAccessTokens": settings.client_metadata.tls_client_certificate_bound_access_tokens,
        "accessTokenLifetime": settings.access_token_lifetime_secs,
        "contacts": settings.contacts,
        "logoUrl": settings.logo_url,
        "corsOrigins": settings.cors_origins,
        "createdAt": date_time(application.created_at),
        "updatedAt": date_time(application.updated_at),
        "createdBy": application.created_by(),
        "handedOverTo": application.handed_over.as_ref().map(|_| &application.owner_name),
        "handedOverAt": application.handed_over.as_ref().map(|handover| date_time(handover.at)),
        "lastUsedAt": application.last_used_at.map(date_time),
        "secrets": application.live_secrets(now).map(secrets::in_json).collect::<Vec<_>>(),
    })
}

fn seconds(count: u32) -> String {
    format!("{count} s")
}
