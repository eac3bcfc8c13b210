//! Malformed addresses and ids: every route refuses them in the format of its own area.

use http::Method;
use serde_json::Value;
use testkit::{ADMIN, Answer, Call, TestServer, USER};

const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

/// Texts in the place of an id, none of which is one.
const NO_IDS: [&str; 14] = [
    "%FF",
    "%C3%28",
    "%ED%A0%80",
    "%00",
    "%0A",
    "%2F",
    "%",
    "%zz",
    "x",
    "-1",
    "1.0",
    "1%20",
    "99999999999999999999",
    "%D9%A1",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    OAuth,
    Envelope,
    OData,
    /// An error of JSON-RPC 2.0.
    JsonRpc,
    Page,
}

/// The format that the contract requires for an address.
fn form_of(target: &str) -> Form {
    let path = target.split('?').next().unwrap_or_default();
    let is_page = path.ends_with("/authorize")
        || path.ends_with("/check_session")
        || path.ends_with("/consent")
        || path.ends_with("/logout")
        || path.ends_with("/logout/confirm");
    match path {
        _ if path.contains("/oauth2/") && !is_page => Form::OAuth,
        _ if path.starts_with("/.well-known/") => Form::OAuth,
        "/api/odata4" => Form::OData,
        _ if path.starts_with("/api/odata4/") => Form::OData,
        _ if path == "/mcp" || path.starts_with("/mcp/") => Form::JsonRpc,
        _ if path.starts_with("/api/") && !is_page => Form::Envelope,
        _ => Form::Page,
    }
}

/// Whether a refusal has the format; successful responses have other formats.
fn has_form(answer: &Answer, form: Form) -> bool {
    let kind = answer.header("content-type");
    let error = serde_json::from_slice::<Value>(answer.bytes()).map(|body| body["error"].clone());
    let error = error.unwrap_or_default();
    match form {
        _ if answer.status() < 400 => true,
        Form::OAuth => kind == "application/json" && error.is_string(),
        Form::Envelope => kind == "application/json" && error["message"]["value"].is_string(),
        Form::OData => kind.starts_with("application/json;odata") && error["message"].is_string(),
        Form::JsonRpc => {
            kind.starts_with("application/json") && error["code"].is_number() && error["message"].is_string()
        }
        Form::Page => {
            let page = answer.text();
            kind == "text/html; charset=utf-8"
                && (page.contains("id=\"error-title\"") || page.contains("id=\"login-submit\""))
        }
    }
}

/// The paths as written in `routes.rs`.
fn paths() -> Vec<&'static str> {
    let lines = include_str!("../src/routes.rs").lines();
    let paths = lines.filter_map(|line| line.trim().strip_prefix(".route(\"")?.split_once('"'));
    paths.map(|(path, _)| path).collect()
}

/// The path with each of its parameters in turn replaced by a text that is not an id, and the others by 1.
fn malformed(path: &str) -> Vec<String> {
    let names: Vec<&str> = path.split('{').skip(1).filter_map(|rest| rest.split('}').next()).collect();
    let targets = names.iter().flat_map(|wrong| {
        NO_IDS.map(|segment| {
            let filled = path.replace(&format!("{{{wrong}}}"), segment);
            names.iter().fold(filled, |filled, name| filled.replace(&format!("{{{name}}}"), "1"))
        })
    });
    targets.collect()
}

async fn send(call: Call<'_>, method: &Method, path: &str) -> Answer {
    let takes_json = form_of(path) == Form::Envelope;
    match *method {
        Method::POST if !takes_json => call.form(&[]).send().await,
        Method::POST | Method::PUT => call.json(&serde_json::json!({})).send().await,
        _ => call.send().await,
    }
}

/// Whether this is the challenge without a body of userinfo or of a registration, which need a token
/// ([RFC 6750 §3](https://www.rfc-editor.org/rfc/rfc6750#section-3)).
fn is_silent(target: &str, answer: &Answer) -> bool {
    let needs_a_token = target.contains("userinfo") || target.contains("/oauth2/register/");
    needs_a_token
        && answer.status() == 401
        && answer.text().is_empty()
        && answer.header("www-authenticate").starts_with("Bearer")
}

#[tokio::test]
async fn an_invalid_id_is_refused_in_the_format_of_its_area() {
    let server = TestServer::start().await;
    let paths = paths();
    assert!(paths.len() > 40, "the routes could not be read");
    let mut wrong = Vec::new();
    for path in paths.iter().filter(|path| path.contains('{')) {
        for (target, method) in
            malformed(path).iter().flat_map(|target| METHODS.map(|method| (target.clone(), method)))
        {
            let known = send(server.call(method.clone(), &target).basic(&ADMIN), &method, path).await;
            let nobody = send(server.call(method.clone(), &target), &method, path).await;
            // Without credentials, the response only says that they are required.
            for answer in [known, nobody] {
                let refused = (400..500).contains(&answer.status()) || form_of(path) == Form::Page;
                if !refused || !is_silent(&target, &answer) && !has_form(&answer, form_of(path)) {
                    wrong.push(format!("{method} {target}: {} {:?}", answer.status(), answer.bytes()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn an_address_that_is_not_utf_8_is_refused_in_the_format_of_its_area() {
    let server = TestServer::start().await;
    let mut wrong = Vec::new();
    for path in paths() {
        for tail in ["/%FF", "%FF", "?%FF=%FE", "/%C3%28/%zz"] {
            let target = format!("{}{tail}", path.replace(['{', '}', '*'], ""));
            for method in METHODS {
                let answer = send(server.call(method.clone(), &target).basic(&USER), &method, path).await;
                if answer.status() >= 500
                    || !is_silent(&target, &answer) && !has_form(&answer, form_of(&target))
                {
                    wrong.push(format!("{method} {target}: {} {:?}", answer.status(), answer.bytes()));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_form_with_an_invalid_application_id_gets_an_error_page() {
    let server = TestServer::start().await;
    let cookie = server.session(&USER).await;
    let token = server.app().authentication().csrf_token(&cookie);
    for segment in NO_IDS {
        let call = server.post(&format!("/account/applications/{segment}/revoke"));
        let call = call.header("cookie", format!("sluicegate={cookie}")).form(&[("csrf", token.expose())]);
        let answer = call.send().await.expect(404);
        assert!(has_form(&answer, Form::Page), "{segment} {:?}", answer.bytes());
    }
}
