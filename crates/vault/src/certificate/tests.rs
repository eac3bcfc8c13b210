use oauth::certificate::{CertificateSubject, DistinguishedName};
use serde_json::{Value, json};

use super::*;
use crate::jose::{KeySet, KeySetFault};

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

fn set(keys: &Value) -> Result<KeySet, KeySetFault> {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
}

/// The key of a certificate.
fn jwk(der: &[u8]) -> Value {
    let members = key(der).unwrap().members();
    serde_json::from_str(&format!("{{{members}}}")).unwrap()
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
        (json!([with(jwk(&own), "x5c", chain(&own))]), true),
        (json!([with(jwk(&own), "x5c", chain(b"nonsense"))]), true),
        (json!([with(jwk(&own), "x5c", json!([]))]), true),
        (json!([with(jwk(&own), "x5c", json!("MA=="))]), true),
        (json!([jwk(&other)]), false),
    ] {
        assert_eq!(set(&keys).unwrap().contains_certificate(&own), expected, "{keys}");
    }
    for key in [
        with(jwk(&own), "x5c", chain(&other)),
        with(jwk(&other), "x5c", chain(&own)),
        with(jwk(&own), "x5c", chain(&der(pem!("rsa3072")))),
        with(jwk(&own), "x", json!("AAAA")),
        with(jwk(&own), "crv", json!("P-384")),
    ] {
        assert!(set(&json!([key])).is_err(), "{key}");
    }
    assert!(!set(&json!([jwk(&own)])).unwrap().contains_certificate(b"garbage"));
}

/// A key with `x5c` stands for no other certificate with the key.
#[test]
fn a_renewed_certificate_is_not_the_registered_one() {
    use base64::Engine as _;
    let (first, renewed) = (der(pem!("p384")), der(pem!("p384-renewed")));
    let mut registered = jwk(&first);
    assert!(set(&json!([registered])).unwrap().contains_certificate(&renewed));
    registered["x5c"] = json!([base64::engine::general_purpose::STANDARD.encode(&first)]);
    let set = set(&json!([registered])).unwrap();
    assert!(set.contains_certificate(&first) && !set.contains_certificate(&renewed));
}

#[test]
fn certificates_have_keys_of_every_kind() {
    for (certificate, key) in [
        (der(pem!("self-signed")), "P-256"),
        (der(pem!("p384")), "P-384"),
        (der(pem!("p521")), "P-521"),
        (der(pem!("ed25519")), "Ed25519"),
        (der(pem!("rsa3072")), "RSA"),
        (der(pem!("rsa4096")), "RSA"),
    ] {
        let registered = jwk(&certificate);
        assert!(registered["crv"] == key || registered["kty"] == key, "{registered}");
        let set = set(&json!([registered])).unwrap();
        assert!(set.contains_certificate(&certificate), "{key}");
        assert!(!set.contains_certificate(&der(pem!("crane"))), "{key}");
    }
}
