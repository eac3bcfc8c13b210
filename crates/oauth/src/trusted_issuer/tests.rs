//! Tests of what trusted issuers may say.

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::jwt::Claims;
use crate::refusal::Refusal;
use crate::resource::ServerUrls;
use crate::scope::{BuiltInScope, ScopeRegistry, ScopeSet};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SERVER: &str = "https://gate.example";
const URLS: ServerUrls<'static> =
    ServerUrls { public: SERVER, for_certificates: Some("https://gate.example:8443") };
const IDP: &str = "https://idp.example";
const CLIENT: &str = "0b7a4c3e-3f5c-4c8e-9d1f-5c0f2f1f9a11";

fn trusted(change: impl FnOnce(&mut IssuerSettings)) -> TrustedIssuer {
    let mut settings = IssuerSettings {
        purposes: Purpose::ALL.to_vec(),
        clients: vec![CLIENT.to_owned()],
        subject_is: SubjectKind::UserName,
        service: Some("corporate".to_owned()),
        workloads: vec![Workload { subject: "repo:acme/api:*".to_owned(), client: CLIENT.to_owned() }],
        ..IssuerSettings::default()
    };
    change(&mut settings);
    TrustedIssuer {
        id: TrustedIssuerId::new(1),
        issuer: IDP.to_owned(),
        settings,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// The claims of an assertion with these replaced; `null` removes one.
fn claims(changes: &Value) -> Claims {
    let now = NOW.as_secs();
    let mut claims = json!({
        "iss": IDP, "sub": "zoe", "aud": SERVER, "client_id": CLIENT, "resource": SERVER, "scope": "a b",
        "jti": "1", "iat": now, "exp": now + 60,
    });
    let all = claims.as_object_mut().unwrap();
    all.extend(changes.as_object().unwrap().clone());
    all.retain(|_, value| !value.is_null());
    Claims::parse(claims.to_string().as_bytes()).unwrap()
}

fn accept(kind: GrantKind, trusted: &TrustedIssuer, changes: &Value) -> Result<AcceptedAssertion, Refusal> {
    let facts = AssertionFacts { trusted, kind, issuer: SERVER, client: CLIENT, now: NOW };
    accept_assertion(&claims(changes), facts)
}

#[test]
fn settings_come_back_from_their_json_and_later_ones_are_unreadable() {
    let settings = trusted(|_| {}).settings;
    assert_eq!(IssuerSettings::from_json(&settings.to_json()), Ok(settings));
    assert_eq!(IssuerSettings::from_json("{}"), Ok(IssuerSettings::default()));
    for json in [r#"{"limitedTo":1}"#, "[]", "", r#"{"purposes":["other"]}"#] {
        assert_eq!(IssuerSettings::from_json(json), Err(UnreadableSettings), "{json}");
    }
}

#[test]
fn each_rule_of_an_identity_assertion_has_its_refusal() {
    let (now, issuer) = (NOW.as_secs(), trusted(|_| {}));
    for (changes, refusal) in [
        (json!({ "iss": "https://other.example" }), Refusal::GrantAssertionUntrusted),
        (json!({ "aud": "https://gate.example/" }), Refusal::GrantAssertionForAnotherServer),
        (json!({ "aud": [SERVER, "x"] }), Refusal::GrantAssertionForAnotherServer),
        (json!({ "aud": [] }), Refusal::GrantAssertionForAnotherServer),
        (json!({ "exp": now }), Refusal::GrantAssertionExpired),
        (json!({ "exp": null }), Refusal::GrantAssertionExpired),
        (json!({ "iat": null }), Refusal::GrantAssertionExpired),
        (json!({ "exp": now + 3_661 }), Refusal::GrantAssertionLivesTooLong),
        (json!({ "iat": now - 3_601 }), Refusal::GrantAssertionLivesTooLong),
        (json!({ "nbf": now + 61 }), Refusal::GrantAssertionNotYetValid),
        (json!({ "client_id": "x" }), Refusal::GrantAssertionForAnotherClient),
        (json!({ "client_id": null }), Refusal::GrantAssertionForAnotherClient),
        (json!({ "cnf": {} }), Refusal::GrantAssertionConstrained),
        (json!({ "authorization_details": [] }), Refusal::GrantAssertionConstrained),
        (json!({ "jti": null }), Refusal::GrantAssertionWithoutId),
        (json!({ "jti": "" }), Refusal::GrantAssertionWithoutId),
        (json!({ "resource": null }), Refusal::GrantAssertionWithoutResource),
        (json!({ "resource": [7] }), Refusal::GrantAssertionWithoutResource),
        (json!({ "scope": {} }), Refusal::GrantAssertionUnverified),
        (json!({ "sub": null }), Refusal::GrantAssertionOfUnknownUser),
    ] {
        assert_eq!(accept(GrantKind::Identity, &issuer, &changes), Err(refusal), "{changes}");
    }
    let accepted = accept(GrantKind::Identity, &issuer, &json!({})).unwrap();
    assert_eq!(accepted.subject, Subject::Name("zoe".to_owned()));
    assert_eq!(accepted.remembered_until, NOW.plus_secs(360));
    assert_eq!(accepted.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
}

#[test]
fn the_audience_of_other_assertions_is_agreed_per_issuer() {
    let endpoint = json!({ "aud": "https://gate.example/oauth2/token" });
    let by_issuer = trusted(|_| {});
    let by_endpoint = trusted(|settings| settings.audience = Audience::TokenEndpoint);
    let refused = Err(Refusal::GrantAssertionForAnotherServer);
    assert!(accept(GrantKind::Plain, &by_issuer, &json!({})).is_ok());
    assert_eq!(accept(GrantKind::Plain, &by_issuer, &endpoint), refused);
    assert!(accept(GrantKind::Plain, &by_endpoint, &endpoint).is_ok());
    assert_eq!(accept(GrantKind::Plain, &by_endpoint, &json!({})), refused);
    assert!(accept(GrantKind::Identity, &by_endpoint, &json!({})).is_ok(), "always the issuer");
}

#[test]
fn other_assertions_need_neither_id_nor_client_nor_resource() {
    let without = json!({ "jti": null, "client_id": null, "resource": null, "scope": null });
    let accepted = accept(GrantKind::Plain, &trusted(|_| {}), &without).unwrap();
    assert_eq!((accepted.id, accepted.resources, accepted.scopes), (None, Vec::new(), None));
}

#[test]
fn an_issuer_is_trusted_for_its_purposes_and_clients_only() {
    let none = trusted(|settings| settings.purposes = vec![Purpose::AccessToken]);
    for kind in GrantKind::ALL {
        assert_eq!(accept(kind, &none, &json!({})), Err(Refusal::GrantAssertionUntrusted));
    }
    let other = trusted(|settings| settings.clients = vec!["other".to_owned()]);
    assert_eq!(accept(GrantKind::Identity, &other, &json!({})), Err(Refusal::GrantAssertionOfUnknownClient));
    let every = trusted(|settings| settings.clients = vec![EVERY_CLIENT.to_owned()]);
    assert!(accept(GrantKind::Identity, &every, &json!({})).is_ok());
}

#[test]
fn a_subject_is_a_name_a_verified_address_or_listed() {
    let named = |kind, changes: Value| {
        let settings = IssuerSettings {
            subject_is: kind,
            subject_claim: "who".to_owned(),
            subjects: [("7".to_owned(), "zoe".to_owned())].into(),
            ..IssuerSettings::default()
        };
        subject_of(&claims(&changes), &settings)
    };
    let (name, email) = (Subject::Name("zoe".to_owned()), Subject::Email("z@x.example".to_owned()));
    let verified = json!({ "who": "z@x.example", "email_verified": true });
    assert_eq!(named(SubjectKind::UserName, json!({ "who": "zoe" })), Some(name.clone()));
    assert_eq!(named(SubjectKind::Listed, json!({ "who": "7" })), Some(name));
    assert_eq!(named(SubjectKind::Listed, json!({ "who": "8" })), None);
    assert_eq!(named(SubjectKind::Email, verified), Some(email));
    for unverified in [json!(false), json!("false"), json!(1), json!(null)] {
        let changes = json!({ "who": "z@x.example", "email_verified": unverified });
        assert_eq!(named(SubjectKind::Email, changes), None);
    }
    for nothing in [json!({}), json!({ "who": "" }), json!({ "who": 7 })] {
        assert_eq!(named(SubjectKind::UserName, nothing), None);
    }
}

#[test]
fn each_rule_of_a_workload_has_its_refusal() {
    let now = NOW.as_secs();
    let judge = |issuer: &TrustedIssuer, changes: &Value| {
        let mut all = json!({ "sub": "repo:acme/api:main" });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        accept_workload(&claims(&all), WorkloadFacts { trusted: issuer, issuer: SERVER, now: NOW })
    };
    let issuer = trusted(|_| {});
    for (changes, refusal) in [
        (json!({ "iss": "https://other.example" }), Refusal::AssertionUnverified),
        (json!({ "aud": "https://other.example" }), Refusal::WorkloadForAnotherServer),
        (json!({ "aud": [SERVER, "x"] }), Refusal::WorkloadForAnotherServer),
        (json!({ "exp": now }), Refusal::AssertionExpired),
        (json!({ "exp": now + 9_000 }), Refusal::AssertionLivesTooLong),
        (json!({ "iat": now + 61 }), Refusal::AssertionNotYetValid),
        (json!({ "cnf": {} }), Refusal::WorkloadConstrained),
        (json!({ "jti": 7 }), Refusal::AssertionWithoutId),
        (json!({ "sub": "repo:acme/other:main" }), Refusal::WorkloadUnknown),
        (json!({ "sub": null }), Refusal::WorkloadUnknown),
    ] {
        assert_eq!(judge(&issuer, &changes), Err(refusal), "{changes}");
    }
    let accepted = judge(&issuer, &json!({})).unwrap();
    assert_eq!((accepted.client.as_str(), accepted.remembered_until), (CLIENT, Some(NOW.plus_secs(360))));
    let reusable = trusted(|settings| settings.reusable_assertions = true);
    assert_eq!(judge(&reusable, &json!({})).unwrap().remembered_until, None);
    let without = trusted(|settings| settings.purposes = vec![Purpose::JwtBearer]);
    assert_eq!(judge(&without, &json!({})), Err(Refusal::AssertionUnverified));
}

#[test]
fn a_pattern_never_reaches_into_the_next_part_of_a_subject() {
    for (pattern, subject, fits) in [
        ("a:b", "a:b", true),
        ("a:b", "a:b:c", false),
        ("a:*", "a:b", true),
        ("a:*", "a:", true),
        ("a:*", "a:b:c", false),
        ("repo:acme/*:ref", "repo:acme/api:ref", true),
        ("repo:acme/*:ref", "repo:acme-evil/api:ref", false),
        ("x*y*z", "x1y2z", true),
        ("x*y*z", "xz", false),
        ("x*x", "x", false),
        ("x*ab*ab", "xabab", true),
        ("x*ab*ab", "xab", false),
    ] {
        assert_eq!(SubjectPattern::parse(pattern).unwrap().fits(subject), fits, "{pattern} {subject}");
    }
    for pattern in ["", "*", "*:a", "a*b*c*d*e*"] {
        assert_eq!(SubjectPattern::parse(pattern), None, "{pattern}");
    }
}

#[test]
fn an_access_token_gives_only_data_of_this_server() {
    let registry = ScopeRegistry::built_in();
    let judge = |issuer: &TrustedIssuer, changes: &Value| {
        let mut all =
            json!({ "aud": "https://gate.example/api/odata4", "scope": "api.access.odata api.mgmt" });
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let facts = TokenFacts { trusted: issuer, urls: URLS, scopes: &registry, now: NOW };
        accept_access_token(&claims(&all), facts)
    };
    let issuer = trusted(|_| {});
    let accepted = judge(&issuer, &json!({})).unwrap();
    assert_eq!(accepted.scopes, ScopeSet::from(BuiltInScope::OData));
    assert_eq!(accepted.resources, ["https://gate.example/api/odata4"]);
    for changes in [
        json!({ "aud": "https://gate.example.evil/api/odata4" }),
        json!({ "aud": "https://other.example" }),
        json!({ "iat": null }),
        json!({ "exp": NOW.as_secs() + 90_000 }),
        json!({ "client_id": "other" }),
        json!({ "cnf": {} }),
        json!({ "scope": null }),
        json!({ "sub": null }),
        json!({ "iss": "https://other.example" }),
    ] {
        assert_eq!(judge(&issuer, &changes), None, "{changes}");
    }
    let narrow =
        trusted(|settings| settings.resources = vec!["https://gate.example/api/odata4/a".to_owned()]);
    assert_eq!(judge(&narrow, &json!({})), None, "the issuer may name one source only");
    let below = json!({ "aud": "https://gate.example/api/odata4/a" });
    assert!(judge(&narrow, &below).is_some());
    for escape in ["a/../b", "a/%2e%2e/b", "a/%2E./b", "a/..", "a/./../../odata4", "ab"] {
        let aud = format!("https://gate.example/api/odata4/{escape}");
        assert_eq!(judge(&narrow, &json!({ "aud": aud })), None, "{escape}");
    }
    let spelled = json!({ "aud": ["api", "https://gate.example/api/odata4/%61/"] });
    assert_eq!(judge(&narrow, &spelled).unwrap().resources, ["https://gate.example/api/odata4/a"]);
    let certified = json!({ "aud": "https://gate.example:8443/api/odata4/a" });
    assert_eq!(judge(&narrow, &certified).unwrap().resources, ["https://gate.example/api/odata4/a"]);
    let renamed = trusted(|settings| {
        settings.scope_names = [("read".to_owned(), "api.access.odata".to_owned())].into();
        settings.scopes = vec!["api.access.odata".to_owned()];
    });
    let scopes = judge(&renamed, &json!({ "scope": "read" })).unwrap().scopes;
    assert_eq!(scopes, ScopeSet::from(BuiltInScope::OData));
    let nothing =
        judge(&trusted(|settings| settings.scopes = vec!["profile".to_owned()]), &json!({})).unwrap();
    assert!(nothing.scopes.is_empty());
}

#[test]
fn a_time_of_sign_in_that_is_malformed_or_in_the_future_is_unknown() {
    let registry = ScopeRegistry::built_in();
    let issuer = trusted(|_| {});
    let facts = TokenFacts { trusted: &issuer, urls: URLS, scopes: &registry, now: NOW };
    let now = NOW.as_secs();
    for (auth_time, known) in [
        (json!(now - 90), Some(now - 90)),
        (json!(now + 60), Some(now + 60)),
        (json!(now + 61), None),
        (json!("yesterday"), None),
        (json!(-1), None),
        (json!({}), None),
        (Value::Null, None),
    ] {
        let all = json!({
            "aud": "https://gate.example/api/odata4", "scope": "api.access.odata", "auth_time": auth_time,
        });
        let accepted = accept_access_token(&claims(&all), facts).expect("it is optional");
        assert_eq!(accepted.signed_in_at, known.map(Timestamp::from_secs), "{auth_time}");
    }
}

#[test]
fn every_fault_of_an_issuer_is_found() {
    let sound = NewTrustedIssuer { issuer: IDP.to_owned(), settings: trusted(|_| {}).settings };
    assert_eq!(sound.faults(), []);
    let with = |change: fn(&mut NewTrustedIssuer)| {
        let mut new = sound.clone();
        change(&mut new);
        new.faults()
    };
    for (faults, field, fault) in [
        (with(|new| new.issuer = "http://idp.example".to_owned()), "issuer", IssuerFault::NotHttps),
        (with(|new| new.issuer = "https://u@idp.example".to_owned()), "issuer", IssuerFault::NotHttps),
        (with(|new| new.issuer = "https://idp.example?a".to_owned()), "issuer", IssuerFault::HasQuery),
        (with(|new| new.settings.jwks_uri = Some("x".to_owned())), "jwksUri", IssuerFault::NotHttps),
        (with(|new| new.settings.service = None), "service", IssuerFault::NoService),
        (with(|new| new.settings.service = Some("a b".to_owned())), "service", IssuerFault::NotAService),
        (with(|new| new.settings.clients.clear()), "clients", IssuerFault::NoClient),
        (with(|new| new.settings.workloads.clear()), "workloads", IssuerFault::NoWorkload),
        (
            with(|new| new.settings.workloads[0].subject = "*".to_owned()),
            "workloads[0].subject",
            IssuerFault::NotAPattern,
        ),
        (
            with(|new| new.settings.workloads[0].client = "x".to_owned()),
            "workloads[0].client",
            IssuerFault::NotAClientId,
        ),
        (
            with(|new| new.settings.resources = vec!["x".to_owned()]),
            "resources[0]",
            IssuerFault::NotAResource,
        ),
        (with(|new| new.settings.subject_is = SubjectKind::Listed), "subjects", IssuerFault::NoSubject),
        (with(|new| new.settings.subject_claim.clear()), "subjectClaim", IssuerFault::NotAName),
        (with(|new| new.settings.scopes = vec!["s".to_owned(); 101]), "scopes", IssuerFault::TooMany),
    ] {
        assert_eq!(faults, [(field.to_owned(), fault)]);
    }
    let nothing = NewTrustedIssuer { issuer: IDP.to_owned(), settings: IssuerSettings::default() };
    assert_eq!(nothing.faults(), [("purposes".to_owned(), IssuerFault::NoPurpose)]);
}

fn attest<'a>(claims: &'a Claims, trusted: &TrustedIssuer) -> Result<&'a crate::jwt::Object, Refusal> {
    accept_attestation(claims, AttestationFacts { trusted, client: CLIENT, now: NOW })
}

/// The claims of an attestation with these replaced; `null` removes one.
fn attestation(changes: &Value) -> Claims {
    let now = NOW.as_secs();
    let own = json!({
        "sub": CLIENT, "iat": now, "exp": now + 3_600, "cnf": { "jwk": { "kty": "OKP" } },
        "aud": null, "jti": null, "client_id": null, "resource": null, "scope": null,
    });
    let mut all = own.as_object().unwrap().clone();
    all.extend(changes.as_object().unwrap().clone());
    claims(&all.into())
}

#[test]
fn each_rule_of_an_attestation_has_its_refusal() {
    let (now, attester) = (NOW.as_secs(), trusted(|_| {}));
    for (changes, refusal) in [
        (json!({ "iss": "https://other.example" }), Refusal::AttesterUnknown),
        (json!({ "iss": 7 }), Refusal::AttesterUnknown),
        (json!({ "sub": null }), Refusal::AttestationOfAnotherClient),
        (json!({ "sub": "zoe" }), Refusal::AttestationOfAnotherClient),
        (json!({ "exp": null }), Refusal::AttestationTimes),
        (json!({ "exp": now + 30 * 86_400 + 61 }), Refusal::AttestationTimes),
        (json!({ "exp": now }), Refusal::AttestationExpired),
        (json!({ "iat": now + 61 }), Refusal::AttestationTimes),
        (json!({ "nbf": now + 61 }), Refusal::AttestationTimes),
        (json!({ "nbf": "soon" }), Refusal::AttestationTimes),
        (json!({ "cnf": null }), Refusal::AttestationKey),
        (json!({ "cnf": {} }), Refusal::AttestationKey),
        (json!({ "cnf": { "jkt": "x" } }), Refusal::AttestationKey),
        (json!({ "cnf": { "jwk": "x" } }), Refusal::AttestationKey),
    ] {
        assert_eq!(attest(&attestation(&changes), &attester), Err(refusal), "{changes}");
    }
    for changes in [
        json!({}),
        json!({ "iss": null }),
        json!({ "iat": null }),
        json!({ "iat": now - 86_400, "exp": now + 30 * 86_400 }),
        json!({ "nbf": now + 60, "eudi_wallet": {} }),
    ] {
        assert!(attest(&attestation(&changes), &attester).is_ok(), "{changes}");
    }
}

#[test]
fn an_attester_is_trusted_for_named_clients_or_for_every_client() {
    let refused = |change: fn(&mut IssuerSettings)| {
        assert_eq!(attest(&attestation(&json!({})), &trusted(change)), Err(Refusal::AttesterUnknown));
    };
    refused(|settings| settings.purposes.retain(|purpose| *purpose != Purpose::ClientAttestation));
    refused(|settings| settings.clients = vec!["another".to_owned()]);
    let (named, every) = (trusted(|_| {}), trusted(|settings| settings.clients = vec!["*".to_owned()]));
    assert!(attest(&attestation(&json!({})), &every).is_ok());
    assert!(named.settings.attests(CLIENT) && !named.settings.attests("another"));
    assert!(!named.settings.attests_every_client() && every.settings.attests_every_client());
    let fault = |clients: &[&str]| {
        let settings = IssuerSettings {
            purposes: vec![Purpose::ClientAttestation],
            clients: clients.iter().map(|&client| client.to_owned()).collect(),
            ..IssuerSettings::default()
        };
        NewTrustedIssuer { issuer: IDP.to_owned(), settings }.faults()
    };
    assert_eq!(fault(&[]), [("clients".to_owned(), IssuerFault::NoClient)]);
    assert_eq!(fault(&["*"]), []);
}
