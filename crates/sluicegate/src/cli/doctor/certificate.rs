//! The certificate of the server.

use super::findings::Findings;
use crate::messages::date_time;
use crate::server::ServerTls;

/// Its time and rights, and whether it is for the host of the public address.
pub(super) fn examine(tls: &ServerTls, public_url: &str, findings: &mut Findings) {
    let warnings = tls.warnings();
    if warnings.is_empty() {
        findings.good("certificate", format!("it is valid until {}", date_time(tls.validity().ends)));
    }
    for warning in warnings {
        findings.warning(
            "certificate",
            warning,
            "Replace the file, or change its mode, and send SIGHUP to the server.",
        );
    }
    let host = url::Url::parse(public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let Some(host) = host else { return };
    if !tls.is_for(host.trim_start_matches('[').trim_end_matches(']')) {
        findings.error(
            "certificate",
            format!("the certificate is not for {host}, the host of public_url: clients refuse it"),
            "Get one that has the name in subjectAltName, or correct public_url.",
        );
    }
}
