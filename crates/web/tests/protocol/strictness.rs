//! `profiles.minimum` also applies to applications that were registered before it was set.

use app::AppSettings;
use oauth::application::{ApplicationSettings, ClientMetadata, ClientType, GrantType, Profile, TokenFormat};
use oauth::scope::BuiltInScope;
use serde_json::json;
use testkit::{ADMIN, Setup, TestServer, USER};

use crate::client::{CALLBACK, Client, S256, Tokens, assert_refused, is_alive, parameter, password_fields};

fn from_before() -> ApplicationSettings {
    ApplicationSettings {
        name: "Harbour Reports".to_owned(),
        description: String::new(),
        redirect_urls: vec![CALLBACK.to_owned(), "bedford.example".to_owned()],
        profile: Profile::Compatible,
        client_type: ClientType::Confidential,
        grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::Password],
        scopes: BuiltInScope::OData.into(),
        token_format: TokenFormat::Opaque,
        access_token_lifetime_secs: None,
        contacts: Vec::new(),
        logo_url: None,
        cors_origins: Vec::new(),
        client_metadata: ClientMetadata::default(),
    }
}

async fn strict_server() -> (TestServer, Client) {
    let app = AppSettings { minimum_profile: Profile::OAuth21, ..AppSettings::default() };
    let server = TestServer::start_with(Setup { app, ..Setup::default() }).await;
    let (application, secret) = server.add_confidential_application(&USER, from_before()).await;
    let client = Client {
        id: application.id.get(),
        identifier: application.client_id.as_str().to_owned(),
        secret: Some(secret.expose().to_owned()),
    };
    (server, client)
}

#[tokio::test]
async fn a_compatible_application_must_use_pkce_and_a_whole_redirect_url() {
    let (server, client) = strict_server().await;
    let refused = server.get(&client.authorize_url(&[("state", "s")])).basic(&USER).send().await.expect(303);
    assert_eq!(parameter(&refused, "error").unwrap(), "invalid_request");
    assert!(parameter(&refused, "error_description").unwrap().contains("PKCE"));
    let other = format!(
        "/oauth2/authorize?response_type=code&client_id={}&redirect_uri=https%3A%2F%2Fbedford.example%2Fx&{}={}&{}={}",
        client.identifier, S256[0].0, S256[0].1, S256[1].0, S256[1].1,
    );
    server.get(&other).send().await.expect(400);
}

#[tokio::test]
async fn under_a_minimum_of_oauth21_refresh_tokens_rotate_and_passwords_are_refused() {
    let (server, client) = strict_server().await;
    let refused = client.token(&server, &password_fields(&USER)).await;
    assert_refused(&refused, 400, "unauthorized_client");
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    assert_ne!(first.refresh, second.refresh);
}

#[tokio::test]
async fn a_secret_is_accepted_in_the_way_that_was_registered() {
    for (profile, method, by_header, by_body) in [
        ("compatible", Some("client_secret_basic"), true, true),
        ("compatible", Some("client_secret_post"), true, true),
        ("compatible", None, true, true),
        ("oauth21", Some("client_secret_basic"), true, false),
        ("oauth21", Some("client_secret_post"), false, true),
        ("oauth21", None, true, true),
    ] {
        let server = TestServer::start().await;
        let mut members = json!({ "profile": profile, "grantTypes": ["client_credentials"] });
        if let Some(method) = method {
            members["tokenEndpointAuthMethod"] = json!(method);
        }
        let client = Client::register_as(&server, &ADMIN, members).await;
        let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
        let in_body = [("client_id", id), ("client_secret", secret)];
        for (path, more) in [
            ("/oauth2/token", ("grant_type", "client_credentials")),
            ("/oauth2/introspect", ("token", "sga_x")),
            ("/oauth2/revoke", ("token", "sga_x")),
        ] {
            let header = server.post(path).basic_as(id, secret).form(&[more]).send().await;
            assert_eq!(header.status(), if by_header { 200 } else { 401 }, "{profile} {method:?} {path}");
            let body = server.post(path).form(&[&in_body[..], &[more]].concat()).send().await;
            assert_eq!(body.status(), if by_body { 200 } else { 400 }, "{profile} {method:?} {path}");
            for refused in [header, body].iter().filter(|answer| answer.status() != 200) {
                assert_eq!(refused.json()["error"], "invalid_client");
                let reported = refused.json()["error_description"].as_str().unwrap().to_owned();
                assert!(reported.contains(method.unwrap()), "{reported}");
            }
        }
    }
}

#[tokio::test]
async fn raising_the_minimum_profile_applies_to_existing_tokens() {
    let server = TestServer::start().await;
    let (application, secret) = server.add_confidential_application(&USER, from_before()).await;
    let client = Client {
        id: application.id.get(),
        identifier: application.client_id.as_str().to_owned(),
        secret: Some(secret.expose().to_owned()),
    };
    let by_code = client.tokens(&server).await;
    let by_password = Tokens::of(&client.password(&server, &USER).await);
    for tokens in [&by_code, &by_password] {
        let again = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
        assert_eq!(again.refresh, tokens.refresh, "nothing rotates in the profile of before");
    }
    let open = client.code(&server).await;
    let strict = AppSettings { minimum_profile: Profile::OAuth21, ..AppSettings::default() };
    let server = server.restart_with(strict).await;
    assert_refused(&client.exchange(&server, &open).await, 400, "invalid_grant");
    let rotated = Tokens::of(&client.refresh(&server, &by_code.refresh).await);
    assert_ne!(rotated.refresh, by_code.refresh);
    Tokens::of(&client.refresh(&server, &rotated.refresh).await);
    // Reuse of a replaced token revokes its grant, once its successor was used.
    assert_refused(&client.refresh(&server, &by_code.refresh).await, 400, "invalid_grant");
    assert_refused(&client.refresh(&server, &by_password.refresh).await, 400, "invalid_grant");
    // An issued access token is valid until it expires.
    assert!(is_alive(&server, &by_password.access).await);
}
