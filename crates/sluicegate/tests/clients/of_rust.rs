//! The crates `oauth2` and `openidconnect`.

use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, PkceCodeChallenge, RedirectUrl,
    RefreshToken, Scope, TokenResponse, TokenUrl,
};
use testkit::USER;

use crate::stage::{REDIRECT, Stage};

mod openid;

/// The value of a parameter with which the browser returns to the client.
fn given(back: &str, name: &str) -> String {
    let back = url::Url::parse(back).unwrap();
    let value = back.query_pairs().find(|(given, _)| given == name).map(|(_, value)| value.into_owned());
    value.unwrap_or_else(|| panic!("no {name} in {back}"))
}

#[test]
fn the_crate_oauth2_completes_the_whole_flow() {
    let stage = Stage::new();
    walk(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::BasicAuth);
    walk(&stage, &stage.client_id, Some(&stage.client_secret), AuthType::RequestBody);
    walk(&stage, &stage.public_client_id, None, AuthType::RequestBody);
}

fn walk(stage: &Stage, id: &str, secret: Option<&str>, kind: AuthType) {
    let (server, wire) = (stage.server.url(), stage.wire());
    let send = |request| wire.transport(request);
    let mut client = BasicClient::new(ClientId::new(id.to_owned()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.to_owned()));
    }
    let client = client
        .set_auth_uri(AuthUrl::new(format!("{server}/oauth2/authorize")).unwrap())
        .set_token_uri(TokenUrl::new(format!("{server}/oauth2/token")).unwrap())
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
        .set_auth_type(kind);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let scope = Scope::new("api.access.odata".to_owned());
    let (address, csrf) =
        client.authorize_url(CsrfToken::new_random).add_scope(scope).set_pkce_challenge(challenge).url();
    let back = stage.wire().allow(address.as_str(), &USER).unwrap();
    assert_eq!(given(&back, "state"), *csrf.secret());
    assert_eq!(given(&back, "iss"), server);

    let tokens = client
        .exchange_code(AuthorizationCode::new(given(&back, "code")))
        .set_pkce_verifier(verifier)
        .request(&send)
        .unwrap();
    let status = |access: &str| wire.get_with_token(&stage.resource(), access).unwrap().status;
    assert_eq!(status(tokens.access_token().secret()), 200);
    let refresh = RefreshToken::new(tokens.refresh_token().unwrap().secret().clone());
    let renewed = client.exchange_refresh_token(&refresh).request(&send).unwrap();
    assert_eq!(status(renewed.access_token().secret()), 200);
    // The crate itself revokes over TLS only, which this server does not have.
    let newest = renewed.refresh_token().unwrap_or(&refresh).secret();
    let mut fields = vec![("token", newest.as_str()), ("client_id", id)];
    fields.extend(secret.map(|secret| ("client_secret", secret)));
    assert_eq!(wire.post_form("/oauth2/revoke", &fields).unwrap().status, 200);
    assert_eq!(status(renewed.access_token().secret()), 401);
}
