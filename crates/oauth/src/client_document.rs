//! Client ID Metadata Documents: the `client_id` is an `https` URL, at which the client describes itself
//! ([draft-ietf-oauth-client-id-metadata-document-02](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-02)).
//!
//! What a document offers beyond what this server supports for it is left out; what it forbids is refused. The client gets
//! settings by the same rules as a registered one, of the profile `oauth21` or a stricter one. It is a public client, unless
//! it has keys with which it authenticates.

use serde_json::{Map, Value};
use url::Url;

mod hosts;
mod usable;

pub use hosts::{DocumentHosts, HostPattern, UnreadableHostPattern};

use crate::application::{
    AcceptedCertificates, ApplicationSettings, AuthenticationMethod, ClientType, OpenIdMetadata, Profile,
};
use crate::client_members::{self, Members, member, without_own_members};
use crate::jwt::{Object, parse_object};
use crate::reachable::Reachable;
use crate::redirect::{AllowedSchemes, PrivateUseScheme};
use crate::refusal::Refusal;
use crate::registration::{self, ApplicationPayload, RegistrationContext};
use crate::scope::ScopeRegistry;
use domain::id::ClientId;
use domain::time::Timestamp;

/// The maximum size of a document in bytes (§8.7).
pub const LARGEST: usize = 5 * 1024;

/// A document that belongs to its URL and contains nothing forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientDocument {
    host: String,
    name: Option<String>,
    redirect_uris: Vec<String>,
    grant_types: Option<Vec<String>>,
    scopes: Option<Vec<String>>,
    /// Those that a client that registers itself gives too.
    further: ApplicationPayload,
    method: Method,
}

/// How the client authenticates. A shared secret is not a method, because nobody could have shared it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Method {
    /// It need not. A client that also has keys may use them.
    None { keys: Option<Keys>, algorithm: Option<String> },
    /// With an assertion that one of its keys signs.
    PrivateKeyJwt { keys: Keys, algorithm: Option<String> },
    /// With an attestation, where an attester is trusted for the client.
    Attestation { algorithm: Option<String> },
}

/// Where the keys of the client are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Keys {
    /// In the document.
    Set(Object),
    /// At an address, which must be `https`.
    Address(String),
}

/// The host of a `client_id` that is a URL, which users see (§8.5).
pub fn host(client_id: &ClientId) -> Option<String> {
    let url = client_id.is_url().then(|| Url::parse(client_id.as_str()).ok())??;
    url.host_str().map(str::to_owned)
}

/// Client identifier URLs (§3): `https`, a path, no dot segments, no fragment, no user information. A query is only
/// discouraged; an empty one would be another spelling of none. A host has one spelling, so that its clients can be
/// counted.
///
/// # Errors
/// [`Refusal::ClientUrlUnusable`].
pub fn url_identifies_a_client(text: &str) -> Result<(), Refusal> {
    let refused = Refusal::ClientUrlUnusable;
    let rest = text.strip_prefix("https://").ok_or(refused)?;
    let url = Url::parse(text).map_err(|_| refused)?;
    let (authority, path) = rest.split_once('/').ok_or(refused)?;
    let has_path = !path.is_empty() && !path.starts_with('?');
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let is_plain = is_normal_authority(authority, &url)
        && !authority.contains('@')
        && !text.contains(['#', '\\'])
        && query != Some("")
        && !path.split('/').any(is_dot_segment);
    if has_path && is_plain && url.has_host() { Ok(()) } else { Err(refused) }
}

/// Whether host and port are spelled as a parser prints them. The default port may be written.
fn is_normal_authority(authority: &str, url: &Url) -> bool {
    let normal = url.as_str().strip_prefix("https://").and_then(|rest| rest.split('/').next());
    let host_ends_with_dot = url.host_str().is_some_and(|host| host.ends_with('.'));
    !host_ends_with_dot && normal == Some(authority.strip_suffix(":443").unwrap_or(authority))
}

/// `.` and `..`, even percent-encoded, which browsers and servers treat alike.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// How far ahead the clock of the node may be that has stored another document, in seconds.
const MOST_AHEAD_SECS: i64 = 300;

/// Whether a document that was fetched at `fetched_at` is older than the one that describes the stored application. A time
/// far ahead is that of a clock that was set back, and counts for nothing.
pub fn is_outdated(fetched_at: Timestamp, described_at: Option<Timestamp>, now: Timestamp) -> bool {
    described_at.is_some_and(|stored| fetched_at < stored && stored <= now.plus_secs(MOST_AHEAD_SECS))
}

/// Reads the document that was fetched from a client identifier URL.
///
/// # Errors
/// A refusal that names the broken rule.
pub fn read(url: &str, body: &[u8]) -> Result<ClientDocument, Refusal> {
    url_identifies_a_client(url)?;
    let members = parse_object(body).ok_or(Refusal::ClientDocumentMalformed)?;
    document_names_its_url(&members, url)?;
    document_has_no_secret(&members)?;
    let method = document_offers_a_method(&members)?;
    let scope = text(&members, "scope")?;
    let parsed = Url::parse(url).map_err(|_| Refusal::ClientUrlUnusable)?;
    let document = ClientDocument {
        host: parsed.host_str().unwrap_or_default().to_owned(),
        name: text(&members, "client_name")?.map(str::to_owned),
        redirect_uris: texts(&members, "redirect_uris")?.unwrap_or_default(),
        grant_types: texts(&members, "grant_types")?,
        scopes: scope
            .map(|scope| scope.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect()),
        further: further(&members)?,
        method,
    };
    // Here too, because what is refused here is not kept in memory.
    document.usable_grant_types(Profile::OAuth21)?;
    document.has_a_redirect_uri()?;
    Ok(document)
}

/// The members that need no decision of their own. Those about authentication have one: a certificate is no method here. A
/// sector would need a document of its own, so the client is a sector of its own.
fn further(members: &Object) -> Result<ApplicationPayload, Refusal> {
    let members = Members::of(members);
    let further = client_members::further(&members).map_err(|_| Refusal::ClientDocumentMalformed)?;
    Ok(ApplicationPayload {
        openid: further.openid.map(|openid| OpenIdMetadata { sector_identifier_uri: None, ..openid }),
        tls_client_auth: None,
        ..further
    })
}

/// "The `client_id` property's value MUST match the URL of the document using simple string comparison" (§4).
fn document_names_its_url(members: &Map<String, Value>, url: &str) -> Result<(), Refusal> {
    match members.get("client_id") {
        Some(Value::String(id)) if id == url => Ok(()),
        Some(Value::String(_)) => Err(Refusal::ClientDocumentForeign),
        _ => Err(Refusal::ClientDocumentMalformed),
    }
}

/// No `client_secret` and `client_secret_expires_at`, no method with a shared secret (§4.1), and no private key (§5).
fn document_has_no_secret(members: &Map<String, Value>) -> Result<(), Refusal> {
    let has_secret =
        ["client_secret", "client_secret_expires_at"].iter().any(|name| members.contains_key(*name));
    let method = text(members, "token_endpoint_auth_method")?;
    let keys = members.get("jwks").and_then(|set| set.get("keys")).and_then(Value::as_array);
    let has_private_key = keys.is_some_and(|keys| keys.iter().any(is_private));
    if has_secret || has_private_key || method.is_some_and(|method| method.starts_with("client_secret_")) {
        return Err(Refusal::ClientDocumentSecret);
    }
    Ok(())
}

/// Whether a key has a private member ([RFC 7518 §6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
fn is_private(key: &Value) -> bool {
    ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|member| key.get(*member).is_some())
}

/// A document may offer several methods beside the one that it prefers. If `none` is among them, the client need not
/// authenticate, but may. One method alone must be used (§8.2), so a document that knows only another one is refused.
fn document_offers_a_method(members: &Map<String, Value>) -> Result<Method, Refusal> {
    let preferred = text(members, "token_endpoint_auth_method")?;
    let others = texts(members, "token_endpoint_auth_methods_supported")?.unwrap_or_default();
    let mut offered = preferred.into_iter().chain(others.iter().map(String::as_str)).peekable();
    if offered.peek().is_none() {
        return Ok(Method::None { keys: None, algorithm: None });
    }
    let keys = keys(members)?;
    let algorithm = text(members, "token_endpoint_auth_signing_alg")?.map(str::to_owned);
    let offered: Vec<&str> = offered.collect();
    let attestation = AuthenticationMethod::AttestJwtClientAuth.as_str();
    let keys = keys.filter(|_| offered.contains(&"private_key_jwt"));
    match keys {
        keys if offered.contains(&"none") => Ok(Method::None { keys, algorithm }),
        _ if preferred == Some(attestation) => Ok(Method::Attestation { algorithm }),
        Some(keys) => Ok(Method::PrivateKeyJwt { keys, algorithm }),
        None if offered.contains(&attestation) => Ok(Method::Attestation { algorithm }),
        None => Err(Refusal::ClientDocumentMethod),
    }
}

/// The keys of the client. The address of the keys is left out if the document contains the keys themselves.
fn keys(members: &Map<String, Value>) -> Result<Option<Keys>, Refusal> {
    if let Some(set) = members.get("jwks").filter(|set| !set.is_null()) {
        let set = set.as_object().ok_or(Refusal::ClientDocumentMalformed)?;
        return Ok(Some(Keys::Set(set.clone())));
    }
    let address = text(members, "jwks_uri")?.filter(|address| address.starts_with("https://"));
    Ok(address.map(|address| Keys::Address(address.to_owned())))
}

/// A text; an absent member and `null` are none.
fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::ClientDocumentMalformed),
    }
}

fn texts(members: &Map<String, Value>, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(value) = members.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let entries = value.as_array().ok_or(Refusal::ClientDocumentMalformed)?;
    let texts = entries.iter().map(|entry| entry.as_str().map(str::to_owned));
    texts.collect::<Option<Vec<_>>>().map(Some).ok_or(Refusal::ClientDocumentMalformed)
}

impl ClientDocument {
    /// The key set in the document, with which the client must authenticate.
    pub fn key_set(&self) -> Option<&Object> {
        match &self.method {
            Method::PrivateKeyJwt { keys: Keys::Set(set), .. } => Some(set),
            _ => None,
        }
    }

    fn client_type(&self) -> ClientType {
        match self.method {
            Method::None { .. } => ClientType::Public,
            Method::PrivateKeyJwt { .. } | Method::Attestation { .. } => ClientType::Confidential,
        }
    }

    /// The settings of the application that the document describes; `existing` are the stored ones, if there are any, and
    /// `attestable` says whether a trusted attester may attest its instances.
    ///
    /// # Errors
    /// If nothing usable is left of the grant types or the redirect URIs, or it authenticates with attestations and has no
    /// trusted attester.
    pub fn settings(
        &self,
        scopes: &ScopeRegistry,
        minimum_profile: Profile,
        reachable: Reachable,
        private_use_schemes: &[PrivateUseScheme],
        attestable: bool,
        existing: Option<&ApplicationSettings>,
    ) -> Result<ApplicationSettings, Refusal> {
        if matches!(self.method, Method::Attestation { .. }) && !attestable {
            return Err(Refusal::ClientDocumentMethod);
        }
        let schemes = AllowedSchemes { listed: private_use_schemes, client_type: self.client_type() };
        let profile = minimum_profile.max(Profile::OAuth21);
        // A client that authenticates in another way than before starts anew.
        let existing = existing.filter(|existing| existing.client_type == self.client_type());
        let existing = existing.map(without_own_members);
        let mut payload = ApplicationPayload {
            // Omitted, it would be deleted.
            description: existing.as_ref().map(|existing| existing.description.clone()),
            name: Some(self.name.clone().unwrap_or_else(|| self.host.clone())),
            redirect_urls: Some(self.usable_redirect_uris(profile, schemes)?),
            profile: Some(profile.as_str().to_owned()),
            grant_types: Some(self.grant_types_beside(existing.as_ref(), profile)?),
            scopes: Some(self.usable_scopes(scopes)),
            client_type: Some(self.client_type().as_str().to_owned()),
            ..self.authentication()
        };
        let context = RegistrationContext {
            permissions: &[],
            scopes,
            default_profile: profile,
            minimum_profile,
            reachable,
            private_use_schemes,
            certificates: AcceptedCertificates::Issued,
            attestable,
            existing: existing.as_ref(),
        };
        // A text that breaks a rule is left out, and the client is then known by its host.
        let faults = match registration::decide(&payload, context) {
            Ok((settings, _)) => return Ok(settings),
            Err(faults) => faults,
        };
        for fault in &faults {
            self.leave_out(&mut payload, &fault.field);
        }
        self.keys_are_reachable(reachable)?;
        let decided = registration::decide(&payload, context);
        decided.map(|(settings, _)| settings).map_err(|_| Refusal::ClientDocumentMalformed)
    }

    /// Leaves out a member that has no value which the server supports. A subject type stays: the identifier of the others
    /// would tell more than the client wants to know.
    fn leave_out(&self, payload: &mut ApplicationPayload, field: &str) {
        let name = member(field.split('[').next().unwrap_or_default());
        let requests = &mut payload.requests;
        match name.as_str() {
            "client_name" => payload.name = Some(self.host.clone()),
            "contacts" => payload.contacts = Some(Vec::new()),
            "logo_uri" => payload.logo_url = Some(String::new()),
            "introspection_signed_response_alg" => payload.introspection_signed_response_alg = None,
            "request_object_signing_alg" => requests.request_object_signing_alg = None,
            "request_uris" => requests.request_uris = None,
            "authorization_signed_response_alg" => requests.authorization_signed_response_alg = None,
            "subject_type" => {}
            "client_uri" | "tos_uri" | "policy_uri" => {
                payload.pages = payload.pages.take().map(|pages| pages.without(&name));
            }
            other => payload.openid = payload.openid.take().map(|openid| openid.without(other)),
        }
    }

    /// The server "MUST NOT fetch" what is at a special-use address
    /// ([draft §8.6](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-client-id-metadata-document-02#section-8.6)).
    fn keys_are_reachable(&self, reachable: Reachable) -> Result<(), Refusal> {
        let keys = match &self.method {
            Method::None { keys, .. } => keys.as_ref(),
            Method::PrivateKeyJwt { keys, .. } => Some(keys),
            Method::Attestation { .. } => None,
        };
        match keys {
            Some(Keys::Address(address)) => {
                reachable.check(address).map_err(|_| Refusal::ClientDocumentAddress)
            }
            Some(Keys::Set(_)) | None => Ok(()),
        }
    }

    fn authentication(&self) -> ApplicationPayload {
        let (method, keys, algorithm) = match &self.method {
            Method::None { keys, algorithm } => (AuthenticationMethod::None, keys.as_ref(), algorithm),
            Method::PrivateKeyJwt { keys, algorithm } => {
                (AuthenticationMethod::PrivateKeyJwt, Some(keys), algorithm)
            }
            Method::Attestation { algorithm } => (AuthenticationMethod::AttestJwtClientAuth, None, algorithm),
        };
        let (jwks, jwks_uri) = match keys {
            Some(Keys::Set(set)) => (Some(set.clone()), None),
            Some(Keys::Address(address)) => (None, Some(address.clone())),
            // An empty address removes one that a former document had.
            None => (None, Some(String::new())),
        };
        ApplicationPayload {
            token_endpoint_auth_method: Some(method.as_str().to_owned()),
            token_endpoint_auth_signing_alg: algorithm.clone(),
            jwks,
            jwks_uri,
            ..self.further.clone()
        }
    }
}

#[cfg(test)]
mod tests;
