//! A running server, as its operator and as its clients reach it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use app::node::clock::{Clock as _, SystemClock};
use bytes::Bytes;
use http::Request;
use http::header::{DATE, HOST};
use http_body_util::Full;
use tokio::net::TcpStream;
use url::Url;

use super::findings::Findings;
use crate::config::Settings;
use crate::http_client::{self, HttpAnswer, exchange};
use crate::messages::date_time;
use crate::serve::{Site, reachable};
use crate::server::{ServerTls, read_file};

/// How long one request may take in all.
const TIME: Duration = Duration::from_secs(10);

/// A clock that differs by more is a warning.
const CLOCK_SECS: i64 = 5;

/// Asks the metrics listener, then the public address.
pub(super) async fn examine(
    settings: &Settings,
    site: &Site,
    tls: Option<&ServerTls>,
    findings: &mut Findings,
) {
    if node(settings, tls, findings).await {
        public_address(settings, site, findings).await;
    }
}

/// Whether a server of these settings runs here.
async fn node(settings: &Settings, tls: Option<&ServerTls>, findings: &mut Findings) -> bool {
    let address = reachable(settings.observation.listen);
    let start = "Start the server, and run doctor again for the rest.";
    if address.port() == 0 {
        let message = "a running server cannot be found, because observation.listen has the port 0";
        findings.note("server", message, "Give it a port.");
        return false;
    }
    let Ok(ready) = ask_node(address, "/readyz").await else {
        findings.note("server", format!("none answers at {address} (observation.listen)"), start);
        return false;
    };
    let metrics = ask_node(address, "/metrics").await.map(|answer| answer.body).unwrap_or_default();
    let Some(version) = version_in(&metrics) else {
        let message = format!("another program answers at {address} (observation.listen)");
        findings.warning("server", message, "Give the server a port of its own: it may run without metrics.");
        return false;
    };
    let said = ready.body.trim();
    match ready.status.as_u16() {
        200 if said == "ready" => findings.good("server", format!("version {version} runs, and is ready")),
        200 => findings.warning(
            "server",
            said,
            "Look into the log of the signer, and at external_signing.socket.",
        ),
        _ => findings.error("server", format!("it is not ready: {said}"), "Look into its log."),
    }
    if version != env!("CARGO_PKG_VERSION") {
        let message = format!("the running server is of version {version}, and this program of another");
        findings.warning("server", message, "Restart it, if it was to be updated.");
    }
    if let (Some(tls), Some(ends)) = (tls, value_in(&metrics, "sluicegate_certificate_not_after_seconds"))
        && ends != tls.validity().ends.as_secs()
    {
        let message = "the running server uses another certificate than that in the file";
        findings.warning("certificate", message, "Send SIGHUP to the server.");
    }
    true
}

async fn ask_node(address: SocketAddr, path: &str) -> anyhow::Result<HttpAnswer> {
    let asking = async {
        let stream = TcpStream::connect(address).await?;
        let request = Request::get(path).header(HOST, address.to_string()).body(Full::<Bytes>::default())?;
        exchange(stream, request).await
    };
    tokio::time::timeout(TIME, asking).await?
}

/// The version in the metrics of a server.
fn version_in(metrics: &str) -> Option<&str> {
    let line = metrics.lines().find(|line| line.starts_with("sluicegate_build_info{"))?;
    line.split_once("version=\"")?.1.split('"').next()
}

/// The value of a metric without labels.
fn value_in(metrics: &str, name: &str) -> Option<i64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

/// Reads the metadata as a client does, by way of every proxy.
async fn public_address(settings: &Settings, site: &Site, findings: &mut Findings) {
    let shown = &site.public_url;
    let read = tokio::time::timeout(TIME, read_metadata(settings, shown)).await;
    let read = read.unwrap_or_else(|_| Err(anyhow!("there was no answer within {} seconds", TIME.as_secs())));
    let answer = match read {
        Ok(answer) => answer,
        Err(error) => {
            let advice = "Check the name, the proxy and its certificate. If only this machine cannot reach the address, ignore this.";
            findings.warning(
                "public address",
                format!("{shown} cannot be reached from here: {error:#}"),
                advice,
            );
            return;
        }
    };
    let issuer = answer.json().ok().and_then(|metadata| Some(metadata.get("issuer")?.as_str()?.to_owned()));
    match issuer {
        Some(issuer) if issuer == *shown => {
            findings.good("public address", format!("{shown} leads to a server with this issuer"));
        }
        Some(issuer) => findings.error(
            "public address",
            format!("the server at {shown} calls itself {issuer}, so clients refuse it"),
            "Set public_url to the address that clients use, on every node.",
        ),
        None => findings.error(
            "public address",
            format!("{shown} answers {} and no metadata", answer.status),
            "Let the proxy pass on every path unchanged, also those below /.well-known; see docs/operations.md.",
        ),
    }
    compare_clocks(&answer, findings);
}

fn compare_clocks(answer: &HttpAnswer, findings: &mut Findings) {
    let Ok(date) = jiff::fmt::rfc2822::parse(answer.header(DATE)) else { return };
    let (theirs, now) = (date.timestamp().as_second(), SystemClock.now());
    if (theirs - now.as_secs()).abs() > CLOCK_SECS {
        findings.warning(
            "clock",
            format!("it is {} here, and {} at the public address", date_time(now), date.timestamp()),
            "Synchronise the clocks by NTP.",
        );
    }
}

/// `GET` of the metadata, over TLS with the authorities that outbound requests trust.
async fn read_metadata(settings: &Settings, public_url: &str) -> anyhow::Result<HttpAnswer> {
    let url = Url::parse(public_url)?;
    let path = format!("/.well-known/oauth-authorization-server{}", settings.base_path());
    let tls = fetch::client_config(further_authorities(settings)?.as_deref())?;
    http_client::send(&url, Request::get(path).body(Full::default())?, &Arc::new(tls)).await
}

fn further_authorities(settings: &Settings) -> anyhow::Result<Option<Vec<u8>>> {
    let Some(file) = &settings.outbound.danger_loopback_authority else { return Ok(None) };
    read_file(file).map(Some).map_err(|why| anyhow!(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_read() {
        let text = "# HELP a b\nsluicegate_build_info{version=\"1.2.3\"} 1\nsluicegate_certificate_not_after_seconds 17\n\
                    sluicegate_certificate_not_after_seconds_more 18\n";
        assert_eq!(version_in(text), Some("1.2.3"));
        assert_eq!(value_in(text, "sluicegate_certificate_not_after_seconds"), Some(17));
        assert_eq!(version_in("<html>"), None);
    }
}
