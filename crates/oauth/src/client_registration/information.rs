//! What the server answers about a client: "all registered metadata about this client, including any fields provisioned
//! by the authorization server itself" ([RFC 7591 §3.2.1](https://www.rfc-editor.org/rfc/rfc7591#section-3.2.1)).

use serde_json::{Value, json};

use crate::application::{Application, AuthenticationMethod, ClientType, GrantType};
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
    if let Some(alg) = metadata.introspection_signed_response_alg {
        tell("introspection_signed_response_alg", alg.as_str().into());
    }
    if metadata.dpop_bound_access_tokens {
        tell("dpop_bound_access_tokens", true.into());
    }
    tell("token_endpoint_auth_signing_alg", metadata.authentication.assertion_algorithm().into());
    let registered = metadata.self_registered.as_ref().map(|registered| json!(registered));
    let parts = [json!(metadata.openid), json!(metadata.authentication), json!(registered)];
    for (name, value) in parts.into_iter().filter_map(into_object).flatten() {
        tell(&name, value);
    }
    all
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
