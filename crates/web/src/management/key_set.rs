//! The member `jwks` of payloads about applications and trusted issuers.

use crate::json::Fields;

/// The public keys, whose members have the names of their specification ([RFC 7517
/// §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).
pub(super) fn read(fields: &mut Fields<'_>) -> Option<oauth::jwt::Object> {
    let set = fields.value("jwks")?;
    let parsed = oauth::jwt::parse_object(set.to_string().as_bytes());
    if parsed.is_none() {
        fields.fault("jwks", "must be a JSON Web Key Set, an object with the member keys");
    }
    parsed
}
