use std::sync::LazyLock;

use domain::id::TrustedIssuerId;
use domain::time::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::application::ApplicationType;
use crate::error::ErrorCode;
use crate::jwt::Claims;
use crate::sample;
use crate::trusted_issuer::{IssuerSettings, Purpose, TrustedIssuer};

mod members;

const CALLBACK: &str = "https://app.example.com/callback";

fn decided_with(
    more: &Value,
    policy: &ClientPolicy,
    existing: Option<&ApplicationSettings>,
) -> Result<ApplicationSettings, MetadataFault> {
    decided_by(more, None, policy, existing)
}

fn decided_by(
    more: &Value,
    statement: Option<&SoftwareStatement>,
    policy: &ClientPolicy,
    existing: Option<&ApplicationSettings>,
) -> Result<ApplicationSettings, MetadataFault> {
    let facts = Facts { policy, statement, existing, ..facts() };
    decide(&members(more), facts)
}

/// At a server that accepts these certificates.
fn decided_where(
    more: &Value,
    certificates: AcceptedCertificates,
) -> Result<ApplicationSettings, MetadataFault> {
    decide(&members(more), Facts { certificates, ..facts() })
}

fn members(more: &Value) -> Object {
    let mut members = json!({"client_name": "Harbour Agent", "redirect_uris": [CALLBACK]});
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    members.as_object().unwrap().clone()
}

static SCHEMES: LazyLock<Vec<PrivateUseScheme>> = LazyLock::new(PrivateUseScheme::known);
static POLICY: LazyLock<ClientPolicy> = LazyLock::new(ClientPolicy::default);

fn facts() -> Facts<'static> {
    Facts {
        scopes: sample::built_in_scopes(),
        policy: &POLICY,
        minimum_profile: Profile::Compatible,
        statement: None,
        reachable: Reachable::Public,
        private_use_schemes: &SCHEMES,
        certificates: AcceptedCertificates::Issued,
        attestable: true,
        existing: None,
    }
}

fn decided(more: &Value) -> Result<ApplicationSettings, MetadataFault> {
    decided_with(more, &ClientPolicy::default(), None)
}

fn code(more: &Value) -> ErrorCode {
    decided(more).expect_err(&more.to_string()).code
}

#[test]
fn a_client_gets_the_defaults_of_the_specification() {
    let settings = decided(&json!({})).unwrap();
    assert_eq!((settings.client_type, settings.profile), (ClientType::Confidential, Profile::OAuth21));
    assert_eq!(settings.grant_types, [GrantType::AuthorizationCode]);
    let method = settings.client_metadata.authentication.token_endpoint_auth_method;
    assert_eq!(method, Some(AuthenticationMethod::ClientSecretBasic));
    assert!(settings.client_metadata.self_registered.is_some() && settings.requires_challenge());
    let public = decided(&json!({"token_endpoint_auth_method": "none"})).unwrap();
    assert_eq!(public.client_type, ClientType::Public);
    let unnamed = decided(&json!({"client_name": null})).unwrap();
    assert_eq!(unnamed.name, "app.example.com");
    let native = json!({"client_name": null, "redirect_uris": ["com.example.app://bank.example/"]});
    assert_eq!(decided(&native).unwrap().name, "Unnamed client", "nobody owns that host");
}

#[test]
fn unknown_members_and_null_are_ignored() {
    let more = json!({
        "resource": ["x"], "x": {"y": []}, "client_name#de": 1, "contacts": null, "logo_uri": null,
        "scope": null, "jwks": null, "jwks_uri": null, "grant_types": null, "response_types": null, "default_max_age": null,
        "client_id": "mine", "client_secret": "mine",
    });
    assert_eq!(decided(&more), decided(&json!({})));
}

#[test]
fn unusable_redirect_uris_are_named() {
    for uris in [
        json!([]),
        json!(null),
        json!("https://a.example/"),
        json!([null]),
        json!([7]),
        json!([""]),
        json!([" https://a.example/"]),
        json!(["javascript:alert(1)"]),
        json!(["data:,x"]),
        json!(["https://a.example/#f"]),
        json!(["https://a.example/#"]),
        json!(["http://a.example/"]),
        json!(["/callback"]),
        json!(["app:/callback"]),
        json!(["cursor://callback"]),
        json!([CALLBACK, "https://u:p@a.example/"]),
        json!(
            vec!["https://a.example/".to_owned(); 51]
                .into_iter()
                .enumerate()
                .map(|(at, uri)| format!("{uri}{at}"))
                .collect::<Vec<_>>()
        ),
    ] {
        assert_eq!(code(&json!({"redirect_uris": uris})), ErrorCode::InvalidRedirectUri, "{uris}");
    }
}

#[test]
fn a_listed_private_use_scheme_is_for_public_clients() {
    let with = |method: &str, uri: &str| {
        decided(&json!({"redirect_uris": [CALLBACK, uri], "token_endpoint_auth_method": method}))
    };
    for uri in ["cursor://anysphere.cursor-mcp/oauth/callback", "vscode://x/cb", "windsurf://cb"] {
        let settings = with("none", uri).unwrap();
        assert_eq!((settings.client_type, &*settings.redirect_urls[1]), (ClientType::Public, uri));
        let fault = with("client_secret_post", uri).unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidRedirectUri);
        assert!(fault.description.ends_with("which only public applications may use"), "{fault:?}");
    }
    assert_eq!(with("none", "other://cb").unwrap_err().code, ErrorCode::InvalidRedirectUri);
    let policy =
        ClientPolicy { redirect_hosts: vec!["app.example.com".parse().unwrap()], ..ClientPolicy::default() };
    let more = json!({"redirect_uris": ["cursor://app.example.com/"], "token_endpoint_auth_method": "none"});
    assert!(decided_with(&more, &policy, None).is_err(), "nobody owns that host");
}

#[test]
fn members_of_wrong_types_and_values_are_named() {
    for more in [
        json!({"client_name": 1}),
        json!({"client_name": "d2cadmin"}),
        json!({"client_name": "x".repeat(129)}),
        json!({"grant_types": "authorization_code"}),
        json!({"grant_types": []}),
        json!({"grant_types": ["client_credentials", "password", "implicit"]}),
        json!({"response_types": ["token"]}),
        json!({"response_types": [null]}),
        json!({"token_endpoint_auth_method": "secret_jwt"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "ES256"}),
        json!({"token_endpoint_auth_method": ["none"]}),
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"jwks": []}),
        json!({"jwks_uri": "http://a.example/"}),
        json!({"jwks": {"keys": [{}]}, "jwks_uri": "https://a.example/"}),
        json!({"application_type": "desktop"}),
        json!({"contacts": "me"}),
        json!({"scope": ["a"]}),
        json!({"default_max_age": "1"}),
        json!({"subject_type": "odd"}),
        json!({"sector_identifier_uri": "http://a.example/"}),
        json!({"subject_type": "pairwise", "redirect_uris": [CALLBACK, "https://other.example/cb"]}),
        json!({"software_id": "x".repeat(257)}),
        json!({"client_uri": 7}),
        json!({"client_uri": "javascript:alert(1)"}),
        json!({"tos_uri": "https://u:p@a.example/"}),
        json!({"policy_uri": "https://a.example/ä"}),
        json!({"policy_uri": format!("https://a.example/{}", "x".repeat(2048))}),
        json!({"dpop_bound_access_tokens": "yes"}),
    ] {
        assert_eq!(code(&more), ErrorCode::InvalidClientMetadata, "{more}");
    }
    let fault = decided(&json!({"token_endpoint_auth_method": "private_key_jwt"})).unwrap_err();
    assert!(fault.description.starts_with("jwks is required"), "{}", fault.description);
}

#[test]
fn what_the_policy_does_not_allow_is_left_out() {
    let asked = json!({
        "grant_types": ["authorization_code", "refresh_token", "client_credentials", "password", "implicit",
            "urn:ietf:params:oauth:grant-type:token-exchange"],
        "response_types": ["code", "token"],
        "scope": "api.access.odata api.mgmt nothing",
    });
    let settings = decided(&asked).unwrap();
    assert_eq!(settings.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(ScopeRegistry::built_in().text(&settings.scopes), "api.access.odata");
    let policy = ClientPolicy { grant_types: vec![GrantType::AuthorizationCode], ..ClientPolicy::default() };
    assert_eq!(decided_with(&asked, &policy, None).unwrap().grant_types, [GrantType::AuthorizationCode]);
    let policy = ClientPolicy { scopes: vec!["openid".to_owned()], ..ClientPolicy::default() };
    let narrow = decided_with(&asked, &policy, None).unwrap();
    assert_eq!(ScopeRegistry::built_in().text(&narrow.scopes), "openid");
}

#[test]
fn a_policy_may_name_the_hosts_of_redirect_uris() {
    let rules = ["app.example.com", "*.example.org", "localhost"];
    let redirect_hosts = rules.map(|rule| rule.parse().unwrap()).to_vec();
    let policy = ClientPolicy { redirect_hosts, ..ClientPolicy::default() };
    let outcome = |uri: &str| decided_with(&json!({"redirect_uris": [uri]}), &policy, None).is_ok();
    for allowed in [CALLBACK, "https://a.b.example.org/cb", "http://localhost:1/cb"] {
        assert!(outcome(allowed), "{allowed}");
    }
    for refused in
        ["https://example.org/cb", "https://badexample.org/cb", "http://127.0.0.1/cb", "com.example.app:/cb"]
    {
        assert!(!outcome(refused), "{refused}");
    }
    for text in ["", "https://a.example", "a.example:1", "*", "*.*.example", "a.example/b"] {
        assert!(text.parse::<crate::client_document::HostPattern>().is_err(), "{text}");
    }
}

#[test]
fn the_application_type_is_understood_and_told() {
    let kind =
        |more: &Value| decided(more).unwrap().client_metadata.self_registered.unwrap().application_type;
    assert_eq!(kind(&json!({})), ApplicationType::Web);
    for uri in ["com.example.app:/cb", "http://127.0.0.1/cb", "http://localhost/cb"] {
        assert_eq!(kind(&json!({"redirect_uris": [uri]})), ApplicationType::Native, "{uri}");
        assert_eq!(
            kind(&json!({"redirect_uris": [uri], "application_type": "native"})),
            ApplicationType::Native
        );
    }
    for uri in ["com.example.app:/cb", "cursor://cb"] {
        let web = json!({
            "redirect_uris": [CALLBACK, uri], "application_type": "web", "token_endpoint_auth_method": "none",
        });
        assert_eq!(kind(&web), ApplicationType::Native, "{uri}: the answer says what it is");
    }
    assert_eq!(
        kind(&json!({"redirect_uris": ["http://localhost/cb"], "application_type": "web"})),
        ApplicationType::Web
    );
}

#[test]
fn a_replaced_registration_loses_what_it_omits_and_keeps_what_administrators_set() {
    let full = json!({"contacts": ["me"], "logo_uri": "https://a.example/l", "default_max_age": 5, "client_name": "Old"});
    let mut first = decided(&full).unwrap();
    first.access_token_lifetime_secs = Some(60);
    let next = decided_with(&json!({}), &ClientPolicy::default(), Some(&first)).unwrap();
    assert_eq!((next.name.as_str(), next.contacts.len(), next.logo_url), ("Harbour Agent", 0, None));
    assert_eq!(next.client_metadata.openid, OpenIdMetadataDefault::default());
    assert_eq!((next.access_token_lifetime_secs, &next.scopes), (Some(60), &first.scopes));
    for method in ["none", "private_key_jwt", "client_secret_jwt"] {
        let changed = json!({"token_endpoint_auth_method": method, "jwks_uri": "https://a.example/k"});
        assert!(decided_with(&changed, &ClientPolicy::default(), Some(&first)).is_err(), "{method}");
    }
    let post = json!({"token_endpoint_auth_method": "client_secret_post"});
    assert!(decided_with(&post, &ClientPolicy::default(), Some(&first)).is_ok());
}

#[test]
fn the_answer_tells_every_member_and_no_secret() {
    let more = json!({"jwks_uri": "https://a.example/k", "token_endpoint_auth_method": "private_key_jwt",
        "contacts": ["me"], "application_type": "web", "software_id": "4", "client_uri": "https://app.example.com/",
        "tos_uri": "http://app.example.com/terms", "policy_uri": "https://app.example.com/privacy", "id_token_signed_response_alg": "ES256"});
    let settings = decided(&more).unwrap();
    let application = sample::application(|stored| *stored = settings);
    let information = Value::Object(client_information(&application, &ScopeRegistry::built_in()));
    for (name, value) in more.as_object().unwrap() {
        assert_eq!(&information[name], value, "{name}");
    }
    assert_eq!(
        (&information["response_types"], &information["redirect_uris"]),
        (&json!(["code"]), &json!([CALLBACK]))
    );
    assert_eq!(information["client_id"], sample::CLIENT_ID);
    assert!(information.get("client_secret").is_none());
}

#[test]
fn an_assertion_by_a_secret_has_one_algorithm_which_is_told() {
    for more in [
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "HS256"}),
    ] {
        let settings = decided(&more).unwrap();
        assert!(settings.needs_secret() && settings.client_metadata.authentication.needs_readable_secret());
        let application = sample::application(|stored| *stored = settings);
        let information = client_information(&application, &ScopeRegistry::built_in());
        assert_eq!(information["token_endpoint_auth_method"], "client_secret_jwt");
        assert_eq!(information["token_endpoint_auth_signing_alg"], "HS256");
    }
}

type OpenIdMetadataDefault = crate::application::OpenIdMetadata;

#[test]
fn addresses_for_special_use_are_refused_by_name() {
    for (member, more) in [
        (
            "jwks_uri",
            json!({"jwks_uri": "https://127.0.0.1/keys", "token_endpoint_auth_method": "private_key_jwt"}),
        ),
        ("logo_uri", json!({"logo_uri": "https://10.0.0.1/logo.png"})),
        ("backchannel_logout_uri", json!({"backchannel_logout_uri": "https://localhost/out"})),
    ] {
        let fault = decided(&more).unwrap_err();
        assert_eq!(fault.code, ErrorCode::InvalidClientMetadata);
        assert!(fault.description.starts_with(&format!("{member} must name a public host")), "{fault:?}");
    }
    let inside =
        json!({"redirect_uris": ["https://10.0.0.1/cb"], "frontchannel_logout_uri": "https://10.0.0.1/out"});
    decided(&inside).unwrap();
}

const VENDOR: &str = "https://vendor.example";

fn statement(claims: &Value) -> SoftwareStatement {
    let now = Timestamp::from_secs(1_800_000_000);
    let settings = IssuerSettings { purposes: vec![Purpose::SoftwareStatement], ..IssuerSettings::default() };
    let id = TrustedIssuerId::new(1);
    let trusted = TrustedIssuer { id, issuer: VENDOR.to_owned(), settings, created_at: now, updated_at: now };
    let mut all = json!({"iss": VENDOR, "software_id": "crane"});
    all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    let claims = Claims::parse(all.to_string().as_bytes()).unwrap();
    let facts = StatementFacts { trusted: &trusted, issuer: "https://gate.example", now };
    SoftwareStatement::accept("a.b.c", claims, facts).unwrap()
}

#[test]
fn what_a_statement_says_comes_before_what_the_client_says_and_obeys_the_same_rules() {
    let policy = ClientPolicy::default();
    let named = statement(&json!({"client_name": "Crane", "scope": "openid"}));
    let settings = decided_by(&json!({"software_id": "mine"}), Some(&named), &policy, None).unwrap();
    assert_eq!(settings.name, "Crane");
    let information = settings.client_metadata.self_registered.unwrap();
    assert_eq!(information.software_id.as_deref(), Some("crane"));
    assert_eq!(information.software_statement.as_deref(), Some("a.b.c"));
    let unusable = statement(&json!({"redirect_uris": ["http://crane.example/"]}));
    let fault = decided_by(&json!({}), Some(&unusable), &policy, None).unwrap_err();
    assert_eq!(fault.code, ErrorCode::InvalidRedirectUri);
}

#[test]
fn a_statement_may_be_required_and_is_not_shed() {
    let needed = ClientPolicy { requires_software_statement: true, ..ClientPolicy::default() };
    let crane = statement(&json!({}));
    assert!(decided_with(&json!({}), &needed, None).is_err());
    let settings = decided_by(&json!({}), Some(&crane), &needed, None).unwrap();
    let policy = ClientPolicy::default();
    assert!(decided_with(&json!({}), &policy, Some(&settings)).is_err());
    decided_by(&json!({}), Some(&crane), &policy, Some(&settings)).unwrap();
}
