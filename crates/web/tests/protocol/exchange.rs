//! The token exchange: a service calls another one for its user.

use serde_json::{Value, json};
use testkit::{ADMIN, Answer, TestServer, USER};

use crate::client::{APPLICATIONS, Client, Tokens, assert_refused, is_alive};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An application that may exchange tokens of the other one.
pub(crate) async fn service(server: &TestServer, of: &Client, impersonation: bool) -> Client {
    let policy = json!({ "clients": [of.identifier], "impersonation": impersonation, "delegation": true });
    let members = json!({ "grantTypes": [GRANT_TYPE, "client_credentials"], "tokenExchange": policy });
    Client::register_as(server, &ADMIN, members).await
}

/// One that acts in its own name, with these members.
async fn service_with(server: &TestServer, of: &Client, more: Value) -> Client {
    let policy = json!({ "clients": [of.identifier], "delegation": true });
    let mut members = json!({ "grantTypes": [GRANT_TYPE], "tokenExchange": policy });
    members.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Client::register_as(server, &ADMIN, members).await
}

pub(crate) async fn exchange(
    server: &TestServer,
    client: &Client,
    token: &str,
    more: &[(&str, &str)],
) -> Answer {
    let own = [("grant_type", GRANT_TYPE), ("subject_token", token), ("subject_token_type", ACCESS_TOKEN)];
    client.token(server, &[&own[..], more].concat()).await
}

fn access(answer: &Answer) -> String {
    let body: Value = answer.json();
    assert_eq!(answer.status(), 200, "{body}");
    assert_eq!(body["issued_token_type"], ACCESS_TOKEN);
    assert!(body["refresh_token"].is_null(), "{body}");
    body["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_exchanged_token_works_and_introspection_shows_its_actor() {
    let server = TestServer::start().await;
    let front = Client::register(&server).await;
    let tokens = front.tokens(&server).await;
    let service = service(&server, &front, false).await;
    server.clock().advance_secs(60);
    let answer = exchange(&server, &service, &tokens.access, &[]).await;
    let token = access(&answer);
    assert!(is_alive(&server, &token).await);
    let shown = service.introspect(&server, &token).await;
    assert_eq!(shown["act"], json!({ "sub": service.identifier, "client_id": service.identifier }));
    assert_eq!(shown["client_id"], service.identifier.as_str());
    assert_eq!(shown["username"], USER.name);
    let before = front.introspect(&server, &tokens.access).await;
    assert_eq!(shown["sub"], before["sub"]);
    assert!(shown["exp"].as_i64() <= before["exp"].as_i64());
    assert!(before["act"].is_null());
}

#[tokio::test]
async fn an_exchanged_token_has_no_scope_of_a_sign_in() {
    let server = crate::openid::server().await;
    let scopes = ["openid", "email", "offline_access", "odata"];
    let front = Client::register_with(&server, json!({ "scopes": scopes })).await;
    let service = service_with(&server, &front, json!({ "scopes": scopes })).await;
    let asked = [("scope", "openid email offline_access api.access.odata")];
    let code = front.code_with(&server, &USER, &asked).await;
    let tokens = Tokens::of(&front.exchange(&server, &code).await);
    let answer = exchange(&server, &service, &tokens.access, &[]).await;
    assert_eq!(answer.json()["scope"], "api.access.odata");
    let token = access(&answer);
    server.get("/oauth2/userinfo").bearer(&token).send().await.expect(403);
    let shown = service.introspect(&server, &token).await;
    assert_eq!(shown["sub"], front.introspect(&server, &tokens.access).await["sub"], "still the same user");
    for scope in ["openid", "email api.access.odata", "offline_access"] {
        let refused = exchange(&server, &service, &tokens.access, &[("scope", scope)]).await;
        assert_refused(&refused, 400, "invalid_scope");
    }
}

/// Neither as the subject, nor as an actor.
#[tokio::test]
async fn an_exchange_does_not_tell_the_number_of_a_user_to_a_pairwise_application() {
    let server = crate::openid::server().await;
    let number = server.user(&USER).await.id.to_string();
    let front = Client::register(&server).await;
    let tokens = front.tokens(&server).await;
    assert_eq!(front.introspect(&server, &tokens.access).await["sub"], number.as_str());
    let grants = json!([GRANT_TYPE, "authorization_code"]);
    let middle = service_with(&server, &front, json!({ "grantTypes": grants })).await;
    let own = middle.tokens(&server).await.access;
    let acting = [("actor_token", own.as_str()), ("actor_token_type", ACCESS_TOKEN)];
    let delegated = access(&exchange(&server, &middle, &tokens.access, &acting).await);
    assert_eq!(middle.introspect(&server, &delegated).await["act"]["sub"], number.as_str());
    for format in ["opaque", "jwt"] {
        let members = json!({
            "tokenFormat": format, "openid": { "subjectType": "pairwise" }, "grantTypes": grants,
        });
        let service = service_with(&server, &middle, members).await;
        let own = service.tokens(&server).await.access;
        let expected = service.introspect(&server, &own).await["sub"].clone();
        assert_ne!(expected, number.as_str());
        let acting = [("actor_token", own.as_str()), ("actor_token_type", ACCESS_TOKEN)];
        let token = access(&exchange(&server, &service, &delegated, &acting).await);
        let shown = service.introspect(&server, &token).await;
        let act = json!({
            "sub": expected, "client_id": service.identifier,
            "act": { "sub": middle.identifier, "client_id": middle.identifier },
        });
        assert_eq!((&shown["sub"], &shown["act"]), (&expected, &act), "{format}");
        if format == "jwt" {
            let claims = crate::openid::decoded(&token).1;
            assert_eq!((&claims["sub"], &claims["act"]), (&expected, &act));
        }
    }
}

#[tokio::test]
async fn revoking_what_a_token_comes_from_ends_it() {
    let server = TestServer::start().await;
    let front = Client::register(&server).await;
    let service = service(&server, &front, true).await;
    let tokens = front.tokens(&server).await;
    let by_token = access(&exchange(&server, &service, &tokens.access, &[]).await);
    front.post(&server, "/oauth2/revoke", &[("token", &tokens.access)]).await.expect(200);
    assert!(!is_alive(&server, &by_token).await);
    assert_refused(&exchange(&server, &service, &tokens.access, &[]).await, 400, "invalid_request");
    let tokens = Tokens::of(&front.refresh(&server, &tokens.refresh).await);
    let by_grant = access(&exchange(&server, &service, &tokens.access, &[]).await);
    front.post(&server, "/oauth2/revoke", &[("token", &tokens.refresh)]).await.expect(200);
    assert!(!is_alive(&server, &by_grant).await);
    let tokens = front.tokens(&server).await;
    let by_user = access(&exchange(&server, &service, &tokens.access, &[]).await);
    let allowed = format!("/api/mgmt/oauth/client/allowedapplications/{}", front.id);
    server.delete(&allowed).basic(&USER).send().await.expect(204);
    assert!(!is_alive(&server, &by_user).await);
    let tokens = front.tokens(&server).await;
    let by_reset = access(&exchange(&server, &service, &tokens.access, &[]).await);
    server.put(&format!("{APPLICATIONS}/{}/reset", front.id)).basic(&USER).send().await.expect(200);
    assert!(!is_alive(&server, &by_reset).await);
}

#[tokio::test]
async fn what_the_policy_does_not_allow_is_refused() {
    let server = TestServer::start().await;
    let front = Client::register(&server).await;
    let other = Client::register(&server).await;
    let service = service(&server, &front, true).await;
    let token = front.tokens(&server).await.access;
    let foreign = other.tokens(&server).await.access;
    assert_refused(&exchange(&server, &service, &foreign, &[]).await, 400, "invalid_request");
    assert_refused(&exchange(&server, &service, "sga_x", &[]).await, 400, "invalid_request");
    let mgmt = [("scope", "api.mgmt")];
    assert_refused(&exchange(&server, &service, &token, &mgmt).await, 400, "invalid_scope");
    let elsewhere = [("audience", "https://elsewhere.example")];
    assert_refused(&exchange(&server, &service, &token, &elsewhere).await, 400, "invalid_target");
    let saml = [("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")];
    assert_refused(&exchange(&server, &service, &token, &saml).await, 400, "invalid_request");
    let plain = json!({ "grantTypes": [GRANT_TYPE] });
    let unpoliced = Client::register_with(&server, plain).await;
    assert_refused(&exchange(&server, &unpoliced, &token, &[]).await, 400, "unauthorized_client");
    assert_refused(&exchange(&server, &other, &token, &[]).await, 400, "unauthorized_client");
}

#[tokio::test]
async fn only_an_administrator_sets_the_policy() {
    let server = TestServer::start().await;
    let front = Client::register(&server).await;
    let policy = json!({ "clients": [front.identifier], "delegation": true });
    let body = json!({
        "name": "Relay", "redirectUrls": ["https://relay.example/cb"], "tokenExchange": policy,
    });
    let refused = server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    assert!(refused.text().contains("only by an Administrator"), "{}", refused.text());
    let relay = service(&server, &front, false).await;
    let path = format!("{APPLICATIONS}/{}", relay.id);
    let shown = server.get(&path).basic(&ADMIN).send().await.expect(200).json();
    assert_eq!(shown["tokenExchange"]["clients"], json!([front.identifier]));
    let off = json!({ "name": "Relay", "redirectUrls": ["https://relay.example/cb"], "tokenExchange": {} });
    let updated = server.put(&path).basic(&ADMIN).json(&off).send().await.expect(200).json();
    assert!(updated["tokenExchange"].is_null(), "{updated}");
    for wrong in [json!({ "delegation": true }), json!({ "delegation": true, "clients": ["x"] })] {
        let body = json!({ "name": "Relay", "redirectUrls": [], "tokenExchange": wrong });
        let refused = server.put(&path).basic(&ADMIN).json(&body).send().await.expect(400);
        assert!(refused.text().contains("tokenExchange.clients"), "{}", refused.text());
    }
}
