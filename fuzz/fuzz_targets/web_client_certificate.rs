#![no_main]
//! No headers of a proxy make the reader of certificates panic. A chain is read as it was sent, from a named proxy only, and
//! what is accepted is bounded.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fuzz::headers;
use http::header::{HeaderMap, HeaderValue};
use oauth::proof::PresentedCertificate;
use web::WebSettings;
use web::fuzzing::certificate_from;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let proxy = "10.0.0.1".parse().expect("a network");
    let settings = WebSettings { certificate_proxies: vec![proxy], ..WebSettings::default() };
    let read =
        |peer: [u8; 4], headers: HeaderMap| certificate_from(SocketAddr::from((peer, 1)), headers, &settings);
    let sent = headers(bytes);
    assert!(matches!(read([10, 0, 0, 2], sent.clone()), Ok(None)));
    if let Ok(found) = read([10, 0, 0, 1], sent.clone()) {
        assert_eq!(found.is_some(), sent.contains_key("client-cert"));
        assert!(found.is_none_or(|found| found.intermediates().len() < PresentedCertificate::MOST));
    }
    let chain: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let may_be_sent = chain.len() <= PresentedCertificate::MOST && chain.iter().all(|one| !one.is_empty());
    for separator in [None, Some(","), Some(" ,\t")] {
        match read([10, 0, 0, 1], sent_by_proxy(&chain, separator)) {
            Ok(Some(found)) => {
                assert!(may_be_sent);
                assert_eq!(found.own(), chain[0]);
                assert_eq!(found.intermediates(), &chain[1..]);
            }
            Ok(None) => panic!("the certificate is there"),
            Err(_) => assert!(!may_be_sent),
        }
    }
});

/// The headers of [RFC 9440 §2](https://www.rfc-editor.org/rfc/rfc9440#section-2): the chain in a header for each certificate,
/// or in one.
fn sent_by_proxy(chain: &[&[u8]], separator: Option<&str>) -> HeaderMap {
    let member = |der: &&[u8]| format!(":{}:", STANDARD.encode(der));
    let value = |text: &str| HeaderValue::from_str(text).expect("base64");
    let mut headers = HeaderMap::new();
    headers.append("client-cert", value(&member(&chain[0])));
    let others: Vec<String> = chain[1..].iter().map(member).collect();
    let lists = match separator {
        Some(separator) if !others.is_empty() => vec![others.join(separator)],
        _ => others,
    };
    for list in lists {
        headers.append("client-cert-chain", value(&list));
    }
    headers
}
