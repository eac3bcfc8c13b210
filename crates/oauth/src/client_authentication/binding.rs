//! What the tokens of a client are bound to.

use crate::application::ApplicationSettings;
use crate::proof::{KeyBinding, Thumbprint};
use crate::refusal::Refusal;

/// What the tokens of an application are bound to: its certificate if it is registered so ([RFC 8705
/// §3](https://www.rfc-editor.org/rfc/rfc8705#section-3)), otherwise the key of a proof, if there is one.
///
/// # Errors
/// If the request lacks what the application registered.
pub fn token_binding(
    settings: &ApplicationSettings,
    proved: Option<KeyBinding>,
    certificate: Option<Thumbprint>,
) -> Result<Option<KeyBinding>, Refusal> {
    let registered = &settings.client_metadata;
    let needs_binding = registered.dpop_bound_access_tokens || settings.profile.rules().bound_tokens;
    match (registered.tls_client_certificate_bound_access_tokens, proved) {
        (true, Some(_)) => Err(Refusal::ProofBesidesCertificate),
        (true, None) => certificate.map(KeyBinding::Certificate).map(Some).ok_or(Refusal::CertificateMissing),
        (false, None) if needs_binding => Err(Refusal::DpopRequired),
        (false, proved) => Ok(proved),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::{ClientMetadata, Profile};
    use crate::sample;

    const ONE: Thumbprint = Thumbprint::from_bytes([1; 32]);
    const OTHER: Thumbprint = Thumbprint::from_bytes([2; 32]);

    #[test]
    fn tokens_are_bound_to_what_the_application_registered() {
        let (key, certificate) = (Some(KeyBinding::Key(ONE)), Some(KeyBinding::Certificate(OTHER)));
        let plain = ClientMetadata::default();
        let keyed = ClientMetadata { dpop_bound_access_tokens: true, ..plain.clone() };
        let certified = ClientMetadata { tls_client_certificate_bound_access_tokens: true, ..plain.clone() };
        for (registered, proved, presented, expected) in [
            (&plain, None, None, Ok(None)),
            (&plain, None, Some(OTHER), Ok(None)),
            (&plain, key, Some(OTHER), Ok(key)),
            (&keyed, key, None, Ok(key)),
            (&keyed, None, Some(OTHER), Err(Refusal::DpopRequired)),
            (&certified, None, Some(OTHER), Ok(certificate)),
            (&certified, None, None, Err(Refusal::CertificateMissing)),
            (&certified, key, Some(OTHER), Err(Refusal::ProofBesidesCertificate)),
        ] {
            let settings =
                sample::application(|settings| settings.client_metadata = registered.clone()).settings;
            assert_eq!(token_binding(&settings, proved, presented), expected, "{registered:?} {proved:?}");
        }
    }
    #[test]
    fn a_profile_can_demand_bound_tokens() {
        let certified = |certified| {
            let changed = |settings: &mut ApplicationSettings| {
                settings.profile = Profile::Fapi2;
                settings.client_metadata.tls_client_certificate_bound_access_tokens = certified;
            };
            sample::application(changed).settings
        };
        let certificate = Some(KeyBinding::Certificate(OTHER));
        assert_eq!(token_binding(&certified(true), None, Some(OTHER)), Ok(certificate));
        assert_eq!(token_binding(&certified(false), None, Some(OTHER)), Err(Refusal::DpopRequired));
    }
}
