//! The payload about an application.

use oauth::application::TokenExchangePolicy;
use oauth::registration::{ApplicationPayload, CertificateNamePayload};

use super::super::key_set;
use super::{openid, requests};
use crate::json::{Fields, FromJson, Json, PayloadFaults};

/// Members that only the server sets. Hybrid Data Pipeline's older samples send the first three, and a client
/// that changes the result of a GET sends all of them back.
const READ_ONLY: &[&str] = &[
    "id",
    "clientId",
    "clientSecret",
    "createdAt",
    "updatedAt",
    "createdBy",
    "handedOverTo",
    "handedOverAt",
    "lastUsedAt",
    "secrets",
    "selfRegistered",
    "warnings",
];

/// The payload for registering: an application, or the older form `{"applications":[{…}]}` with exactly one.
#[derive(Debug)]
pub(crate) struct Registration(pub(super) ApplicationPayload);

/// The payload for updating an application.
#[derive(Debug)]
pub(crate) struct Update(pub(super) ApplicationPayload);

/// A payload without members.
#[derive(Debug)]
pub(crate) struct Nothing;

impl FromJson for Registration {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        match wrapped(json) {
            None => Self(application(Fields::of(json, "", faults))),
            Some(Json::Array(elements)) if elements.len() == 1 => {
                Self(application(Fields::of(&elements[0], "", faults)))
            }
            Some(Json::Array(elements)) => {
                faults.unreadable(
                    "applications",
                    format!("must have exactly one element, not {}", elements.len()),
                );
                Self(ApplicationPayload::default())
            }
            Some(other) => {
                faults.unreadable("applications", format!("must be an array, not {}", other.kind()));
                Self(ApplicationPayload::default())
            }
        }
    }
}

/// The content of the only member in the older form.
fn wrapped(json: &Json) -> Option<&Json> {
    match json {
        Json::Object(members) => match members.as_slice() {
            [(name, value)] if name == "applications" => Some(value),
            _ => None,
        },
        _ => None,
    }
}

impl FromJson for Update {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        Self(application(Fields::of(json, "", faults)))
    }
}

impl FromJson for Nothing {
    fn from_json(json: &Json, faults: &PayloadFaults) -> Self {
        Fields::of(json, "", faults).finish();
        Self
    }
}

fn application(mut fields: Fields<'_>) -> ApplicationPayload {
    fields.ignore(READ_ONLY);
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let payload = ApplicationPayload {
        name: fields.string("name").map(str::to_owned),
        description: fields.string("description").map(str::to_owned),
        redirect_urls: fields.strings("redirectUrls").map(owned),
        profile: fields.string("profile").map(str::to_owned),
        client_type: fields.string("clientType").map(str::to_owned),
        grant_types: fields.strings("grantTypes").map(owned),
        scopes: fields.strings("scopes").map(owned),
        token_format: fields.string("tokenFormat").map(str::to_owned),
        access_token_signing_alg: fields.string("accessTokenSigningAlg").map(str::to_owned),
        introspection_signed_response_alg: fields.string("introspectionSignedResponseAlg").map(str::to_owned),
        introspection_audiences: fields.strings("introspectionAudiences").map(owned),
        token_endpoint_auth_method: fields.string("tokenEndpointAuthMethod").map(str::to_owned),
        token_endpoint_auth_signing_alg: fields.string("tokenEndpointAuthSigningAlg").map(str::to_owned),
        jwks: key_set::read(&mut fields),
        jwks_uri: fields.string("jwksUri").map(str::to_owned),
        dpop_bound_access_tokens: fields.boolean("dpopBoundAccessTokens"),
        tls_client_auth: fields.object("tlsClientAuth").map(certificate_name),
        tls_client_certificate_bound_access_tokens: fields.boolean("tlsClientCertificateBoundAccessTokens"),
        access_token_lifetime: fields.integer("accessTokenLifetime"),
        contacts: fields.strings("contacts").map(owned),
        logo_url: fields.string("logoUrl").map(str::to_owned),
        openid: fields.object("openid").map(openid::read),
        pages: None,
        requests: requests::read(&mut fields),
        cors_origins: fields.strings("corsOrigins").map(owned),
        token_exchange: fields.object("tokenExchange").map(token_exchange),
    };
    fields.finish();
    payload
}

fn token_exchange(mut fields: Fields<'_>) -> TokenExchangePolicy {
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect::<Vec<String>>();
    let policy = TokenExchangePolicy {
        clients: fields.strings("clients").map(owned).unwrap_or_default(),
        impersonation: fields.boolean("impersonation").unwrap_or_default(),
        delegation: fields.boolean("delegation").unwrap_or_default(),
        scopes: fields.strings("scopes").map(owned).unwrap_or_default(),
        resources: fields.strings("resources").map(owned).unwrap_or_default(),
    };
    fields.finish();
    policy
}

fn certificate_name(mut fields: Fields<'_>) -> CertificateNamePayload {
    let name = CertificateNamePayload {
        subject_dn: fields.string("subjectDn").map(str::to_owned),
        san_dns: fields.string("sanDns").map(str::to_owned),
        san_uri: fields.string("sanUri").map(str::to_owned),
        san_ip: fields.string("sanIp").map(str::to_owned),
        san_email: fields.string("sanEmail").map(str::to_owned),
    };
    fields.finish();
    name
}
