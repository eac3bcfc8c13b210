use oauth::certificate::{CertificateSubject, DistinguishedName};
use oauth::jwt::{Object, parse_object};
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

macro_rules! pem {
    ($name:literal) => {
        include_bytes!(concat!("../../../testkit/certificates/clients/", $name, ".pem"))
    };
}

fn der(pem: &[u8]) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}

fn certificate(pem: &[u8]) -> PresentedCertificate {
    presented(vec![der(pem)]).unwrap()
}

fn set(keys: &Value) -> Object {
    parse_object(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

/// The key of a certificate on P-256, which ends its public key.
fn jwk(der: &[u8]) -> Value {
    let parts = names::Parts::of(der).unwrap();
    let encoded = |bytes: &[u8]| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    json!({ "kty": "EC", "crv": "P-256", "x": encoded(&parts.key[1..33]), "y": encoded(&parts.key[33..65]) })
}

#[test]
fn the_names_of_a_certificate_are_read() {
    let found = names(&der(pem!("crane"))).unwrap();
    assert_eq!(found.dns, ["crane.harbour.example"]);
    assert_eq!(found.uris, ["spiffe://harbour.example/crane"]);
    assert_eq!(found.emails, ["crane@harbour.example"]);
    let addresses: Vec<String> = found.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["192.0.2.7", "2001:db8::7"]);
    let subject = |text| CertificateSubject::SubjectDn(DistinguishedName::parse(text).unwrap());
    assert!(subject("CN=crane 7,O=Harbour,C=DE").is_of(&found));
    assert!(!subject("CN=crane 7,O=Harbour").is_of(&found));
}

#[test]
fn a_truncated_or_longer_certificate_has_no_names() {
    let whole = der(pem!("crane"));
    for length in 0..whole.len() {
        assert_eq!(names(&whole[..length]), None, "{length}");
    }
    assert_eq!(names(&[&whole[..], &[0]].concat()), None);
}

#[test]
fn only_the_authorities_vouch_for_a_certificate_of_a_client() {
    let authorities = ClientAuthorities::from_pem(pem!("authority")).unwrap();
    assert!(authorities.issued(&certificate(pem!("crane")), NOW));
    assert!(!authorities.issued(&certificate(pem!("self-signed")), NOW));
    assert!(!authorities.issued(&certificate(pem!("web")), NOW), "it is for servers only");
    for secs in [1_500_000_000, 4_102_444_801] {
        let at = Timestamp::from_secs(secs);
        assert!(!authorities.issued(&certificate(pem!("crane")), at), "it is not valid at {secs}");
    }
    let garbage = presented(vec![vec![0x30, 0]]).unwrap();
    assert!(!authorities.issued(&garbage, NOW));
    let forged = presented(vec![der(pem!("self-signed")), der(pem!("authority"))]).unwrap();
    assert!(!authorities.issued(&forged, NOW), "a chain that leads nowhere");
    let other = ClientAuthorities::from_pem(pem!("self-signed")).unwrap();
    assert!(!other.issued(&certificate(pem!("crane")), NOW));
}

#[test]
fn a_file_without_certificates_has_no_authorities() {
    for pem in [&b""[..], b"nonsense", b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"] {
        assert!(ClientAuthorities::from_pem(pem).is_err());
    }
}

#[test]
fn a_certificate_is_registered_by_its_key_or_as_itself() {
    let (own, other) = (der(pem!("self-signed")), der(pem!("crane")));
    let chain = |der: &[u8]| {
        use base64::Engine as _;
        json!([base64::engine::general_purpose::STANDARD.encode(der)])
    };
    let with = |mut key: Value, member: &str, value: Value| {
        key[member] = value;
        key
    };
    for (keys, expected) in [
        (json!([jwk(&own)]), true),
        (json!([jwk(&other), jwk(&own)]), true),
        (json!([with(jwk(&own), "use", json!("sig"))]), true),
        (json!([with(jwk(&other), "x5c", chain(&own))]), true),
        (json!([with(jwk(&own), "x5c", chain(&other))]), false),
        (json!([with(jwk(&own), "x5c", json!([]))]), false),
        (json!([with(jwk(&own), "x", json!("AAAA"))]), false),
        (json!([with(jwk(&own), "crv", json!("P-384"))]), false),
        (json!([with(jwk(&own), "kty", json!("OKP"))]), false),
        (json!([jwk(&other)]), false),
        (json!([]), false),
        (json!([7]), false),
    ] {
        assert_eq!(is_registered(&own, &set(&keys)), expected, "{keys}");
    }
    assert!(!is_registered(b"garbage", &set(&json!([jwk(&own)]))));
}
