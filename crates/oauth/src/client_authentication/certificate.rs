//! Client authentication with a certificate ([RFC 8705 §2](https://www.rfc-editor.org/rfc/rfc8705#section-2)).

use std::sync::Arc;

use super::{AuthenticatedClient, ClientCredential, Presented, id_belongs_to_application};
use crate::application::{Application, AuthenticationMethod};
use crate::certificate::CertificateNames;
use crate::refusal::Refusal;

/// What is known of the certificate that the client presented in TLS, as far as the registered method needs it.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Its names; `None` if it is malformed.
    pub names: Option<CertificateNames>,
    /// Whether an authority for clients issued it.
    pub is_issued: bool,
    /// Whether the key set of the application contains it.
    pub is_registered: bool,
}

/// Decides whether a certificate authenticates the application that the request names. `facts` is `None` if there is no
/// certificate.
///
/// # Errors
/// `invalid_client`, with the same message for all reasons that concern the content of a certificate.
pub fn decide(
    presented: &Presented,
    application: Arc<Application>,
    facts: Option<&Facts>,
) -> Result<AuthenticatedClient, Refusal> {
    id_belongs_to_application(presented, &application)?;
    let facts = facts.ok_or(Refusal::CertificateRequired)?;
    no_secret_is_sent(presented)?;
    let registered = &application.settings.client_metadata.authentication;
    match registered.token_endpoint_auth_method {
        Some(AuthenticationMethod::TlsClientAuth) => {
            certificate_is_issued(facts)?;
            certificate_has_the_registered_name(facts, &application)?;
        }
        Some(AuthenticationMethod::SelfSignedTlsClientAuth) => certificate_is_registered(facts)?,
        _ => return Err(Refusal::SecretMissing),
    }
    Ok(AuthenticatedClient::new(application))
}

/// "The client MUST NOT use more than one authentication method in each request" ([RFC 6749
/// §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).
fn no_secret_is_sent(presented: &Presented) -> Result<(), Refusal> {
    match presented.credential {
        ClientCredential::None | ClientCredential::Certificate(_) => Ok(()),
        ClientCredential::Secret(..) | ClientCredential::Assertion(_) | ClientCredential::Attestation => {
            Err(Refusal::CertificateNotAlone)
        }
    }
}

/// "the certificate chain is validated" ([RFC 8705 §2.1](https://www.rfc-editor.org/rfc/rfc8705#section-2.1)).
fn certificate_is_issued(facts: &Facts) -> Result<(), Refusal> {
    if facts.is_issued { Ok(()) } else { Err(Refusal::CertificateNotIssued) }
}

/// "The TLS certificate is valid for the client" only with the one name that it registered ([RFC 8705
/// §2.1.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.1.2)).
fn certificate_has_the_registered_name(facts: &Facts, application: &Application) -> Result<(), Refusal> {
    let registered = application.settings.client_metadata.authentication.tls_client_auth.as_ref();
    let names = facts.names.as_ref().ok_or(Refusal::CertificateOfAnotherSubject)?;
    let same = registered.is_some_and(|subject| subject.is_of(names));
    if same { Ok(()) } else { Err(Refusal::CertificateOfAnotherSubject) }
}

/// "the certificate that the client presents […] is one of the certificates that the client registered" ([RFC 8705
/// §2.2](https://www.rfc-editor.org/rfc/rfc8705#section-2.2)); its chain is not validated.
fn certificate_is_registered(facts: &Facts) -> Result<(), Refusal> {
    if facts.is_registered { Ok(()) } else { Err(Refusal::CertificateNotRegistered) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::CertificateSubject;
    use crate::client_authentication::SecretPlace;
    use crate::sample;
    use domain::secret::ClientSecret;

    const METHODS: [AuthenticationMethod; 2] =
        [AuthenticationMethod::TlsClientAuth, AuthenticationMethod::SelfSignedTlsClientAuth];

    fn outcome(method: Option<AuthenticationMethod>, facts: Option<&Facts>) -> Result<(), Refusal> {
        let application = sample::application(|settings| {
            let registered = &mut settings.client_metadata.authentication;
            registered.token_endpoint_auth_method = method;
            registered.tls_client_auth = Some(CertificateSubject::SanDns("crane.example".to_owned()));
        });
        let presented = Presented {
            unverified_client_id: sample::CLIENT_ID.parse().ok(),
            credential: ClientCredential::None,
            is_grant: false,
        };
        decide(&presented, Arc::new(application), facts).map(|client| assert!(client.secret().is_none()))
    }

    #[test]
    fn a_secret_besides_the_certificate_is_refused_and_without_one_the_certificate_is_missing() {
        let application = Arc::new(sample::application(|settings| {
            let registered = &mut settings.client_metadata.authentication;
            registered.token_endpoint_auth_method = Some(AuthenticationMethod::SelfSignedTlsClientAuth);
        }));
        let presented = Presented {
            unverified_client_id: sample::CLIENT_ID.parse().ok(),
            credential: ClientCredential::Secret(ClientSecret::new("s"), SecretPlace::Body),
            is_grant: false,
        };
        for (facts, refusal) in [
            (Some(facts("", false, true)), Refusal::CertificateNotAlone),
            (None, Refusal::CertificateRequired),
        ] {
            let decided = decide(&presented, Arc::clone(&application), facts.as_ref());
            assert_eq!(decided.unwrap_err(), refusal);
        }
        assert!(
            Refusal::CertificateRequired.description().contains("certificate"),
            "it says what is missing"
        );
    }

    fn facts(name: &str, is_issued: bool, is_registered: bool) -> Facts {
        let names = CertificateNames { dns: vec![name.to_owned()], ..CertificateNames::default() };
        Facts { names: Some(names), is_issued, is_registered }
    }

    #[test]
    fn an_issued_certificate_needs_an_authority_and_the_registered_name() {
        let method = Some(AuthenticationMethod::TlsClientAuth);
        assert_eq!(outcome(method, Some(&facts("crane.example", true, false))), Ok(()));
        for (facts, refusal) in [
            (facts("crane.example", false, true), Refusal::CertificateNotIssued),
            (facts("pilot.example", true, true), Refusal::CertificateOfAnotherSubject),
            (Facts { names: None, ..facts("", true, true) }, Refusal::CertificateOfAnotherSubject),
        ] {
            assert_eq!(outcome(method, Some(&facts)), Err(refusal), "{facts:?}");
        }
    }

    #[test]
    fn a_self_signed_certificate_needs_a_registered_key_only() {
        let method = Some(AuthenticationMethod::SelfSignedTlsClientAuth);
        assert_eq!(outcome(method, Some(&facts("pilot.example", false, true))), Ok(()));
        let other = facts("crane.example", true, false);
        assert_eq!(outcome(method, Some(&other)), Err(Refusal::CertificateNotRegistered));
    }

    #[test]
    fn a_certificate_is_required_and_authenticates_no_other_client() {
        for method in METHODS {
            assert_eq!(outcome(Some(method), None), Err(Refusal::CertificateRequired));
        }
        let good = facts("crane.example", true, true);
        for method in [None, Some(AuthenticationMethod::ClientSecretBasic)] {
            assert_eq!(outcome(method, Some(&good)), Err(Refusal::SecretMissing));
        }
    }
}
