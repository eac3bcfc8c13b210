//! The wire form of an introspected token.

use app::protocol::introspection::LiveToken;
use oauth::json_writer::JsonObject;
use oauth::proof::KeyBinding;
use serde::{Serialize, Serializer};

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

/// The body of the response about a live token ([RFC 7662
/// §2.2](https://www.rfc-editor.org/rfc/rfc7662#section-2.2)); `issuer` is the public URL of this server.
pub(super) fn body(token: &LiveToken, issuer: &str) -> Vec<u8> {
    let mut body = JsonObject::with_capacity(512);
    body.value("active", &true).text("client_id", &token.client_id).text("username", &token.username);
    body.text("scope", &token.scope);
    if let Some(kind) = token.token_type {
        body.text("token_type", kind.as_str());
    }
    if let Some(binding) = token.binding {
        body.value("cnf", &Confirmation(binding));
    }
    if let Some(exp) = token.exp {
        body.number("exp", exp);
    }
    body.number("iat", token.iat).text("sub", &token.sub);
    match &token.aud[..] {
        [] => {}
        // One audience is a text, several are a list, as in a signed access token.
        [one] => _ = body.text("aud", one),
        many => _ = body.value("aud", &many),
    }
    body.text("iss", issuer);
    if let Some(jti) = &token.jti {
        body.text("jti", jti);
    }
    if let Some(act) = &token.act {
        body.value("act", act);
    }
    if let Some(sign_in) = token.sign_in {
        // [RFC 9470 §6.2](https://www.rfc-editor.org/rfc/rfc9470#section-6.2).
        body.number("auth_time", sign_in.at.as_secs()).text("acr", sign_in.acr);
    }
    if let Some(details) = &token.authorization_details {
        // [RFC 9396 §9.2](https://www.rfc-editor.org/rfc/rfc9396#section-9.2).
        body.value("authorization_details", details);
    }
    // [Refresh Token Expiration
    // §7](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-refresh-token-expiration#section-7).
    if let Some(timeout) = token.refresh_expiry.and_then(|expiry| expiry.timeout) {
        body.number("refresh_token_timeout", timeout);
    }
    if let Some(end) = token.refresh_expiry.and_then(|expiry| expiry.authorization) {
        body.number("authorization_expires_in", end);
    }
    body.finish()
}
