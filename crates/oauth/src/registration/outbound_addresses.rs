//! The addresses to which the server will send requests.

use super::{Findings, RegistrationContext};
use crate::application::ApplicationSettings;

/// Every new address names a host to which the server connects. One that is stored already stays, so that an old application
/// can be changed; the fetcher refuses it each time.
///
/// `frontchannelLogoutUri` is not among them: the browser of the user loads it, who may be inside the same network.
pub(super) fn check(
    settings: &ApplicationSettings,
    context: RegistrationContext<'_>,
    findings: &mut Findings,
) {
    let stored: Vec<&str> =
        context.existing.map(addresses).into_iter().flatten().map(|(_, url)| url).collect();
    for (field, url) in addresses(settings) {
        if stored.contains(&url) {
            continue;
        }
        if let Err(fault) = context.reachable.check(url) {
            findings.fault(field, fault.to_string());
        }
    }
}

/// The addresses with the names of their members.
fn addresses(settings: &ApplicationSettings) -> Vec<(String, &str)> {
    let metadata = &settings.client_metadata;
    let single = [
        ("logoUrl", &settings.logo_url),
        ("jwksUri", &metadata.authentication.jwks_uri),
        ("openid.sectorIdentifierUri", &metadata.openid.sector_identifier_uri),
        ("openid.backchannelLogoutUri", &metadata.openid.backchannel_logout_uri),
    ];
    let single = single.into_iter().filter_map(|(field, url)| Some((field.to_owned(), url.as_deref()?)));
    let several = metadata.requests.request_uris.iter().enumerate();
    let several = several.map(|(at, url)| (format!("requestUris[{at}]"), url.as_str()));
    single.chain(several).collect()
}
