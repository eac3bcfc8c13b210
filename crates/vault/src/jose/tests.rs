use aws_lc_rs::signature::KeyPair as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::signing::SigningKey;
use oauth::signing::{JwtType, SigningAlgorithm};

const ALL: AcceptedJwt<'static> = AcceptedJwt { algorithms: &JwsAlgorithm::ALL, types: &[None, Some("jwt")] };

const RSA_MODULUS: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4Ql\
    L-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2\
    R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRW\
    yuXpoQ";
const RS256: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
    Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUA\
    r7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC\
    -eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290\
    Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
const HS256: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
    cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const HS256_SECRET: &str =
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";

fn rsa_key() -> Value {
    json!({ "kty": "RSA", "n": RSA_MODULUS, "e": "AQAB" })
}

fn p256_key() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

fn ed25519_key() -> Value {
    json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })
}

fn key(jwk: &Value) -> Result<PublicKey, KeyFault> {
    PublicKey::parse(jwk.as_object().unwrap())
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// [RFC 7515 A.1](https://www.rfc-editor.org/rfc/rfc7515#appendix-A.1) to A.3.
#[test]
fn the_examples_of_rfc_7515_verify() {
    let issuer = |claims: Result<Claims, JwtFault>| {
        claims.map(|claims| claims.required_text("iss").map(str::to_owned))
    };
    assert_eq!(issuer(verify(RS256, &set(&[rsa_key()]), ALL)), Ok(Ok("joe".to_owned())));
    assert_eq!(issuer(verify(ES256, &set(&[p256_key()]), ALL)), Ok(Ok("joe".to_owned())));
    let secret = URL_SAFE_NO_PAD.decode(HS256_SECRET).unwrap();
    assert_eq!(issuer(verify_with_secret(HS256, &secret, ALL.types)), Ok(Ok("joe".to_owned())));
    assert_eq!(verify_with_secret(HS256, &[7; 64], ALL.types), Err(JwtFault::BadSignature));
}

/// "A key of the same size as the hash output […] or larger MUST be used" ([RFC 7518
/// §3.2](https://www.rfc-editor.org/rfc/rfc7518#section-3.2)).
#[test]
fn a_short_secret_verifies_nothing() {
    for length in [0, 1, 31, 32] {
        let secret = vec![7; length];
        let signed = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(br#"{"iss":"joe"}"#));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), signed.as_bytes());
        let text = format!("{signed}.{}", encode(signature));
        assert_eq!(verify_with_secret(&text, &secret, ALL.types).is_ok(), length == 32, "{length}");
    }
}

/// [RFC 8037 A.3](https://www.rfc-editor.org/rfc/rfc8037#appendix-A.3) and A.4, [RFC 7638
/// §3.1](https://www.rfc-editor.org/rfc/rfc7638#section-3.1).
#[test]
fn the_examples_of_rfc_8037_and_rfc_7638_hold() {
    let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    let signature = URL_SAFE_NO_PAD
        .decode("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg")
        .unwrap();
    let key_of_rfc = key(&ed25519_key()).unwrap();
    assert!(key_of_rfc.verifies(JwsAlgorithm::EdDsa, signed.as_bytes(), &signature));
    assert_eq!(encode(key_of_rfc.thumbprint().as_bytes()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3\
        oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5\
        hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let rsa = key(&json!({ "kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" }))
        .unwrap();
    assert_eq!(encode(rsa.thumbprint().as_bytes()), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_changed_token_does_not_verify() {
    let keys = set(&[p256_key()]);
    for at in 0..ES256.len() {
        let mut changed = ES256.as_bytes().to_vec();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(verify(std::str::from_utf8(&changed).unwrap(), &keys, ALL).is_err(), "character {at}");
    }
    for end in 0..ES256.len() {
        assert!(verify(&ES256[..end], &keys, ALL).is_err(), "cut at {end}");
    }
    for text in [
        format!("{ES256}="),
        format!("{ES256} "),
        format!(" {ES256}"),
        format!("{ES256}."),
        format!("{ES256}.a"),
    ] {
        assert!(verify(&text, &keys, ALL).is_err(), "{text}");
    }
    let long = format!("{}{ES256}", "A".repeat(MOST_CHARACTERS));
    assert_eq!(verify(&long, &keys, ALL), Err(JwtFault::TooLong));
}

#[test]
fn the_header_chooses_no_algorithm_that_is_not_accepted() {
    let payload = encode(br#"{"iss":"joe"}"#);
    let rsa = set(&[rsa_key()]);
    for algorithm in ["none", "None", "HS256", "HS512", "ES256K", "es256", ""] {
        let header = encode(json!({ "alg": algorithm }).to_string());
        for signature in ["", "AAAA"] {
            let text = format!("{header}.{payload}.{signature}");
            assert_eq!(verify(&text, &rsa, ALL), Err(JwtFault::AlgorithmNotAllowed), "{algorithm}");
        }
    }
    let only_ps = AcceptedJwt { algorithms: &[JwsAlgorithm::Ps256], ..ALL };
    assert_eq!(verify(RS256, &rsa, only_ps), Err(JwtFault::AlgorithmNotAllowed));
    assert_eq!(verify_with_secret(RS256, b"secret", ALL.types), Err(JwtFault::AlgorithmNotAllowed));
}

/// The attack that takes the public key for the secret of an HMAC.
#[test]
fn a_public_key_is_no_secret() {
    let signed = format!("{}.{}", encode(br#"{"alg":"HS256"}"#), encode(br#"{"iss":"joe"}"#));
    let public = URL_SAFE_NO_PAD.decode(RSA_MODULUS).unwrap();
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &public), signed.as_bytes());
    let text = format!("{signed}.{}", encode(signature));
    assert_eq!(verify(&text, &set(&[rsa_key()]), ALL), Err(JwtFault::AlgorithmNotAllowed));
}

#[test]
fn keys_in_the_header_are_not_trusted() {
    let (attacker, jwk) = own_key(1);
    let (header, payload) = (
        json!({ "alg": "EdDSA", "jwk": jwk, "jku": "https://attacker.example/jwks" }).to_string(),
        json!({ "iss": "joe" }).to_string(),
    );
    let signed = format!("{}.{}", encode(header), encode(payload));
    let text = format!("{signed}.{}", encode(attacker.sign(signed.as_bytes())));
    assert_eq!(verify(&text, &set(&[ed25519_key()]), ALL), Err(JwtFault::BadSignature));
    let (_, thumbprint) = OwnKeys::default().verify(&text, ALL).unwrap();
    assert_eq!(thumbprint, key(&jwk).unwrap().thumbprint());
}

/// A key pair that a client made, and its public key.
fn own_key(seed: u8) -> (aws_lc_rs::signature::Ed25519KeyPair, Value) {
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key()) });
    (pair, jwk)
}

#[test]
fn the_key_in_the_header_must_be_public_and_have_made_the_signature() {
    let (pair, jwk) = own_key(1);
    let (_, other) = own_key(2);
    let proof = |jwk: Option<&Value>, algorithm: &str| {
        let mut header = json!({ "alg": algorithm });
        if let Some(jwk) = jwk {
            header["jwk"] = jwk.clone();
        }
        let signed = format!("{}.{}", encode(header.to_string()), encode("{}"));
        format!("{signed}.{}", encode(pair.sign(signed.as_bytes())))
    };
    let mut private = jwk.clone();
    private["d"] = json!("AA");
    for name in ["EdDSA", "Ed25519"] {
        assert!(OwnKeys::default().verify(&proof(Some(&jwk), name), ALL).is_ok(), "{name}");
    }
    for (text, fault) in [
        (proof(None, "EdDSA"), JwtFault::NoKey),
        (proof(Some(&other), "EdDSA"), JwtFault::BadSignature),
        (proof(Some(&private), "EdDSA"), JwtFault::KeyUnusable),
        (proof(Some(&json!({ "kty": "oct", "k": "AA" })), "EdDSA"), JwtFault::KeyUnusable),
        (proof(Some(&jwk), "ES256"), JwtFault::NoKey),
        (proof(Some(&jwk), "none"), JwtFault::AlgorithmNotAllowed),
    ] {
        assert_eq!(OwnKeys::default().verify(&text, ALL), Err(fault), "{text}");
    }
}

#[test]
fn a_remembered_header_proves_nothing() {
    let keys = OwnKeys::default();
    let (pair, jwk) = own_key(1);
    let (stranger, _) = own_key(2);
    let header = encode(json!({ "alg": "EdDSA", "jwk": jwk }).to_string());
    let proof = |signer: &aws_lc_rs::signature::Ed25519KeyPair, id: &str| {
        let signed = format!("{header}.{}", encode(json!({ "jti": id }).to_string()));
        format!("{signed}.{}", encode(signer.sign(signed.as_bytes())))
    };
    assert_eq!(keys.verify(&proof(&stranger, "1"), ALL), Err(JwtFault::BadSignature));
    for id in ["1", "2"] {
        let (claims, thumbprint) = keys.verify(&proof(&pair, id), ALL).unwrap();
        assert_eq!((claims.text("jti"), thumbprint), (Ok(Some(id)), key(&jwk).unwrap().thumbprint()));
    }
    assert_eq!(keys.verify(&proof(&stranger, "3"), ALL), Err(JwtFault::BadSignature));
    let moved = proof(&pair, "4").replace(&encode(r#"{"jti":"4"}"#), &encode(r#"{"jti":"5"}"#));
    assert_eq!(keys.verify(&moved, ALL), Err(JwtFault::BadSignature));
    let of_other_kind = AcceptedJwt { types: &[Some("dpop+jwt")], ..ALL };
    assert_eq!(keys.verify(&proof(&pair, "6"), of_other_kind), Err(JwtFault::WrongType));
    let strict = AcceptedJwt { algorithms: &[JwsAlgorithm::Es256], ..ALL };
    assert_eq!(keys.verify(&proof(&pair, "7"), strict), Err(JwtFault::AlgorithmNotAllowed));
}

#[test]
fn a_point_that_is_not_on_its_curve_is_no_key() {
    let mut jwk = p256_key();
    jwk["y"] = jwk["x"].clone();
    let signed = format!("{}.{}", encode(json!({ "alg": "ES256", "jwk": jwk }).to_string()), encode("{}"));
    let text = format!("{signed}.{}", encode([1; 64]));
    assert_eq!(OwnKeys::default().verify(&text, ALL), Err(JwtFault::KeyUnusable));
}

#[test]
fn every_algorithm_verifies_with_the_published_key_and_no_other() {
    let keys: Vec<SigningKey> = SigningAlgorithm::ALL
        .into_iter()
        .map(|algorithm| {
            let private = SigningKey::generate(algorithm, &[7; 32]).unwrap();
            SigningKey::from_pkcs8(algorithm, &private).unwrap()
        })
        .collect();
    let jwks: Vec<Value> = keys.iter().map(|key| serde_json::from_str(&key.jwk()).unwrap()).collect();
    for (signer, jwk) in keys.iter().zip(&jwks) {
        let text = signer.sign(JwtType::Plain, br#"{"iss":"us"}"#).unwrap();
        assert!(verify(&text, &set(std::slice::from_ref(jwk)), ALL).is_ok(), "{:?}", signer.algorithm());
        assert!(verify(&text, &set(&jwks), ALL).is_ok());
        let others: Vec<Value> = jwks.iter().filter(|other| *other != jwk).cloned().collect();
        assert_eq!(verify(&text, &set(&others), ALL), Err(JwtFault::NoKey));
        let access = AcceptedJwt { types: &[Some("at+jwt")], ..ALL };
        assert_eq!(verify(&text, &set(&jwks), access), Err(JwtFault::WrongType));
    }
}

#[test]
fn a_key_set_keeps_the_keys_that_are_used_here() {
    let parse = |keys: Value| KeySet::parse(json!({ "keys": keys }).to_string().as_bytes());
    let encryption = json!({ "kty": "RSA", "n": RSA_MODULUS, "e": "AQAB", "use": "enc" });
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    assert_eq!(parse(json!([encryption, unknown, p256_key()])).unwrap().keys().len(), 1);
    assert_eq!(parse(json!([encryption, unknown])), Err(KeySetFault::NoUsableKey));
    assert_eq!(parse(json!([])), Err(KeySetFault::NoUsableKey));
    assert_eq!(parse(json!([p256_key(), { "kty": "oct", "k": "AA" }])), Err(KeySetFault::Private));
    assert_eq!(parse(json!(["key"])), Err(KeySetFault::Malformed));
    assert_eq!(parse(json!(vec![p256_key(); 21])), Err(KeySetFault::TooLarge));
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(KeySet::parse(text.as_bytes()), Err(KeySetFault::Malformed), "{text}");
    }
    assert_eq!(KeySet::parse(&vec![b' '; 40_000]), Err(KeySetFault::TooLarge));
}

#[test]
fn a_weak_or_malformed_key_is_not_used() {
    let with = |mut jwk: Value, name: &str, value: Value| {
        jwk[name] = value;
        key(&jwk)
    };
    let short = encode([0xff; 255]);
    let even = encode([&[0xff; 255][..], &[0xfe]].concat());
    let padded = encode([&[0][..], &URL_SAFE_NO_PAD.decode(RSA_MODULUS).unwrap()].concat());
    for (jwk, name, value, fault) in [
        (rsa_key(), "n", json!(short), KeyFault::Malformed),
        (rsa_key(), "n", json!(even), KeyFault::Malformed),
        (rsa_key(), "n", json!(padded), KeyFault::Malformed),
        (rsa_key(), "n", json!(super::roca::AFFECTED), KeyFault::Malformed),
        (rsa_key(), "n", json!(encode([0xff; 513])), KeyFault::Malformed),
        (rsa_key(), "e", json!("AQ"), KeyFault::Malformed),
        (rsa_key(), "e", json!("AAEAAQ"), KeyFault::Malformed),
        (rsa_key(), "e", json!("Ag"), KeyFault::Malformed),
        (rsa_key(), "e", json!("AQAAAAE"), KeyFault::Malformed),
        (rsa_key(), "n", json!(null), KeyFault::Malformed),
        (rsa_key(), "e", json!(null), KeyFault::Malformed),
        (rsa_key(), "d", json!("AA"), KeyFault::Private),
        (p256_key(), "d", json!("AA"), KeyFault::Private),
        (ed25519_key(), "d", json!("AA"), KeyFault::Private),
        (rsa_key(), "alg", json!("ES256"), KeyFault::Malformed),
        (rsa_key(), "alg", json!("RS1"), KeyFault::Unknown),
        (rsa_key(), "use", json!("enc"), KeyFault::Unknown),
        (rsa_key(), "key_ops", json!(["encrypt"]), KeyFault::Unknown),
        (rsa_key(), "key_ops", json!("verify"), KeyFault::Malformed),
        (rsa_key(), "kid", json!(1), KeyFault::Malformed),
        (p256_key(), "crv", json!("secp256k1"), KeyFault::Unknown),
        (p256_key(), "x", json!("AA"), KeyFault::Malformed),
        (p256_key(), "y", json!(null), KeyFault::Malformed),
        (p256_key(), "y", json!("AA"), KeyFault::Malformed),
        (p256_key(), "kty", json!("oct"), KeyFault::Unknown),
        (ed25519_key(), "x", json!("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"), KeyFault::Malformed),
        (ed25519_key(), "crv", json!("X25519"), KeyFault::Unknown),
    ] {
        assert_eq!(with(jwk, name, value.clone()), Err(fault), "{name}: {value}");
    }
    assert!(with(ed25519_key(), "alg", json!("Ed25519")).unwrap().fits(JwsAlgorithm::EdDsa));
    assert!(with(rsa_key(), "alg", json!("PS256")).unwrap().fits(JwsAlgorithm::Ps256));
    assert!(!with(rsa_key(), "alg", json!("PS256")).unwrap().fits(JwsAlgorithm::Rs256));
}

/// Somebody else has vouched for the key, whatever the header says about keys.
#[test]
fn a_token_is_verified_with_the_one_key_that_is_given() {
    let verified = |text: &str, jwk: Value, accepted| {
        verify_with_key(text, jwk.as_object().unwrap(), accepted)
            .map(|(claims, thumbprint)| (claims.text("iss").unwrap().map(str::to_owned), thumbprint))
    };
    let thumbprint = key(&p256_key()).unwrap().thumbprint();
    assert_eq!(verified(ES256, p256_key(), ALL), Ok((Some("joe".to_owned()), thumbprint)));
    let mut private = p256_key();
    private["d"] = json!("AAAA");
    let mut other = p256_key();
    other["y"] = other["x"].clone();
    let typed = AcceptedJwt { types: &[Some("oauth-client-attestation-pop+jwt")], ..ALL };
    let only = AcceptedJwt { algorithms: &[JwsAlgorithm::EdDsa], ..ALL };
    for (text, jwk, accepted, fault) in [
        (ES256, private, ALL, JwtFault::KeyUnusable),
        (ES256, json!({ "kty": "oct", "k": "AAAA" }), ALL, JwtFault::KeyUnusable),
        (ES256, other, ALL, JwtFault::BadSignature),
        (ES256, rsa_key(), ALL, JwtFault::NoKey),
        (RS256, p256_key(), ALL, JwtFault::NoKey),
        (HS256, p256_key(), ALL, JwtFault::AlgorithmNotAllowed),
        (ES256, p256_key(), typed, JwtFault::WrongType),
        (ES256, p256_key(), only, JwtFault::AlgorithmNotAllowed),
        ("a.b", p256_key(), ALL, JwtFault::NotCompact),
    ] {
        assert_eq!(verified(text, jwk.clone(), accepted), Err(fault), "{jwk} {fault:?}");
    }
}

/// R and S one after the other, not the form of ASN.1 and of no other length.
#[test]
fn an_ecdsa_signature_has_one_length() {
    let (signed, signature) = ES256.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    assert_eq!(signature.len(), 64);
    let (r, s) = signature.split_at(32);
    // Both are positive as they are, or with a byte before them.
    let integer = |bytes: &[u8]| {
        let sign: &[u8] = if bytes[0] < 0x80 { &[] } else { &[0] };
        [&[2, u8::try_from(sign.len() + 32).unwrap()], sign, bytes].concat()
    };
    let both = [integer(r), integer(s)].concat();
    let asn1 = [&[0x30, u8::try_from(both.len()).unwrap()], &*both].concat();
    for other in [&signature[..63], &[&signature[..], &[0]].concat(), &[&[0], &signature[..]].concat(), &asn1]
    {
        let text = format!("{signed}.{}", encode(other));
        assert_eq!(verify(&text, &set(&[p256_key()]), ALL), Err(JwtFault::BadSignature), "{}", other.len());
    }
}

/// The coordinates are not those of a point of the curve.
#[test]
fn a_key_off_the_curve_verifies_nothing() {
    let mut off = p256_key();
    off["y"] = off["x"].clone();
    assert_eq!(verify(ES256, &set(&[off]), ALL), Err(JwtFault::BadSignature));
}

#[test]
fn the_id_of_a_key_chooses_among_the_keys() {
    let named = |id: &str| {
        let mut jwk = p256_key();
        jwk["kid"] = json!(id);
        jwk
    };
    let keys = set(&[named("a"), named("b")]);
    let count = |id| keys.fitting(id, JwsAlgorithm::Es256).count();
    assert_eq!((count(Some("a")), count(Some("c")), count(None)), (1, 0, 2));
    assert_eq!(set(&[p256_key()]).fitting(Some("c"), JwsAlgorithm::Es256).count(), 1, "a key without an id");
    assert!(keys.has_id("a") && !keys.has_id("c"));
}

#[test]
fn the_digest_of_a_use_distinguishes_issuer_and_id() {
    let digest = |issuer, id| *use_digest(issuer, id).as_bytes();
    assert_eq!(digest("a", "b"), digest("a", "b"));
    assert_ne!(digest("ab", "c"), digest("a", "bc"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parsers_panic(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(&text, &set(&[p256_key()]), ALL).is_err());
        let _ = KeySet::parse(&bytes);
        let dotted = format!("{}.{}.{}", encode(&bytes), encode(&text), encode(&bytes));
        prop_assert!(OwnKeys::default().verify(&dotted, ALL).is_err());
    }
}
