//! Certificates of clients ([RFC 8705](https://www.rfc-editor.org/rfc/rfc8705)).

use app::identity::caller::RequestOrigin;
use app::node::client_certificates::ClientCertificates;
use app::node::clock::Clock as _;
use http::HeaderValue;
use serde_json::{Value, json};
use testkit::TestCertificate::{Crane, Pilot, SelfSigned};
use testkit::host::{Reply, TestHost};
use testkit::{Answer, ClientKey, Setup, TestCertificate, TestServer, USER};

use crate::client::{APPLICATIONS, CALLBACK, Client, S256, TOKEN, Tokens, VERIFIER, assert_refused};

const DATA: &str = "/api/odata4";
const SERVICE: (&str, &str) = ("grant_type", "client_credentials");
const PUBLIC_URL: &str = "http://127.0.0.1:8080";
const ALIAS: &str = "https://mtls.gate.example";

/// A server that accepts certificates, also from the proxy 10.0.0.1.
async fn server() -> TestServer {
    let mut setup = Setup::default();
    setup.app.client_certificates = ClientCertificates {
        accepted: true,
        public_url: Some(ALIAS.to_owned()),
        authorities: Some(TestCertificate::authorities()),
    };
    setup.web.certificate_proxies = vec!["10.0.0.1".parse().unwrap()];
    TestServer::start_with(setup).await
}

async fn service(server: &TestServer, members: Value) -> Client {
    let mut all = json!({ "grantTypes": ["client_credentials"], "scopes": ["api.access.odata", "api.mgmt"] });
    all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    Client::register_as(server, &testkit::ADMIN, all).await
}

/// A service that authenticates with a certificate of the authority for cranes, to which its tokens are bound.
async fn crane(server: &TestServer) -> Client {
    let members = json!({
        "tokenEndpointAuthMethod": "tls_client_auth",
        "tlsClientAuth": { "subjectDn": "CN=crane 7,O=Harbour,C=DE" },
        "tlsClientCertificateBoundAccessTokens": true,
    });
    service(server, members).await
}

async fn ask(
    server: &TestServer,
    client: &Client,
    certificate: Option<TestCertificate>,
    fields: &[(&str, &str)],
) -> Answer {
    let mut all = vec![("client_id", client.identifier.as_str())];
    all.extend(client.secret.as_deref().map(|secret| ("client_secret", secret)));
    all.extend(fields);
    let call = server.post(TOKEN).form(&all);
    match certificate {
        Some(certificate) => call.certificate(certificate).send().await,
        None => call.send().await,
    }
}

async fn read(server: &TestServer, path: &str, token: &str, certificate: Option<TestCertificate>) -> Answer {
    let call = server.get(path).bearer(token);
    match certificate {
        Some(certificate) => call.certificate(certificate).send().await,
        None => call.send().await,
    }
}

fn access_token(answer: Answer) -> String {
    answer.expect(200).json()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_certificate_of_an_authority_authenticates_the_client_with_its_name() {
    let server = server().await;
    for name in [
        json!({ "subjectDn": "CN=crane 7,O=Harbour,C=DE" }),
        json!({ "sanDns": "crane.harbour.example" }),
        json!({ "sanUri": "spiffe://harbour.example/crane" }),
        json!({ "sanIp": "2001:db8::7" }),
        json!({ "sanEmail": "crane@harbour.example" }),
    ] {
        let members = json!({ "tokenEndpointAuthMethod": "tls_client_auth", "tlsClientAuth": name });
        let client = service(&server, members).await;
        assert!(client.secret.is_none(), "it needs no secret");
        ask(&server, &client, Some(Crane), &[SERVICE]).await.expect(200);
        for wrong in [Some(Pilot), Some(SelfSigned), None] {
            let refused = ask(&server, &client, wrong, &[SERVICE]).await;
            assert_refused(&refused, 400, "invalid_client");
        }
        let secret = [SERVICE, ("client_secret", "sgs_guess")];
        assert_refused(&ask(&server, &client, Some(Crane), &secret).await, 400, "invalid_client");
    }
}

#[tokio::test]
async fn a_self_signed_certificate_authenticates_the_client_that_registered_it() {
    let server = server().await;
    let members =
        json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth", "jwks": SelfSigned.jwks() });
    let client = service(&server, members).await;
    ask(&server, &client, Some(SelfSigned), &[SERVICE]).await.expect(200);
    for wrong in [Some(Crane), None] {
        assert_refused(&ask(&server, &client, wrong, &[SERVICE]).await, 400, "invalid_client");
    }
    let path = format!("{APPLICATIONS}/{}", client.id);
    let mut shown = server.get(&path).basic(&testkit::ADMIN).send().await.expect(200).json();
    shown["jwks"] = Crane.jwks();
    server.put(&path).basic(&testkit::ADMIN).json(&shown).send().await.expect(200);
    ask(&server, &client, Some(Crane), &[SERVICE]).await.expect(200);
    assert_refused(&ask(&server, &client, Some(SelfSigned), &[SERVICE]).await, 400, "invalid_client");
}

#[tokio::test]
async fn a_self_signed_certificate_is_found_at_the_address_of_the_keys() {
    const KEYS: &str = "/keys";
    let (server, host) = (server().await, TestHost::start().await);
    let publish = |certificate: TestCertificate| {
        host.reply(KEYS, Reply::json(&certificate.jwks()).header("cache-control", "max-age=600"));
    };
    publish(SelfSigned);
    let method = "self_signed_tls_client_auth";
    let members = json!({ "tokenEndpointAuthMethod": method, "jwksUri": host.url("client.test", KEYS) });
    let client = service(&server, members).await;
    for _ in 0..2 {
        ask(&server, &client, Some(SelfSigned), &[SERVICE]).await.expect(200);
    }
    assert_refused(&ask(&server, &client, Some(Crane), &[SERVICE]).await, 400, "invalid_client");
    assert_eq!(host.received(KEYS).len(), 1, "the set is younger than a minute");
    publish(Crane);
    server.clock().advance_secs(61);
    ask(&server, &client, Some(Crane), &[SERVICE]).await.expect(200);
    assert_refused(&ask(&server, &client, Some(SelfSigned), &[SERVICE]).await, 400, "invalid_client");
    assert_eq!(host.received(KEYS).len(), 2);
    host.reply(KEYS, Reply::text("no").status(503));
    server.clock().advance_secs(700);
    assert_refused(&ask(&server, &client, Some(Crane), &[SERVICE]).await, 400, "invalid_client");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_certificate_needs_it_everywhere() {
    let server = server().await;
    let client = crane(&server).await;
    let scope = ("scope", "api.access.odata api.mgmt");
    let answer = ask(&server, &client, Some(Crane), &[SERVICE, scope]).await.expect(200);
    assert_eq!(answer.json()["token_type"], "Bearer");
    let token = access_token(answer);
    for path in [DATA, APPLICATIONS] {
        read(&server, path, &token, Some(Crane)).await.expect(200);
        for wrong in [Some(Pilot), None] {
            let refused = read(&server, path, &token, wrong).await.expect(401);
            let challenges = refused.headers().get_all("www-authenticate");
            let is_bearer =
                |value: &HeaderValue| value.as_bytes().starts_with(b"Bearer error=\"invalid_token\"");
            assert!(path == APPLICATIONS || challenges.iter().any(is_bearer), "{path}");
        }
        let key = ClientKey::new(1);
        let proof = key.proof_with(&server, "GET", path, &token);
        let call = server.get(path).header("authorization", format!("DPoP {token}")).header("dpop", proof);
        call.certificate(Crane).send().await.expect(401);
    }
    let fields = [("client_id", &*client.identifier), ("token", &token)];
    let reply =
        server.post("/oauth2/introspect").form(&fields).certificate(Crane).send().await.expect(200).json();
    assert_eq!(reply["cnf"], json!({ "x5t#S256": Crane.thumbprint() }));
    assert_eq!(reply["token_type"], "Bearer");
}

#[tokio::test]
async fn userinfo_needs_the_certificate_of_a_bound_token() {
    let server = server().await;
    server.app().signing_keys().create_missing(&RequestOrigin::command_line()).await.unwrap();
    let members = json!({
        "clientType": "public",
        "scopes": ["api.access.odata", "openid"],
        "tlsClientCertificateBoundAccessTokens": true,
    });
    let client = Client::register_with(&server, members).await;
    let code = client.code_with(&server, &USER, &[S256[0], S256[1], ("scope", "openid")]).await;
    let token = access_token(exchange(&server, &client, &code, Some(SelfSigned)).await);
    let path = "/oauth2/userinfo";
    read(&server, path, &token, Some(SelfSigned)).await.expect(200);
    read(&server, path, &token, Some(Crane)).await.expect(401);
    read(&server, path, &token, None).await.expect(401);
}

async fn exchange(
    server: &TestServer,
    client: &Client,
    code: &str,
    certificate: Option<TestCertificate>,
) -> Answer {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    ask(server, client, certificate, &fields).await
}

#[tokio::test]
async fn refresh_tokens_of_public_clients_are_bound_to_the_certificate() {
    let server = server().await;
    let members = json!({ "clientType": "public", "tlsClientCertificateBoundAccessTokens": true });
    let client = Client::register_with(&server, members).await;
    let code = client.code_with(&server, &USER, &S256).await;
    let without = exchange(&server, &client, &code, None).await;
    assert_refused(&without, 400, "invalid_request");
    let tokens = Tokens::of(&exchange(&server, &client, &code, Some(SelfSigned)).await);
    let fields = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh.as_str())];
    assert_refused(&ask(&server, &client, Some(Crane), &fields).await, 400, "invalid_grant");
    assert_refused(&ask(&server, &client, None, &fields).await, 400, "invalid_request");
    let next = Tokens::of(&ask(&server, &client, Some(SelfSigned), &fields).await);
    read(&server, DATA, &next.access, Some(SelfSigned)).await.expect(200);
    read(&server, DATA, &next.access, Some(Crane)).await.expect(401);
}

#[tokio::test]
async fn a_proxy_passes_on_the_certificate_and_nobody_else_can() {
    let server = server().await;
    let client = crane(&server).await;
    let fields = [("client_id", &*client.identifier), SERVICE];
    let send = async |address: [u8; 4], headers: &[String]| {
        let call = server.post(TOKEN).form(&fields).from_address(address);
        let call = headers.iter().fold(call, |call, value| call.header("client-cert", value));
        call.send().await
    };
    let (good, other) = (Crane.header(), Pilot.header());
    let token = access_token(send([10, 0, 0, 1], std::slice::from_ref(&good)).await);
    assert_refused(&send([10, 0, 0, 2], std::slice::from_ref(&good)).await, 400, "invalid_client");
    assert_refused(&send([10, 0, 0, 1], &[]).await, 400, "invalid_client");
    assert_refused(&send([10, 0, 0, 1], std::slice::from_ref(&other)).await, 400, "invalid_client");
    for wrong in [vec![good.clone(), other.clone()], vec![format!("{good}, {other}")], vec!["x".to_owned()]] {
        assert_refused(&send([10, 0, 0, 1], &wrong).await, 400, "invalid_request");
    }
    let read = async |address: [u8; 4], header: &str| {
        server.get(DATA).bearer(&token).from_address(address).header("client-cert", header).send().await
    };
    read([10, 0, 0, 1], &good).await.expect(200);
    read([10, 0, 0, 1], &other).await.expect(401);
    read([10, 0, 0, 2], &good).await.expect(401);
    let own = server.get(DATA).bearer(&token).from_address([10, 0, 0, 1]).header("client-cert", &good);
    own.certificate(Pilot).send().await.expect(401);
}

#[tokio::test]
async fn a_certificate_with_a_secret_does_not_disturb_other_clients() {
    let server = server().await;
    let client = service(&server, json!({})).await;
    let token = access_token(ask(&server, &client, Some(Pilot), &[SERVICE]).await);
    read(&server, DATA, &token, None).await.expect(200);
}

#[tokio::test]
async fn tokens_are_bound_to_one_thing() {
    let server = server().await;
    let client = crane(&server).await;
    let proof = ClientKey::new(1).proof(&server, "POST", TOKEN);
    let fields = [("client_id", &*client.identifier), SERVICE];
    let both = server.post(TOKEN).form(&fields).header("dpop", proof).certificate(Crane).send().await;
    assert_refused(&both, 400, "invalid_dpop_proof");
}

#[tokio::test]
async fn a_proof_may_name_the_address_for_certificates() {
    let server = server().await;
    let client = service(&server, json!({})).await;
    let key = ClientKey::new(1);
    let mut claims = key.claims(&server, "POST", TOKEN);
    claims["htu"] = json!(format!("{ALIAS}{TOKEN}"));
    let fields =
        [("client_id", &*client.identifier), ("client_secret", client.secret.as_deref().unwrap()), SERVICE];
    server.post(TOKEN).form(&fields).header("dpop", key.sign(&claims)).send().await.expect(200);
}

/// Elsewhere the token is refused.
#[tokio::test]
async fn links_lead_a_bound_token_to_the_address_for_certificates() {
    let server = server().await;
    let ships = "CREATE TABLE Ships (Id INTEGER PRIMARY KEY); INSERT INTO Ships VALUES (1), (2);";
    let source = json!({
        "name": "harbour", "dataStore": 1, "connectionType": "Cloud",
        "options": { "path": server.sqlite_file("sample.db", ships) },
    });
    server.post("/api/mgmt/datasources").basic(&testkit::ADMIN).json(&source).send().await.expect(201);
    let plain = access_token(ask(&server, &service(&server, json!({})).await, None, &[SERVICE]).await);
    let bound = access_token(ask(&server, &crane(&server).await, Some(Crane), &[SERVICE]).await);
    // The plans of the first are cached.
    for (token, certificate, url) in
        [(&plain, None, PUBLIC_URL), (&bound, Some(Crane), ALIAS), (&plain, Some(Crane), PUBLIC_URL)]
    {
        let catalogue = read(&server, DATA, token, certificate).await.expect(200).json();
        assert_eq!(catalogue["value"][0]["url"], format!("{url}{DATA}/harbour/"));
        let document = read(&server, &format!("{DATA}/harbour"), token, certificate).await.expect(200).json();
        assert_eq!(document["@odata.context"], format!("{url}{DATA}/harbour/$metadata"));
        let page = read(&server, &format!("{DATA}/harbour/Ships?$top=2"), token, certificate).await;
        assert_eq!(page.expect(200).json()["@odata.context"], format!("{url}{DATA}/harbour/$metadata#Ships"));
    }
    let ships = format!("{DATA}/harbour/Ships");
    let first = server.get(&ships).bearer(&bound).certificate(Crane).header("prefer", "maxpagesize=1");
    let next = first.send().await.expect(200).json()["@odata.nextLink"].as_str().unwrap().to_owned();
    let next = next.strip_prefix(ALIAS).unwrap_or_else(|| panic!("{next} is elsewhere"));
    let second = read(&server, next, &bound, Some(Crane)).await.expect(200).json();
    assert_eq!(second["value"], json!([{ "Id": 2 }]));
    read(&server, next, &bound, None).await.expect(401);
}

#[tokio::test]
async fn a_missing_certificate_is_reported_and_a_wrong_one_is_not() {
    let server = server().await;
    let keyed =
        json!({ "tokenEndpointAuthMethod": "self_signed_tls_client_auth", "jwks": SelfSigned.jwks() });
    for client in [crane(&server).await, service(&server, keyed).await] {
        let reported = async |certificate: Option<TestCertificate>, more: &[(&str, &str)]| {
            let answer = ask(&server, &client, certificate, &[&[SERVICE], more].concat()).await;
            assert_refused(&answer, 400, "invalid_client");
            answer.json()["error_description"].as_str().unwrap().to_owned()
        };
        let missing = reported(None, &[]).await;
        assert!(missing.contains("certificate") && missing.contains("mtls_endpoint_aliases"), "{missing}");
        assert_eq!(reported(None, &[("client_secret", "sgs_x")]).await, missing);
        let besides = reported(Some(Crane), &[("client_secret", "sgs_x")]).await;
        assert!(besides.contains("another credential"), "{besides}");
        let wrong = reported(Some(Pilot), &[]).await;
        assert_eq!(wrong, "the client is unknown or its credentials are wrong");
        for path in ["/oauth2/introspect", "/oauth2/revoke"] {
            let fields = [("client_id", client.identifier.as_str()), ("token", "sga_x")];
            let answer = server.post(path).form(&fields).send().await;
            assert_eq!(answer.json()["error_description"], missing, "{path}");
        }
    }
}

/// A client finds this address in the metadata of the resource, and names it.
#[tokio::test]
async fn a_resource_may_be_named_by_the_address_for_certificates() {
    let server = server().await;
    let client = service(&server, json!({ "tokenFormat": "jwt" })).await;
    let both = [format!("{ALIAS}{DATA}"), format!("{PUBLIC_URL}{DATA}")];
    for resources in [&both[..1], &both[1..], &both[..]] {
        let resources = resources.iter().map(|one| ("resource", one.as_str()));
        let fields: Vec<_> = [SERVICE].into_iter().chain(resources).collect();
        let token = access_token(ask(&server, &client, None, &fields).await);
        let asked = [
            ("client_id", client.identifier.as_str()),
            ("client_secret", client.secret.as_deref().unwrap()),
            ("token", &token),
        ];
        let reported = server.post("/oauth2/introspect").form(&asked).send().await.expect(200).json();
        assert_eq!(reported["aud"], format!("{PUBLIC_URL}{DATA}"));
        read(&server, DATA, &token, None).await.expect(200);
    }
    let unknown = format!("{ALIAS}{DATA}/nowhere");
    let refused = ask(&server, &client, None, &[SERVICE, ("resource", &unknown)]).await;
    assert_refused(&refused, 400, "invalid_target");
}

#[tokio::test]
async fn an_assertion_may_name_the_address_for_certificates() {
    let server = server().await;
    let key = ClientKey::new(1);
    let client = service(
        &server,
        json!({ "tokenEndpointAuthMethod": "private_key_jwt", "jwks": { "keys": [key.jwk()] } }),
    )
    .await;
    let id = client.identifier.as_str();
    for (number, (audience, status)) in [
        (format!("{ALIAS}{TOKEN}"), 200),
        (format!("{PUBLIC_URL}{TOKEN}"), 200),
        (ALIAS.to_owned(), 400),
        (format!("{ALIAS}/oauth2/par"), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let expiry = server.clock().now().as_secs() + 60;
        let claims =
            json!({ "iss": id, "sub": id, "aud": audience, "jti": number.to_string(), "exp": expiry });
        let assertion = key.sign_with_header(&json!({ "alg": "EdDSA" }), &claims);
        let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
        let fields = [SERVICE, ("client_assertion_type", kind), ("client_assertion", &assertion)];
        server.post(TOKEN).form(&fields).send().await.expect(status);
    }
}

#[tokio::test]
async fn the_metadata_say_how_certificates_are_presented() {
    let path = "/.well-known/oauth-authorization-server";
    let metadata = server().await.get(path).send().await.expect(200).json();
    assert_eq!(metadata["mtls_endpoint_aliases"]["token_endpoint"], format!("{ALIAS}{TOKEN}"));
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("tls_client_auth")));
    let plain = TestServer::start().await.get(path).send().await.expect(200).json();
    assert!(plain.get("mtls_endpoint_aliases").is_none());
    assert_eq!(plain["tls_client_certificate_bound_access_tokens"], false);
}

#[tokio::test]
async fn what_an_application_says_of_its_certificate_is_shown_and_checked() {
    let server = server().await;
    let client = crane(&server).await;
    let path = format!("{APPLICATIONS}/{}", client.id);
    let shown = server.get(&path).basic(&testkit::ADMIN).send().await.expect(200).json();
    assert_eq!(shown["tlsClientAuth"], json!({ "subjectDn": "CN=crane 7,O=Harbour,C=DE" }));
    assert_eq!(shown["tlsClientCertificateBoundAccessTokens"], true);
    for wrong in [
        json!({ "tlsClientAuth": {} }),
        json!({ "tlsClientAuth": { "subjectDn": "crane" } }),
        json!({ "tlsClientAuth": { "sanIp": "192.0.2" } }),
        json!({ "tlsClientAuth": { "sanDns": "*.example" } }),
        json!({ "tlsClientAuth": { "sanDns": "a.example", "sanUri": "a:b" } }),
        json!({ "dpopBoundAccessTokens": true }),
    ] {
        let mut body = shown.clone();
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let refused = server.put(&path).basic(&testkit::ADMIN).json(&body).send().await;
        assert_eq!(refused.status(), 400, "{wrong}: {}", refused.text());
    }
}
