//! Each member of client metadata can be registered by a client, or is known to be for administrators.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::application::SubjectType;
use crate::application::{
    AuthenticationMetadata, ClientMetadata, ClientPages, KnownToDeputies, OpenIdMetadata, RequestMetadata,
    TokenExchangePolicy,
};
use crate::certificate::CertificateSubject;
use crate::client_members::{CERTIFICATE, OPENID};
use crate::jwt::Object;
use crate::signing::{JwsAlgorithm, SigningAlgorithm};

/// The members about request objects, signed responses, introspection and the binding of tokens.
const FURTHER: [&str; 12] = [
    "introspection_signed_response_alg",
    "dpop_bound_access_tokens",
    "tls_client_certificate_bound_access_tokens",
    "require_pushed_authorization_requests",
    "require_signed_request_object",
    "request_object_signing_alg",
    "request_uris",
    "authorization_signed_response_alg",
    "authorization_details_types",
    "client_uri",
    "tos_uri",
    "policy_uri",
];
/// Members of the stored object that only administrators set.
const OF_ADMINISTRATORS: [&str; 4] =
    ["access_token_signing_alg", "introspection_audiences", "token_exchange", "require_second_factor"];
/// Members of the stored object that only the server sets.
const OF_SERVER: [&str; 3] = ["described_at", "deputy_knows_secret", "deputy_provided_keys"];
/// Members of the stored object that have decisions of their own.
const DECIDED_APART: [&str; 6] = [
    "token_endpoint_auth_method",
    "token_endpoint_auth_signing_alg",
    "jwks",
    "jwks_uri",
    "tls_client_auth",
    "self_registered",
];

/// Metadata without a default, written without `..`, so that a new member cannot be forgotten.
fn full() -> ClientMetadata {
    let text = || Some("x".to_owned());
    ClientMetadata {
        access_token_signing_alg: Some(SigningAlgorithm::Es256),
        require_pushed_authorization_requests: true,
        require_second_factor: true,
        introspection_signed_response_alg: Some(SigningAlgorithm::Es256),
        introspection_audiences: vec!["x".to_owned()],
        token_exchange: Some(TokenExchangePolicy::default()),
        openid: OpenIdMetadata {
            subject_type: SubjectType::Pairwise,
            sector_identifier_uri: text(),
            id_token_signed_response_alg: text(),
            userinfo_signed_response_alg: text(),
            default_max_age: Some(1),
            require_auth_time: true,
            default_acr_values: vec!["x".to_owned()],
            post_logout_redirect_uris: vec!["x".to_owned()],
            initiate_login_uri: text(),
            frontchannel_logout_uri: text(),
            frontchannel_logout_session_required: true,
            backchannel_logout_uri: text(),
            backchannel_logout_session_required: true,
            backchannel_token_delivery_mode: text(),
        },
        authentication: AuthenticationMetadata {
            token_endpoint_auth_method: Some(AuthenticationMethod::TlsClientAuth),
            token_endpoint_auth_signing_alg: JwsAlgorithm::from_name("ES256"),
            jwks: Some(Object::new()),
            jwks_uri: text(),
            tls_client_auth: Some(CertificateSubject::SanDns("x".to_owned())),
        },
        dpop_bound_access_tokens: true,
        requests: RequestMetadata {
            request_object_signing_alg: JwsAlgorithm::from_name("ES256"),
            require_signed_request_object: true,
            request_uris: vec!["x".to_owned()],
            authorization_signed_response_alg: Some(SigningAlgorithm::Es256),
            authorization_details_types: Some(Vec::new()),
        },
        tls_client_certificate_bound_access_tokens: true,
        pages: ClientPages { client_uri: text(), tos_uri: text(), policy_uri: text() },
        self_registered: Some(SelfRegistered::default()),
        described_at: Some(sample::NOW),
        deputies: KnownToDeputies { secret: true, keys: true },
        later: Object::new(),
    }
}

#[test]
fn no_member_of_client_metadata_is_forgotten() {
    let stored = json!(full());
    let stored: BTreeSet<&str> = stored.as_object().unwrap().keys().map(String::as_str).collect();
    let known =
        OPENID.iter().chain(&FURTHER).chain(&OF_ADMINISTRATORS).chain(&OF_SERVER).chain(&DECIDED_APART);
    assert_eq!(stored, known.copied().collect());
}

fn information(settings: &ApplicationSettings) -> Value {
    let application = sample::application(|stored| *stored = settings.clone());
    Value::Object(client_information(&application, &ScopeRegistry::built_in()))
}

#[test]
fn each_member_is_registered_told_and_deleted_by_omission() {
    let page = "https://app.example.com/out";
    let members = json!({
        "subject_type": "pairwise",
        "sector_identifier_uri": "https://sector.example/uris.json",
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "EdDSA",
        "default_max_age": 5,
        "require_auth_time": true,
        "post_logout_redirect_uris": [page],
        "initiate_login_uri": page,
        "frontchannel_logout_uri": page,
        "frontchannel_logout_session_required": true,
        "backchannel_logout_uri": page,
        "backchannel_logout_session_required": true,
        "backchannel_token_delivery_mode": "poll",
        "introspection_signed_response_alg": "PS256",
        "dpop_bound_access_tokens": true,
        "tls_client_certificate_bound_access_tokens": true,
        "require_pushed_authorization_requests": true,
        "require_signed_request_object": true,
        "request_object_signing_alg": "ES384",
        "request_uris": ["https://app.example.com/object"],
        "authorization_signed_response_alg": "ES256",
        "authorization_details_types": ["data_source"],
        "client_uri": page,
        "tos_uri": page,
        "policy_uri": page,
    });
    let members = members.as_object().unwrap();
    for name in OPENID.iter().chain(&FURTHER) {
        let value = match *name {
            "default_acr_values" => json!([crate::user_authentication::ACR_VALUES[0]]),
            name => members[name].clone(),
        };
        let settings = decided(&json!({ *name: value })).expect(name);
        assert_eq!(information(&settings)[name], value, "{name}");
        let next = decided_with(&json!({}), &ClientPolicy::default(), Some(&settings)).unwrap();
        assert_eq!(information(&next).get(name), None, "{name}");
    }
}

#[test]
fn a_client_names_its_certificate() {
    for (name, value) in CERTIFICATE.into_iter().zip([
        "CN=crane,O=Harbour",
        "crane.example",
        "spiffe://harbour/crane",
        "192.0.2.7",
        "crane@harbour.example",
    ]) {
        let more = json!({ "token_endpoint_auth_method": "tls_client_auth", name: value });
        let information = information(&decided(&more).expect(name));
        assert_eq!(information[name], value);
        assert_eq!(information.get("tls_client_auth"), None);
    }
    let fault = decided(&json!({
        "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "*.example",
    }));
    let fault = fault.unwrap_err().description;
    assert!(fault.starts_with("tls_client_auth_san_dns must be a DNS name"), "{fault}");
    let missing = decided(&json!({"token_endpoint_auth_method": "tls_client_auth"})).unwrap_err();
    let two = json!({"tls_client_auth_san_dns": "a.example", "tls_client_auth_san_ip": "192.0.2.7"});
    for (fault, end) in
        [(missing, "is required for tls_client_auth"), (decided(&two).unwrap_err(), "must be given")]
    {
        let words = fault.description;
        assert!(
            words.starts_with("exactly one of tls_client_auth_subject_dn, ") && words.ends_with(end),
            "{words}"
        );
    }
}

#[test]
fn what_needs_a_certificate_is_refused_where_the_server_does_not_accept_it() {
    use AcceptedCertificates::{Issued, None, SelfSigned};
    let issued =
        json!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "a.example"});
    let keys = "https://app.example.com/keys";
    let own = json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks_uri": keys});
    let bound = json!({"tls_client_certificate_bound_access_tokens": true});
    for (more, accepted_with) in [
        (issued, &[Issued][..]),
        (own, &[SelfSigned, Issued]),
        (bound, &[SelfSigned, Issued]),
        (json!({"tls_client_certificate_bound_access_tokens": false}), &[None, SelfSigned, Issued]),
    ] {
        for certificates in [None, SelfSigned, Issued] {
            let outcome = decided_where(&more, certificates);
            assert_eq!(outcome.is_ok(), accepted_with.contains(&certificates), "{more} {certificates:?}");
            let code = outcome.err().map(|fault| fault.code);
            assert!(code.is_none_or(|code| code == ErrorCode::InvalidClientMetadata), "{more}");
        }
    }
    let refused = decided_where(&json!({"token_endpoint_auth_method": "tls_client_auth"}), SelfSigned);
    let words = refused.unwrap_err().description;
    assert!(
        words.contains("self_signed_tls_client_auth, attest_jwt_client_auth, none")
            && !words.contains(" tls_client_auth"),
        "{words}"
    );
}

#[test]
fn a_sector_is_claimed_only_by_a_client_whose_tokens_come_by_redirects_to_sites() {
    let sector = "https://sector.example/uris.json";
    let device = "urn:ietf:params:oauth:grant-type:device_code";
    let outcome = |grants: Value, uri: &str| {
        decided(
            &json!({"sector_identifier_uri": sector, "grant_types": grants, "redirect_uris": [CALLBACK, uri]}),
        )
    };
    let other = "https://other.example/cb";
    outcome(json!(["authorization_code", "refresh_token"]), other).unwrap();
    for (grants, uri) in [
        (json!(["authorization_code", device]), other),
        (json!(["authorization_code"]), "http://localhost/cb"),
        (json!(["authorization_code"]), "com.example.app:/cb"),
    ] {
        let fault = outcome(grants, uri).unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidClientMetadata);
        assert!(fault.description.starts_with("sector_identifier_uri needs"), "{}", fault.description);
    }
}

#[test]
fn members_about_requests_obey_the_rules_of_the_management_api() {
    for more in [
        json!({"authorization_signed_response_alg": "none"}),
        json!({"request_object_signing_alg": "none"}),
        json!({"request_uris": ["http://app.example.com/object"]}),
        json!({"request_uris": ["https://10.0.0.1/object"]}),
        json!({"request_uris": "https://app.example.com/object"}),
        json!({"require_signed_request_object": "yes"}),
        json!({"backchannel_token_delivery_mode": "push"}),
        json!({"dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true}),
    ] {
        assert_eq!(code(&more), ErrorCode::InvalidClientMetadata, "{more}");
    }
}

#[test]
fn the_answer_names_the_algorithms_that_the_profile_puts_in_place_of_defaults() {
    let mut settings = decided(&json!({})).unwrap();
    assert_eq!(information(&settings).get("id_token_signed_response_alg"), None);
    settings.profile = Profile::Fapi2;
    let information = information(&settings);
    for name in [
        "id_token_signed_response_alg",
        "introspection_signed_response_alg",
        "authorization_signed_response_alg",
    ] {
        let used = settings.allowed_algorithm(SigningAlgorithm::Rs256);
        assert_eq!(information[name], used.as_str(), "{name}");
    }
}

#[test]
fn a_replaced_registration_keeps_what_only_administrators_set() {
    let mut stored = decided(&json!({})).unwrap();
    stored.description = "checked".to_owned();
    stored.client_metadata.access_token_signing_alg = Some(SigningAlgorithm::Es256);
    stored.client_metadata.token_exchange = Some(TokenExchangePolicy::default());
    stored.client_metadata.introspection_audiences = vec!["https://orders.example/api".to_owned()];
    stored.grant_types.push(GrantType::TokenExchange);
    stored.token_format = crate::application::TokenFormat::Jwt;
    stored.access_token_lifetime_secs = Some(60);
    stored.cors_origins = vec!["https://pages.example".to_owned()];
    for members in [json!({}), json!({ "grant_types": ["authorization_code"] })] {
        let next = decided_with(&members, &ClientPolicy::default(), Some(&stored)).unwrap();
        assert_eq!(next.client_metadata.access_token_signing_alg, Some(SigningAlgorithm::Es256));
        assert_eq!(next.client_metadata.token_exchange, Some(TokenExchangePolicy::default()));
        assert_eq!(next.client_metadata.introspection_audiences, ["https://orders.example/api"]);
        assert!(next.grant_types.contains(&GrantType::TokenExchange), "{members}");
        assert_eq!(next.description, "checked");
        let kept = (next.token_format, next.access_token_lifetime_secs, next.cors_origins);
        assert_eq!(kept, (stored.token_format, Some(60), stored.cors_origins.clone()));
    }
    let sector = json!({ "sector_identifier_uri": "https://sector.example/all.json" });
    decided_with(&sector, &ClientPolicy::default(), Some(&stored))
        .expect("it is judged by what it registers");
}
