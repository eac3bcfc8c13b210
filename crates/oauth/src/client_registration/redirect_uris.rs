//! The redirect URIs of a client that registers itself, and what they say about the kind of application.

use url::Url;

use super::fault::MetadataFault;
use super::policy::ClientPolicy;
use crate::application::{ApplicationType, Profile};
use crate::client_members::Members;
use crate::redirect::{self, AllowedSchemes};

/// The name of a client that has neither a name nor a redirect URI with a host.
const UNNAMED: &str = "Unnamed client";

/// What the other members say about the redirect URIs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// The kind that the client gives.
    pub(super) application_type: Option<ApplicationType>,
    /// Whether there must be one.
    pub(super) is_required: bool,
    pub(super) profile: Profile,
    pub(super) schemes: AllowedSchemes<'a>,
}

/// Every URI must be one that any registration may have, which includes what [RFC 7591
/// §5](https://www.rfc-editor.org/rfc/rfc7591#section-5) demands. A client with a private-use scheme is native, whatever it
/// says: libraries write `web` for every client.
pub(super) fn decide(
    members: &Members<'_>,
    wanted: Wanted<'_>,
    policy: &ClientPolicy,
) -> Result<(Vec<String>, ApplicationType), MetadataFault> {
    let uris = members.texts("redirect_uris")?.unwrap_or_default();
    if uris.is_empty() && wanted.is_required {
        return Err(MetadataFault::redirect("redirect_uris must name at least one URI"));
    }
    let (mut has_private_use, mut has_loopback) = (false, false);
    for (at, uri) in uris.iter().enumerate() {
        let wrong = |message: &str| MetadataFault::redirect(format!("redirect_uris[{at}] {message}"));
        if let Err(fault) = redirect::may_be_registered(uri, wanted.profile, wanted.schemes) {
            return Err(wrong(&fault.to_string()));
        }
        let url = Url::parse(uri).map_err(|_| wrong("is not an absolute URL"))?;
        let host = host(&url);
        has_private_use |= host.is_none();
        has_loopback |= redirect::is_loopback(&url);
        if !policy.allows_host(host) {
            return Err(wrong("has a host that this server does not allow"));
        }
    }
    let kind = match wanted.application_type {
        Some(kind) if !has_private_use => kind,
        _ if has_private_use || has_loopback => ApplicationType::Native,
        _ => ApplicationType::Web,
    };
    Ok((uris.into_iter().map(str::to_owned).collect(), kind))
}

/// The host; the text after a private-use scheme belongs to the application, and a host in it means nothing.
fn host(url: &Url) -> Option<&str> {
    url.host_str().filter(|_| matches!(url.scheme(), "http" | "https"))
}

/// The name of a client that has none.
pub(super) fn host_of_first(uris: &[String]) -> String {
    let host = uris.first().and_then(|uri| host(&Url::parse(uri).ok()?).map(str::to_owned));
    host.unwrap_or_else(|| UNNAMED.to_owned())
}
