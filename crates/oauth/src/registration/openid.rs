//! The members of OpenID Connect of an application.

use super::{ApplicationPayload, Findings, RegistrationContext};
use crate::application::{ApplicationSettings, OpenIdFault, OpenIdMetadata};
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
    let keeps_page = keeps_logout_page(context.existing, &openid, &settings.redirect_urls);
    for (name, fault) in openid.faults(subject::common_host(settings).is_some(), &settings.redirect_urls) {
        if fault != OpenIdFault::OtherOrigin || !keeps_page {
            findings.fault(format!("openid.{}", member(name)), fault.to_string());
        }
    }
    openid
}

/// Whether the page that is loaded at a logout stays as it is stored. An application that was registered before the rule about
/// its origin can be updated in other members; a page of another origin is not loaded.
fn keeps_logout_page(
    existing: Option<&ApplicationSettings>,
    openid: &OpenIdMetadata,
    redirect_urls: &[String],
) -> bool {
    existing.is_some_and(|old| {
        old.client_metadata.openid.frontchannel_logout_uri == openid.frontchannel_logout_uri
            && old.redirect_urls == redirect_urls
    })
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
    use crate::application::{AcceptedCertificates, Profile};
    use crate::reachable::Reachable;
    use crate::sample;

    /// A page of another origin, as it could be registered before the rule.
    #[test]
    fn a_foreign_logout_page_that_is_stored_stops_no_other_change() {
        let mut stored = sample::application(|_| {}).settings;
        stored.redirect_urls = vec!["https://client.example/cb".to_owned()];
        stored.client_metadata.openid.frontchannel_logout_uri = Some("https://other.example/out".to_owned());
        let faults = |change: fn(&mut ApplicationSettings)| {
            let mut new = stored.clone();
            change(&mut new);
            let openid = Some(new.client_metadata.openid.clone());
            let payload = ApplicationPayload { openid, ..ApplicationPayload::default() };
            let mut findings = Findings::default();
            let context = RegistrationContext {
                permissions: &[],
                scopes: sample::built_in_scopes(),
                default_profile: Profile::Compatible,
                minimum_profile: Profile::Compatible,
                reachable: Reachable::Public,
                private_use_schemes: &[],
                certificates: AcceptedCertificates::Issued,
                attestable: true,
                existing: Some(&stored),
            };
            decide(&payload, context, &new, &mut findings);
            findings.faults.len()
        };
        assert_eq!(faults(|_| {}), 0);
        assert_eq!(faults(|new| new.client_metadata.openid.default_max_age = Some(60)), 0);
        assert_eq!(faults(|new| new.redirect_urls.push("https://client.example/again".to_owned())), 1);
        let other_page = |new: &mut ApplicationSettings| {
            new.client_metadata.openid.frontchannel_logout_uri = Some("https://third.example/".to_owned());
        };
        assert_eq!(faults(other_page), 1);
    }

    #[test]
    fn members_have_the_spelling_of_the_management_api() {
        assert_eq!(member("post_logout_redirect_uris"), "postLogoutRedirectUris");
        assert_eq!(member("id_token_signed_response_alg"), "idTokenSignedResponseAlg");
    }
}
