use domain::secret::{AssertionText, ClientSecret};
use serde_json::{Value, json};

use super::*;
use crate::application::{ApplicationSettings, AuthenticationMethod, ClientType};
use crate::client_authentication::{SecretPlace, authenticate};
use crate::sample::{self, NOW};

const ISSUER: &str = "https://gate.example";
const INSTANCE: Thumbprint = Thumbprint::from_bytes([7; 32]);
const FRESH: &str = "fresh";

fn outcome(changes: &Value, needs_challenge: bool) -> Result<VerifiedProof, Refusal> {
    let mut claims = json!({ "aud": ISSUER, "jti": "1", "iat": NOW.as_secs() });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let claims = Claims::parse(claims.to_string().as_bytes()).unwrap();
    let facts = ProofFacts { issuer: ISSUER, needs_challenge, now: NOW };
    let application = Arc::new(sample::application(|_| {}));
    decide(&claims, application, INSTANCE, facts, |challenge| challenge == FRESH)
}

#[test]
fn a_proof_names_this_server_alone_its_time_and_an_id() {
    let at = |offset: i64| NOW.as_secs() + offset;
    for (changes, refusal) in [
        (json!({ "aud": null }), Refusal::AttestationProofForAnotherServer),
        (json!({ "aud": "https://gate.example/" }), Refusal::AttestationProofForAnotherServer),
        (json!({ "aud": "https://gate.example/oauth2/token" }), Refusal::AttestationProofForAnotherServer),
        (json!({ "aud": [ISSUER, "https://other.example"] }), Refusal::AttestationProofForAnotherServer),
        (json!({ "aud": [] }), Refusal::AttestationProofForAnotherServer),
        (json!({ "iat": null }), Refusal::AttestationProofTimes),
        (json!({ "iat": "1" }), Refusal::AttestationProofTimes),
        (json!({ "iat": at(-301) }), Refusal::AttestationProofTimes),
        (json!({ "iat": at(61) }), Refusal::AttestationProofTimes),
        (json!({ "nbf": at(61) }), Refusal::AttestationProofTimes),
        (json!({ "exp": at(0) }), Refusal::AttestationProofTimes),
        (json!({ "exp": at(3_661) }), Refusal::AttestationProofTimes),
        (json!({ "jti": null }), Refusal::AttestationProofWithoutId),
        (json!({ "jti": "" }), Refusal::AttestationProofWithoutId),
        (json!({ "jti": 1 }), Refusal::AttestationProofWithoutId),
    ] {
        assert_eq!(outcome(&changes, false).unwrap_err(), refusal, "{changes}");
    }
    for changes in [
        json!({}),
        json!({ "aud": [ISSUER] }),
        json!({ "iat": at(-300) }),
        json!({ "iat": at(60), "nbf": at(60), "exp": at(60) }),
        json!({ "iss": "anything", "nonce": 7 }),
    ] {
        assert!(outcome(&changes, false).is_ok(), "{changes}");
    }
}

#[test]
fn a_challenge_is_needed_where_the_server_says_so_and_checked_wherever_it_is_sent() {
    let long = "x".repeat(257);
    for (challenge, optional, needed) in [
        (json!(null), Ok(()), Err(Refusal::AttestationChallengeMissing)),
        (json!(FRESH), Ok(()), Ok(())),
        (json!("stale"), Err(Refusal::AttestationChallengeStale), Err(Refusal::AttestationChallengeStale)),
        (json!(long), Err(Refusal::AttestationChallengeStale), Err(Refusal::AttestationChallengeStale)),
        (json!(7), Err(Refusal::AttestationChallengeMalformed), Err(Refusal::AttestationChallengeMalformed)),
    ] {
        let changes = json!({ "challenge": challenge });
        assert_eq!(outcome(&changes, false).map(drop), optional, "{changes}");
        assert_eq!(outcome(&changes, true).map(drop), needed, "{changes}");
    }
    let also_wrong = json!({ "challenge": "stale", "jti": null });
    assert_eq!(outcome(&also_wrong, true).unwrap_err(), Refusal::AttestationProofWithoutId, "it comes last");
}

#[test]
fn a_proof_is_remembered_until_every_node_refuses_it() {
    let verified = outcome(&json!({}), false).unwrap();
    assert_eq!((verified.id(), verified.instance()), ("1", INSTANCE));
    assert_eq!(verified.remembered_until(), NOW.plus_secs(600));
    assert_eq!(verified.used(false).unwrap_err(), Refusal::AttestationProofReplayed);
    let client = outcome(&json!({}), false).unwrap().used(true).unwrap();
    assert_eq!((client.instance(), client.secret(), client.binding()), (Some(INSTANCE), None, None));
}

#[test]
fn there_is_precisely_one_of_each_header() {
    use SentHeader::{None, One, Several};
    let (a, b) = (One(b"a"), One(b"b"));
    for (attestation, proof, expected) in [
        (a, b, Ok(SentAttestation { attestation: "a", proof: "b" })),
        (None, None, Err(Refusal::AttestationRequired)),
        (None, b, Err(Refusal::AttestationMissing)),
        (a, None, Err(Refusal::AttestationProofMissing)),
        (Several, b, Err(Refusal::AttestationRepeated)),
        (a, Several, Err(Refusal::AttestationRepeated)),
        (Several, None, Err(Refusal::AttestationRepeated)),
        (One(b"\xff"), b, Err(Refusal::AttestationUnverified)),
        (a, One(b"\xff"), Err(Refusal::AttestationProofUnverified)),
    ] {
        let sent = AttestationHeaders { attestation, proof };
        assert_eq!(sent.both(), expected, "{sent:?}");
    }
}

#[test]
fn an_attestation_stands_alone_and_for_the_client_that_is_named() {
    let application = sample::application(|_| {});
    let judge = |credential| {
        let id = sample::CLIENT_ID.parse().ok();
        let presented = Presented { unverified_client_id: id, credential, is_grant: false };
        attestation_is_alone(&presented, &application)
    };
    for (credential, expected) in [
        (ClientCredential::None, Ok(())),
        (ClientCredential::Attestation, Ok(())),
        (ClientCredential::Certificate(INSTANCE), Ok(())),
        (
            ClientCredential::Secret(ClientSecret::new("s"), SecretPlace::Body),
            Err(Refusal::AttestationNotAlone),
        ),
        (ClientCredential::Assertion(AssertionText::new("a")), Err(Refusal::AttestationNotAlone)),
    ] {
        assert_eq!(judge(credential.clone()), expected, "{credential:?}");
    }
    let named = |subject: &str| attestation_is_alone(&Presented::by_attestation(subject), &application);
    assert_eq!(named(sample::CLIENT_ID), Ok(()));
    for other in ["", "another", "3f2504e0-4f89-41d3-9a0c-0305e82c3302"] {
        assert_eq!(named(other), Err(Refusal::UnknownClient), "{other}");
    }
}

#[test]
fn an_attestation_that_is_not_judged_authenticates_and_names_nobody() {
    let outcome = |change: fn(&mut ApplicationSettings), named: bool| {
        let by_id = Presented {
            unverified_client_id: sample::CLIENT_ID.parse().ok(),
            credential: ClientCredential::None,
            is_grant: false,
        };
        let presented = if named { by_id } else { Presented::by_attestation(sample::CLIENT_ID) };
        let application = Arc::new(sample::application(change));
        authenticate(&presented, Some(application), NOW, sample::is_secret).map(drop)
    };
    let attested = |settings: &mut ApplicationSettings| {
        let registered = &mut settings.client_metadata.authentication;
        registered.token_endpoint_auth_method = Some(AuthenticationMethod::AttestJwtClientAuth);
    };
    let public = |settings: &mut ApplicationSettings| settings.client_type = ClientType::Public;
    for named in [true, false] {
        assert_eq!(outcome(attested, named), Err(Refusal::AttestationRequired));
    }
    assert_eq!(outcome(public, true), Ok(()));
    for other in [public, |_: &mut ApplicationSettings| {}] {
        assert_eq!(outcome(other, false), Err(Refusal::AttestationNotRegistered));
    }
}
