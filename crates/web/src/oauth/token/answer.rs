//! The wire form of issued tokens.

use app::protocol::token::IssuedTokens;
use oauth::json_writer::JsonObject;

/// The body of a successful response ([RFC 6749 §5.1](https://www.rfc-editor.org/rfc/rfc6749#section-5.1)).
pub(super) fn body(issued: &IssuedTokens) -> Vec<u8> {
    let response = &issued.tokens;
    let access_token = response.access_token.expose();
    let mut body = JsonObject::with_capacity(access_token.len() + 512);
    body.text("access_token", access_token);
    if let Some(kind) = response.issued_token_type {
        body.text("issued_token_type", kind);
    }
    body.text("token_type", response.token_type.as_str()).number("expires_in", response.expires_in);
    if let Some(token) = &response.refresh_token {
        body.text("refresh_token", token.expose());
    }
    if let Some(expiry) = response.refresh_expiry {
        body.number("refresh_token_expires_in", expiry.refresh_token);
        if let Some(timeout) = expiry.timeout {
            body.number("refresh_token_timeout", timeout);
        }
        if let Some(end) = expiry.authorization {
            body.number("authorization_expires_in", end);
        }
    }
    body.text("scope", &issued.scope);
    if let Some(details) = &response.authorization_details {
        // [RFC 9396 §7](https://www.rfc-editor.org/rfc/rfc9396#section-7).
        body.value("authorization_details", details);
    }
    if let Some(token) = &response.id_token {
        // [OpenID Connect Core §3.1.3.3](https://openid.net/specs/openid-connect-core-1_0.html#TokenResponse).
        body.text("id_token", token);
    }
    body.finish()
}
