//! The crates `oauth2` and `openidconnect`.

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, DeviceAuthorizationUrl,
    EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl, RefreshToken, RevocationUrl, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse, TokenUrl,
};
use serde_json::{Value, json};
use testkit::{USER, Wire};

use crate::stage::{REDIRECT, Stage, register, text};

mod openid;

/// A client that knows every address which it needs.
type Client = BasicClient<EndpointSet, EndpointSet, EndpointNotSet, EndpointSet, EndpointSet>;

/// The value of a parameter with which the browser returns to the client.
fn given(back: &str, name: &str) -> String {
    let back = url::Url::parse(back).unwrap();
    let value = back.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned());
    value.unwrap_or_else(|| panic!("no {name} in {back}"))
}

#[test]
fn the_crate_oauth2_completes_the_whole_flow() {
    let stage = Stage::over_tls();
    walk(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::BasicAuth);
    walk(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::RequestBody);
    walk(&stage, &stage.public_client_id, None, AuthType::RequestBody);
}

#[test]
fn the_crate_oauth2_completes_the_flow_of_a_device() {
    let stage = Stage::over_tls();
    let device = json!({"name": "Device", "redirectUrls": [], "clientType": "public",
        "grantTypes": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"]});
    let device = register(&stage.wire(), &device);
    let (client, wire) = (discovered(&stage, &text(&device["clientId"])), stage.wire());
    let client = client.set_auth_type(AuthType::RequestBody);
    let send = |request| wire.transport(request);
    let codes: StandardDeviceAuthorizationResponse =
        client.exchange_device_code().add_scope(odata()).request(&send).unwrap();
    let address = codes.verification_uri_complete().unwrap().secret();
    stage.wire().allow_device(address, &USER).unwrap();
    let tokens =
        client.exchange_device_access_token(&codes).request(&send, std::thread::sleep, None).unwrap();
    read_refresh_and_revoke(&stage, &client, &wire, &tokens);
}

fn odata() -> Scope {
    Scope::new("api.access.odata".to_owned())
}

/// A client that has read the metadata of the server.
fn discovered(stage: &Stage, id: &str) -> Client {
    let metadata = stage.wire().get("/.well-known/oauth-authorization-server", None).unwrap().json();
    let address = |name: &str| text(&metadata[name]);
    assert_eq!(metadata["issuer"], Value::from(stage.server.url()));
    BasicClient::new(ClientId::new(id.to_owned()))
        .set_auth_uri(AuthUrl::new(address("authorization_endpoint")).unwrap())
        .set_token_uri(TokenUrl::new(address("token_endpoint")).unwrap())
        .set_device_authorization_url(
            DeviceAuthorizationUrl::new(address("device_authorization_endpoint")).unwrap(),
        )
        .set_revocation_url(RevocationUrl::new(address("revocation_endpoint")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
}

fn walk(stage: &Stage, id: &str, secret: Option<&str>, kind: AuthType) {
    let wire = stage.wire();
    let send = |request| wire.transport(request);
    let mut client = discovered(stage, id).set_auth_type(kind);
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (address, csrf) =
        client.authorize_url(CsrfToken::new_random).add_scope(odata()).set_pkce_challenge(challenge).url();
    let back = stage.wire().allow(address.as_str(), &USER).unwrap();
    assert_eq!(given(&back, "state"), *csrf.secret());
    assert_eq!(given(&back, "iss"), stage.server.url());
    let tokens = client
        .exchange_code(AuthorizationCode::new(given(&back, "code")))
        .set_pkce_verifier(verifier)
        .request(&send)
        .unwrap();
    read_refresh_and_revoke(stage, &client, &wire, &tokens);
}

/// Reads data, refreshes, reads again, and revokes.
fn read_refresh_and_revoke(stage: &Stage, client: &Client, wire: &Wire, tokens: &BasicTokenResponse) {
    let send = |request| wire.transport(request);
    let status = |access: &str| wire.get_with_token(&stage.resource(), access).unwrap().status;
    assert_eq!(status(tokens.access_token().secret()), 200);
    let refresh = RefreshToken::new(tokens.refresh_token().unwrap().secret().clone());
    let renewed = client.exchange_refresh_token(&refresh).request(&send).unwrap();
    assert_eq!(status(renewed.access_token().secret()), 200);
    let newest = renewed.refresh_token().unwrap_or(&refresh).clone();
    client.revoke_token(newest.into()).unwrap().request(&send).unwrap();
    assert_eq!(status(renewed.access_token().secret()), 401);
}
