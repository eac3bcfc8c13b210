//! What the profile demands of the settings as a whole.

use super::Findings;
use crate::application::{ApplicationSettings, AuthenticationMethod, ClientType};
use crate::signing::{JwsAlgorithm, SigningAlgorithm};

/// Checks the settings against the rules of their profile, so that nobody registers an application that every endpoint
/// would refuse.
pub(super) fn check(settings: &ApplicationSettings, findings: &mut Findings) {
    let (rules, profile) = (settings.profile.rules(), settings.profile.as_str());
    let is_public = settings.client_type == ClientType::Public;
    if rules.confidential_only && is_public {
        findings.fault("clientType", format!("must be confidential in the profile {profile}"));
    }
    let method = settings.client_metadata.authentication.token_endpoint_auth_method;
    if rules.key_authentication && !is_public && !method.is_some_and(AuthenticationMethod::proves_a_key) {
        let message =
            format!("must be one with a private key, such as private_key_jwt, in the profile {profile}");
        findings.fault("tokenEndpointAuthMethod", message);
    }
    for (field, algorithm) in registered_algorithms(settings) {
        if !rules.algorithms.contain(algorithm) {
            let name = algorithm.as_str();
            findings.fault(field, format!("is {name}, which the profile {profile} does not allow"));
        }
    }
}

/// The algorithms that the registration names, with their members.
fn registered_algorithms(
    settings: &ApplicationSettings,
) -> impl Iterator<Item = (&'static str, JwsAlgorithm)> {
    let metadata = &settings.client_metadata;
    let own = |algorithm: Option<SigningAlgorithm>| algorithm.map(JwsAlgorithm::from);
    let named = |name: &Option<String>| name.as_deref().and_then(JwsAlgorithm::from_name);
    let all = [
        ("accessTokenSigningAlg", own(metadata.access_token_signing_alg)),
        ("introspectionSignedResponseAlg", own(metadata.introspection_signed_response_alg)),
        ("tokenEndpointAuthSigningAlg", metadata.authentication.token_endpoint_auth_signing_alg),
        ("requestObjectSigningAlg", metadata.requests.request_object_signing_alg),
        ("authorizationSignedResponseAlg", own(metadata.requests.authorization_signed_response_alg)),
        ("openid.idTokenSignedResponseAlg", named(&metadata.openid.id_token_signed_response_alg)),
        ("openid.userinfoSignedResponseAlg", named(&metadata.openid.userinfo_signed_response_alg)),
    ];
    all.into_iter().filter_map(|(field, algorithm)| Some((field, algorithm?)))
}
