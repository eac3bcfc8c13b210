//! Signing keys in a signer outside of the process: which of them sign, and what happens while the signer fails.

use app::AppSettings;
use app::identity::caller::RequestOrigin;
use app::node::signing_keys::SigningKeyState;
use oauth::signing::SigningAlgorithm::{self, EdDsa, Rs256};
use serde_json::{Value, json};
use testkit::{ADMIN, Answer, FakeSigner, Setup, SignerBehaviour, TestServer, USER};

use crate::client::{Client, Tokens, is_alive};
use crate::signed_tokens::part;

const DAY_SECS: i64 = 86_400;

async fn server(signer: &FakeSigner, algorithms: &[SigningAlgorithm]) -> TestServer {
    let mut setup = Setup::default();
    setup.app.external_signer = Some(signer.settings(algorithms));
    let server = TestServer::start_with(setup).await;
    synchronise(&server).await;
    server
}

fn origin() -> RequestOrigin {
    RequestOrigin::command_line()
}

async fn synchronise(server: &TestServer) {
    server.app().signing_keys().synchronise(&origin()).await.unwrap();
}

/// An application with signed access tokens of this algorithm.
async fn client(server: &TestServer, algorithm: SigningAlgorithm) -> Client {
    let members = json!({
        "tokenFormat": "jwt", "accessTokenSigningAlg": algorithm.as_str(),
        "grantTypes": ["client_credentials", "authorization_code", "refresh_token"],
    });
    Client::register_with(server, members).await
}

async fn ask(server: &TestServer, client: &Client) -> Answer {
    client.token(server, &[("grant_type", "client_credentials")]).await
}

async fn token(server: &TestServer, client: &Client) -> String {
    Tokens::of(&ask(server, client).await).access
}

/// The `kid` of the key that signs, which must be published.
async fn signs(server: &TestServer, client: &Client) -> String {
    let token = token(server, client).await;
    assert!(is_alive(server, &token).await);
    let header = part(&token, 0);
    let kid = header["kid"].as_str().unwrap().to_owned();
    assert!(published(server).await.contains(&kid), "{kid}");
    kid
}

async fn published(server: &TestServer) -> Vec<String> {
    let keys = server.get("/oauth2/jwks").send().await.expect(200).json();
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn assert_unavailable(answer: &Answer) {
    assert_eq!((answer.status(), answer.header("retry-after")), (503, "5"), "{}", answer.text());
}

async fn readiness(server: &TestServer) -> String {
    server.get("/readyz").send().await.expect(200).text().to_owned()
}

fn metric(server: &TestServer, name: &str) -> String {
    let metrics = server.app().node().encode_metrics();
    let line = metrics.lines().find(|line| line.starts_with(&format!("sluicegate_{name} ")));
    line.unwrap_or_else(|| panic!("no {name}")).rsplit_once(' ').unwrap().1.to_owned()
}

#[tokio::test]
async fn the_first_key_of_each_algorithm_signs_at_once() {
    let signer = FakeSigner::start(&SigningAlgorithm::ALL);
    let server = server(&signer, &SigningAlgorithm::ALL).await;
    for algorithm in SigningAlgorithm::ALL {
        let client = client(&server, algorithm).await;
        signs(&server, &client).await;
    }
    assert_eq!(published(&server).await.len(), 4, "the server makes no keys of its own");
    server.app().node().maintain().await.unwrap();
    assert_eq!(published(&server).await.len(), 4);
}

#[tokio::test]
async fn keys_of_both_places_sign_side_by_side() {
    let signer = FakeSigner::start(&[Rs256]);
    let server = server(&signer, &[Rs256]).await;
    let before = signer.asked_signatures();
    signs(&server, &client(&server, EdDsa).await).await;
    assert_eq!(signer.asked_signatures(), before);
    signs(&server, &client(&server, Rs256).await).await;
    assert_eq!(signer.asked_signatures(), before + 1);
}

#[tokio::test]
async fn a_later_key_is_published_for_a_day_before_it_signs() {
    let signer = FakeSigner::start(&[EdDsa]);
    let server = server(&signer, &[EdDsa]).await;
    let client = client(&server, EdDsa).await;
    let first = signs(&server, &client).await;
    signer.add_key("next", EdDsa.into());
    let before = published(&server).await.len();
    synchronise(&server).await;
    assert_eq!(published(&server).await.len(), before + 1);
    assert_eq!(signs(&server, &client).await, first);
    server.clock().advance_secs(DAY_SECS);
    synchronise(&server).await;
    let second = signs(&server, &client).await;
    assert_ne!(second, first);
    let keys = server.app().signing_keys().list().await.unwrap();
    let states: Vec<_> = keys.iter().filter(|key| key.algorithm == EdDsa).map(|key| key.state).collect();
    assert_eq!(states, [SigningKeyState::Verifies, SigningKeyState::Signs]);
}

#[tokio::test]
async fn a_key_that_has_left_the_signer_stays_published_until_its_tokens_have_expired() {
    let signer = FakeSigner::start(&[EdDsa]);
    let server = server(&signer, &[EdDsa]).await;
    let client = client(&server, EdDsa).await;
    let old = token(&server, &client).await;
    let first = signs(&server, &client).await;
    signer.add_key("next", EdDsa.into());
    signer.remove_key("EdDSA");
    synchronise(&server).await;
    assert_ne!(
        signs(&server, &client).await,
        first,
        "the keys in use are gone, so the next one does not wait"
    );
    assert!(is_alive(&server, &old).await);
    let retired = server.app().signing_keys().retire(EdDsa, &origin()).await.unwrap();
    assert_eq!(retired, 0, "a node has seen both in the last minutes");
    server.clock().advance_secs(DAY_SECS + 2 * 3_600);
    synchronise(&server).await;
    server.app().node().maintain().await.unwrap();
    assert!(!published(&server).await.contains(&first));
    signs(&server, &client).await;
}

#[tokio::test]
async fn a_leaked_key_that_has_left_the_signer_is_retired_at_once() {
    let signer = FakeSigner::start(&[EdDsa]);
    let server = server(&signer, &[EdDsa]).await;
    let client = client(&server, EdDsa).await;
    let leaked = signs(&server, &client).await;
    signer.add_key("next", EdDsa.into());
    signer.remove_key("EdDSA");
    synchronise(&server).await;
    server.clock().advance_secs(240);
    synchronise(&server).await;
    assert_eq!(server.app().signing_keys().retire(EdDsa, &origin()).await.unwrap(), 1);
    assert!(!published(&server).await.contains(&leaked));
    assert_ne!(signs(&server, &client).await, leaked);
}

#[tokio::test]
async fn an_installation_moves_its_keys_into_a_signer_and_back() {
    let signer = FakeSigner::start(&[EdDsa]);
    let server = TestServer::start().await;
    let client = client(&server, EdDsa).await;
    let sealed = signs(&server, &client).await;
    let settings = AppSettings { external_signer: Some(signer.settings(&[EdDsa])), ..AppSettings::default() };
    let server = server.restart_with(settings).await;
    synchronise(&server).await;
    assert_eq!(signs(&server, &client).await, sealed, "for a day");
    server.clock().advance_secs(DAY_SECS);
    let external = signs(&server, &client).await;
    assert_ne!(external, sealed);
    let by_signer = token(&server, &client).await;
    let server = server.restart_with(AppSettings::default()).await;
    assert_eq!(signs(&server, &client).await, sealed, "the configuration has the last word");
    assert!(is_alive(&server, &by_signer).await, "a node without the signer knows its keys");
    assert!(published(&server).await.contains(&external));
}

#[tokio::test]
async fn a_code_outlives_a_signer_that_is_down() {
    let mut signer = FakeSigner::start(&[EdDsa]);
    let server = server(&signer, &[EdDsa]).await;
    let (client, opaque) = (client(&server, EdDsa).await, Client::register(&server).await);
    let code = client.code(&server).await;
    signer.disappear();
    for _ in 0..3 {
        assert_unavailable(&client.exchange(&server, &code).await);
    }
    assert!(is_alive(&server, &opaque.tokens(&server).await.access).await, "opaque tokens continue");
    assert_eq!(readiness(&server).await, "ready, but the signer does not answer\n");
    assert_eq!(metric(&server, "signer_down"), "1");
    signer.come_back();
    server.clock().advance_secs(1);
    let tokens = Tokens::of(&client.exchange(&server, &code).await);
    assert!(is_alive(&server, &tokens.access).await);
    assert_eq!(
        (readiness(&server).await.as_str(), metric(&server, "signer_down").as_str()),
        ("ready\n", "0")
    );
    assert_eq!(client.exchange(&server, &code).await.status(), 400, "it is used up now");
    assert!(!is_alive(&server, &tokens.access).await, "a replay ends its grant as ever");
}

/// The failure shows only when the code has created its grant.
#[tokio::test]
async fn a_code_outlives_every_failure_of_a_signature() {
    let signer = FakeSigner::start(&[EdDsa]);
    for behaviour in [
        SignerBehaviour::SignsWrongly,
        SignerBehaviour::StaysSilent,
        SignerBehaviour::SendsGarbage,
        SignerBehaviour::Refuses,
    ] {
        let server = server(&signer, &[EdDsa]).await;
        let client = client(&server, EdDsa).await;
        let code = client.code(&server).await;
        signer.behave(behaviour);
        let asked = signer.asked_signatures();
        for _ in 0..3 {
            assert_unavailable(&client.exchange(&server, &code).await);
        }
        assert!(signer.asked_signatures() <= asked + 1, "only one request in a second tries it again");
        signer.behave(SignerBehaviour::Signs);
        server.clock().advance_secs(1);
        let tokens = Tokens::of(&client.exchange(&server, &code).await);
        assert!(is_alive(&server, &tokens.access).await, "{behaviour:?}");
        let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
        assert!(is_alive(&server, &next.access).await);
    }
}

#[tokio::test]
async fn a_refresh_token_outlives_a_signer_that_is_down() {
    let mut signer = FakeSigner::start(&[EdDsa]);
    let server = server(&signer, &[EdDsa]).await;
    let members = json!({ "tokenFormat": "jwt", "accessTokenSigningAlg": "EdDSA", "clientType": "public" });
    let client = Client::register_with(&server, members).await;
    let tokens = client.tokens(&server).await;
    signer.disappear();
    assert_unavailable(&client.refresh(&server, &tokens.refresh).await);
    signer.come_back();
    server.clock().advance_secs(1);
    let next = Tokens::of(&client.refresh(&server, &tokens.refresh).await);
    assert!(is_alive(&server, &next.access).await);
    assert!(!next.refresh.is_empty());
}

#[tokio::test]
async fn id_tokens_and_signed_messages_come_from_the_signer() {
    let mut signer = FakeSigner::start(&[Rs256]);
    let server = server(&signer, &[Rs256]).await;
    let members = json!({
        "scopes": ["odata", "openid"],
        "grantTypes": ["client_credentials", "authorization_code", "refresh_token"],
    });
    let client = Client::register_with(&server, members).await;
    let code = client.code_with(&server, &USER, &[("scope", "openid")]).await;
    let response = client.exchange(&server, &code).await.expect(200).json();
    let kid = |jwt: &Value| part(jwt.as_str().unwrap(), 0)["kid"].as_str().unwrap().to_owned();
    let id = kid(&response["id_token"]);
    assert!(published(&server).await.contains(&id));
    let jwt = "application/token-introspection+jwt";
    let ask =
        [("client_id", client.identifier.as_str()), ("client_secret", client.secret.as_deref().unwrap())];
    let introspect = async |token: &str| {
        let form = [&ask[..], &[("token", token)]].concat();
        server.post("/oauth2/introspect").header("accept", jwt).form(&form).send().await
    };
    let access = response["access_token"].as_str().unwrap();
    assert_eq!(kid(&json!(introspect(access).await.expect(200).text())), id);
    let mut browser = server.browser();
    let url = client.authorize_url(&[("response_mode", "jwt"), ("scope", "openid")]);
    let answer = crate::client::allow(&mut browser, &USER, &url).await;
    assert_eq!(kid(&json!(crate::client::parameter(&answer, "response").unwrap())), id);
    signer.disappear();
    assert_unavailable(&introspect(access).await);
    assert_unavailable(&browser.get(&url).await);
    let service =
        client.token(&server, &[("grant_type", "client_credentials"), ("scope", "api.access.odata")]);
    service.await.expect(200);
}

#[tokio::test]
async fn keys_that_fail_the_test_or_that_nobody_wants_are_not_published() {
    let signer = FakeSigner::start(&[EdDsa, Rs256]);
    signer.add_key("another algorithm", oauth::signing::JwsAlgorithm::Es384);
    signer.behave(SignerBehaviour::SignsWrongly);
    let server = server(&signer, &[EdDsa]).await;
    let ids = async || -> Vec<_> {
        let listed = server.app().signing_keys().list().await.unwrap();
        listed.into_iter().filter(|key| key.algorithm == EdDsa).map(|key| key.key_id).collect()
    };
    assert!(ids().await.is_empty());
    assert_unavailable(&ask(&server, &client(&server, EdDsa).await).await);
    signer.behave(SignerBehaviour::Signs);
    synchronise(&server).await;
    assert_eq!(ids().await.len(), 1);
    assert!(published(&server).await.contains(&ids().await[0]));
    let audit = server.get("/api/admin/audit").basic(&ADMIN).send().await.expect(200).text().to_owned();
    assert!(audit.contains(&ids().await[0]), "the new key is in the audit log");
}

#[tokio::test]
async fn a_key_that_one_node_has_found_is_published_and_used_by_the_other() {
    let signer = FakeSigner::start(&[EdDsa]);
    let one = server(&signer, &[EdDsa]).await;
    let settings = AppSettings { external_signer: Some(signer.settings(&[EdDsa])), ..AppSettings::default() };
    let other = one.another_node(settings).await;
    synchronise(&other).await;
    let client = client(&one, EdDsa).await;
    let first = signs(&one, &client).await;
    assert_eq!(signs(&other, &client).await, first);
    signer.add_key("next", EdDsa.into());
    synchronise(&one).await;
    other.app().node().refresh().await.unwrap();
    assert_eq!(published(&other).await, published(&one).await);
    synchronise(&other).await;
    one.clock().advance_secs(DAY_SECS);
    for node in [&one, &other] {
        synchronise(node).await;
    }
    let by_one = token(&one, &client).await;
    assert_ne!(part(&by_one, 0)["kid"], first);
    assert!(is_alive(&other, &by_one).await);
    assert_eq!(signs(&other, &client).await, part(&by_one, 0)["kid"]);
}
