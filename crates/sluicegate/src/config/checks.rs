//! Rules about several settings.

use super::setting::MailProtection;
use super::{InvalidSetting, Settings};

/// Adds a fault for each rule that the settings break.
pub(super) fn keys_fit_together(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    certificate_and_key_come_together(settings, faults);
    plain_http_stays_on_loopback(settings, faults);
    the_public_url_matches_tls(settings, faults);
    client_certificates_come_over_tls(settings, faults);
    a_header_block_has_room_for_the_address(settings, faults);
    a_signer_and_its_algorithms_come_together(settings, faults);
    a_key_of_the_collector_is_not_sent_in_clear_text(settings, faults);
    mail_has_a_sender_and_protected_credentials(settings, faults);
}

fn a_signer_and_its_algorithms_come_together(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let signing = &settings.external_signing;
    let missing = match (&signing.socket, signing.algorithms.is_empty()) {
        (Some(_), true) => {
            ("algorithms", "must name at least one algorithm if external_signing.socket is set")
        }
        (None, false) => ("socket", "must be set too if external_signing.algorithms names some"),
        _ => return,
    };
    faults.push(InvalidSetting::of_key(&format!("external_signing.{}", missing.0), missing.1));
}

fn a_key_of_the_collector_is_not_sent_in_clear_text(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let telemetry = &settings.telemetry;
    let is_open = telemetry.otlp_endpoint.as_ref().is_some_and(|url| !url.is_tls() && !url.is_loopback());
    if is_open && telemetry.otlp_headers_file.is_some() {
        let message = "must begin with https://, or be a loopback address, if telemetry.otlp_headers_file is set: the header fields \
                       must not travel to another machine in clear text";
        faults.push(InvalidSetting::of_key("telemetry.otlp_endpoint", message));
    }
}

fn mail_has_a_sender_and_protected_credentials(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let mail = &settings.mail;
    let mut fault = |key: &str, message: &str| {
        faults.push(InvalidSetting::of_key(&format!("mail.{key}"), message));
    };
    match (&mail.user, &mail.password_file) {
        (Some(_), None) => fault("password_file", "must be set too if mail.user is"),
        (None, Some(_)) => fault("user", "must be set too if mail.password_file is"),
        _ => {}
    }
    let Some(host) = &mail.host else {
        if mail.from.is_some() || mail.user.is_some() {
            fault("host", "must be set too if other settings of mail are");
        }
        return;
    };
    if mail.from.is_none() {
        fault("from", "must be set too if mail.host is");
    }
    if mail.protection == MailProtection::None && !host.is_loopback() {
        fault(
            "protection",
            "must not be none for a mail server on another machine: use starttls or implicit",
        );
    }
    if mail.protection == MailProtection::DangerNone && !host.is_loopback() && mail.user.is_some() {
        fault("user", "must not be set with danger_none: the password would travel in clear text");
    }
}

fn certificate_and_key_come_together(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    match (&settings.tls.cert_file, &settings.tls.key_file) {
        (Some(_), None) => {
            faults.push(InvalidSetting::of_key(
                "tls.key_file",
                "must be set too (--tls-key FILE) if tls.cert_file (--tls-cert) is",
            ));
        }
        (None, Some(_)) => {
            faults.push(InvalidSetting::of_key(
                "tls.cert_file",
                "must be set too (--tls-cert FILE) if tls.key_file (--tls-key) is",
            ));
        }
        _ => {}
    }
}

fn plain_http_stays_on_loopback(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let general = &settings.general;
    let own_tls = settings.tls.cert_file.is_some();
    if own_tls && general.behind_tls_proxy {
        let message =
            "cannot be set together with tls.cert_file: either the proxy terminates TLS or this server";
        faults.push(InvalidSetting::of_key("behind_tls_proxy", message));
    }
    if !own_tls && !general.behind_tls_proxy && !general.listen.ip().to_canonical().is_loopback() {
        let message = format!(
            "{} is reachable from other machines, and passwords and tokens must not travel in the clear: give the server \
             a certificate (--tls-cert FILE --tls-key FILE), or say that a proxy terminates TLS (--behind-tls-proxy), or \
             listen on 127.0.0.1",
            general.listen
        );
        faults.push(InvalidSetting::of_key("listen", message));
    }
}

fn the_public_url_matches_tls(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let general = &settings.general;
    let tls = settings.tls.cert_file.is_some() || general.behind_tls_proxy;
    if tls && general.public_url.as_ref().is_some_and(|url| !url.is_tls()) {
        faults.push(InvalidSetting::of_key(
            "public_url",
            "must begin with https:// if users reach the server over TLS",
        ));
    } else if general.public_url.as_ref().is_some_and(|url| !url.is_tls() && !url.is_loopback()) {
        faults.push(InvalidSetting::of_key(
            "public_url",
            "must begin with https://: passwords and tokens must not travel to another machine in clear text. Only \
             a loopback address may begin with http://",
        ));
    }
}

fn client_certificates_come_over_tls(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let certificates = &settings.client_certificates;
    let mut fault = |key: &str, message: &str| {
        faults.push(InvalidSetting::of_key(&format!("client_certificates.{key}"), message));
    };
    if certificates.listen.is_some() && settings.tls.cert_file.is_none() {
        fault("listen", "needs the server's own TLS (--tls-cert FILE --tls-key FILE)");
    }
    if certificates.listen.is_none() && certificates.proxies.is_empty() {
        let message = "has no effect without client_certificates.listen or client_certificates.proxies";
        if certificates.public_url.is_some() {
            fault("public_url", message);
        }
        if certificates.authorities_file.is_some() {
            fault("authorities_file", message);
        }
    }
    if let Some(url) = &certificates.public_url {
        if !url.is_tls() {
            fault("public_url", "must begin with https://");
        }
        if url.path() != settings.base_path() {
            fault(
                "public_url",
                "must have the same path as public_url, because the server is below one path only",
            );
        }
    }
}

fn a_header_block_has_room_for_the_address(settings: &Settings, faults: &mut Vec<InvalidSetting>) {
    let limits = &settings.limits;
    if limits.max_header_bytes < limits.max_uri_bytes.saturating_add(1_024) {
        let message = format!(
            "must be at least 1024 more than limits.max_uri_bytes, which is {}",
            limits.max_uri_bytes
        );
        faults.push(InvalidSetting::of_key("limits.max_header_bytes", message));
    }
}
