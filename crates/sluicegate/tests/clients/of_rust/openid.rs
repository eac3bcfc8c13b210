//! OpenID Connect with the crate `openidconnect`, over TLS, because it revokes tokens in no other way.

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
    CoreErrorResponseType, CoreGrantType, CoreIdToken, CoreIdTokenVerifier, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalProviderMetadata, AuthorizationCode, ClientId, ClientSecret,
    CsrfToken, EndpointMaybeSet, EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, ProviderMetadata, RedirectUrl, RequestTokenError, RevocationUrl, Scope, TokenResponse,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use testkit::{ADMIN, USER, Wire};

use super::given;
use crate::stage::{REDIRECT, Stage, register, text};

/// What the crate does not read by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Revocation {
    revocation_endpoint: RevocationUrl,
}

impl AdditionalProviderMetadata for Revocation {}

type Provider = ProviderMetadata<
    Revocation,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

#[test]
fn the_crate_openidconnect_verifies_id_tokens_and_reads_userinfo() {
    walk(&Stage::over_tls(), &json!({}), &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256);
}

#[test]
fn the_crate_openidconnect_walks_the_flow_of_an_issuer_with_a_path() {
    let stage = Stage::over_tls_below_a_path();
    for (name, algorithm) in
        [("EdDSA", CoreJwsSigningAlgorithm::EdDsa), ("ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256)]
    {
        // The crate knows only RS256 for userinfo.
        let signed = json!({ "idTokenSignedResponseAlg": name, "userinfoSignedResponseAlg": "RS256" });
        walk(&stage, &signed, &algorithm);
    }
}

/// Gives the user a name and an address.
fn describe_user(wire: &Wire) {
    let users = wire.get("/api/admin/users", Some(&ADMIN)).unwrap().json();
    let is_user = |user: &&Value| user["userName"] == USER.name;
    let id = users["users"].as_array().unwrap().iter().find(is_user).unwrap()["id"].clone();
    let attributes = json!({ "givenName": "Ada", "email": "ada@example.com", "emailVerified": true });
    let changed =
        wire.put_json(&format!("/api/admin/users/{id}"), &ADMIN, &json!({ "attributes": attributes }));
    assert_eq!(changed.unwrap().status, 200);
}

/// A client that knows the server from its metadata.
type RelyingParty =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointMaybeSet, EndpointMaybeSet>;

const SCOPES: [&str; 5] = ["openid", "profile", "email", "offline_access", "api.access.odata"];

/// Registers an application with these members for OpenID Connect, which then reads the metadata.
fn discovered(stage: &Stage, wire: &Wire, openid: &Value) -> RelyingParty {
    let application =
        json!({ "name": "Crate", "redirectUrls": [REDIRECT], "scopes": SCOPES, "openid": openid });
    let application = register(wire, &application);
    let issuer = IssuerUrl::new(stage.server.url().to_owned()).unwrap();
    let provider = Provider::discover(&issuer, &|request| wire.transport(request)).unwrap();
    let revocation = provider.additional_metadata().revocation_endpoint.clone();
    let id = ClientId::new(text(&application["clientId"]));
    let secret = ClientSecret::new(text(&application["clientSecret"]));
    CoreClient::from_provider_metadata(provider, id, Some(secret))
        .set_redirect_uri(RedirectUrl::new(REDIRECT.to_owned()).unwrap())
        .set_revocation_url(revocation)
}

/// Lets the user sign in and consent, and exchanges the code.
fn signed_in(stage: &Stage, wire: &Wire, client: &RelyingParty) -> (CoreTokenResponse, Nonce) {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random);
    // The crate adds openid itself.
    let scopes = SCOPES.into_iter().skip(1).map(|scope| Scope::new(scope.to_owned()));
    let (address, csrf, nonce) = request.add_scopes(scopes).set_pkce_challenge(challenge).url();
    let back = stage.wire().allow(address.as_str(), &USER).unwrap();
    assert_eq!(given(&back, "state"), *csrf.secret());
    assert_eq!(given(&back, "iss"), stage.server.url());
    let exchange = client.exchange_code(AuthorizationCode::new(given(&back, "code"))).unwrap();
    let tokens = exchange.set_pkce_verifier(verifier).request(&|request| wire.transport(request));
    (tokens.unwrap(), nonce)
}

/// From discovery to a revoked token, for an application with these members for OpenID Connect, whose ID tokens are signed with
/// `algorithm`.
fn walk(stage: &Stage, openid: &Value, algorithm: &CoreJwsSigningAlgorithm) {
    let wire = stage.wire();
    let send = |request| wire.transport(request);
    describe_user(&wire);
    let client = discovered(stage, &wire, openid);
    let (tokens, nonce) = signed_in(stage, &wire, &client);
    let (id_token, verifier) = (tokens.id_token().unwrap(), client.id_token_verifier());
    assert_eq!(id_token.signing_alg().unwrap(), algorithm);
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash(id_token, tokens.access_token(), &verifier)));
    assert!(id_token.claims(&verifier, &Nonce::new_random()).is_err(), "it is of this request");

    let asked = client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap();
    let asked = asked.require_signed_response(openid["userinfoSignedResponseAlg"].is_string());
    let user: CoreUserInfoClaims = asked.request(&send).unwrap();
    assert_eq!(user.preferred_username().unwrap().as_str(), USER.name);
    assert_eq!(user.given_name().unwrap().get(None).unwrap().as_str(), "Ada");
    assert_eq!((user.email().unwrap().as_str(), user.email_verified()), ("ada@example.com", Some(true)));

    let refresh = tokens.refresh_token().unwrap().clone();
    let renewed = client.exchange_refresh_token(&refresh).unwrap().request(&send).unwrap();
    let again = renewed.id_token().unwrap().claims(&verifier, |_: Option<&Nonce>| Ok(())).unwrap();
    assert_eq!((again.subject(), again.auth_time()), (claims.subject(), claims.auth_time()));
    let status = || wire.get_with_token(&stage.resource(), renewed.access_token().secret()).unwrap().status;
    assert_eq!(status(), 200);

    let newest = renewed.refresh_token().unwrap_or(&refresh).clone();
    client.revoke_token(newest.clone().into()).unwrap().request(&send).unwrap();
    assert_eq!(status(), 401);
    let asked = client.user_info(renewed.access_token().clone(), None).unwrap();
    let refused: Result<CoreUserInfoClaims, _> = asked.request(&send);
    assert!(refused.is_err(), "{refused:?}");
    let refused = client.exchange_refresh_token(&newest).unwrap().request(&send);
    let Err(RequestTokenError::ServerResponse(refused)) = refused else { panic!("{refused:?}") };
    assert_eq!(*refused.error(), CoreErrorResponseType::InvalidGrant);
}

fn hash(id_token: &CoreIdToken, token: &AccessToken, verifier: &CoreIdTokenVerifier<'_>) -> AccessTokenHash {
    let (algorithm, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(verifier).unwrap());
    AccessTokenHash::from_token(token, algorithm, key).unwrap()
}
