//! The redirect URIs of a client that registers itself, and what they say about the kind of application.

use url::Url;

use super::{ClientPolicy, MetadataFault};
use crate::application::{ApplicationType, Profile};
use crate::client_members::Members;
use crate::redirect;

/// The name of a client that has neither a name nor a redirect URI with a host.
const UNNAMED: &str = "Unnamed client";

/// Every URI must be one that any registration may have, which includes what [RFC 7591
/// §5](https://www.rfc-editor.org/rfc/rfc7591#section-5) demands.
pub(super) fn decide(
    members: &Members<'_>,
    asked: Option<ApplicationType>,
    (required, profile): (bool, Profile),
    policy: &ClientPolicy,
) -> Result<(Vec<String>, ApplicationType), MetadataFault> {
    let uris = members.texts("redirect_uris")?.unwrap_or_default();
    if uris.is_empty() && required {
        return Err(MetadataFault::redirect("redirect_uris must name at least one URI"));
    }
    let mut is_native = false;
    for (at, uri) in uris.iter().enumerate() {
        let wrong = |message: &str| MetadataFault::redirect(format!("redirect_uris[{at}] {message}"));
        if let Err(fault) = redirect::may_be_registered(uri, profile) {
            return Err(wrong(&fault.to_string()));
        }
        let url = Url::parse(uri).map_err(|_| wrong("is not an absolute URL"))?;
        let is_private_use = !matches!(url.scheme(), "http" | "https");
        if is_private_use && asked == Some(ApplicationType::Web) {
            return Err(wrong("must be https for the application_type web"));
        }
        is_native |= is_private_use || redirect::is_loopback(&url);
        if !policy.allows_host(url.host_str().filter(|_| !is_private_use)) {
            return Err(wrong("has a host that this server does not allow"));
        }
    }
    let by_uris = if is_native { ApplicationType::Native } else { ApplicationType::Web };
    Ok((uris.into_iter().map(str::to_owned).collect(), asked.unwrap_or(by_uris)))
}

/// The name of a client that has none.
pub(super) fn host_of_first(uris: &[String]) -> String {
    let host = uris.first().and_then(|uri| Url::parse(uri).ok()?.host_str().map(str::to_owned));
    host.unwrap_or_else(|| UNNAMED.to_owned())
}
