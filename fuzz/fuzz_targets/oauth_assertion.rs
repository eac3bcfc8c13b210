#![no_main]
//! No claims make the rules of client assertions panic, nor those of proofs of attestations. An assertion that is accepted
//! names the client and this server, and is remembered for a bounded time; a proof names this server, and is too.

use std::sync::{Arc, LazyLock};

use domain::time::Timestamp;
use oauth::application::{Application, ClientType, Profile};
use oauth::client_authentication::assertion::{Facts, decide};
use oauth::client_authentication::attestation::{self, ProofFacts};
use oauth::jwt::Claims;
use oauth::proof::Thumbprint;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const CLIENT_ID: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";
const FACTS: Facts<'static> = Facts {
    issuer: "https://gate.example",
    endpoints: &["https://gate.example/oauth2/token", "https://gate.example/oauth2/par"],
    now: NOW,
};

static APPLICATION: LazyLock<Arc<Application>> =
    LazyLock::new(|| Arc::new(fuzz::application(Profile::OAuth21, ClientType::Confidential)));

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let Ok(claims) = Claims::parse(json) else { return };
    proof_is_for_this_server(&claims);
    let Ok(assertion) = decide(&claims, APPLICATION.clone(), None, FACTS) else { return };
    assert_eq!(claims.text("sub"), Ok(Some(CLIENT_ID)));
    assert!(claims.audiences().is_ok_and(|all| all.iter().any(|one| one.starts_with(FACTS.issuer))));
    assert!(!assertion.id().is_empty());
    let remembered = assertion.remembered_until();
    assert!(NOW < remembered && remembered <= NOW.plus_secs(2 * 3_600));
});

fn proof_is_for_this_server(claims: &Claims) {
    let facts = ProofFacts { issuer: FACTS.issuer, needs_challenge: false, now: NOW };
    let key = Thumbprint::from_bytes([1; 32]);
    let judged =
        attestation::decide(claims, APPLICATION.clone(), key, facts, |challenge| challenge == "fresh");
    let Ok(proof) = judged else { return };
    assert_eq!(claims.audiences(), Ok(vec![FACTS.issuer]));
    assert!(!proof.id().is_empty());
    assert!(matches!(claims.text("challenge"), Ok(None | Some("fresh"))));
    let remembered = proof.remembered_until();
    assert!(NOW < remembered && remembered <= NOW.plus_secs(660));
}
