//! The members of OpenID Connect of an application.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ApplicationSettings, OpenIdMetadata};
use crate::oidc::subject;

/// Checks the members; an omitted object keeps what is stored. `settings` are those of the application otherwise.
pub(super) fn decide(
    payload: &ApplicationPayload,
    context: RegistrationContext<'_>,
    settings: &ApplicationSettings,
    findings: &mut Findings,
) -> OpenIdMetadata {
    let existing = context.existing.map(|old| old.client_metadata.openid.clone()).unwrap_or_default();
    let openid = payload.openid.clone().unwrap_or(existing);
    for (name, fault) in openid.faults(subject::common_host(settings).is_some(), &settings.redirect_urls) {
        findings.fault(format!("openid.{}", member(name)), fault.to_string());
    }
    openid
}

/// The name of a member in the management API.
fn member(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |mut text, part| {
        let mut characters = part.chars();
        text.extend(characters.next().map(|first| first.to_ascii_uppercase()));
        text.push_str(characters.as_str());
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_have_the_spelling_of_the_management_api() {
        assert_eq!(member("post_logout_redirect_uris"), "postLogoutRedirectUris");
        assert_eq!(member("id_token_signed_response_alg"), "idTokenSignedResponseAlg");
    }
}
