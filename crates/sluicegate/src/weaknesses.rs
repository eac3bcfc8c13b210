//! Settings that are valid and still not what an operator should want. `serve` logs them, and `doctor` reports them.

use oauth::application::Profile;

use crate::config::Settings;

/// Such a setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Weakness {
    /// Its key.
    pub(crate) key: String,
    /// What it means, in words that contain no secret.
    pub(crate) message: String,
}

/// All of them, for a server that users reach at this address.
pub(crate) fn weaknesses(settings: &Settings, public_url: &str) -> Vec<Weakness> {
    let weakness = |key: &str, message: String| Weakness { key: key.to_owned(), message };
    let warnings = settings.warnings().into_iter();
    let mut found: Vec<Weakness> =
        warnings.map(|(key, warning)| weakness(&key, format!("security is weakened: {warning}"))).collect();
    if settings.profiles.minimum == Profile::Fapi2 {
        let message = "users sign in to the management API with name and password (HTTP Basic); keep it out of reach of strangers";
        found.push(weakness("profiles.minimum", message.to_owned()));
    }
    let general = &settings.general;
    if let Some(url) = &general.database
        && let Some(warning) = url.exposure()
    {
        let message = format!("security is weakened for the database {}: {warning}", url.location());
        found.push(weakness("database", message));
    }
    if general.behind_tls_proxy && general.trusted_proxies.is_empty() {
        let message = "behind_tls_proxy is set and trusted_proxies names no proxy: every client seems to come from the proxy's \
             address, so that they share their limits of failures, and the audit log does not know where they come from";
        found.push(weakness("trusted_proxies", message.to_owned()));
    }
    if general.public_url.is_none()
        && (general.behind_tls_proxy || !general.listen.ip().to_canonical().is_loopback())
    {
        let message = format!(
            "public_url is not set, so it is {public_url}; clients that use another address will be refused"
        );
        found.push(weakness("public_url", message));
    }
    found
}
