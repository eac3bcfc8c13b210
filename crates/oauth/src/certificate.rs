//! Certificates of clients ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)): what one says, and what an application
//! registers about its own. Crate `vault` parses and verifies them.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

mod distinguished_name;

pub use distinguished_name::{DistinguishedName, InvalidName, NameAttribute, RelativeName};

/// The names in a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CertificateNames {
    /// The subject, in the order of the certificate.
    pub subject: Vec<RelativeName>,
    /// The alternative names that are DNS names.
    pub dns: Vec<String>,
    /// The alternative names that are URIs.
    pub uris: Vec<String>,
    /// The alternative names that are IP addresses.
    pub addresses: Vec<IpAddr>,
    /// The alternative names that are mail addresses.
    pub emails: Vec<String>,
}

/// The one name that the certificate of an application must have ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateSubject {
    /// `tls_client_auth_subject_dn`.
    SubjectDn(DistinguishedName),
    /// `tls_client_auth_san_dns`.
    SanDns(String),
    /// `tls_client_auth_san_uri`.
    SanUri(String),
    /// `tls_client_auth_san_ip`.
    SanIp(IpAddr),
    /// `tls_client_auth_san_email`.
    SanEmail(String),
}

impl CertificateSubject {
    /// Whether a certificate has this name. DNS names are compared without case and without wildcards, everything else
    /// exactly.
    pub fn is_of(&self, names: &CertificateNames) -> bool {
        match self {
            Self::SubjectDn(name) => name.is_of(&names.subject),
            Self::SanDns(name) => names.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::SanUri(uri) => names.uris.contains(uri),
            Self::SanIp(address) => names.addresses.contains(address),
            Self::SanEmail(email) => names.emails.contains(email),
        }
    }

    /// The name of its kind in client metadata ([RFC 8705
    /// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
    pub const fn member(&self) -> &'static str {
        match self {
            Self::SubjectDn(_) => "tls_client_auth_subject_dn",
            Self::SanDns(_) => "tls_client_auth_san_dns",
            Self::SanUri(_) => "tls_client_auth_san_uri",
            Self::SanIp(_) => "tls_client_auth_san_ip",
            Self::SanEmail(_) => "tls_client_auth_san_email",
        }
    }

    /// The name of its kind and its value, as in the management API.
    pub fn shown(&self) -> (&'static str, String) {
        match self {
            Self::SubjectDn(name) => ("subjectDn", name.as_str().to_owned()),
            Self::SanDns(name) => ("sanDns", name.clone()),
            Self::SanUri(uri) => ("sanUri", uri.clone()),
            Self::SanIp(address) => ("sanIp", address.to_string()),
            Self::SanEmail(email) => ("sanEmail", email.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_has_the_registered_name() {
        let names = CertificateNames {
            dns: vec!["Crane.example".to_owned(), "*.wild.example".to_owned()],
            uris: vec!["spiffe://harbour/crane".to_owned()],
            addresses: vec!["2001:db8::1".parse().unwrap(), "192.0.2.7".parse().unwrap()],
            emails: vec!["crane@harbour.example".to_owned()],
            ..CertificateNames::default()
        };
        for (subject, expected) in [
            (CertificateSubject::SanDns("crane.EXAMPLE".to_owned()), true),
            (CertificateSubject::SanDns("a.wild.example".to_owned()), false),
            (CertificateSubject::SanDns("example".to_owned()), false),
            (CertificateSubject::SanUri("spiffe://harbour/crane".to_owned()), true),
            (CertificateSubject::SanUri("spiffe://HARBOUR/crane".to_owned()), false),
            (CertificateSubject::SanIp("2001:db8:0::1".parse().unwrap()), true),
            (CertificateSubject::SanIp("192.0.2.8".parse().unwrap()), false),
            (CertificateSubject::SanEmail("crane@harbour.example".to_owned()), true),
            (CertificateSubject::SanEmail("Crane@harbour.example".to_owned()), false),
        ] {
            assert_eq!(subject.is_of(&names), expected, "{subject:?}");
        }
    }
}
