//! The wire form of an introspected token.

use app::protocol::introspection::LiveToken;
use oauth::authorization_details::GrantedElement;
use oauth::grant::Act;
use oauth::proof::{KeyBinding, TokenType};
use oauth::user_authentication::PASSWORD_ACR;
use serde::{Serialize, Serializer};

/// [RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2).
#[derive(Serialize)]
pub(super) struct IntrospectionBody<'a> {
    active: bool,
    client_id: &'a str,
    username: &'a str,
    scope: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    iat: i64,
    sub: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty", serialize_with = "audience")]
    aud: &'a [String],
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<&'a Act>,
    /// [RFC 9470 §6.2](https://www.rfc-editor.org/rfc/rfc9470#section-6.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    /// [RFC 9396 §9.2](https://www.rfc-editor.org/rfc/rfc9396#section-9.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_details: Option<&'a [GrantedElement]>,
    /// [Refresh Token Expiration
    /// §7](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-refresh-token-expiration#section-7), like the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token_timeout: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization_expires_in: Option<i64>,
}

/// One audience is a text, several are a list, as in a signed access token.
fn audience<S: Serializer>(audience: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    match audience {
        [one] => serializer.serialize_str(one),
        many => many.serialize(serializer),
    }
}

/// `cnf`: one member, which names the key or the certificate.
struct Confirmation(KeyBinding);

impl Serialize for Confirmation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (member, thumbprint) = self.0.confirmation();
        serializer.collect_map([(member, thumbprint.to_string())])
    }
}

/// The response about a token that is invalid, unknown, or out of the client's reach.
#[derive(Serialize)]
pub(super) struct Inactive {
    pub(super) active: bool,
}

/// The response about a live token; `issuer` is the public URL of this server.
pub(super) fn body<'a>(token: &'a LiveToken, issuer: &'a str) -> IntrospectionBody<'a> {
    IntrospectionBody {
        active: true,
        client_id: &token.client_id,
        username: &token.username,
        scope: &token.scope,
        token_type: token.token_type.map(TokenType::as_str),
        cnf: token.binding.map(Confirmation),
        exp: token.exp,
        iat: token.iat,
        sub: &token.sub,
        aud: &token.aud,
        iss: issuer,
        jti: token.jti.as_deref(),
        act: token.act.as_ref(),
        auth_time: token.auth_time,
        acr: token.auth_time.map(|_| PASSWORD_ACR),
        authorization_details: token.authorization_details.as_deref(),
        refresh_token_timeout: token.refresh_expiry.and_then(|expiry| expiry.timeout),
        authorization_expires_in: token.refresh_expiry.and_then(|expiry| expiry.authorization),
    }
}
