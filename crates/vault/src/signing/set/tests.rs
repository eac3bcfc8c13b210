//! Tests of the signing keys.

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

fn keys(digit: &str) -> SigningKeySet {
    SigningKeySet::derive(&MasterKey::from_text(&digit.repeat(64)).unwrap())
}

fn sealed(id: u32, algorithm: SigningAlgorithm, activates_at: Timestamp) -> SealedSigningKey {
    let seed = [u8::try_from(id).unwrap(); 32];
    keys("1").generate(id, algorithm, activates_at, &seed, [3; NONCE]).unwrap()
}

#[test]
fn signatures_of_a_stored_key_verify_with_it_and_with_no_other() {
    let all = SigningAlgorithm::ALL.into_iter().zip(1..).map(|(algorithm, id)| sealed(id, algorithm, NOW));
    let all: Vec<_> = all.collect();
    let signer = keys("1");
    signer.replace(&all).unwrap();
    let opened: Vec<_> = all.iter().map(|sealed| keys("1").open(sealed).unwrap()).collect();
    for algorithm in SigningAlgorithm::ALL {
        let text = signer
            .sign(JwtType::AccessToken, algorithm, NOW, br#"{"a":1}"#)
            .unwrap()
            .unwrap()
            .signed()
            .unwrap();
        assert_eq!(signer.opened().verify(JwtType::AccessToken, &text).unwrap(), br#"{"a":1}"#);
        for jwt in [JwtType::Introspection, JwtType::Logout, JwtType::Plain] {
            assert!(signer.opened().verify(jwt, &text).is_err(), "{algorithm:?} {jwt:?}");
        }
        for key in &opened {
            let verified = key.verify(JwtType::AccessToken, &text).is_ok();
            assert_eq!(verified, key.algorithm() == algorithm, "{key:?} {algorithm:?}");
        }
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(signer.opened().verify(JwtType::AccessToken, &changed).is_err(), "{algorithm:?} {at}");
        }
    }
}

/// The header is demanded byte for byte, so that no member of it can be added, dropped or changed.
#[test]
fn no_header_but_our_own_is_accepted() {
    let signer = keys("1");
    let sealed = sealed(1, SigningAlgorithm::EdDsa, NOW);
    signer.replace(std::slice::from_ref(&sealed)).unwrap();
    let text = signer
        .sign(JwtType::AccessToken, SigningAlgorithm::EdDsa, NOW, b"{}")
        .unwrap()
        .unwrap()
        .signed()
        .unwrap();
    let (_, rest) = text.split_once('.').unwrap();
    let id = keys("1").open(&sealed).unwrap().key_id().to_owned();
    for header in [
        r#"{"alg":"none","typ":"at+jwt"}"#.to_owned(),
        format!(r#"{{"alg":"HS256","typ":"at+jwt","kid":"{id}"}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"{id}","crit":["exp"]}}"#),
        format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{id}"}}"#),
        r#"{"alg":"EdDSA","typ":"at+jwt"}"#.to_owned(),
    ] {
        let forged = format!("{}.{rest}", URL_SAFE_NO_PAD.encode(&header));
        assert!(signer.opened().verify(JwtType::AccessToken, &forged).is_err(), "{header}");
    }
    for text in ["", ".", "..", &text[..text.rfind('.').unwrap()], &format!("{text}.")] {
        assert!(signer.opened().verify(JwtType::AccessToken, text).is_err(), "{text}");
    }
}

#[test]
fn the_newest_active_key_signs_and_older_ones_still_verify() {
    let signer = keys("1");
    let (old, new) =
        (sealed(1, SigningAlgorithm::EdDsa, NOW), sealed(2, SigningAlgorithm::EdDsa, NOW.plus_secs(60)));
    signer.replace(&[new.clone(), old.clone()]).unwrap();
    let sign = |at| {
        signer.sign(JwtType::Plain, SigningAlgorithm::EdDsa, at, b"{}").unwrap().unwrap().signed().unwrap()
    };
    let by = |sealed: &SealedSigningKey, text: &str| {
        keys("1").open(sealed).unwrap().verify(JwtType::Plain, text).is_ok()
    };
    for early in [NOW.minus_secs(60), NOW, NOW.plus_secs(59)] {
        assert!(by(&old, &sign(early)), "{early:?}");
    }
    assert!(by(&new, &sign(NOW.plus_secs(60))));
    assert!(signer.opened().verify(JwtType::Plain, &sign(NOW)).is_ok());
    assert!(signer.sign(JwtType::Plain, SigningAlgorithm::Es256, NOW, b"{}").is_none());
}

#[test]
fn published_keys_have_no_private_members_and_stable_ids() {
    let signer = keys("1");
    let all = SigningAlgorithm::ALL.into_iter().zip(1..).map(|(algorithm, id)| sealed(id, algorithm, NOW));
    let all: Vec<_> = all.collect();
    signer.replace(&all).unwrap();
    let published = signer.published();
    for (algorithm, sealed) in SigningAlgorithm::ALL.into_iter().zip(&all) {
        let key = keys("1").open(sealed).unwrap();
        assert!(published.json.contains(&format!(
            r#""alg":"{}","kid":"{}""#,
            algorithm.as_str(),
            key.key_id()
        )));
    }
    for private in [r#""d":"#, r#""p":"#, r#""q":"#, r#""dp":"#, r#""k":"#] {
        assert!(!published.json.contains(private), "{private}");
    }
    let again = keys("1");
    again.replace(&all).unwrap();
    assert_eq!(again.published().etag, published.etag);
    assert_eq!(keys("1").published().json, r#"{"keys":[]}"#);
}

/// The key of [RFC 8037 A.1](https://www.rfc-editor.org/rfc/rfc8037#appendix-A.1) with its thumbprint of
/// [A.3](https://www.rfc-editor.org/rfc/rfc8037#appendix-A.3).
#[test]
fn a_key_has_the_thumbprint_of_the_example() {
    let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let private = SigningKey::generate(SigningAlgorithm::EdDsa, &seed.try_into().unwrap()).unwrap();
    let key = SigningKey::from_pkcs8(SigningAlgorithm::EdDsa, &private).unwrap();
    assert_eq!(key.key_id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert!(key.jwk().contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"));
}

#[test]
fn a_key_opens_only_under_its_master_key_number_and_algorithm() {
    let sealed = sealed(7, SigningAlgorithm::EdDsa, NOW);
    assert!(keys("2").open(&sealed).is_err());
    assert!(keys("1").open(&SealedSigningKey { id: 8, ..sealed.clone() }).is_err());
    assert!(
        keys("1").open(&SealedSigningKey { algorithm: SigningAlgorithm::Es256, ..sealed.clone() }).is_err()
    );
    for at in 0..sealed.bytes.len() {
        let mut bytes = sealed.bytes.clone();
        bytes[at] ^= 1;
        assert!(keys("1").open(&SealedSigningKey { bytes, ..sealed.clone() }).is_err(), "byte {at}");
    }
    let signer = keys("2");
    assert_eq!(signer.replace(&[sealed]).unwrap_err().0, 7);
    assert_eq!(signer.published().json, r#"{"keys":[]}"#);
}

#[test]
fn debug_output_shows_no_private_key() {
    let sealed = sealed(7, SigningAlgorithm::EdDsa, NOW);
    assert_eq!(format!("{sealed:?}"), "SealedSigningKey { id: 7, algorithm: EdDsa, .. }");
    let key = keys("1").open(&sealed).unwrap();
    assert_eq!(
        format!("{key:?}"),
        format!("SigningKey {{ algorithm: EdDsa, key_id: {:?}, .. }}", key.key_id())
    );
}
