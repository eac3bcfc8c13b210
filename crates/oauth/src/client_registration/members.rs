//! The members of client metadata, with their types.

use serde_json::Value;

use super::MetadataFault;
use crate::application::OpenIdMetadata;
use crate::jwt::Object;

/// The members of OpenID Connect, which are read together.
pub(super) const OPENID: [&str; 13] = [
    "subject_type",
    "sector_identifier_uri",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "default_max_age",
    "require_auth_time",
    "default_acr_values",
    "post_logout_redirect_uris",
    "frontchannel_logout_uri",
    "frontchannel_logout_session_required",
    "backchannel_logout_uri",
    "backchannel_logout_session_required",
    "backchannel_token_delivery_mode",
];

/// The names that a certificate can have, of which a client has one ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
pub(super) const CERTIFICATE: [&str; 5] = [
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
];

/// Reads members. `null` counts as absent, a wrong type is a fault.
pub(super) struct Members<'a>(&'a Object);

impl<'a> Members<'a> {
    pub(super) fn of(object: &'a Object) -> Self {
        Self(object)
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, MetadataFault> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| wrong(name, "a string"))
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, MetadataFault> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|all| all.iter().map(Value::as_str).collect());
        texts.map(Some).ok_or_else(|| wrong(name, "an array of strings"))
    }

    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, MetadataFault> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| wrong(name, "true or false"))
    }

    pub(super) fn object(&self, name: &str) -> Result<Option<&'a Object>, MetadataFault> {
        let Some(value) = self.value(name) else { return Ok(None) };
        value.as_object().map(Some).ok_or_else(|| wrong(name, "an object"))
    }

    pub(super) fn openid(&self) -> Result<OpenIdMetadata, MetadataFault> {
        let mut found = Object::new();
        for name in OPENID {
            if let Some(value) = self.value(name) {
                found.insert(name.to_owned(), value.clone());
                // One by one, so that the message names the member.
                serde_json::from_value::<OpenIdMetadata>(Value::Object(found.clone()))
                    .map_err(|_| wrong(name, "of the type in its specification"))?;
            }
        }
        serde_json::from_value(Value::Object(found)).map_err(|_| wrong("a member", "well-formed"))
    }
}

fn wrong(name: &str, expected: &str) -> MetadataFault {
    let description = format!("{name} must be {expected}");
    if name == "redirect_uris" {
        MetadataFault::redirect(description)
    } else {
        MetadataFault::metadata(description)
    }
}
