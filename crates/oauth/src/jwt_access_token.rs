//! The claims of access tokens that other resource servers can read ([RFC
//! 9068](https://www.rfc-editor.org/rfc/rfc9068)), written and read by hand, because every request with such a token
//! pays for it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use domain::id::TokenId;
use domain::time::Timestamp;

use crate::authorization_details::GrantedElement;
use crate::grant::Act;
use crate::json_writer::{JsonObject, needs_escapes, push_text};
use crate::proof::KeyBinding;
use crate::scope::{BUILT_IN_SERVER, ScopeRegistry, ScopeSet};
use crate::token_payload::AccessToken;

/// The claims of a token ([RFC 9068 §2.2](https://www.rfc-editor.org/rfc/rfc9068#section-2.2)).
#[derive(Debug, Clone)]
pub struct AccessTokenClaims<'a> {
    /// `iss`: the public URL of the server.
    pub issuer: &'a str,
    /// `aud`: at least one resource server.
    pub audience: &'a [Cow<'a, str>],
    /// `sub`: the user, or the client for client credentials.
    pub subject: &'a str,
    /// `client_id`.
    pub client_id: &'a str,
    /// `jti`, which contains `iat`.
    pub id: TokenId,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `scope`: the names of the scopes, separated by spaces.
    pub scope: &'a str,
    /// `auth_time`: when the user signed in, if that is known.
    pub auth_time: Option<Timestamp>,
    /// `acr`: how the user signed in, if that is known.
    pub acr: Option<&'a str>,
    /// `act`: who acts for the subject, if somebody does.
    pub act: Option<&'a Act>,
    /// `authorization_details` ([RFC 9396 §9.1](https://www.rfc-editor.org/rfc/rfc9396#section-9.1)); omitted if the
    /// token is not limited.
    pub authorization_details: Option<&'a [GrantedElement]>,
    /// `cnf`: what the sender must hold.
    pub binding: Option<KeyBinding>,
    /// What only this server reads.
    pub sealed: &'a str,
}

/// What this server reads of the claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedClaims<'a> {
    /// The value of `aud`, as JSON.
    pub audience: &'a str,
    /// What only this server reads.
    pub sealed: &'a str,
}

impl AccessTokenClaims<'_> {
    /// Writes the claims as a JSON object.
    ///
    /// # Panics
    /// Never: every value can be written as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut json = JsonObject::with_capacity(512);
        json.text("iss", self.issuer);
        match self.audience {
            [one] => json.text("aud", one),
            many => json.value("aud", &many),
        };
        json.text("sub", self.subject).text("client_id", self.client_id);
        json.number("iat", self.id.at().as_secs()).number("exp", self.expires_at.as_secs());
        json.text("jti", &self.id.to_string()).text("scope", self.scope);
        if let Some(at) = self.auth_time {
            json.number("auth_time", at.as_secs());
        }
        if let Some(acr) = self.acr {
            json.text("acr", acr);
        }
        if let Some(act) = self.act {
            json.value("act", act);
        }
        if let Some(details) = self.authorization_details {
            json.value("authorization_details", &details);
        }
        if let Some((member, thumbprint)) = self.binding.map(KeyBinding::confirmation) {
            json.value("cnf", &BTreeMap::from([(member, thumbprint.to_string())]));
        }
        json.text(SEALED, self.sealed);
        json.finish()
    }
}

/// The name of the claim that only this server reads.
const SEALED: &str = "sluicegate";
/// The same, as it stands after the claim before it.
const SEALED_IN_JSON: &str = ",\"sluicegate\":\"";

/// What follows a text that is written as a JSON string. Without escapes, as for nearly every issuer, nothing is allocated.
fn strip_text<'a>(json: &'a str, text: &str) -> Option<&'a str> {
    if needs_escapes(text.as_bytes()) {
        let mut written = Vec::new();
        push_text(&mut written, text);
        return json.strip_prefix(std::str::from_utf8(&written).ok()?);
    }
    json.strip_prefix('"')?.strip_prefix(text)?.strip_prefix('"')
}

/// Reads claims whose signature was verified, if they are of an access token of this issuer.
pub fn read<'a>(claims: &'a [u8], issuer: &str) -> Option<SignedClaims<'a>> {
    let claims = std::str::from_utf8(claims).ok()?;
    let rest = strip_text(claims.strip_prefix("{\"iss\":")?, issuer)?.strip_prefix(",\"aud\":")?;
    // Quotes in a text are escaped, so that no text contains the name of a claim.
    let (audience, rest) = rest.split_once(",\"sub\":")?;
    let (_, sealed) = rest.rsplit_once(SEALED_IN_JSON)?;
    Some(SignedClaims { audience, sealed: sealed.strip_suffix("\"}")? })
}

/// Whether `aud` names this server: its public URL or an address below it. "The resource server MUST validate that the
/// aud claim contains a resource indicator value corresponding to an identifier the resource server expects for itself"
/// ([RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068#section-4)).
pub fn is_for(audience: &str, public_url: &str) -> bool {
    let is_ours =
        |one: &str| one.strip_prefix(public_url).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    match serde_json::from_str(audience) {
        Ok(serde_json::Value::String(one)) => is_ours(&one),
        Ok(serde_json::Value::Array(many)) => many.iter().filter_map(|one| one.as_str()).any(is_ours),
        _ => false,
    }
}

/// The audience of a token: the resources to which it is limited, or else those to which its scopes belong.
pub fn audience_in<'a>(
    token: &'a AccessToken,
    registry: &'a ScopeRegistry,
    public_url: &'a str,
) -> Vec<Cow<'a, str>> {
    match token.details.resources.as_slice() {
        [] => audience_of(&token.scopes, registry, public_url),
        resources => resources.iter().map(|resource| resource.as_str().into()).collect(),
    }
}

/// The audience of a token for these scopes whose request named no resource: the resource servers to which the scopes
/// belong ([RFC 9068 §3](https://www.rfc-editor.org/rfc/rfc9068#section-3)). This server is named by its public URL.
pub fn audience_of<'a>(
    scopes: &ScopeSet,
    registry: &'a ScopeRegistry,
    public_url: &'a str,
) -> Vec<Cow<'a, str>> {
    if scopes.others().is_empty() {
        return vec![public_url.into()];
    }
    let mut servers: Vec<_> = registry.scopes_in(scopes).map(|scope| scope.resource_server).collect();
    servers.sort_unstable();
    servers.dedup();
    let identifier = |id| {
        if id == BUILT_IN_SERVER {
            return Some(Cow::from(public_url));
        }
        let server = registry.servers().iter().find(|server| server.id == id)?;
        Some(Cow::from(server.identifier.as_str()))
    };
    servers.into_iter().filter_map(identifier).collect()
}

#[cfg(test)]
mod tests;
