//! The certificate of an application ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{
    AcceptedCertificates, AuthenticationMetadata, AuthenticationMethod, ClientMetadata,
};
use crate::certificate::{CertificateSubject, DistinguishedName};

/// The longest name in bytes, except for a distinguished one.
const LONGEST: usize = 512;

/// The one name that the certificate must have ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
pub(super) fn name(
    payload: &ApplicationPayload,
    existing: &AuthenticationMetadata,
    findings: &mut Findings,
) -> Option<CertificateSubject> {
    let Some(given) = &payload.tls_client_auth else { return existing.tls_client_auth.clone() };
    let names = [&given.subject_dn, &given.san_dns, &given.san_uri, &given.san_ip, &given.san_email]
        .map(Option::as_deref);
    match names {
        [None, None, None, None, None] => None,
        [Some(name), None, None, None, None] => match DistinguishedName::parse(name) {
            Ok(name) => Some(CertificateSubject::SubjectDn(name)),
            Err(fault) => wrong("subjectDn", &fault.to_string(), findings),
        },
        [None, Some(name), None, None, None] if is_plain(name) && !name.contains('*') => {
            Some(CertificateSubject::SanDns(name.to_owned()))
        }
        [None, Some(_), None, None, None] => {
            wrong("sanDns", "must be a DNS name without a wildcard", findings)
        }
        [None, None, Some(uri), None, None] if is_plain(uri) && uri.contains(':') => {
            Some(CertificateSubject::SanUri(uri.to_owned()))
        }
        [None, None, Some(_), None, None] => wrong("sanUri", "must be a URI", findings),
        [None, None, None, Some(address), None] => match address.parse() {
            Ok(address) => Some(CertificateSubject::SanIp(address)),
            Err(_) => wrong("sanIp", "must be an IPv4 or IPv6 address", findings),
        },
        [None, None, None, None, Some(email)] if is_plain(email) && email.contains('@') => {
            Some(CertificateSubject::SanEmail(email.to_owned()))
        }
        [None, None, None, None, Some(_)] => wrong("sanEmail", "must be a mail address", findings),
        _ => {
            let message = "must have one of subjectDn, sanDns, sanUri, sanIp and sanEmail";
            findings.fault("tlsClientAuth", message);
            None
        }
    }
}

/// A token is bound to a key or to a certificate, not to both.
pub(super) fn tokens_have_one_binding(decided: &ClientMetadata, findings: &mut Findings) {
    if decided.tls_client_certificate_bound_access_tokens && decided.dpop_bound_access_tokens {
        let message = "and dpopBoundAccessTokens cannot both be true";
        findings.fault("tlsClientCertificateBoundAccessTokens", message);
    }
}

/// An application that needs a certificate gets no token from a server that does not accept it. The operator may have yet to
/// change the configuration, so this is no fault.
pub(super) fn warn_if_not_accepted(
    payload: &ApplicationPayload,
    decided: &ClientMetadata,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) {
    let is_accepted = |method: AuthenticationMethod| method.works_with(context.certificates, true);
    let unseen = "needs a certificate, and this server does not ask for any: configure client_certificates.listen or \
                  client_certificates.proxies";
    let unknown = "needs a certificate of an authority, and this server trusts none: configure \
                   client_certificates.authorities_file";
    let sees_none = context.certificates == AcceptedCertificates::None;
    let message = if sees_none { unseen } else { unknown };
    let method = decided.authentication.token_endpoint_auth_method.filter(|method| !is_accepted(*method));
    let gives_method = payload.token_endpoint_auth_method.is_some() && method.is_some();
    let gives_name = payload.tls_client_auth.is_some() && decided.authentication.tls_client_auth.is_some();
    if gives_method {
        findings.warn("tokenEndpointAuthMethod", message);
    } else if gives_name && !is_accepted(AuthenticationMethod::TlsClientAuth) {
        findings.warn("tlsClientAuth", message);
    }
    if payload.tls_client_certificate_bound_access_tokens == Some(true) && sees_none {
        findings.warn("tlsClientCertificateBoundAccessTokens", unseen);
    }
}

fn wrong(member: &str, message: &str, findings: &mut Findings) -> Option<CertificateSubject> {
    findings.fault(format!("tlsClientAuth.{member}"), message);
    None
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(|byte| byte.is_ascii_graphic())
}
