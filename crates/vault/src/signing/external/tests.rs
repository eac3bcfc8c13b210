//! Tests of keys in a signer.

use base64::Engine as _;
use domain::time::Timestamp;
use oauth::signing::SigningAlgorithm::{self, EdDsa, Es256};
use oauth::signing::{JwtType, SigningAlgorithm as Algorithm};

use super::*;
use crate::master_key::MasterKey;
use crate::signing::{KeyPlace, SigningKey, SigningKeySet};

const NOW: Timestamp = Timestamp::from_secs(1_000_000);

/// A key pair that stands for one in a signer.
fn pair(algorithm: Algorithm, seed: u8) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, &SigningKey::generate(algorithm, &[seed; 32]).unwrap()).unwrap()
}

fn public(pair: &SigningKey) -> ExternalKey {
    ExternalKey::parse(pair.algorithm(), &serde_json::from_str(&pair.jwk()).unwrap()).unwrap()
}

fn set() -> SigningKeySet {
    SigningKeySet::derive(&MasterKey::from_text(&"1".repeat(64)).unwrap())
}

fn stored(set: &SigningKeySet, pair: &SigningKey, activates_at: Timestamp) -> SealedExternalKey {
    let key = public(pair);
    SealedExternalKey {
        algorithm: pair.algorithm(),
        key_id: pair.key_id().to_owned(),
        activates_at,
        bytes: set.seal_external(&key, [5; 12]),
    }
}

fn used(algorithms: &[SigningAlgorithm], held: &[&SigningKey]) -> ExternalUse {
    let held = held.iter().map(|pair| pair.key_id().to_owned()).collect();
    ExternalUse { algorithms: algorithms.to_vec(), held }
}

/// The `kid` of the key that a token needs.
fn needs(set: &SigningKeySet, algorithm: Algorithm, now: Timestamp) -> Option<String> {
    match set.sign(JwtType::Plain, algorithm, now, b"{}")?.unwrap() {
        IssuedJwt::Signed(_) => Some("sealed".to_owned()),
        IssuedJwt::Unsigned(unsigned) => Some(unsigned.key().key_id().to_owned()),
    }
}

#[test]
fn a_token_is_complete_with_the_signature_of_its_key_and_with_no_other() {
    for algorithm in Algorithm::ALL {
        let (set, pair) = (set(), pair(algorithm, 1));
        assert_eq!(public(&pair).jwk(), pair.jwk(), "it is published like a sealed key");
        set.replace_external(&[stored(&set, &pair, NOW)], &used(&[algorithm], &[&pair])).unwrap();
        let unsigned = || match set.sign(JwtType::AccessToken, algorithm, NOW, b"{}").unwrap().unwrap() {
            IssuedJwt::Unsigned(unsigned) => unsigned,
            IssuedJwt::Signed(text) => panic!("{text}"),
        };
        let signed = pair.sign(JwtType::AccessToken, b"{}").unwrap();
        let (to_be_signed, signature) = signed.rsplit_once('.').unwrap();
        assert_eq!(unsigned().to_be_signed(), to_be_signed.as_bytes());
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let complete = unsigned().with_signature(&signature).unwrap();
        assert_eq!(set.opened().verify(JwtType::AccessToken, &complete).unwrap(), b"{}");
        assert!(set.opened().verify(JwtType::Plain, &complete).is_err());
        signature[10] ^= 1;
        assert_eq!(unsigned().with_signature(&signature), Err(WrongSignature), "{algorithm:?}");
        assert_eq!(unsigned().with_signature(&[]), Err(WrongSignature));
        let other = pair_of_another_message(&pair);
        assert_eq!(unsigned().with_signature(&other), Err(WrongSignature));
        assert!(set.published().json.contains(pair.key_id()));
    }
}

fn pair_of_another_message(pair: &SigningKey) -> Vec<u8> {
    let text = pair.sign(JwtType::AccessToken, br#"{"sub":"another"}"#).unwrap();
    URL_SAFE_NO_PAD.decode(text.rsplit_once('.').unwrap().1).unwrap()
}

#[test]
fn the_newest_active_key_signs_that_the_signer_holds() {
    let set = set();
    let (old, new, other) = (pair(EdDsa, 1), pair(EdDsa, 2), pair(EdDsa, 3));
    let later = NOW.plus_secs(60);
    let keys = [stored(&set, &old, NOW), stored(&set, &new, NOW.plus_secs(10)), stored(&set, &other, later)];
    let id = |pair: &SigningKey| Some(pair.key_id().to_owned());
    for (held, now, expected) in [
        (vec![&old, &new, &other], NOW, id(&old)),
        (vec![&old, &new, &other], NOW.plus_secs(10), id(&new)),
        (vec![&old, &new, &other], later, id(&other)),
        (vec![&old, &new], later, id(&new)),
        (vec![&old], later, id(&old)),
        (vec![], later, None),
        // The keys in use are gone, so the next one does not wait.
        (vec![&other], NOW, id(&other)),
    ] {
        set.replace_external(&keys, &used(&[EdDsa], &held)).unwrap();
        assert_eq!(needs(&set, EdDsa, now), expected, "{held:?} {now:?}");
    }
    assert_eq!(set.published().json.matches("kid").count(), 3, "all are published, held or not");
}

#[test]
fn a_sealed_key_signs_until_a_key_of_the_signer_is_active_and_never_after() {
    let set = set();
    let sealed = set.generate(1, EdDsa, NOW, &[9; 32], [1; 12]).unwrap();
    set.replace(&[sealed]).unwrap();
    let pair = pair(EdDsa, 1);
    let keys = [stored(&set, &pair, NOW.plus_secs(60))];
    let later = NOW.plus_secs(60);
    let use_of = |algorithms: &[Algorithm], held: &[&SigningKey]| {
        set.replace_external(&keys, &used(algorithms, held)).unwrap();
    };
    use_of(&[EdDsa], &[&pair]);
    assert_eq!(needs(&set, EdDsa, NOW).unwrap(), "sealed");
    assert_eq!(set.signs_with(EdDsa, NOW), Some(KeyPlace::Server));
    assert_eq!(needs(&set, EdDsa, later).unwrap(), pair.key_id());
    assert_eq!(set.signs_with(EdDsa, later), Some(KeyPlace::Signer));
    use_of(&[EdDsa], &[]);
    assert_eq!(needs(&set, EdDsa, later), None, "no sealed key takes its place");
    use_of(&[Es256], &[&pair]);
    assert_eq!(needs(&set, EdDsa, later).unwrap(), "sealed", "the configuration has changed");
    assert_eq!(needs(&set, Es256, later), None);
    use_of(&[EdDsa], &[&pair]);
    set.replace(&[]).unwrap();
    assert_eq!(
        needs(&set, EdDsa, NOW).unwrap(),
        pair.key_id(),
        "the first key of an algorithm signs at once"
    );
}

#[test]
fn a_public_key_opens_only_under_its_master_key_algorithm_and_id() {
    let set = set();
    let pair = pair(Algorithm::Rs256, 1);
    let good = stored(&set, &pair, NOW);
    let refused = |key: SealedExternalKey| set.replace_external(&[key], &ExternalUse::default()).is_err();
    assert!(!refused(good.clone()));
    assert!(refused(SealedExternalKey { algorithm: Algorithm::Ps256, ..good.clone() }));
    assert!(refused(SealedExternalKey { key_id: "other".to_owned(), ..good.clone() }));
    assert!(refused(SealedExternalKey { bytes: good.bytes[1..].to_vec(), ..good.clone() }));
    let other = SigningKeySet::derive(&MasterKey::from_text(&"2".repeat(64)).unwrap());
    assert!(other.replace_external(&[good], &ExternalUse::default()).is_err());
}

#[test]
fn a_key_that_does_not_fit_its_algorithm_is_refused() {
    let jwk = |algorithm| -> Object { serde_json::from_str(&pair(algorithm, 1).jwk()).unwrap() };
    for (algorithm, other) in [(EdDsa, Es256), (Es256, EdDsa), (Algorithm::Ps256, Algorithm::Rs256)] {
        assert!(ExternalKey::parse(algorithm, &jwk(other)).is_err(), "{algorithm:?}");
    }
    assert!(ExternalKey::parse(EdDsa, &Object::new()).is_err());
    let mut private = jwk(EdDsa);
    private.insert("d".to_owned(), "AQ".into());
    assert_eq!(ExternalKey::parse(EdDsa, &private).unwrap_err(), KeyFault::Private);
}
