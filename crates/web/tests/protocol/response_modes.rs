//! How the response to an authorization request travels to the client.

use testkit::{Answer, Browser, TestServer, USER, challenge_of};
use url::Url;

use crate::client::{CALLBACK, Client, S256, Tokens};

/// The last answer of a request in this mode that the user allows.
async fn allowed(browser: &mut Browser<'_>, client: &Client, requested: &str) -> Answer {
    let more = [&S256[..], &[("state", "a b&<c>"), ("response_mode", requested)]].concat();
    browser.get(&client.authorize_url(&more)).await;
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("consent-allow").press("consent-allow");
    browser.submit(form).await
}

fn assert_complete(pairs: &[(String, String)]) -> String {
    let value = |name: &str| pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    assert_eq!(value("state"), Some("a b&<c>"));
    assert_eq!(value("iss"), Some("http://127.0.0.1:8080"));
    value("code").unwrap().to_owned()
}

#[tokio::test]
async fn a_fragment_carries_the_code() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let answer = allowed(&mut server.browser(), &client, "fragment").await.expect(303);
    let url = Url::parse(answer.location()).unwrap();
    assert_eq!(url.query(), None);
    let pairs: Vec<_> =
        url::form_urlencoded::parse(url.fragment().unwrap().as_bytes()).into_owned().collect();
    Tokens::of(&client.exchange_verified(&server, &assert_complete(&pairs)).await);
}

#[tokio::test]
async fn a_form_carries_the_code_and_runs_no_other_script() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let mut browser = server.browser();
    let answer = allowed(&mut browser, &client, "form_post").await.expect(200);
    let policy = answer.header("content-security-policy");
    let script =
        answer.text().split("<script>").nth(1).unwrap().split("</script>").next().unwrap().to_owned();
    let digest = challenge_of(&script).replace('-', "+").replace('_', "/");
    assert!(policy.contains(&format!("script-src 'sha256-{digest}=';")), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), "no-store");
    let form = browser.form_with_button("form-post-submit");
    assert_eq!(form.action, CALLBACK);
    Tokens::of(&client.exchange_verified(&server, &assert_complete(&form.fields)).await);
}

#[tokio::test]
async fn an_error_is_sent_in_the_same_way() {
    let server = TestServer::start().await;
    let client = Client::register(&server).await;
    let more = [("response_mode", "fragment"), ("scope", "nonsense"), ("state", "s")];
    let answer = server.get(&client.authorize_url(&more)).basic(&USER).send().await.expect(303);
    assert!(answer.location().starts_with("https://client.example/cb#error=invalid_scope"));
    assert!(
        answer.location().ends_with("&state=s&iss=http%3A%2F%2F127.0.0.1%3A8080"),
        "{}",
        answer.location()
    );
    let mut browser = server.browser();
    let more = [("response_mode", "form_post"), ("scope", "nonsense")];
    browser.get(&client.authorize_url(&more)).await.expect(200);
    browser.sign_in(&USER).await.expect(200);
    let form = browser.form_with_button("form-post-submit");
    assert!(form.fields.contains(&("error".to_owned(), "invalid_scope".to_owned())), "{:?}", form.fields);
    assert!(form.fields.contains(&("iss".to_owned(), "http://127.0.0.1:8080".to_owned())));
}
