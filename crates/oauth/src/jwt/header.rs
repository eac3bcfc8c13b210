//! The header of a signed token.

use serde_json::Value;

use super::{JwtFault, Object, parse_object};

/// The members of the header that have a meaning here. `jku`, `x5u`, `x5c` and `jwk` never make a key trusted; a place
/// that takes the key from `jwk`, such as a `DPoP` proof, treats it as a claim.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// `alg`, which is not `none`.
    pub algorithm: String,
    /// `typ` in lower case, without the prefix `application/` ([RFC 7515
    /// §4.1.9](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9)).
    pub typ: Option<String>,
    /// `kid`.
    pub key_id: Option<String>,
    /// `jwk`.
    pub key: Option<Object>,
}

impl Header {
    /// Reads the JSON of a header.
    ///
    /// # Errors
    /// If it is not an object, a known member has another type, `alg` is missing, or an extension must be understood.
    pub fn parse(json: &[u8]) -> Result<Self, JwtFault> {
        let header = parse_object(json).ok_or(JwtFault::HeaderMalformed)?;
        no_extension_is_critical(&header)?;
        let algorithm = text(&header, "alg")?.ok_or(JwtFault::HeaderMalformed)?;
        let typ = text(&header, "typ")?.map(|typ| {
            let typ = typ.to_ascii_lowercase();
            typ.strip_prefix("application/").map_or(typ.clone(), str::to_owned)
        });
        let key = match header.get("jwk") {
            None => None,
            Some(Value::Object(key)) => Some(key.clone()),
            Some(_) => return Err(JwtFault::HeaderMalformed),
        };
        Ok(Self {
            algorithm: algorithm.to_owned(),
            typ,
            key_id: text(&header, "kid")?.map(str::to_owned),
            key,
        })
    }

    /// Requires one of these types, in lower case. `None` in the list allows a token without a type.
    ///
    /// # Errors
    /// [`JwtFault::WrongType`].
    pub fn has_type(&self, allowed: &[Option<&str>]) -> Result<(), JwtFault> {
        if allowed.contains(&self.typ.as_deref()) { Ok(()) } else { Err(JwtFault::WrongType) }
    }
}

/// "If any of the listed extension Header Parameters are not understood and supported by the recipient, then the JWS is
/// invalid" ([RFC 7515 §4.1.11](https://www.rfc-editor.org/rfc/rfc7515#section-4.1.11)). None is supported; `b64`
/// must be listed to have an effect ([RFC 7797 §6](https://www.rfc-editor.org/rfc/rfc7797#section-6)).
fn no_extension_is_critical(header: &Object) -> Result<(), JwtFault> {
    if header.contains_key("crit") || header.contains_key("b64") {
        Err(JwtFault::CriticalExtension)
    } else {
        Ok(())
    }
}

fn text<'a>(header: &'a Object, name: &str) -> Result<Option<&'a str>, JwtFault> {
    match header.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JwtFault::HeaderMalformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_compared_without_case_and_prefix() {
        for typ in ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"] {
            let header = Header::parse(format!(r#"{{"alg":"ES256","typ":"{typ}"}}"#).as_bytes()).unwrap();
            assert_eq!(header.has_type(&[Some("dpop+jwt")]), Ok(()), "{typ}");
            assert_eq!(header.has_type(&[Some("at+jwt"), None]), Err(JwtFault::WrongType));
        }
        let untyped = Header::parse(br#"{"alg":"ES256"}"#).unwrap();
        assert_eq!(untyped.has_type(&[Some("jwt"), None]), Ok(()));
        assert_eq!(untyped.has_type(&[Some("jwt")]), Err(JwtFault::WrongType));
    }

    #[test]
    fn a_header_with_a_critical_extension_is_refused() {
        for extension in
            [r#""crit":["exp"]"#, r#""crit":[]"#, r#""b64":false"#, r#""b64":true"#, r#""crit":null"#]
        {
            let header = format!(r#"{{"alg":"ES256",{extension}}}"#);
            assert_eq!(Header::parse(header.as_bytes()), Err(JwtFault::CriticalExtension), "{header}");
        }
    }

    #[test]
    fn a_header_with_members_of_other_types_is_refused() {
        for header in [
            "",
            "[]",
            "{}",
            r#"{"alg":1}"#,
            r#"{"alg":null}"#,
            r#"{"alg":"a","kid":1}"#,
            r#"{"alg":"a","typ":[]}"#,
            r#"{"alg":"a","jwk":"k"}"#,
            r#"{"alg":"a","alg":"b"}"#,
        ] {
            assert_eq!(Header::parse(header.as_bytes()), Err(JwtFault::HeaderMalformed), "{header}");
        }
    }
}
