use std::sync::LazyLock;

use domain::id::ScopeId;
use serde_json::{Value, json};

use super::*;
use crate::application::GrantType;
use crate::application::TokenFormat;
use crate::client_authentication::AcceptedCredential;
use crate::metadata::Metadata;
use crate::refusal::Refusal;
use crate::sample::{client, pairs};
use crate::scope::{Assignment, BuiltInScope, MOST_SCOPES_OF_APPLICATION, Scope, ScopeSet};
use crate::signing::{JwsAlgorithm, SigningAlgorithm};
use crate::token::TokenRequest;

static REGISTRY: LazyLock<ScopeRegistry> = LazyLock::new(registry);

/// A registration by a user without special permissions.
fn new() -> RegistrationContext<'static> {
    RegistrationContext {
        permissions: &[Permission::MgmtAPI],
        scopes: &REGISTRY,
        default_profile: Profile::Compatible,
        minimum_profile: Profile::Compatible,
        reachable: Reachable::Public,
        private_use_schemes: &[],
        certificates: AcceptedCertificates::Issued,
        attestable: true,
        existing: None,
    }
}

/// The built-in scopes, one that anyone may assign, and one that needs a permission.
fn registry() -> ScopeRegistry {
    let built_in = ScopeRegistry::built_in();
    let mut scopes = built_in.scopes().to_vec();
    let assignments = [Assignment::Anyone, Assignment::Permission(Permission::CreateRole)];
    for ((id, name), assignment) in [(100, "orders.read"), (101, "orders.write")].into_iter().zip(assignments)
    {
        scopes.push(Scope { id: ScopeId::new(id), name: name.to_owned(), assignment, ..scopes[0].clone() });
    }
    ScopeRegistry::new(built_in.servers().to_vec(), scopes)
}

/// The payload in Hybrid Data Pipeline's documentation, with members changed or added.
fn payload(changes: &Value) -> Value {
    let mut json = json!({
        "name": "My application",
        "description": "Reads the harbour",
        "redirectUrls": ["https://app.example.com/cb"],
    });
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    json
}

/// The payload with these members.
fn read(json: &Value) -> ApplicationPayload {
    let text = |name: &str| json[name].as_str().map(str::to_owned);
    let texts = |name: &str| {
        let elements = json[name].as_array()?.iter();
        Some(elements.map(|element| element.as_str().unwrap().to_owned()).collect())
    };
    ApplicationPayload {
        name: text("name"),
        description: text("description"),
        redirect_urls: texts("redirectUrls"),
        profile: text("profile"),
        grant_types: texts("grantTypes"),
        scopes: texts("scopes"),
        client_type: text("clientType"),
        token_format: text("tokenFormat"),
        access_token_signing_alg: text("accessTokenSigningAlg"),
        introspection_signed_response_alg: text("introspectionSignedResponseAlg"),
        introspection_audiences: texts("introspectionAudiences"),
        token_endpoint_auth_method: text("tokenEndpointAuthMethod"),
        token_endpoint_auth_signing_alg: text("tokenEndpointAuthSigningAlg"),
        jwks: json["jwks"].as_object().cloned(),
        jwks_uri: text("jwksUri"),
        dpop_bound_access_tokens: json["dpopBoundAccessTokens"].as_bool(),
        tls_client_auth: serde_json::from_value(json["tlsClientAuth"].clone()).ok(),
        tls_client_certificate_bound_access_tokens: json["tlsClientCertificateBoundAccessTokens"].as_bool(),
        access_token_lifetime: json["accessTokenLifetime"].as_i64(),
        contacts: texts("contacts"),
        logo_url: text("logoUrl"),
        openid: None,
        requests: RequestPayload {
            require_pushed_authorization_requests: json["requirePushedAuthorizationRequests"].as_bool(),
            require_second_factor: json["requireSecondFactor"].as_bool(),
            require_signed_request_object: json["requireSignedRequestObject"].as_bool(),
            request_object_signing_alg: text("requestObjectSigningAlg"),
            request_uris: texts("requestUris"),
            authorization_signed_response_alg: text("authorizationSignedResponseAlg"),
            authorization_details_types: None,
        },
        cors_origins: texts("corsOrigins"),
        token_exchange: serde_json::from_value(json["tokenExchange"].clone()).ok(),
        pages: None,
    }
}

fn judged(changes: &Value, context: RegistrationContext<'_>) -> JudgedRegistration {
    decide(&read(&payload(changes)), context)
}

fn registered(changes: &Value) -> ApplicationSettings {
    judged(changes, new()).unwrap().0
}

fn faults(changes: &Value, context: RegistrationContext<'_>) -> Vec<String> {
    judged(changes, context).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_minimal_payload_gets_the_defaults() {
    let settings = registered(&json!({}));
    assert_eq!((settings.profile, settings.client_type), (Profile::Compatible, ClientType::Confidential));
    let expected = [GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Password];
    assert_eq!(settings.grant_types, expected);
    assert_eq!(settings.scopes, ScopeSet::from(BuiltInScope::OData));
    let strict = registered(&json!({"profile": "oauth21"}));
    assert_eq!(strict.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
}

#[test]
fn keys_are_registered_as_a_set_or_by_their_address() {
    let address = "https://app.example.com/keys";
    let key = json!({"keys": [{"kty": "OKP"}]});
    let by_address = json!({"tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": address});
    let settings = registered(&by_address);
    let authentication = &settings.client_metadata.authentication;
    assert_eq!((authentication.jwks_uri.as_deref(), &authentication.jwks), (Some(address), &None));
    let context = RegistrationContext { existing: Some(&settings), ..new() };
    let kept = judged(&json!({}), context).unwrap().0;
    assert_eq!(kept.client_metadata.authentication.jwks_uri.as_deref(), Some(address));
    let by_set = judged(&json!({"jwks": key}), context).unwrap().0.client_metadata.authentication;
    assert!(by_set.jwks.is_some() && by_set.jwks_uri.is_none());
    let removed = faults(&json!({"jwksUri": ""}), context);
    assert_eq!(removed, ["jwks is required for private_key_jwt, unless the address of the keys is given"]);
    let both = faults(&json!({"jwks": key, "jwksUri": address}), new());
    assert_eq!(both, ["jwksUri must not be given together with jwks"]);
    for wrong in
        ["http://a.example/", "https://u@a.example/", "https://a.example/#f", "keys", "https://a.ex/ä"]
    {
        let found = faults(&json!({"jwksUri": wrong}), new());
        assert_eq!(
            found,
            ["jwksUri must be an https URL without user name, password and fragment"],
            "{wrong}"
        );
    }
}

#[test]
fn every_fault_is_reported_at_once() {
    let given = json!({
        "name": "x".repeat(131),
        "description": "d".repeat(257),
        "redirectUrls": ["javascript:alert(1)", "https://a.example/#f"],
        "accessTokenLifetime": 59,
        "scopes": ["api.mgmt", "nonsense"],
    });
    let found = faults(&given, new());
    for fault in [
        "name is 131 characters long; at most 128 are allowed",
        "description is 257 characters long; at most 256 are allowed",
        "redirectUrls[1] must not have a fragment",
        "accessTokenLifetime is 59; it must be 60 to 86400 seconds",
        "scopes[0] is api.mgmt, which only an Administrator may assign",
        "scopes[1] must be one of api.access.odata, api.mgmt, token.introspect, openid, profile, email, address, \
         phone, offline_access, mcp.read, api.access.odata.read, orders.read, orders.write",
    ] {
        assert!(found.iter().any(|found| found == fault), "{fault} is missing in {found:#?}");
    }
    assert!(found.iter().any(|fault| fault.starts_with("redirectUrls[0] has a scheme")));
}

#[test]
fn lengths_count_characters_and_names_are_trimmed() {
    let settings = registered(&json!({"name": format!("  {}  ", "ü".repeat(128))}));
    assert_eq!(settings.name.chars().count(), 128);
    for name in ["", "   ", "a\u{0}b", "a\u{202e}b"] {
        assert!(!faults(&json!({"name": name}), new()).is_empty(), "{name:?}");
    }
}

#[test]
fn texts_must_not_deceive_or_contain_invisible_characters() {
    for text in ["a\u{200B}b", "\u{3164}", "a\u{AD}b", "a\u{E0041}b", "a\u{61C}b", "Verified ✔", "a\u{E000}b"]
    {
        for changes in [json!({"name": text}), json!({"description": text}), json!({"contacts": [text]})] {
            let found = faults(&changes, new());
            assert_eq!(found.len(), 1, "{changes}: {found:?}");
            assert!(found[0].contains("must not contain U+"), "{found:?}");
        }
        assert_eq!(faults(&json!({"logoUrl": format!("https://a.example/{text}")}), new()).len(), 1);
    }
    assert!(faults(&json!({"name": "Sluicegate Administration"}), new())[0].contains("name of this server"));
    assert_eq!(registered(&json!({"description": "Two\r\n\tlines"})).description, "Two\r\n\tlines");
}

#[test]
fn registered_texts_may_stay_but_not_be_set_again() {
    let old = ApplicationSettings {
        name: "Verified ✔ \u{200B}".to_owned(),
        description: "\u{2060}".to_owned(),
        contacts: vec!["✔".to_owned()],
        ..registered(&json!({}))
    };
    let same = json!({"name": old.name, "description": old.description, "contacts": ["✔"]});
    assert!(judged(&same, RegistrationContext { existing: Some(&old), ..new() }).is_ok());
    let plain = registered(&json!({}));
    assert_eq!(faults(&same, RegistrationContext { existing: Some(&plain), ..new() }).len(), 3);
}

#[test]
fn a_payload_without_name_or_redirect_url_is_refused() {
    let found = decide(&ApplicationPayload::default(), new()).unwrap_err();
    let fields: Vec<&str> = found.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["name", "redirectUrls"]);
    assert!(
        registered(&json!({"grantTypes": ["client_credentials"], "redirectUrls": []}))
            .redirect_urls
            .is_empty()
    );
}

#[test]
fn profiles_that_are_unknown_or_too_weak_are_refused() {
    assert_eq!(faults(&json!({"profile": "lax"}), new()), ["profile must be compatible, oauth21 or fapi2"]);
    let strict =
        RegistrationContext { minimum_profile: Profile::OAuth21, default_profile: Profile::OAuth21, ..new() };
    assert!(faults(&json!({"profile": "compatible"}), strict)[0].contains("oauth21 or stricter"));
    assert_eq!(judged(&json!({}), strict).unwrap().0.profile, Profile::OAuth21);
}

#[test]
fn oauth21_knows_no_password_grant() {
    let found =
        faults(&json!({"profile": "oauth21", "grantTypes": ["authorization_code", "password"]}), new());
    assert_eq!(found, ["grantTypes must not name password: the profile does not allow it"]);
}

#[test]
fn only_confidential_compatible_applications_get_the_password_grant_and_a_warning_if_they_name_it() {
    let warned = |changes: &Value| {
        let (settings, warnings) = judged(changes, new()).unwrap();
        (settings.grant_types.contains(&GrantType::Password), warnings.len())
    };
    assert_eq!(warned(&json!({})), (true, 0), "the default needs no warning");
    assert_eq!(warned(&json!({"grantTypes": ["authorization_code", "password"]})), (true, 1));
    assert_eq!(warned(&json!({"grantTypes": ["authorization_code", "refresh_token"]})), (false, 0));
    assert_eq!(warned(&json!({"clientType": "public"})), (false, 0));
    let named = json!({"clientType": "public", "grantTypes": ["authorization_code", "password"]});
    assert_eq!(faults(&named, new()), ["grantTypes must not name password for a public application"]);
    let grant_types = vec![GrantType::AuthorizationCode, GrantType::Password];
    let old = ApplicationSettings { grant_types, ..registered(&json!({"clientType": "public"})) };
    let (kept, _) = judged(&json!({}), RegistrationContext { existing: Some(&old), ..new() }).unwrap();
    assert_eq!(kept.grant_types, [GrantType::AuthorizationCode], "one from before the rule loses it");
}

#[test]
fn client_credentials_must_be_requested_and_are_refused_for_public_applications() {
    assert!(!registered(&json!({})).grant_types.contains(&GrantType::ClientCredentials));
    let grant_types = json!(["client_credentials", "authorization_code", "client_credentials"]);
    let settings = registered(&json!({"grantTypes": grant_types}));
    assert_eq!(settings.grant_types, [GrantType::AuthorizationCode, GrantType::ClientCredentials]);
    let found = faults(&json!({"clientType": "public", "grantTypes": ["client_credentials"]}), new());
    assert!(found[0].contains("public"));
    assert!(faults(&json!({"grantTypes": []}), new())[0].contains("at least one"));
    assert!(faults(&json!({"grantTypes": ["implicit"]}), new())[0].starts_with("grantTypes[0]"));
}

#[test]
fn only_an_administrator_assigns_the_wider_scopes() {
    let given = json!({"scopes": ["odata", "api.mgmt"]});
    let administrator = RegistrationContext { permissions: &[Permission::Administrator], ..new() };
    let settings = judged(&given, administrator).unwrap().0;
    assert!(settings.scopes.contains(BuiltInScope::Management));
    let kept = judged(&given, RegistrationContext { existing: Some(&settings), ..new() }).unwrap().0;
    assert_eq!(kept.scopes, settings.scopes, "what was given before may be kept");
    assert!(faults(&json!({"scopes": []}), new())[0].contains("at least one"));
}

#[test]
fn only_an_administrator_gives_the_grant_type_by_which_users_are_asked() {
    let given = json!({"grantTypes": ["urn:openid:params:grant-type:ciba"]});
    let found = judged(&given, new()).unwrap_err();
    assert!(found[0].lacks_right && found[0].message.contains("Administrator"), "{found:?}");
    let administrator = RegistrationContext { permissions: &[Permission::Administrator], ..new() };
    let settings = judged(&given, administrator).unwrap().0;
    assert_eq!(settings.grant_types, [GrantType::Ciba]);
    let owner = RegistrationContext { existing: Some(&settings), ..new() };
    assert_eq!(judged(&given, owner).unwrap().0.grant_types, settings.grant_types, "the owner keeps it");
    assert_eq!(judged(&json!({}), owner).unwrap().0.grant_types, settings.grant_types);
    assert!(!registered(&json!({})).grant_types.contains(&GrantType::Ciba));
}

#[test]
fn a_scope_is_assigned_by_those_to_whom_it_is_open() {
    let open = json!({"scopes": ["orders.read", "odata"]});
    assert_eq!(REGISTRY.text(&registered(&open).scopes), "api.access.odata orders.read");
    let reserved = json!({"scopes": ["orders.write"]});
    let found = judged(&reserved, new()).unwrap_err();
    assert!(found[0].lacks_right && found[0].message.contains("CreateRole"), "{found:?}");
    for permission in [Permission::CreateRole, Permission::Administrator] {
        let context = RegistrationContext { permissions: &[permission], ..new() };
        assert!(judged(&reserved, context).is_ok(), "{permission:?}");
    }
    assert!(faults(&json!({"scopes": ["orders"]}), new())[0].contains("must be one of"));
}

#[test]
fn an_application_has_a_limited_number_of_scopes() {
    let names = vec!["odata"; MOST_SCOPES_OF_APPLICATION + 1];
    assert!(faults(&json!({"scopes": names}), new())[0].contains("at most 50"));
}

#[test]
fn answers_of_introspection_are_signed_by_a_known_algorithm() {
    let algorithm = |changes| registered(&changes).client_metadata.introspection_signed_response_alg();
    assert_eq!(algorithm(json!({})), SigningAlgorithm::Rs256);
    assert_eq!(algorithm(json!({"introspectionSignedResponseAlg": "ES256"})), SigningAlgorithm::Es256);
    let refused = json!({"introspectionSignedResponseAlg": "none"});
    assert!(faults(&refused, new())[0].contains("must be EdDSA, ES256, RS256 or PS256"));
}

#[test]
fn access_tokens_are_opaque_or_signed_by_a_known_algorithm() {
    let plain = registered(&json!({}));
    assert_eq!(plain.token_format, TokenFormat::Opaque);
    assert_eq!(plain.client_metadata.access_token_signing_alg(), SigningAlgorithm::EdDsa);
    let signed = registered(&json!({"tokenFormat": "jwt", "accessTokenSigningAlg": "RS256"}));
    assert_eq!(signed.token_format, TokenFormat::Jwt);
    assert_eq!(signed.client_metadata.access_token_signing_alg(), SigningAlgorithm::Rs256);
    let kept = judged(&json!({}), RegistrationContext { existing: Some(&signed), ..new() }).unwrap().0;
    assert_eq!((kept.token_format, &kept.client_metadata), (TokenFormat::Jwt, &signed.client_metadata));
    assert!(faults(&json!({"tokenFormat": "JWT"}), new())[0].contains("must be opaque or jwt"));
    for refused in ["none", "HS256", ""] {
        let faults = faults(&json!({"accessTokenSigningAlg": refused}), new());
        assert!(faults[0].contains("must be EdDSA, ES256, RS256 or PS256"), "{refused}");
    }
}

#[test]
fn an_odd_redirect_url_is_accepted_with_a_warning() {
    let given =
        json!({"redirectUrls": ["bedford.progresstest.com", "http://a.example/cb", "https://a.example/cb"]});
    let (settings, warnings) = judged(&given, new()).unwrap();
    assert_eq!(settings.redirect_urls.len(), 3);
    let fields: Vec<&str> = warnings.iter().map(|warning| warning.field.as_str()).collect();
    assert_eq!(fields, ["redirectUrls[0]", "redirectUrls[1]"]);
    let mut strict = given;
    strict["profile"] = json!("oauth21");
    assert_eq!(judged(&strict, new()).unwrap_err().len(), 2);
}

#[test]
fn contacts_and_logo_have_a_maximum_length() {
    let settings =
        registered(&json!({"contacts": [" ops@example.com "], "logoUrl": "https://a.example/l.png"}));
    assert_eq!(settings.contacts, ["ops@example.com"]);
    for changes in [
        json!({"contacts": [""]}),
        json!({"contacts": vec!["x"; 11]}),
        json!({"contacts": ["x".repeat(255)]}),
        json!({"logoUrl": "http://a.example/l.png"}),
        json!({"logoUrl": "javascript:alert(1)"}),
        json!({"logoUrl": "https://u:p@a.example/"}),
    ] {
        assert_eq!(faults(&changes, new()).len(), 1, "{changes}");
    }
}

#[test]
fn an_update_replaces_three_members_and_keeps_the_rest() {
    let before = registered(&json!({
        "grantTypes": ["authorization_code"], "accessTokenLifetime": 600, "contacts": ["a"],
        "logoUrl": "https://a.example/l.png",
    }));
    let context = RegistrationContext { existing: Some(&before), ..new() };
    let payload = json!({"name": "New name", "redirectUrls": ["https://b.example/cb"]});
    let (after, _) = decide(&read(&payload), context).unwrap();
    assert_eq!((after.name.as_str(), after.description.as_str()), ("New name", ""));
    assert_eq!(after.redirect_urls, ["https://b.example/cb"]);
    let kept = ApplicationSettings {
        name: after.name.clone(),
        description: String::new(),
        redirect_urls: after.redirect_urls.clone(),
        ..before.clone()
    };
    assert_eq!(after, kept);
    assert_eq!(judged(&json!({"logoUrl": ""}), context).unwrap().0.logo_url, None);
}

#[test]
fn the_client_type_of_an_application_cannot_change() {
    let before = registered(&json!({}));
    let context = RegistrationContext { existing: Some(&before), ..new() };
    assert!(faults(&json!({"clientType": "public"}), context)[0].contains("cannot change"));
    assert!(judged(&json!({"clientType": "confidential"}), context).is_ok());
}

#[test]
fn origins_are_stored_in_their_shortest_form_without_repetition() {
    let origins = json!({"corsOrigins": ["https://App.example.com:443", " https://app.example.com ", "capacitor://localhost"]});
    assert_eq!(registered(&origins).cors_origins, ["https://app.example.com", "capacitor://localhost"]);
    let existing = registered(&origins);
    let context = RegistrationContext { existing: Some(&existing), ..new() };
    assert_eq!(
        judged(&json!({}), context).unwrap().0.cors_origins,
        existing.cors_origins,
        "left out, they stay"
    );
    assert_eq!(judged(&json!({"corsOrigins": []}), context).unwrap().0.cors_origins, [""; 0]);
}

#[test]
fn an_origin_with_a_path_a_star_or_no_scheme_is_refused() {
    for text in [
        "null",
        "nope",
        "*",
        "https://*.example.com",
        "https://*.co.uk",
        "https://a.example/",
        "a.example",
        "file:///x",
        "ftp://a.example",
        "",
    ] {
        let found = faults(&json!({"corsOrigins": ["https://ok.example", text]}), new());
        assert!(found.len() == 1 && found[0].starts_with("corsOrigins[1] "), "{text}: {found:?}");
    }
    let many: Vec<String> = (0..51).map(|n| format!("https://a{n}.example")).collect();
    assert_eq!(
        faults(&json!({"corsOrigins": many}), new()),
        ["corsOrigins has 51 entries; at most 50 are allowed"]
    );
    let plain = json!({"corsOrigins": ["http://a.example", "http://localhost:5173"]});
    let warnings = judged(&plain, new()).unwrap().1;
    let odd: Vec<_> = warnings.iter().filter(|warning| warning.field.starts_with("corsOrigins")).collect();
    assert!(matches!(odd.as_slice(), [only] if only.field == "corsOrigins[0]"), "{warnings:?}");
    let strict = json!({"corsOrigins": ["http://a.example", "http://localhost:5173"], "profile": "oauth21"});
    assert_eq!(faults(&strict, new()).len(), 1);
}

/// The table, the metadata, the registration and the token endpoint agree on every grant type.
#[test]
fn registration_metadata_and_the_token_endpoint_agree_on_every_grant_type() {
    let metadata = Metadata::new("https://gate.example", Profile::Compatible, &REGISTRY);
    assert_eq!(metadata.grant_types_supported, GrantType::ALL.map(GrantType::as_str));
    for grant_type in GrantType::ALL {
        for profile in [Profile::Compatible, Profile::OAuth21] {
            for client_type in [ClientType::Confidential, ClientType::Public] {
                let name = grant_type.as_str();
                let client = client(|settings| {
                    settings.profile = profile;
                    settings.client_type = client_type;
                });
                let may_use = client.application().settings.may_use(grant_type);
                let given = json!({"profile": profile.as_str(), "clientType": client_type.as_str(), "grantTypes": [name]});
                let context = RegistrationContext { permissions: &[Permission::Administrator], ..new() };
                assert_eq!(
                    judged(&given, context).is_ok(),
                    may_use,
                    "{given}: {:?}",
                    judged(&given, context)
                );
                let barrier = grant_type.barriers(profile, client_type).next_back();
                let refused = TokenRequest::parse(&pairs(&[("grant_type", name)]), &client, &REGISTRY).err();
                match barrier {
                    Some(barrier) => assert_eq!(refused, Some(barrier.refusal), "{given}"),
                    None => assert_ne!(refused, Some(Refusal::GrantTypeUnknown), "{given}"),
                }
            }
        }
    }
}

#[test]
fn a_method_of_authentication_fits_the_client_type_and_has_its_keys() {
    let keys = json!({ "keys": [{ "kty": "OKP" }] });
    let keyed = registered(&json!({ "tokenEndpointAuthMethod": "private_key_jwt", "jwks": keys }));
    assert_eq!(AcceptedCredential::of(&keyed), AcceptedCredential::KeyAssertion);
    let missing = "jwks is required for private_key_jwt, unless the address of the keys is given";
    for (changes, fault) in [
        (json!({ "tokenEndpointAuthMethod": "private_key_jwt" }), missing),
        (json!({ "tokenEndpointAuthMethod": "private_key_jwt", "jwks": { "keys": [] } }), missing),
        (
            json!({ "tokenEndpointAuthMethod": "none" }),
            "tokenEndpointAuthMethod must not be none for a confidential application",
        ),
        (
            json!({ "tokenEndpointAuthMethod": "client_secret_basic", "clientType": "public" }),
            "tokenEndpointAuthMethod must be none for a public application",
        ),
        (
            json!({ "tokenEndpointAuthMethod": "secret_jwt" }),
            "tokenEndpointAuthMethod must be client_secret_basic, client_secret_post, client_secret_jwt, private_key_jwt, \
             tls_client_auth, self_signed_tls_client_auth, attest_jwt_client_auth or none",
        ),
        (
            json!({ "tokenEndpointAuthSigningAlg": "HS256" }),
            "tokenEndpointAuthSigningAlg must be EdDSA, ES256, RS256, PS256, ES384, ES512, RS384, RS512, PS384 or PS512",
        ),
        (
            json!({ "tokenEndpointAuthMethod": "client_secret_jwt", "tokenEndpointAuthSigningAlg": "ES256" }),
            "tokenEndpointAuthSigningAlg must be HS256 for client_secret_jwt",
        ),
        (
            json!({ "tokenEndpointAuthMethod": "client_secret_jwt", "clientType": "public" }),
            "tokenEndpointAuthMethod must be none for a public application",
        ),
    ] {
        assert_eq!(faults(&changes, new()), [fault], "{changes}");
    }
}

#[test]
fn what_needs_a_certificate_that_the_server_does_not_accept_gets_a_warning() {
    use AcceptedCertificates::{Issued, None, SelfSigned};
    let name = json!({ "sanDns": "a.example" });
    let issued = json!({ "tokenEndpointAuthMethod": "tls_client_auth", "tlsClientAuth": name });
    let keys = "https://keys.example/";
    let own = json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth", "jwksUri": keys });
    let bound = json!({ "tlsClientCertificateBoundAccessTokens": true });
    let method = "tokenEndpointAuthMethod";
    for (changes, certificates, expected) in [
        (&issued, None, &[(method, "client_certificates.listen or")][..]),
        (&issued, SelfSigned, &[(method, "client_certificates.authorities_file")]),
        (&issued, Issued, &[]),
        (&own, None, &[(method, "client_certificates.listen or")]),
        (&own, SelfSigned, &[]),
        (&json!({ "tlsClientAuth": name }), None, &[("tlsClientAuth", "client_certificates.listen or")]),
        (
            &json!({ "tlsClientAuth": name }),
            SelfSigned,
            &[("tlsClientAuth", "client_certificates.authorities_file")],
        ),
        (&json!({ "tlsClientAuth": {} }), None, &[]),
        (&bound, None, &[("tlsClientCertificateBoundAccessTokens", "client_certificates.listen or")]),
        (&bound, SelfSigned, &[]),
    ] {
        let (_, warnings) = judged(changes, RegistrationContext { certificates, ..new() }).unwrap();
        let fields = warnings.iter().map(|warning| warning.field.as_str());
        assert!(
            fields.eq(expected.iter().map(|(field, _)| *field)),
            "{changes} {certificates:?}: {warnings:?}"
        );
        let named =
            warnings.iter().zip(expected).all(|(warning, (_, words))| warning.message.contains(words));
        assert!(named, "{warnings:?}");
    }
}

#[test]
fn assertions_by_a_secret_have_one_algorithm() {
    let keyed = registered(&json!({
        "tokenEndpointAuthMethod": "private_key_jwt", "jwksUri": "https://keys.example/",
        "tokenEndpointAuthSigningAlg": "ES256",
    }));
    let update = RegistrationContext { existing: Some(&keyed), ..new() };
    let secret = json!({ "tokenEndpointAuthMethod": "client_secret_jwt" });
    let settings = judged(&secret, update).unwrap().0;
    assert_eq!(AcceptedCredential::of(&settings), AcceptedCredential::SecretAssertion);
    let authentication = settings.client_metadata.authentication;
    assert_eq!(authentication.assertion_algorithm(), Some("HS256"));
    assert_eq!(authentication.token_endpoint_auth_signing_alg, None);
    assert!(!authentication.has_no_secret());
    let fault = judged(&json!({ "tokenEndpointAuthSigningAlg": "HS256" }), update).unwrap_err();
    assert_eq!(fault[0].field, "tokenEndpointAuthSigningAlg");
}

#[test]
fn members_about_requests_are_checked_and_kept() {
    let first = registered(&json!({
        "requirePushedAuthorizationRequests": true, "requireSignedRequestObject": true, "requireSecondFactor": true,
        "requestObjectSigningAlg": "PS256", "requestUris": ["https://client.example/object"],
        "authorizationSignedResponseAlg": "EdDSA",
    }));
    let metadata = &first.client_metadata;
    assert!(
        metadata.require_pushed_authorization_requests && metadata.requests.require_signed_request_object
    );
    assert!(metadata.require_second_factor);
    assert_eq!(metadata.requests.request_object_signing_alg, Some(JwsAlgorithm::Ps256));
    assert_eq!(metadata.requests.authorization_signed_response_alg(), SigningAlgorithm::EdDsa);
    let update = RegistrationContext { existing: Some(&first), ..new() };
    assert_eq!(judged(&json!({}), update).unwrap().0.client_metadata, first.client_metadata);
    let cleared = json!({
        "requirePushedAuthorizationRequests": false, "requireSignedRequestObject": false, "requireSecondFactor": false,
        "requestObjectSigningAlg": "", "requestUris": [], "authorizationSignedResponseAlg": "",
    });
    assert_eq!(judged(&cleared, update).unwrap().0.client_metadata, ClientMetadata::default());
    let wrong = json!({
        "requestObjectSigningAlg": "none", "authorizationSignedResponseAlg": "HS256",
        "requestUris": ["https://client.example/", "http://client.example/"],
    });
    let fields: Vec<_> = judged(&wrong, new()).unwrap_err().into_iter().map(|fault| fault.field).collect();
    assert_eq!(fields, ["requestObjectSigningAlg", "requestUris[1]", "authorizationSignedResponseAlg"]);
}

#[test]
fn fapi2_needs_a_confidential_application_with_a_key_and_its_algorithms() {
    let keys = json!({ "keys": [{ "kty": "OKP" }] });
    let named = |changes: Value| {
        let mut given =
            json!({ "profile": "fapi2", "jwks": keys, "tokenEndpointAuthMethod": "private_key_jwt" });
        given.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let fields =
            |faults: Vec<InvalidField>| faults.into_iter().map(|fault| fault.field).collect::<Vec<_>>();
        judged(&given, new()).map(|(settings, _)| settings).map_err(fields)
    };
    let settings = named(json!({})).unwrap();
    assert_eq!(settings.profile, Profile::Fapi2);
    assert_eq!(settings.grant_types, [GrantType::AuthorizationCode, GrantType::RefreshToken]);
    assert_eq!(settings.allowed_algorithm(SigningAlgorithm::Rs256), SigningAlgorithm::Ps256);
    for (changes, field) in [
        (json!({ "clientType": "public", "tokenEndpointAuthMethod": "none" }), "clientType"),
        (json!({ "tokenEndpointAuthMethod": "client_secret_basic" }), "tokenEndpointAuthMethod"),
        (json!({ "tokenEndpointAuthMethod": "client_secret_jwt" }), "tokenEndpointAuthMethod"),
        (json!({ "tokenEndpointAuthMethod": null }), "tokenEndpointAuthMethod"),
        (json!({ "tokenEndpointAuthSigningAlg": "RS256" }), "tokenEndpointAuthSigningAlg"),
        (json!({ "accessTokenSigningAlg": "RS256" }), "accessTokenSigningAlg"),
        (json!({ "requestObjectSigningAlg": "RS256" }), "requestObjectSigningAlg"),
        (json!({ "authorizationSignedResponseAlg": "RS256" }), "authorizationSignedResponseAlg"),
        (json!({ "introspectionSignedResponseAlg": "RS256" }), "introspectionSignedResponseAlg"),
        (json!({ "grantTypes": ["authorization_code", "password"] }), "grantTypes"),
        (json!({ "redirectUrls": ["http://client.example/cb"] }), "redirectUrls[0]"),
    ] {
        assert_eq!(named(changes.clone()).unwrap_err(), [field], "{changes}");
    }
}

#[test]
fn an_address_for_special_use_is_refused_where_the_server_connects_and_a_stored_one_stays() {
    let internal = "https://169.254.169.254/x";
    for (member, payload) in [
        ("logoUrl", json!({"logoUrl": internal})),
        ("jwksUri", json!({"jwksUri": internal})),
        ("requestUris[0]", json!({"requestUris": [internal]})),
    ] {
        let found = faults(&payload, new());
        assert!(
            found.iter().any(|fault| fault.starts_with(&format!("{member} must name a public host"))),
            "{found:?}"
        );
        let local = RegistrationContext { reachable: Reachable::PublicAndLoopback, ..new() };
        assert_eq!(faults(&payload, local).len(), found.len(), "it permits loopback only");
    }
    let local = RegistrationContext { reachable: Reachable::PublicAndLoopback, ..new() };
    let at_loopback = json!({"logoUrl": "https://127.0.0.1/logo.png"});
    let (settings, _) = judged(&at_loopback, local).unwrap();
    judged(&at_loopback, RegistrationContext { existing: Some(&settings), ..new() }).unwrap();
    assert!(!faults(&at_loopback, new()).is_empty());
}

#[test]
fn only_an_administrator_ties_an_application_to_resource_servers_that_exist() {
    let administrator = || RegistrationContext { permissions: &[Permission::Administrator], ..new() };
    let tied = |given: &[&str]| json!({ "introspectionAudiences": given });
    let (settings, _) = judged(&tied(&["sluicegate", "sluicegate"]), administrator()).unwrap();
    assert_eq!(settings.client_metadata.introspection_audiences, ["sluicegate"]);
    assert_eq!(
        faults(&tied(&["sluicegate"]), new()),
        ["introspectionAudiences may be set only by an Administrator"]
    );
    assert_eq!(
        faults(&tied(&["sluicegate", "https://unknown.example"]), administrator()),
        [
            "introspectionAudiences[1] must be the identifier of a resource server, as `resource-server list` shows it"
        ]
    );
    assert_eq!(faults(&tied(&["sluicegate"; 21]), administrator()).len(), 1);

    let update = |permissions| RegistrationContext { permissions, existing: Some(&settings), ..new() };
    for unchanged in [json!({}), tied(&["sluicegate"])] {
        let (kept, _) = judged(&unchanged, update(&[])).unwrap();
        assert_eq!(kept.client_metadata.introspection_audiences, ["sluicegate"]);
    }
    assert!(!faults(&tied(&[]), update(&[])).is_empty(), "nor does anybody else untie it");
    let (untied, _) = judged(&tied(&[]), update(&[Permission::Administrator])).unwrap();
    assert!(untied.client_metadata.introspection_audiences.is_empty());

    let mut gone = settings.clone();
    gone.client_metadata.introspection_audiences = vec!["https://deleted.example".to_owned()];
    let context = RegistrationContext { existing: Some(&gone), ..administrator() };
    let (kept, _) = judged(&tied(&["https://deleted.example", "sluicegate"]), context).unwrap();
    assert_eq!(kept.client_metadata.introspection_audiences.len(), 2, "it may be registered again");
}
