//! What the server answers about a client: "all registered metadata about this client, including any fields provisioned
//! by the authorization server itself" ([RFC 7591 §3.2.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1)).

use serde_json::{Value, json};

use crate::application::{
    Application, ApplicationSettings, AuthenticationMethod, ClientMetadata, ClientType, GrantType,
};
use crate::jwt::Object;
use crate::scope::ScopeRegistry;

/// The metadata of an application, without its credentials.
pub fn client_information(application: &Application, registry: &ScopeRegistry) -> Object {
    let settings = &application.settings;
    let metadata = &settings.client_metadata;
    let grant_types: Vec<&str> = settings.grant_types.iter().map(|grant| grant.as_str()).collect();
    let has_code = settings.grant_types.contains(&GrantType::AuthorizationCode);
    let response_types: &[&str] = if has_code { &["code"] } else { &[] };
    let mut all = Object::new();
    let mut tell = |name: &str, value: Value| {
        if !value.is_null() {
            all.insert(name.to_owned(), value);
        }
    };
    tell("client_id", application.client_id.as_str().into());
    tell("client_id_issued_at", application.created_at.as_secs().into());
    tell("client_name", settings.name.as_str().into());
    tell("redirect_uris", settings.redirect_urls.clone().into());
    tell("grant_types", grant_types.into());
    tell("response_types", response_types.into());
    tell("scope", registry.text(&settings.scopes).into());
    tell("token_endpoint_auth_method", method(application).as_str().into());
    tell("logo_uri", settings.logo_url.clone().into());
    if !settings.contacts.is_empty() {
        tell("contacts", settings.contacts.clone().into());
    }
    tell("token_endpoint_auth_signing_alg", metadata.authentication.assertion_algorithm().into());
    for (name, value) in further(metadata).into_iter().chain(used_algorithms(settings)) {
        tell(&name, value);
    }
    all
}

/// The members that are returned as stored. Those that only administrators or the server set are omitted.
fn further(metadata: &ClientMetadata) -> Vec<(String, Value)> {
    // Without `..`, so that a new member is considered here.
    let ClientMetadata {
        access_token_signing_alg: _,
        introspection_audiences: _,
        token_exchange: _,
        require_second_factor: _,
        later: _,
        require_pushed_authorization_requests: pushed,
        introspection_signed_response_alg: _,
        openid,
        authentication,
        dpop_bound_access_tokens: dpop,
        requests,
        tls_client_certificate_bound_access_tokens: tls,
        pages,
        self_registered,
        described_at: _,
        deputies: _,
    } = metadata;
    let certificate = authentication.tls_client_auth.as_ref().map(|subject| {
        let (_, value) = subject.shown();
        (subject.member().to_owned(), value.into())
    });
    let parts = [json!(openid), json!(authentication), json!(requests), json!(pages), json!(self_registered)];
    let flags = [
        ("require_pushed_authorization_requests", *pushed),
        ("dpop_bound_access_tokens", *dpop),
        ("tls_client_certificate_bound_access_tokens", *tls),
    ];
    let flags = flags.into_iter().filter(|(_, set)| *set).map(|(name, _)| (name.to_owned(), true.into()));
    let members = parts.into_iter().filter_map(into_object).flatten();
    members.filter(|(name, _)| name != "tls_client_auth").chain(flags).chain(certificate).collect()
}

/// The algorithms with which the server signs for the client, if it named one or if its profile replaces the default.
fn used_algorithms(settings: &ApplicationSettings) -> impl Iterator<Item = (String, Value)> + '_ {
    let metadata = &settings.client_metadata;
    let all = [
        (
            "id_token_signed_response_alg",
            metadata.openid.id_token_signed_response_alg.is_some(),
            Some(metadata.openid.id_token_algorithm()),
        ),
        (
            "userinfo_signed_response_alg",
            metadata.openid.userinfo_signed_response_alg.is_some(),
            metadata.openid.userinfo_algorithm(),
        ),
        (
            "introspection_signed_response_alg",
            metadata.introspection_signed_response_alg.is_some(),
            Some(metadata.introspection_signed_response_alg()),
        ),
        (
            "authorization_signed_response_alg",
            metadata.requests.authorization_signed_response_alg.is_some(),
            Some(metadata.requests.authorization_signed_response_alg()),
        ),
    ];
    all.into_iter().filter_map(|(name, is_named, algorithm)| {
        let algorithm = algorithm?;
        let used = settings.allowed_algorithm(algorithm);
        (is_named || used != algorithm).then(|| (name.to_owned(), used.as_str().into()))
    })
}

/// The default of the specification, if the application was registered without a method.
fn method(application: &Application) -> AuthenticationMethod {
    let settings = &application.settings;
    let default = match settings.client_type {
        ClientType::Confidential => AuthenticationMethod::ClientSecretBasic,
        ClientType::Public => AuthenticationMethod::None,
    };
    settings.client_metadata.authentication.token_endpoint_auth_method.unwrap_or(default)
}

fn into_object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}
