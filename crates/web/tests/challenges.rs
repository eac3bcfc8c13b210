//! Every 401 response tells the caller how to authenticate ([RFC 9110
//! §15.5.2](https://www.rfc-editor.org/rfc/rfc9110#section-15.5.2)).

use http::Method;
use testkit::{TestServer, USER};

#[tokio::test]
async fn every_401_contains_a_challenge() {
    let server = TestServer::start().await;
    let wrong = [("client_id", "nobody"), ("client_secret", "x"), ("grant_type", "client_credentials")];
    let mut answers = Vec::new();
    for path in ["/oauth2/token", "/oauth2/introspect", "/oauth2/revoke"] {
        answers.push(server.post(path).basic_as("nobody", "x").form(&wrong[2..]).send().await);
        answers.push(server.post(path).form(&wrong).send().await);
    }
    for path in ["/api/admin/users", "/api/odata4", "/api/odata4/a/b", "/api/mgmt/oauth/client/applications"]
    {
        answers.push(server.get(path).send().await);
        answers.push(server.get(path).basic_as(USER.name, "wrong").send().await);
        answers.push(server.get(path).header("authorization", "Bearer dead").send().await);
        answers.push(server.get(path).header("authorization", "Negotiate x").send().await);
        answers.push(server.call(Method::PATCH, path).send().await);
    }
    let mut browser = server.browser();
    browser.get("/login").await;
    let form = browser.form("/login").fill("username", USER.name).fill("password", "wrong");
    let refused = browser.submit(form).await;
    assert_eq!(refused.status(), 401);
    assert!(
        !refused.header("www-authenticate").contains("Basic"),
        "a browser would ask in a window of its own"
    );
    answers.push(refused);
    let refused = answers.iter().filter(|answer| answer.status() == 401);
    assert!(refused.clone().count() > 12);
    for answer in refused {
        assert!(!answer.header("www-authenticate").is_empty(), "{}", answer.text());
    }
}
