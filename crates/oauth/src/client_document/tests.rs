use serde_json::json;

use super::*;
use crate::application::{ClientPages, GrantType, TokenFormat};
use crate::client_authentication::AcceptedCredential;
use crate::scope::Assignment;

const URL: &str = "https://app.example.com/client.json";

fn document(more: &Value) -> Vec<u8> {
    let mut document = json!({
        "client_id": URL,
        "client_name": "Harbour Agent",
        "redirect_uris": ["https://app.example.com/callback", "http://127.0.0.1/callback"],
    });
    let members = document.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    document.to_string().into_bytes()
}

fn settings(more: &Value) -> Result<ApplicationSettings, Refusal> {
    read(URL, &document(more))?.settings(
        &ScopeRegistry::built_in(),
        Profile::Compatible,
        Reachable::Public,
        &PrivateUseScheme::known(),
        true,
        None,
    )
}

#[test]
fn a_document_names_pages_for_people_and_loses_those_that_are_none() {
    let site = "https://app.example.com/";
    let settings = settings(&json!({"client_uri": site, "tos_uri": "javascript:alert(1)", "policy_uri": ""}));
    let expected = ClientPages { client_uri: Some(site.to_owned()), ..ClientPages::default() };
    assert_eq!(settings.unwrap().client_metadata.pages, expected);
}

#[test]
fn a_document_may_name_a_listed_private_use_scheme_for_a_public_client() {
    let uris = json!(["vscode://publisher.extension/cb", "other://cb", "https://app.example.com/cb"]);
    let public = settings(&json!({"redirect_uris": uris})).unwrap();
    assert_eq!(public.redirect_urls, ["vscode://publisher.extension/cb", "https://app.example.com/cb"]);
    let only = settings(&json!({"redirect_uris": ["vscode://publisher.extension/cb"]})).unwrap();
    assert_eq!(only.client_type, ClientType::Public);
    let with_key = json!({
        "redirect_uris": uris, "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://app.example.com/k",
    });
    assert_eq!(settings(&with_key).unwrap().redirect_urls, ["https://app.example.com/cb"]);
    let none = settings(&json!({"redirect_uris": ["other://cb"]}));
    assert_eq!(none, Err(Refusal::ClientDocumentRedirects));
}

#[test]
fn only_a_plain_https_url_with_a_path_identifies_a_client() {
    for url in [
        URL,
        "https://app.example.com/client?version=1",
        "https://app.example.com:8443/a/b.c/...",
        "https://[2001:db8::1]/client",
    ] {
        assert_eq!(url_identifies_a_client(url), Ok(()), "{url}");
    }
    for url in [
        "http://app.example.com/client",
        "HTTPS://app.example.com/client",
        "https://app.example.com",
        "https://app.example.com/",
        "https://app.example.com?client",
        "https://app.example.com/?a=b",
        "https:///client",
        "https://user@app.example.com/client",
        "https://user:secret@app.example.com/client",
        "https://@app.example.com/client",
        "https://app.example.com/client#",
        "https://app.example.com/client#part",
        "https://app.example.com/client?",
        "https://app.example.com/a/../client",
        "https://app.example.com/./client",
        "https://app.example.com/a/%2e%2E/client",
        "https://app.example.com/a/.%2e",
        "https://app.example.com\\client",
        "https://app.example.com:99999/client",
        "https://APP.example.com/client",
        "https://%61pp.example.com/client",
        "https://app.example.com./client",
        "https://app.example.com.:8443/client",
        "https://app.example.com:08443/client",
        "https://app.example.com:/client",
        "https://\u{ff41}pp.example.com/client",
        "https://127.1/client",
    ] {
        assert_eq!(url_identifies_a_client(url), Err(Refusal::ClientUrlUnusable), "{url}");
    }
}

#[test]
fn a_document_must_name_its_own_url_character_by_character() {
    for other in [
        "https://app.example.com:443/client.json",
        "https://APP.example.com/client.json",
        "https://app.example.com/client%2Ejson",
        "https://app.example.com/client.json/",
    ] {
        assert_eq!(settings(&json!({"client_id": other})), Err(Refusal::ClientDocumentForeign), "{other}");
    }
}

#[test]
fn a_document_that_is_no_object_of_the_right_types_is_refused() {
    for body in ["", "[]", "null", "{}", "{\"client_id\":1}", "\u{feff}{}", "{\"client_id\""] {
        assert_eq!(read(URL, body.as_bytes()), Err(Refusal::ClientDocumentMalformed), "{body}");
    }
    let twice = format!(r#"{{"client_id":"{URL}","redirect_uris":["https://a/"],"redirect_uris":[]}}"#);
    assert_eq!(read(URL, twice.as_bytes()), Err(Refusal::ClientDocumentMalformed), "repeated members");
    for more in [
        json!({"client_name": 1}),
        json!({"redirect_uris": "https://app.example.com/"}),
        json!({"redirect_uris": [null]}),
        json!({"grant_types": {}}),
        json!({"scope": ["a"]}),
        json!({"token_endpoint_auth_method": []}),
    ] {
        assert_eq!(settings(&more), Err(Refusal::ClientDocumentMalformed), "{more}");
    }
}

#[test]
fn a_document_with_a_secret_or_a_private_key_is_refused() {
    for more in [
        json!({"client_secret": "s"}),
        json!({"client_secret_expires_at": 0}),
        json!({"token_endpoint_auth_method": "client_secret_basic"}),
        json!({"token_endpoint_auth_method": "client_secret_post"}),
        json!({"token_endpoint_auth_method": "client_secret_jwt"}),
        json!({"jwks": {"keys": [{"kty": "EC"}, {"kty": "EC", "d": "x"}]}}),
        json!({"jwks": {"keys": [{"kty": "oct", "k": "x"}]}}),
    ] {
        assert_eq!(settings(&more), Err(Refusal::ClientDocumentSecret), "{more}");
    }
}

#[test]
fn offered_methods_are_negotiated() {
    for more in [
        json!({}),
        json!({"token_endpoint_auth_method": "none"}),
        json!({"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]}),
    ] {
        assert!(settings(&more).is_ok(), "{more}");
    }
    for more in [
        json!({"token_endpoint_auth_method": "private_key_jwt"}),
        json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example.com/keys"}),
        json!({"token_endpoint_auth_methods_supported": ["tls_client_auth"]}),
    ] {
        assert_eq!(settings(&more), Err(Refusal::ClientDocumentMethod), "{more}");
    }
}

#[test]
fn a_client_with_keys_must_use_them_and_gets_no_grant_type_of_an_owner() {
    let address = "https://app.example.com/keys";
    for keys in [json!({"jwks_uri": address}), json!({"jwks": {"keys": [{"kty": "OKP"}]}})] {
        let mut more = keys;
        more["token_endpoint_auth_method"] = "private_key_jwt".into();
        more["grant_types"] = json!(["authorization_code", "client_credentials", "password"]);
        let settings = settings(&more).unwrap();
        assert_eq!(settings.client_type, ClientType::Confidential);
        assert_eq!(AcceptedCredential::of(&settings), AcceptedCredential::KeyAssertion);
        assert_eq!(settings.grant_types, [GrantType::AuthorizationCode]);
    }
    let silent = settings(&json!({"jwks_uri": address})).unwrap();
    assert_eq!(silent.client_type, ClientType::Public);
    assert_eq!(silent.client_metadata.authentication.jwks_uri, None);
    let both = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": address,
        "token_endpoint_auth_methods_supported": ["private_key_jwt", "none"]});
    let both = settings(&both).unwrap();
    assert_eq!(both.client_type, ClientType::Public);
    assert_eq!(both.client_metadata.authentication.jwks_uri.as_deref(), Some(address));
}

#[test]
fn offered_grant_types_are_negotiated() {
    let grant_types = |more: &Value| settings(more).map(|settings| settings.grant_types);
    assert_eq!(grant_types(&json!({})), Ok(vec![GrantType::AuthorizationCode]));
    let many =
        json!({"grant_types": ["authorization_code", "refresh_token", "urn:example:other", "password"]});
    assert_eq!(grant_types(&many), Ok(vec![GrantType::AuthorizationCode, GrantType::RefreshToken]));
    for more in [json!({"grant_types": ["client_credentials"]}), json!({"grant_types": []})] {
        assert_eq!(grant_types(&more), Err(Refusal::ClientDocumentGrantTypes), "{more}");
    }
}

#[test]
fn redirect_uris_that_may_not_be_registered_are_left_out() {
    let more = json!({"redirect_uris": ["https://a.example/cb", "javascript:alert(1)", "http://a.example/", "https://a.example/#f"]});
    assert_eq!(settings(&more).unwrap().redirect_urls, ["https://a.example/cb"]);
    for more in
        [json!({"redirect_uris": []}), json!({"redirect_uris": null}), json!({"redirect_uris": ["data:,"]})]
    {
        assert_eq!(settings(&more), Err(Refusal::ClientDocumentRedirects), "{more}");
    }
}

#[test]
fn a_client_of_a_document_is_public_and_strict() {
    let settings = settings(&json!({"unknown": {"a": 1}, "client_uri": null})).unwrap();
    assert_eq!((settings.client_type, settings.profile), (ClientType::Public, Profile::OAuth21));
    assert_eq!((settings.name.as_str(), settings.token_format), ("Harbour Agent", TokenFormat::Opaque));
    assert!(settings.requires_challenge());
}

#[test]
fn a_client_of_a_document_gets_only_scopes_that_anybody_may_assign() {
    let registry = ScopeRegistry::built_in();
    let asked = settings(&json!({"scope": "api.access.odata api.mgmt nothing"})).unwrap();
    assert_eq!(registry.text(&asked.scopes), "api.access.odata");
    let silent = settings(&json!({})).unwrap();
    for scope in registry.scopes_in(&silent.scopes) {
        assert_eq!(scope.assignment, Assignment::Anyone, "{}", scope.name);
    }
}

#[test]
fn a_name_that_breaks_a_rule_is_replaced_by_the_host() {
    for name in ["", "d2cadmin", "a\u{202e}b"] {
        let settings =
            settings(&json!({"client_name": name, "contacts": [name], "logo_uri": "ftp://x"})).unwrap();
        assert_eq!(settings.name, "app.example.com", "{name}");
    }
    assert_eq!(settings(&json!({"client_name": null})).unwrap().name, "app.example.com");
}

/// All that a client which registers itself may give, too.
#[test]
fn a_document_has_the_members_of_a_registration() {
    let page = "https://app.example.com/page";
    let all = json!({
        "subject_type": "pairwise", "sector_identifier_uri": "https://other.example/sector",
        "redirect_uris": ["https://app.example.com/callback"],
        "id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "EdDSA", "default_max_age": 5,
        "post_logout_redirect_uris": [page], "initiate_login_uri": page, "backchannel_logout_uri": page,
        "frontchannel_logout_uri": page, "introspection_signed_response_alg": "PS256",
        "dpop_bound_access_tokens": true,
        "require_pushed_authorization_requests": true, "require_signed_request_object": true,
        "request_object_signing_alg": "ES384", "request_uris": [page],
        "authorization_signed_response_alg": "ES256", "authorization_details_types": ["payment"],
    });
    let described = settings(&all).unwrap();
    let reported = json!(described.client_metadata);
    let all = all.as_object().unwrap();
    let apart = ["sector_identifier_uri", "redirect_uris", "authorization_details_types"];
    for (name, value) in all.iter().filter(|(name, _)| !apart.contains(&name.as_str())) {
        assert_eq!(&reported[name], value, "{name}");
    }
    assert_eq!(reported["authorization_details_types"], json!([]), "of those that the server knows");
    assert!(reported.get("sector_identifier_uri").is_none(), "nobody has read it");
    // What the next document omits is gone; what an administrator has set stays.
    let mut stored = described;
    stored.description = "checked".to_owned();
    stored.cors_origins = vec!["https://pages.example".to_owned()];
    stored.client_metadata.access_token_signing_alg = Some(crate::signing::SigningAlgorithm::Es256);
    let next = read(URL, &document(&json!({}))).unwrap();
    let next = next.settings(
        &ScopeRegistry::built_in(),
        Profile::Compatible,
        Reachable::Public,
        &[],
        true,
        Some(&stored),
    );
    let next = next.unwrap();
    let expected = json!({ "token_endpoint_auth_method": "none", "access_token_signing_alg": "ES256" });
    assert_eq!(json!(next.client_metadata), expected);
    assert_eq!((next.description, next.cors_origins), (stored.description, stored.cors_origins));
}

#[test]
fn a_member_without_a_supported_value_is_left_out_and_a_wrong_type_is_refused() {
    for (name, value) in [
        ("id_token_signed_response_alg", json!("HS256")),
        ("request_object_signing_alg", json!("none")),
        ("authorization_signed_response_alg", json!("HS256")),
        ("introspection_signed_response_alg", json!("none")),
        ("request_uris", json!(["http://app.example.com/object"])),
        ("backchannel_logout_uri", json!("https://10.0.0.1/out")),
        ("frontchannel_logout_uri", json!("https://other.example/out")),
        ("initiate_login_uri", json!("javascript:alert(1)")),
        ("default_max_age", json!(-1)),
    ] {
        let described = settings(&json!({ name: value })).unwrap();
        assert_eq!(json!(described.client_metadata).get(name), None, "{name}");
    }
    for wrong in [json!({"dpop_bound_access_tokens": "true"}), json!({"request_uris": "https://a.example/"})]
    {
        assert_eq!(settings(&wrong), Err(Refusal::ClientDocumentMalformed), "{wrong}");
    }
    let bound = settings(&json!({"tls_client_certificate_bound_access_tokens": true})).unwrap();
    assert!(bound.client_metadata.tls_client_certificate_bound_access_tokens);
    let hosts = ["https://a.example/cb", "https://b.example/cb"];
    let pairwise = settings(&json!({"subject_type": "pairwise", "redirect_uris": hosts}));
    assert_eq!(pairwise, Err(Refusal::ClientDocumentMalformed), "never with the identifier of all");
}

#[test]
fn the_host_of_a_url_is_shown() {
    let host = |id: &str| host(&id.parse().unwrap());
    assert_eq!(host(URL).as_deref(), Some("app.example.com"));
    assert_eq!(host("3f2504e0-4f89-41d3-9a0c-0305e82c3301"), None);
}

#[test]
fn an_address_for_special_use_is_never_fetched() {
    let keys =
        json!({"jwks_uri": "https://169.254.169.254/keys", "token_endpoint_auth_method": "private_key_jwt"});
    assert_eq!(settings(&keys), Err(Refusal::ClientDocumentAddress));
    let logo = settings(&json!({"logo_uri": "https://[::1]/logo.png"})).unwrap();
    assert_eq!(logo.logo_url, None, "it is left out");
}

#[test]
fn a_document_is_outdated_if_a_newer_one_describes_the_application() {
    let at = Timestamp::from_secs;
    let now = at(1_000_000);
    for (fetched, described, expected) in [
        (999_990, None, false),
        (999_990, Some(999_980), false),
        (999_990, Some(999_990), false),
        (999_990, Some(999_991), true),
        (999_990, Some(1_000_300), true),
        (999_990, Some(1_000_301), false),
    ] {
        assert_eq!(is_outdated(at(fetched), described.map(at), now), expected, "{fetched} {described:?}");
    }
}
