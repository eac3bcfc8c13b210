#![no_main]
//! No claims of a trusted issuer make the rules about them panic; what they accept is for this server alone and of that issuer.

use std::sync::LazyLock;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use oauth::jwt::Claims;
use oauth::resource::ServerUrls;
use oauth::scope::ScopeRegistry;
use oauth::trusted_issuer::{
    AssertionFacts, AttestationFacts, GrantKind, IssuerSettings, NewTrustedIssuer, Purpose, SubjectKind,
    TokenFacts, TrustedIssuer, Workload, WorkloadFacts, accept_access_token, accept_assertion,
    accept_attestation, accept_workload,
};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const SERVER: &str = "https://gate.example";
const URLS: ServerUrls<'static> = ServerUrls { public: SERVER, for_certificates: None };
const CLIENT: &str = "3f2504e0-4f89-41d3-9a0c-0305e82c3301";

static SCOPES: LazyLock<ScopeRegistry> = LazyLock::new(ScopeRegistry::built_in);

static TRUSTED: LazyLock<TrustedIssuer> = LazyLock::new(|| TrustedIssuer {
    id: TrustedIssuerId::new(1),
    issuer: "https://idp.example".to_owned(),
    settings: IssuerSettings {
        purposes: Purpose::ALL.to_vec(),
        subject_is: SubjectKind::UserName,
        clients: vec![CLIENT.to_owned()],
        service: Some("corporate".to_owned()),
        workloads: vec![Workload { subject: "a:*b*c:d".to_owned(), client: CLIENT.to_owned() }],
        ..IssuerSettings::default()
    },
    created_at: NOW,
    updated_at: NOW,
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Some(settings) =
        std::str::from_utf8(bytes).ok().and_then(|text| IssuerSettings::from_json(text).ok())
    {
        let _ = NewTrustedIssuer { issuer: TRUSTED.issuer.clone(), settings }.faults();
    }
    let Ok(claims) = Claims::parse(bytes) else { return };
    for kind in GrantKind::ALL {
        let facts = AssertionFacts { trusted: &TRUSTED, kind, issuer: SERVER, client: CLIENT, now: NOW };
        if accept_assertion(&claims, facts).is_ok() {
            assert_eq!(claims.audiences(), Ok(vec![SERVER]));
            assert_eq!(claims.text("iss"), Ok(Some("https://idp.example")));
        }
    }
    if accept_workload(&claims, WorkloadFacts { trusted: &TRUSTED, issuer: SERVER, now: NOW }).is_ok() {
        assert_eq!(claims.audiences(), Ok(vec![SERVER]));
    }
    if accept_attestation(&claims, AttestationFacts { trusted: &TRUSTED, client: CLIENT, now: NOW }).is_ok() {
        assert_eq!(claims.text("sub"), Ok(Some(CLIENT)));
        assert!(claims.time("exp").is_ok_and(|end| end.is_some_and(|end| NOW < end)));
    }
    let facts = TokenFacts { trusted: &TRUSTED, urls: URLS, scopes: &SCOPES, now: NOW };
    if let Some(accepted) = accept_access_token(&claims, facts) {
        assert!(accepted.resources.iter().all(|resource| resource.starts_with(SERVER)));
    }
});
