//! The certificate of a client: that of the connection, or the one that a named proxy passes on in `Client-Cert` ([RFC
//! 9440](https://www.rfc-editor.org/rfc/rfc9440)).
//!
//! The header counts only on connections from the addresses in [`WebSettings::certificate_proxies`], and is ignored from
//! anybody else. Such a proxy must remove the header from the requests of its clients; if it is there twice or cannot be
//! read, the request is refused, because somebody other than the proxy may have written it.

use std::sync::Arc;

use app::node::client_certificates::presented;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Extensions, HeaderMap, Request};
use oauth::proof::PresentedCertificate;

use super::origin::PeerAddress;
use crate::WebSettings;

/// The certificate of a client; the accept loop of the server puts that of the connection into the extensions of each
/// request.
#[derive(Debug, Clone)]
pub struct ClientCertificate(pub Arc<PresentedCertificate>);

const CERTIFICATE: &str = "client-cert";
const CHAIN: &str = "client-cert-chain";

const TWICE: &str = "Client-Cert is given twice";
const MALFORMED: &str = "Client-Cert or Client-Cert-Chain cannot be read";

/// Finds the certificate of a request.
pub(crate) fn of(extensions: &Extensions) -> Option<&PresentedCertificate> {
    extensions.get::<ClientCertificate>().map(|certificate| &*certificate.0)
}

/// Adds the certificate that a proxy passes on to the extensions of the request, unless the connection has one itself.
///
/// # Errors
/// What is wrong with the header of a named proxy.
pub(crate) fn take_from_proxy<B>(
    request: &mut Request<B>,
    settings: &WebSettings,
) -> Result<(), &'static str> {
    if settings.certificate_proxies.is_empty() || of(request.extensions()).is_some() {
        return Ok(());
    }
    let peer = request.extensions().get::<PeerAddress>().map(|peer| peer.0.ip().to_canonical());
    let is_named = |peer| settings.certificate_proxies.iter().any(|proxy| proxy.contains(peer));
    if !peer.is_some_and(is_named) {
        return Ok(());
    }
    if let Some(certificate) = read(request.headers())? {
        request.extensions_mut().insert(ClientCertificate(Arc::new(certificate)));
    }
    Ok(())
}

fn read(headers: &HeaderMap) -> Result<Option<PresentedCertificate>, &'static str> {
    let mut values = headers.get_all(CERTIFICATE).iter();
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(TWICE);
    }
    let others = headers.get_all(CHAIN).iter();
    let Some(own) = first else {
        // "Client-Cert-Chain MUST NOT be used unless Client-Cert is also present" (RFC 9440 §2.3).
        return if headers.contains_key(CHAIN) { Err(MALFORMED) } else { Ok(None) };
    };
    let mut chain = vec![own.to_str().ok().and_then(bytes).ok_or(MALFORMED)?];
    for list in others {
        for member in list.to_str().map_err(|_| MALFORMED)?.split(',') {
            chain.push(bytes(member).ok_or(MALFORMED)?);
            if chain.len() > PresentedCertificate::MOST {
                return Err(MALFORMED);
            }
        }
    }
    presented(chain).map(Some).ok_or(MALFORMED)
}

/// A byte sequence without parameters ([RFC 9651 §3.3.5](https://www.rfc-editor.org/rfc/rfc9651#section-3.3.5)).
fn bytes(text: &str) -> Option<Vec<u8>> {
    let encoded = text.trim_matches([' ', '\t']).strip_prefix(':')?.strip_suffix(':')?;
    STANDARD.decode(encoded).ok().filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, headers: &[(&'static str, &str)]) -> Result<Option<Vec<Vec<u8>>>, &'static str> {
        let certificate_proxies = vec!["10.0.0.1".parse().unwrap()];
        let settings = WebSettings { certificate_proxies, ..WebSettings::default() };
        let mut request = Request::new(());
        request.extensions_mut().insert(PeerAddress(format!("{peer}:1").parse().unwrap()));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        take_from_proxy(&mut request, &settings)?;
        let chain = |found: &PresentedCertificate| {
            let others = found.intermediates().iter().cloned();
            std::iter::once(found.own().to_vec()).chain(others).collect()
        };
        Ok(of(request.extensions()).map(chain))
    }

    #[test]
    fn the_header_counts_only_from_a_named_proxy() {
        let header = [("client-cert", ":YWJj:")];
        assert_eq!(found("10.0.0.1", &header), Ok(Some(vec![b"abc".to_vec()])));
        assert_eq!(found("10.0.0.2", &header), Ok(None));
        assert_eq!(found("10.0.0.1", &[]), Ok(None));
    }

    #[test]
    fn a_chain_is_a_list_over_all_its_headers() {
        let headers = [
            ("client-cert", ":YQ==:"),
            ("client-cert-chain", ":Yg==:, :Yw==:"),
            ("client-cert-chain", ":ZA==:"),
        ];
        let expected = [b"a", b"b", b"c", b"d"].map(|bytes| bytes.to_vec()).to_vec();
        assert_eq!(found("10.0.0.1", &headers), Ok(Some(expected)));
    }

    #[test]
    fn a_header_of_a_proxy_that_is_repeated_or_malformed_is_refused() {
        let twice = [("client-cert", ":YQ==:"), ("client-cert", ":Yg==:")];
        assert_eq!(found("10.0.0.1", &twice), Err(TWICE));
        assert_eq!(found("10.0.0.2", &twice), Ok(None));
        for value in ["", "YQ==", ":YQ==", ":YQ=:", "::", ":YQ==:, :Yg==:", ":YQ==:;a=1", ":Y\u{7f}:", "?"] {
            let Ok(_) = value.parse::<http::HeaderValue>() else { continue };
            assert_eq!(found("10.0.0.1", &[("client-cert", value)]), Err(MALFORMED), "{value}");
        }
        assert_eq!(found("10.0.0.1", &[("client-cert-chain", ":YQ==:")]), Err(MALFORMED));
        let long = [":YQ==:"; 10].join(",");
        let headers = [("client-cert", ":YQ==:"), ("client-cert-chain", long.as_str())];
        assert_eq!(found("10.0.0.1", &headers), Err(MALFORMED));
    }
}
