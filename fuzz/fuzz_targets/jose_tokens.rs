#![no_main]
//! No text makes the verification of tokens panic, and a token that verifies has the claims that are read without
//! verification.

use std::sync::LazyLock;

use oauth::signing::JwsAlgorithm;
use vault::jose::{AcceptedJwt, KeySet, OwnKeys, unverified_claims, verify, verify_with_secret};

/// The keys of [RFC 7515 A.2](https://www.rfc-editor.org/rfc/rfc7515#appendix-A.2) and A.3, and of [RFC 8037
/// A.2](https://www.rfc-editor.org/rfc/rfc8037#appendix-A.2).
static KEYS: LazyLock<KeySet> =
    LazyLock::new(|| KeySet::parse(PUBLISHED.as_bytes()).expect("a set of public keys"));

const PUBLISHED: &str = r#"{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;

static OWN_KEYS: LazyLock<OwnKeys> = LazyLock::new(OwnKeys::default);

const TYPES: [Option<&str>; 3] = [None, Some("jwt"), Some("dpop+jwt")];
const ALL: AcceptedJwt<'static> = AcceptedJwt { algorithms: &JwsAlgorithm::ALL, types: &TYPES };

libfuzzer_sys::fuzz_target!(|text: &str| {
    let unverified = unverified_claims(text);
    let verified = [
        verify(text, &KEYS, ALL),
        OWN_KEYS.verify(text, ALL).map(|(claims, _)| claims),
        verify_with_secret(text, b"a secret of this test", &TYPES),
    ];
    for claims in verified.into_iter().flatten() {
        assert_eq!(unverified.as_ref(), Ok(&claims));
    }
});
