//! Batches: each request is answered as if it came alone.

use std::fmt::Write as _;

use app::node::clock::Clock;
use domain::audit::{Action, NewAuditEvent, Outcome};
use http::Method;
use serde_json::{Value, json};
use store::Grants;
use testkit::{Answer, OTHER};

use crate::fixture::{Fixture, ROOT, code, token};

/// A request of a batch.
struct Sent {
    method: &'static str,
    url: String,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

fn get(url: &str) -> Sent {
    Sent { method: "GET", url: url.to_owned(), headers: Vec::new(), body: "" }
}

/// What a client sees of a response.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Headers that belong to the response of a single request and not to that of a part.
const OF_WHOLE: [&str; 3] = ["x-request-id", "x-content-type-options", "content-length"];

fn seen(status: u16, headers: impl Iterator<Item = (String, String)>, body: &[u8]) -> Seen {
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| !OF_WHOLE.contains(&name.as_str()))
        .collect();
    headers.sort();
    Seen { status, headers, body: without_tokens(body) }
}

/// The body without the sealed positions, which differ each time.
fn without_tokens(body: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(body) else { return body.to_vec() };
    let mut out = String::new();
    for (at, piece) in text.split("skiptoken=").enumerate() {
        out.push_str(if at == 0 { piece } else { piece.trim_start_matches(|c: char| c != '"') });
    }
    out.into_bytes()
}

fn of_answer(answer: &Answer) -> Seen {
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    seen(answer.status(), headers, answer.bytes())
}

async fn alone(fixture: &Fixture, sent: &Sent) -> Answer {
    let method = Method::from_bytes(sent.method.as_bytes()).unwrap();
    let target = if sent.url.starts_with('/') { sent.url.clone() } else { format!("{ROOT}/{}", sent.url) };
    let mut call = fixture.server.call(method, &target).bearer(&fixture.token);
    let kind = sent.headers.iter().find(|(name, _)| *name == "content-type").map(|(_, kind)| *kind);
    for (name, value) in sent.headers.iter().filter(|(name, _)| *name != "content-type") {
        call = call.header(name, value);
    }
    match kind {
        Some(kind) => call.body(kind, sent.body).send().await,
        None => call.send().await,
    }
}

fn multipart(all: &[Sent]) -> String {
    let mut body = String::new();
    for (id, sent) in all.iter().enumerate() {
        let _ = write!(
            body,
            "--b\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n{} {} HTTP/1.1\r\n",
            sent.method, sent.url
        );
        for (name, value) in &sent.headers {
            let _ = write!(body, "{name}: {value}\r\n");
        }
        let _ = write!(body, "\r\n{}\r\n", sent.body);
    }
    body + "--b--\r\n"
}

fn as_json(all: &[Sent]) -> String {
    let requests = all.iter().enumerate().map(|(id, sent)| {
        let headers: serde_json::Map<String, Value> =
            sent.headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        let mut request =
            json!({ "id": id.to_string(), "method": sent.method.to_lowercase(), "url": sent.url, "headers": headers });
        if !sent.body.is_empty() {
            request["body"] = json!(sent.body);
        }
        request
    });
    json!({ "requests": requests.collect::<Vec<_>>() }).to_string()
}

async fn send(fixture: &Fixture, kind: &str, body: &str, headers: &[(&'static str, &'static str)]) -> Answer {
    let mut call = fixture.server.call(Method::POST, &format!("{ROOT}/$batch")).bearer(&fixture.token);
    for (name, value) in headers {
        call = call.header(name, value);
    }
    call.body(kind, body).send().await
}

const MULTIPART: &str = "multipart/mixed;boundary=b";

/// The parts of a multipart response: their ids and what they contain.
fn parts(answer: &Answer) -> Vec<(String, Seen)> {
    let kind = answer.header("content-type");
    let boundary = kind.strip_prefix("multipart/mixed;boundary=").unwrap_or_else(|| panic!("{kind}"));
    let body = answer.bytes();
    let delimiter = format!("--{boundary}");
    let mut parts = Vec::new();
    let mut rest: &[u8] = body;
    let find = |text: &[u8], sought: &[u8]| text.windows(sought.len()).position(|window| window == sought);
    while let Some(begin) = find(rest, delimiter.as_bytes()) {
        rest = &rest[begin + delimiter.len()..];
        if rest.starts_with(b"--\r\n") {
            assert_eq!(rest.len(), 4, "nothing follows");
            return parts;
        }
        let end = find(rest, format!("\r\n{delimiter}").as_bytes()).unwrap();
        let part = &rest[2..end];
        let outer = find(part, b"\r\n\r\n").unwrap();
        let inner = &part[outer + 4..];
        let head = find(inner, b"\r\n\r\n").unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let id = text(&part[..outer]);
        let id = id.lines().find_map(|line| line.strip_prefix("Content-ID: ")).unwrap_or_default().to_owned();
        let head_text = text(&inner[..head]);
        let mut lines = head_text.split("\r\n");
        let status = lines.next().unwrap().strip_prefix("HTTP/1.1 ").unwrap()[..3].parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        parts.push((id, seen(status, headers, &inner[head + 4..])));
        rest = &rest[end..];
    }
    panic!("the response has no end: {}", answer.text())
}

/// The responses of a JSON response.
fn responses(answer: &Answer) -> Vec<(String, Seen)> {
    use base64::Engine;
    assert_eq!(answer.header("content-type"), "application/json");
    let all = answer.json();
    let one = |response: &Value| {
        let headers = response["headers"].as_object().unwrap().iter();
        let kind = response["headers"]["content-type"].as_str().unwrap_or_default();
        let body = match &response["body"] {
            Value::Null => Vec::new(),
            Value::String(text) if kind.starts_with("text/") => text.clone().into_bytes(),
            Value::String(text) => base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap(),
            json => json.to_string().into_bytes(),
        };
        let headers = headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()));
        let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
        (response["id"].as_str().unwrap_or_default().to_owned(), seen(status, headers, &body))
    };
    all["responses"].as_array().unwrap().iter().map(one).collect()
}

/// Requests of every kind, with every sort of answer.
fn requests() -> Vec<Sent> {
    let mut all: Vec<Sent> = [
        "/api/odata4/Harbour",
        "/api/odata4/Harbour/",
        "$metadata",
        "Ships?$top=3",
        "Ships(1)",
        "Ships(1)/Name",
        "Ships(1)/Name/$value",
        "Ships(1)/Photo/$value",
        "Ships(7)/Flag",
        "Ships(7)/Flag/$value",
        "Ships/$count",
        "Ships/$count?$filter=Flag%20eq%20'A'",
        "Ships",
        "Ships?$count=true&$top=0",
        "Ships?$orderby=Tonnage%20desc,Name&$select=Name&$top=700",
        "Visits",
        "Visits(Ship=1,Number=2)",
        "Visits(Ship=9,Number=9)",
        "Ships(999999)",
        "Ships('x')",
        "Nothing",
        "Ships?$filter=",
        "Ships?$filter=Nothing%20eq%201",
        "Ships?$expand=*&$apply=x",
        "Ships?$skiptoken=abc",
        "Ships?$format=xml",
        "Ships?$filter=1%20div%200%20eq%201",
        "Ships%zz",
        "Broken?$top=2",
        "Ships/$query",
        "$all",
        "Ships?$filter=contains(Name,'7')&$orderby=Flag&$top=50",
        "Ships(1)/$value",
    ]
    .into_iter()
    .map(get)
    .collect();
    for (name, value) in [
        ("accept", "application/json;odata.metadata=full"),
        ("accept", "application/json;odata.metadata=none;IEEE754Compatible=true"),
        ("accept", "text/csv"),
        ("odata-maxversion", "4.0"),
        ("odata-maxversion", "3.0"),
        ("prefer", "odata.maxpagesize=2"),
        ("if-none-match", "*"),
    ] {
        all.push(Sent { headers: vec![(name, value)], ..get("Ships?$top=5") });
        all.push(Sent { headers: vec![(name, value)], ..get("$metadata") });
    }
    for method in ["POST", "PUT", "PATCH", "DELETE"] {
        let headers = vec![("content-type", "application/json")];
        all.push(Sent { method, url: "Ships(1)".to_owned(), headers, body: "{\"Name\":\"x\"}" });
    }
    all.push(Sent { method: "POST", headers: vec![("x-http-method", "PATCH")], ..get("Ships(1)") });
    let text = || vec![("content-type", "text/plain")];
    for body in ["$top=2&$filter=Id%20gt%207", "$top=x", "a b", "$orderby=Name&$count=true"] {
        all.push(Sent { method: "POST", url: "Ships/$query".to_owned(), headers: text(), body });
    }
    all.push(Sent { method: "POST", url: "Ships/$query".to_owned(), headers: Vec::new(), body: "" });
    all.push(Sent {
        method: "POST",
        url: "Ships/$query?$skip=1".to_owned(),
        headers: text(),
        body: "$top=1",
    });
    all
}

#[tokio::test]
async fn each_request_is_answered_as_if_it_came_alone() {
    let fixture = Fixture::open().await;
    let all = requests();
    assert!(all.len() > 50 && all.len() <= 100);
    let mut expected = Vec::new();
    for sent in &all {
        expected.push(of_answer(&alone(&fixture, sent).await));
    }
    let statuses: std::collections::BTreeSet<u16> = expected.iter().map(|seen| seen.status).collect();
    assert!(
        [200, 204, 400, 404, 405, 406, 415, 501].iter().all(|status| statuses.contains(status)),
        "{statuses:?}"
    );
    let answer = send(&fixture, MULTIPART, &multipart(&all), &[("prefer", "odata.continue-on-error")])
        .await
        .expect(200);
    assert_eq!(answer.header("preference-applied"), "odata.continue-on-error");
    let in_parts = parts(&answer);
    let answer = send(&fixture, "application/json", &as_json(&all), &[]).await.expect(200);
    let in_json = responses(&answer);
    for (at, (sent, expected)) in all.iter().zip(expected).enumerate() {
        assert_eq!(in_parts[at], (at.to_string(), expected), "{} {}", sent.method, sent.url);
        let (id, found) = &in_json[at];
        let (_, part) = &in_parts[at];
        assert_eq!((id, found.status), (&at.to_string(), part.status));
        assert_eq!(found.headers, part.headers, "{} {}", sent.method, sent.url);
        let object = |body: &[u8]| serde_json::from_slice::<Value>(body).ok();
        if object(&part.body).is_some_and(|body| body.is_object()) {
            assert_eq!(object(&found.body), object(&part.body), "{} {}", sent.method, sent.url);
        } else {
            assert_eq!(found.body, part.body, "{} {}", sent.method, sent.url);
        }
    }
    assert_eq!((in_parts.len(), in_json.len()), (all.len(), all.len()));
}

#[tokio::test]
async fn next_links_work_in_batches() {
    let fixture = Fixture::open().await;
    let first =
        fixture.get_with("/Ships?$orderby=Flag,Name", &[("prefer", "maxpagesize=900")]).await.expect(200);
    let (mut link, mut read) = (first.json()["@odata.nextLink"].as_str().map(str::to_owned), 900);
    while let Some(url) = link {
        let sent = Sent { url, headers: vec![("prefer", "maxpagesize=900")], ..get("") };
        let page = parts(&send(&fixture, MULTIPART, &multipart(&[sent]), &[]).await.expect(200)).remove(0).1;
        assert_eq!(page.status, 200, "{}", String::from_utf8_lossy(&page.body));
        let Ok(body) = serde_json::from_slice::<Value>(&page.body) else { panic!("{page:?}") };
        read += body["value"].as_array().unwrap().len();
        // The position is not compared, so it is read again.
        link = None;
        if body.get("@odata.nextLink").is_some() {
            let skipped = format!("/Ships?$orderby=Flag,Name&$skip={read}");
            read += fixture.get(&skipped).await.expect(200).json()["value"].as_array().unwrap().len();
        }
    }
    assert!(read >= 1_800);
}

#[tokio::test]
async fn the_first_error_ends_a_multipart_batch_unless_it_is_to_continue() {
    let fixture = Fixture::open().await;
    let all = || [get("Ships(1)"), get("Nothing"), get("Ships(2)")];
    let statuses =
        |answers: &[(String, Seen)]| answers.iter().map(|(_, seen)| seen.status).collect::<Vec<_>>();
    for (headers, expected) in [
        ([].as_slice(), [200, 404].as_slice()),
        (&[("prefer", "continue-on-error")], &[200, 404, 200]),
        (&[("prefer", "continue-on-error=false")], &[200, 404]),
    ] {
        let answer = send(&fixture, MULTIPART, &multipart(&all()), headers).await.expect(200);
        assert_eq!(statuses(&parts(&answer)), expected);
    }
    for (headers, expected) in [
        ([].as_slice(), [200, 404, 200].as_slice()),
        (&[("prefer", "odata.continue-on-error=false")], &[200, 404]),
    ] {
        let answer = send(&fixture, "application/json", &as_json(&all()), headers).await.expect(200);
        assert_eq!(statuses(&responses(&answer)), expected);
    }
}

#[tokio::test]
async fn dependencies_groups_and_change_sets_fail_as_they_must() {
    let fixture = Fixture::open().await;
    let request = |id: &str, method: &str, url: &str, more: Value| {
        let mut request = json!({ "id": id, "method": method, "url": url });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    };
    let body = json!({ "requests": [
        request("0", "get", "Nothing", json!({})),
        request("1", "get", "Ships(1)", json!({ "dependsOn": ["0"] })),
        request("2", "get", "Ships(1)", json!({ "dependsOn": ["1"] })),
        request("3", "get", "Ships(1)", json!({ "if": "$0/$succeeded" })),
        request("4", "get", "Ships(1)", json!({ "atomicityGroup": "a" })),
        request("5", "patch", "Ships(1)", json!({ "atomicityGroup": "a", "body": {} })),
        request("6", "delete", "Ships(1)", json!({ "atomicityGroup": "a" })),
        request("7", "get", "Ships(1)", json!({ "dependsOn": ["a"] })),
        request("8", "get", "Ships(1)", json!({ "atomicityGroup": "b" })),
        request("9", "get", "Ships(2)", json!({ "atomicityGroup": "b" })),
        request("10", "get", "Ships(2)", json!({ "dependsOn": ["b"] })),
        request("11", "get", "$8/Name", json!({ "dependsOn": ["8"] })),
        request("12", "post", "$batch", json!({})),
    ]});
    let answer = send(&fixture, "application/json", &body.to_string(), &[]).await.expect(200);
    let statuses: Vec<u16> = responses(&answer).iter().map(|(_, seen)| seen.status).collect();
    assert_eq!(statuses, [404, 424, 424, 424, 424, 405, 424, 424, 200, 200, 200, 200, 400]);
    assert_eq!(answer.json()["responses"][5]["atomicityGroup"], "a");

    let inner = |method: &str, id: &str| {
        format!(
            "--c\r\nContent-Type: application/http\r\nContent-ID: {id}\r\n\r\n{method} Ships(1) HTTP/1.1\r\n\r\n{{}}\r\n"
        )
    };
    let set = |content: &str| {
        format!(
            "--b\r\nContent-Type: multipart/mixed;boundary=c\r\n\r\n{content}--c--\r\n{}",
            multipart(&[get("Ships(1)")])
        )
    };
    let continues = [("prefer", "continue-on-error")];
    let two = set(&(inner("PATCH", "x") + &inner("DELETE", "y")));
    let answered = parts(&send(&fixture, MULTIPART, &two, &continues).await.expect(200));
    assert_eq!(
        answered.iter().map(|(id, seen)| (id.as_str(), seen.status)).collect::<Vec<_>>(),
        [("x", 405), ("0", 200)]
    );
    let one = set(&inner("DELETE", "x"));
    let answered = parts(&send(&fixture, MULTIPART, &one, &continues).await.expect(200));
    assert_eq!(answered[0].1.status, 405, "a single change is answered as outside of a batch");
    assert!(answered[0].1.headers.contains(&("allow".to_owned(), "GET,HEAD".to_owned())));
    let mixed = set(&(inner("GET", "x") + &inner("PATCH", "y")));
    let answered = parts(&send(&fixture, MULTIPART, &mixed, &continues).await.expect(200));
    assert_eq!(answered.iter().map(|(_, seen)| seen.status).collect::<Vec<_>>(), [400, 200]);
}

#[tokio::test]
async fn a_malformed_batch_is_refused_and_nothing_runs() {
    let fixture = Fixture::open().await;
    let good = multipart(&[get("Ships(1)")]);
    for (kind, body, status, expected) in [
        ("multipart/mixed", good.as_str(), 400, "MalformedBatch"),
        ("multipart/mixed;boundary=other", &good, 400, "MalformedBatch"),
        (MULTIPART, "", 400, "MalformedBatch"),
        (MULTIPART, &good.replace("--b--", ""), 400, "MalformedBatch"),
        (MULTIPART, &good.replace("\r\n", "\n"), 400, "MalformedBatch"),
        ("application/json", "{", 400, "MalformedBatch"),
        ("application/json", "{\"requests\":[{}]}", 400, "MalformedBatch"),
        ("text/plain", &good, 415, "BadRequest"),
        (MULTIPART, &"x".repeat(4 * 1024 * 1024 + 1), 413, "BadRequest"),
        (
            MULTIPART,
            &multipart(&(0..101).map(|_| get("Ships(1)")).collect::<Vec<_>>()),
            400,
            "MalformedBatch",
        ),
    ] {
        let answer = send(&fixture, kind, body, &[]).await.expect(status);
        assert_eq!(code(&answer), expected, "{}", answer.text());
    }
    let answer = send(&fixture, MULTIPART, &good, &[("accept", "text/csv")]).await.expect(406);
    assert_eq!(code(&answer), "NotAcceptable");
    assert_eq!(fixture.counted("odata_batches"), 0);
    assert!(
        responses(&send(&fixture, MULTIPART, &good, &[("accept", "application/json")]).await.expect(200))
            .len()
            == 1
    );
    assert!(
        parts(
            &send(
                &fixture,
                "application/json",
                &as_json(&[get("Ships(1)")]),
                &[("accept", "multipart/mixed")]
            )
            .await
            .expect(200)
        )
        .len()
            == 1
    );
    assert_eq!((fixture.counted("odata_batches"), fixture.counted("odata_batched_requests")), (2, 2));
    assert!(parts(&send(&fixture, MULTIPART, "--b--", &[]).await.expect(200)).is_empty());
}

#[tokio::test]
async fn each_request_of_a_batch_needs_the_rights_of_its_own() {
    let fixture = Fixture::open().await;
    let nobody = fixture.server.call(Method::POST, &format!("{ROOT}/$batch"));
    nobody.body(MULTIPART, multipart(&[get("Ships(1)")])).send().await.expect(401);
    let other = token(&fixture.server, &OTHER).await;
    let theirs = fixture.server.call(Method::POST, &format!("{ROOT}/$batch")).bearer(&other);
    let theirs = theirs.body(MULTIPART, multipart(&[get("Ships(1)")])).send().await.expect(200);
    assert_eq!(parts(&theirs)[0].1.status, 404, "the source is somebody else's");
    let all = [
        get("/api/odata4/Harbour/Ships(1)"),
        get("/api/odata4/Elsewhere/Ships(1)"),
        get("/api/mgmt/datasources"),
        get("https://other.example/api/odata4/Harbour/Ships(1)"),
        Sent { headers: vec![("authorization", "Bearer x")], ..get("Ships(1)") },
        get("/api/odata4"),
    ];
    let answer =
        send(&fixture, MULTIPART, &multipart(&all), &[("prefer", "continue-on-error")]).await.expect(200);
    let statuses: Vec<u16> = parts(&answer).iter().map(|(_, seen)| seen.status).collect();
    assert_eq!(statuses, [200, 404, 404, 400, 400, 200]);
}

#[tokio::test]
async fn access_that_ends_during_a_batch_ends_it() {
    let fixture = Fixture::open().await;
    let all = [get("Ships(1)"), get("Ships(2)")];
    let mut request = http::Request::new(axum::body::Body::from(multipart(&all)));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = format!("{ROOT}/$batch").parse().unwrap();
    let bearer = format!("Bearer {}", fixture.token).parse().unwrap();
    request.headers_mut().insert("authorization", bearer);
    request.headers_mut().insert("content-type", http::HeaderValue::from_static(MULTIPART));
    let response = fixture.server.service().answer(request).await;
    let mut body = response.into_body();
    let mut text = String::new();
    while !text.contains("Ship 1\"") {
        let frame = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(frame.data_ref().unwrap()).unwrap());
    }
    let server = &fixture.server;
    let token = server.vault().open_access_token(&fixture.token).unwrap();
    let (now, over) = (server.clock().now(), server.clock().now().plus_secs(86_400));
    let audit = NewAuditEvent::new(Action::RevokeToken, Outcome::Success, now);
    server.store().revoke_token(token.id, over, audit).await.unwrap();
    server.app().node().refresh().await.unwrap();
    server.clock().advance_secs(2);
    let rest = http_body_util::BodyExt::collect(body).await.unwrap().to_bytes();
    let rest = String::from_utf8(rest.to_vec()).unwrap();
    assert!(rest.contains("HTTP/1.1 401 Unauthorized") && !rest.contains("Ship 2"), "{rest}");
}
