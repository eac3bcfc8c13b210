//! The token endpoint: formats, spellings, client authentication, the four grants, the profiles.

use serde_json::json;
use testkit::{ADMIN, TestServer, USER};

use crate::client::{
    APPLICATIONS, CALLBACK, Client, TOKEN, Tokens, assert_refused, is_alive, password_fields,
};

#[tokio::test]
async fn forms_and_json_in_either_spelling_are_the_same_request() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    for (id_name, secret_name) in [("client_id", "client_secret"), ("clientId", "clientSecret")] {
        let mut fields = password_fields(&USER).to_vec();
        fields.extend([(id_name, id), (secret_name, secret)]);
        Tokens::of(&server.post(TOKEN).form(&fields).send().await);
        let object: serde_json::Map<_, _> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        Tokens::of(&server.post(TOKEN).json(&object.into()).send().await);
    }
    let mut both = password_fields(&USER).to_vec();
    both.extend([("client_id", id), ("clientId", id), ("client_secret", secret)]);
    Tokens::of(&server.post(TOKEN).form(&both).send().await);
    both.push(("clientSecret", "another"));
    assert_refused(&server.post(TOKEN).form(&both).send().await, 400, "invalid_request");
}

#[tokio::test]
async fn a_client_authenticates_in_the_header_or_in_the_body_but_not_in_both() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let (id, secret) = (client.identifier.as_str(), client.secret.as_deref().unwrap());
    let fields = password_fields(&USER);
    Tokens::of(&server.post(TOKEN).basic_as(id, secret).form(&fields).send().await);
    let mut twice = fields.to_vec();
    twice.push(("client_secret", secret));
    let answer = server.post(TOKEN).basic_as(id, secret).form(&twice).send().await;
    assert_refused(&answer, 400, "invalid_request");
    let mut other = fields.to_vec();
    other.push(("client_id", "0f7c9b3e-0000-4000-8000-000000000000"));
    assert_refused(
        &server.post(TOKEN).basic_as(id, secret).form(&other).send().await,
        400,
        "invalid_request",
    );
}

#[tokio::test]
async fn a_wrong_secret_gets_401_in_the_header_and_400_in_the_body() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let id = client.identifier.as_str();
    let unknown = "0f7c9b3e-0000-4000-8000-000000000000";
    let fields = password_fields(&USER);
    let (mut from_header, mut from_body) = (Vec::new(), Vec::new());
    for (id, secret) in [(id, "wrong"), (unknown, "wrong"), ("no uuid", "wrong"), (id, "sgs_AAAA")] {
        from_header.push(server.post(TOKEN).basic_as(id, secret).form(&fields).send().await);
        let mut posted = fields.to_vec();
        posted.extend([("client_id", id), ("client_secret", secret)]);
        from_body.push(server.post(TOKEN).form(&posted).send().await);
    }
    let mut without = fields.to_vec();
    without.push(("client_id", id));
    from_body.push(server.post(TOKEN).form(&without).send().await);
    from_header.push(server.post(TOKEN).header("authorization", "Basic !!!").form(&fields).send().await);
    from_header.push(server.post(TOKEN).bearer("sga_x").form(&fields).send().await);
    for (status, answers) in [(401, &from_header), (400, &from_body)] {
        for answer in answers {
            assert_refused(answer, status, "invalid_client");
            assert_eq!(answer.text(), from_header[0].text());
            assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
        }
    }
    assert_refused(&server.post(TOKEN).form(&fields).send().await, 401, "invalid_client");
}

#[tokio::test]
async fn a_public_client_sends_no_secret() {
    let server = TestServer::start().await;
    let client = Client::public(&server).await;
    assert_eq!(client.secret, None);
    let tokens = client.tokens(&server).await;
    let with_secret = Client { secret: Some("sgs_x".to_owned()), ..client.clone() };
    assert_refused(&with_secret.refresh(&server, &tokens.refresh).await, 400, "invalid_client");
}

#[tokio::test]
async fn scopes_have_a_default_and_an_alias_and_are_trimmed() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    for scope in [None, Some(""), Some("  "), Some(" odata "), Some("api.access.odata odata")] {
        let mut fields = password_fields(&USER).to_vec();
        fields.extend(scope.map(|scope| ("scope", scope)));
        let body = client.token(&server, &fields).await.expect(200).json();
        assert_eq!(body["scope"], "api.access.odata", "{scope:?}");
    }
    for scope in ["openid", "api.mgmt", "odata,api.mgmt", "ODATA"] {
        let mut fields = password_fields(&USER).to_vec();
        fields.push(("scope", scope));
        assert_refused(&client.token(&server, &fields).await, 400, "invalid_scope");
    }
}

#[tokio::test]
async fn grant_types_that_are_unknown_or_not_registered_are_refused() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let implicit = client.token(&server, &[("grant_type", "implicit")]).await;
    assert_refused(&implicit, 400, "unsupported_grant_type");
    assert_refused(&client.token(&server, &[]).await, 400, "invalid_request");
    let own = client.token(&server, &[("grant_type", "client_credentials")]).await;
    assert_refused(&own, 400, "unauthorized_client");
    let code_only = Client::register_with(&server, json!({ "grantTypes": ["authorization_code"] })).await;
    assert_refused(&code_only.password(&server, &USER).await, 400, "unauthorized_client");
    assert_refused(&code_only.refresh(&server, "sgr_x").await, 400, "unauthorized_client");
    let code = code_only.code(&server).await;
    let body = code_only.exchange(&server, &code).await.expect(200).json();
    assert!(body.get("refresh_token").is_none(), "{body}");
}

#[tokio::test]
async fn client_credentials_act_as_the_owner_without_a_refresh_token() {
    let server = TestServer::start().await;
    let grants = json!({ "grantTypes": ["client_credentials"] });
    let client = Client::register_with(&server, grants.clone()).await;
    let body = client.token(&server, &[("grant_type", "client_credentials")]).await.expect(200).json();
    assert!(body.get("refresh_token").is_none(), "{body}");
    let access = body["access_token"].as_str().unwrap();
    assert!(is_alive(&server, access).await);
    let response = client.introspect(&server, access).await;
    assert_eq!((&response["sub"], &response["username"]), (&json!(client.identifier), &json!(USER.name)));

    let mut public = grants;
    public["clientType"] = json!("public");
    public["name"] = json!("Public");
    public["redirectUrls"] = json!([CALLBACK]);
    let answer = server.post(APPLICATIONS).basic(&USER).json(&public).send().await;
    if answer.status() == 201 {
        let id = answer.json()["clientId"].as_str().unwrap().to_owned();
        let request = server.post(TOKEN).form(&[("grant_type", "client_credentials"), ("client_id", &id)]);
        assert_refused(&request.send().await, 400, "unauthorized_client");
    } else {
        assert_eq!(answer.status(), 400, "{}", answer.text());
    }
}

#[tokio::test]
async fn the_password_grant_is_listed_as_allowed_but_is_no_consent() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    Tokens::of(&client.password(&server, &USER).await);
    let path = "/api/mgmt/oauth/client/allowedapplications";
    let allowed = server.get(path).basic(&USER).send().await.expect(200).json();
    assert_eq!(allowed["applications"][0]["id"], client.id);
    let mut browser = server.browser();
    browser.get(&client.authorize_url(&[])).await;
    assert!(browser.sign_in(&USER).await.expect(200).text().contains("consent-allow"));
}

#[tokio::test]
async fn the_strict_profile_does_not_allow_the_password_grant() {
    let server = TestServer::start().await;
    let client = Client::strict(&server).await;
    assert_refused(&client.password(&server, &USER).await, 400, "unauthorized_client");
    for body in [
        json!({ "name": "a", "redirectUrls": [CALLBACK], "profile": "oauth21", "grantTypes": ["password"] }),
        json!({ "name": "a", "redirectUrls": [CALLBACK], "profile": "fapi2" }),
    ] {
        server.post(APPLICATIONS).basic(&USER).json(&body).send().await.expect(400);
    }
}

#[tokio::test]
async fn the_lifetime_of_a_token_is_the_smaller_of_application_and_limit() {
    let server = TestServer::start().await;
    let client = Client::register_with(&server, json!({ "accessTokenLifetime": 120 })).await;
    let answer = client.password(&server, &USER).await.expect(200);
    assert_eq!(answer.json()["expires_in"], 120);
    let tokens = Tokens::of(&answer);
    server.clock().advance_secs(119);
    assert!(is_alive(&server, &tokens.access).await);
    server.clock().advance_secs(1);
    assert!(!is_alive(&server, &tokens.access).await);
    let longer = Client::register_with(&server, json!({ "accessTokenLifetime": 86_400 })).await;
    let body = longer.password(&server, &USER).await.expect(200).json();
    assert_eq!(body["expires_in"], 3_600, "the limit of the system is smaller");
}

#[tokio::test]
async fn the_connector_for_power_bi_refreshes_with_the_code_grant() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let refresh = client.tokens(&server).await.refresh;
    let newer = [("grant_type", "authorization_code"), ("refresh_token", refresh.as_str())];
    let older = [newer[0], newer[1], ("code", refresh.as_str())];
    for fields in [&newer[..], &older[..]] {
        let tokens = Tokens::of(&client.token(&server, fields).await);
        assert_eq!(tokens.refresh, refresh);
        assert!(is_alive(&server, &tokens.access).await);
    }
    let metrics = server.app().node().encode_metrics();
    assert!(metrics.contains("sluicegate_power_bi_refresh_quirk_total 2"), "{metrics}");
    let other_code = [newer[0], newer[1], ("code", "sgc_other")];
    assert_refused(&client.token(&server, &other_code).await, 400, "invalid_grant");

    let strict = Client::strict(&server).await;
    let refresh = strict.tokens(&server).await.refresh;
    let fields = [("grant_type", "authorization_code"), ("refresh_token", refresh.as_str())];
    assert_refused(&strict.token(&server, &fields).await, 400, "invalid_request");
    let fields = [fields[0], fields[1], ("code", refresh.as_str())];
    assert_refused(&strict.token(&server, &fields).await, 400, "invalid_grant");
    Tokens::of(&strict.refresh(&server, &refresh).await);
}

#[tokio::test]
async fn either_of_two_live_secrets_authenticates_the_client() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let path = format!("{APPLICATIONS}/{}/secrets", client.id);
    let added = server.post(&path).basic(&USER).json(&json!({})).send().await.expect(201).json();
    let newer = Client { secret: added["clientSecret"].as_str().map(str::to_owned), ..client.clone() };
    Tokens::of(&client.password(&server, &USER).await);
    Tokens::of(&newer.password(&server, &USER).await);
    server.clock().advance_secs(24 * 3_600);
    assert_refused(&client.password(&server, &USER).await, 400, "invalid_client");
    Tokens::of(&newer.password(&server, &USER).await);
}

#[tokio::test]
async fn methods_other_than_post_get_405_with_allow() {
    let server = TestServer::start().await;
    for path in ["/oauth2/token", "/api/mgmt/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        for method in [http::Method::GET, http::Method::PUT, http::Method::DELETE] {
            let answer = server.call(method, path).basic(&ADMIN).send().await;
            assert_refused(&answer, 405, "invalid_request");
            assert_eq!(answer.header("allow"), "POST", "{path}");
        }
    }
    for path in ["/oauth2/authorize", "/login"] {
        let answer = server.call(http::Method::DELETE, path).send().await.expect(405);
        assert!(answer.header("allow").contains("GET") && answer.header("allow").contains("POST"));
        assert!(answer.text().contains("error-title"));
    }
}
