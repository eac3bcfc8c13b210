//! Tests of revocation ([RFC 7009](https://www.rfc-editor.org/rfc/rfc7009)).

use serde_json::json;
use testkit::{TestServer, USER};

use crate::client::{Client, Tokens, assert_refused, is_alive};

const PATH: &str = "/oauth2/revoke";

#[tokio::test]
async fn revoking_an_access_token_affects_only_that_token() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let first = client.tokens(&server).await;
    let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
    let answer = client.post(&server, PATH, &[("token", &first.access)]).await.expect(200);
    assert_eq!(answer.json(), json!({}));
    assert_eq!(answer.header("content-type"), "application/json");
    assert!(!is_alive(&server, &first.access).await);
    assert!(is_alive(&server, &second.access).await);
    Tokens::of(&client.refresh(&server, &first.refresh).await);
}

#[tokio::test]
async fn revoking_a_refresh_token_revokes_its_whole_grant() {
    let server = TestServer::start().await;
    for client in
        [Client::register(&server).await, Client::strict(&server).await, Client::public(&server).await]
    {
        let first = client.tokens(&server).await;
        let second = Tokens::of(&client.refresh(&server, &first.refresh).await);
        let other = client.tokens(&server).await;
        client.post(&server, PATH, &[("token", &second.refresh)]).await.expect(200);
        for tokens in [&first, &second] {
            assert!(!is_alive(&server, &tokens.access).await);
            assert_refused(&client.refresh(&server, &tokens.refresh).await, 400, "invalid_grant");
        }
        assert!(is_alive(&server, &other.access).await);
        client.post(&server, PATH, &[("token", &second.refresh)]).await.expect(200);
    }
}

#[tokio::test]
async fn the_token_of_another_client_and_an_invalid_one_get_200_without_effect() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let stranger = Client::register(&server).await;
    for token in [tokens.access.as_str(), &tokens.refresh, "nonsense", "sga_AAAA"] {
        let answer = stranger.post(&server, PATH, &[("token", token)]).await.expect(200);
        assert_eq!(answer.json(), json!({}));
    }
    assert!(is_alive(&server, &tokens.access).await);
    Tokens::of(&client.refresh(&server, &tokens.refresh).await);
}

#[tokio::test]
async fn revocation_requires_a_client_and_a_token() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let tokens = client.tokens(&server).await;
    let fields = [("token", tokens.access.as_str())];
    assert_refused(&server.post(PATH).form(&fields).send().await, 401, "invalid_client");
    let wrong = Client { secret: Some("wrong".to_owned()), ..client.clone() };
    assert_refused(&wrong.post(&server, PATH, &fields).await, 400, "invalid_client");
    assert_refused(&client.post(&server, PATH, &[]).await, 400, "invalid_request");
    assert!(is_alive(&server, &tokens.access).await);
    Tokens::of(&client.password(&server, &USER).await);
}
