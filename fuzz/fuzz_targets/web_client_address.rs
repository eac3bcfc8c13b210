#![no_main]
//! No `X-Forwarded-For` makes the search for the client's address panic. It counts from trusted proxies only, what a client
//! itself has written before does not count, and networks are read again from their text.

use std::net::{IpAddr, SocketAddr};

use fuzz::header_values;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use web::fuzzing::client_address;
use web::{AddressRange, WebSettings, is_everybody};

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let headers = header_values(FORWARDED, bytes);
    let trusted: Vec<AddressRange> =
        ["10.0.0.0/8", "2001:db8::/32"].map(|network| network.parse().expect("a network")).to_vec();
    let settings = WebSettings { trusted_proxies: trusted.clone(), ..WebSettings::default() };
    let of = |peer: &str, headers: &HeaderMap| {
        let peer = SocketAddr::new(peer.parse().expect("an address"), 1);
        client_address(peer, headers, &settings).expect("the peer has an address")
    };
    assert_eq!(of("192.0.2.1", &headers), "192.0.2.1".parse::<IpAddr>().expect("an address"));

    let found = of("10.0.0.1", &headers);
    assert_eq!(found, found.to_canonical());
    assert_eq!(found, of("::ffff:10.0.0.1", &headers));
    assert_eq!(found, of("10.0.0.1", &with_space(&headers)));
    if !trusted.iter().any(|network| network.contains(found)) {
        let mut invented = HeaderMap::from_iter([(FORWARDED, HeaderValue::from_static("198.51.100.77"))]);
        invented.extend(headers.get_all(&FORWARDED).iter().map(|value| (FORWARDED, value.clone())));
        assert_eq!(found, of("10.0.0.1", &invented));
    }
    std::str::from_utf8(bytes).into_iter().flat_map(str::lines).for_each(network_is_read_again);
});

/// The same lists with space around each hop.
fn with_space(headers: &HeaderMap) -> HeaderMap {
    let spaced = |value: &HeaderValue| {
        let hops: Vec<&[u8]> = value.as_bytes().split(|byte| *byte == b',').collect();
        (FORWARDED, HeaderValue::from_bytes(&hops.join(&b" ,\t"[..])).expect("a value"))
    };
    headers.get_all(&FORWARDED).iter().map(spaced).collect()
}

fn network_is_read_again(text: &str) {
    let Ok(network) = text.parse::<AddressRange>() else { return };
    assert!(!is_everybody(text));
    let shown = network.to_string();
    assert_eq!(shown.parse(), Ok(network));
    let first = shown.split('/').next().unwrap_or_default();
    assert!(network.contains(first.parse().expect("an address")));
}
