//! The faults of the rules of every registration, with the names of the members in RFC 7591.

use super::fault::MetadataFault;
use crate::client_members::member;
use crate::registration::InvalidField;

impl MetadataFault {
    /// All faults in one description.
    pub fn of(faults: &[InvalidField]) -> Self {
        let words: Vec<String> = faults
            .iter()
            .map(|fault| format!("{} {}", member(&fault.field), in_terms_of_clients(&fault.message)))
            .collect();
        let description = words.join("; ");
        let is_redirect = faults.iter().any(|fault| fault.field.starts_with("redirectUrls"));
        if is_redirect { Self::redirect(description) } else { Self::metadata(description) }
    }
}

/// A message whose words name other members: only those have capitals after a small letter.
fn in_terms_of_clients(message: &str) -> String {
    let is_member = |word: &str| {
        let plain = word.trim_end_matches([',', ';', ':', '.']);
        plain.starts_with(|first: char| first.is_ascii_lowercase())
            && plain.chars().all(|character| character.is_ascii_alphanumeric())
            && plain.chars().any(|character| character.is_ascii_uppercase())
    };
    let words = message.split(' ').map(|word| if is_member(word) { member(word) } else { word.to_owned() });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client_members::ONE_CERTIFICATE_NAME;

    #[test]
    fn a_fault_names_members_as_clients_know_them() {
        let fault = |field: &str, message: &str| InvalidField {
            field: field.to_owned(),
            message: message.to_owned(),
            lacks_right: false,
        };
        for (field, message, expected) in [
            ("name", "is required", "client_name is required"),
            ("redirectUrls[1]", "must not be empty", "redirect_uris[1] must not be empty"),
            ("openid.defaultMaxAge", "must be 0 to 9", "default_max_age must be 0 to 9"),
            ("tlsClientAuth.sanDns", "must be a DNS name", "tls_client_auth_san_dns must be a DNS name"),
            (
                "tlsClientCertificateBoundAccessTokens",
                "and dpopBoundAccessTokens cannot both be true",
                "tls_client_certificate_bound_access_tokens and dpop_bound_access_tokens cannot both be true",
            ),
            ("jwks", "is no key of RFC 7517, see jwksUri.", "jwks is no key of RFC 7517, see jwks_uri."),
            ("openid.subjectType", "has https://a.example/aB", "subject_type has https://a.example/aB"),
        ] {
            assert_eq!(MetadataFault::of(&[fault(field, message)]).description, expected);
        }
        let missing = MetadataFault::of(&[fault("tlsClientAuth", "is required for tls_client_auth")]);
        let expected = format!("{ONE_CERTIFICATE_NAME} is required for tls_client_auth");
        assert_eq!(missing.description, expected);
    }
}
