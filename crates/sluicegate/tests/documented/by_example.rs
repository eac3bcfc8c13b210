//! `docs/odata-by-example.md`: every request of the page is sent, in its order, and answered as the page says.

use serde_json::json;
use testkit::{Installation, Served, USER, Wire, basic};

use super::{BINARY, SOURCE, folder};

const PAGE: &str = include_str!("../../../../docs/odata-by-example.md");

/// A request of the page and its answer. In both, an ellipsis stands for text that is left out.
#[derive(Debug)]
struct Example {
    method: &'static str,
    target: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<String>,
    status: &'static str,
    answered_headers: Vec<(&'static str, &'static str)>,
    answered_body: String,
}

impl Example {
    /// Reads a block: a message, an empty line, and the answer.
    fn read(block: &[&'static str]) -> Self {
        let is_status = |line: &&str| {
            line.starts_with(|first: char| first.is_ascii_digit()) && line[3..].starts_with(' ')
        };
        let answer = block.iter().position(is_status).unwrap_or_else(|| panic!("no answer in {block:?}"));
        let (request, answer) = block.split_at(answer);
        let (method, target) = request[0].split_once(' ').expect("a request line");
        let (headers, body) = parts(&request[1..]);
        let (answered_headers, answered_body) = parts(&answer[1..]);
        let body = Some(body.join("\n").trim().to_owned()).filter(|body| !body.is_empty());
        let answered_body = on_one_line(answered_body.iter().copied());
        Self { method, target, headers, body, status: answer[0], answered_headers, answered_body }
    }

    fn all() -> Vec<Self> {
        let mut blocks = PAGE.split("\n```\n");
        blocks.next();
        blocks.step_by(2).map(|block| Self::read(&block.lines().collect::<Vec<_>>())).collect()
    }
}

/// The headers of a message, and the lines of its body, which an empty line separates.
fn parts<'l>(lines: &'l [&'static str]) -> (Vec<(&'static str, &'static str)>, &'l [&'static str]) {
    let end = lines.iter().position(|line| line.is_empty()).unwrap_or(lines.len());
    let (headers, body) = lines.split_at(end);
    (headers.iter().map(|line| line.split_once(": ").expect("a header")).collect(), body)
}

fn on_one_line<'l>(lines: impl Iterator<Item = &'l str>) -> String {
    lines.map(str::trim_start).collect()
}

/// Whether a text is what the page shows of it.
fn is_shown(actual: &str, shown: &str) -> bool {
    let mut pieces = shown.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = actual.strip_prefix(first) else { return false };
    let Some(last) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some((_, behind)) = rest.split_once(piece) else { return false };
        rest = behind;
    }
    rest.ends_with(last)
}

/// The next link and the entity tag of the last answer that had one.
#[derive(Default)]
struct Left {
    position: String,
    tag: String,
}

impl Left {
    fn note(&mut self, headers: &http::HeaderMap, body: &str) {
        if let Some(tag) = headers.get("etag") {
            tag.to_str().expect("a text").clone_into(&mut self.tag);
        }
        if let Some((_, rest)) = body.split_once("$skiptoken=") {
            rest.split('"').next().unwrap_or_default().clone_into(&mut self.position);
        }
    }
}

/// A server with the sample database, whose owner has not made it writable.
fn serve(installation: &Installation) -> Served {
    let file = installation.sample_data("harbour.sqlite");
    let folders = [("SLUICEGATE_DATA_SOURCES__SQLITE_FOLDERS", folder(installation))];
    let served = installation.serve_with(&[], &folders);
    let source =
        json!({ "name": "harbour", "dataStore": 1, "connectionType": "Cloud", "options": { "path": file } });
    let made = Wire::new(served.url()).post_json("/api/mgmt/datasources", &USER, &source).expect("an answer");
    assert_eq!((made.status.as_u16(), &made.json()["id"]), (201, &json!(1)), "{}", made.body);
    served
}

#[test]
fn every_request_of_the_page_is_answered_as_it_says() {
    let installation = Installation::new(BINARY);
    let served = serve(&installation);
    let wire = Wire::new(served.url());
    let authorization = basic(USER.name, USER.password);
    let (mut left, mut wrong) = (Left::default(), Vec::new());
    let examples = Example::all();
    assert!(examples.len() > 50, "{}", examples.len());
    for example in &examples {
        let target = example.target.strip_prefix('…').map_or_else(
            || example.target.to_owned(),
            |rest| format!("{SOURCE}{}", rest.replace("sgn_…", &left.position)),
        );
        let target = target.replace(' ', "%20").replace('\'', "%27");
        let mut headers = vec![("authorization", authorization.as_str())];
        let tag = left.tag.clone();
        for (name, value) in &example.headers {
            headers.push((name, if value.contains('…') { &tag } else { value }));
        }
        let answer =
            wire.send(example.method, &target, &headers, example.body.as_deref()).expect("an answer");
        let status = format!("{} {}", answer.status.as_u16(), answer.status.canonical_reason().unwrap_or(""));
        let body = on_one_line(answer.body.lines());
        let named = |(name, value): &(&str, &str)| {
            let found = answer.headers.get(*name).and_then(|value| value.to_str().ok());
            found.is_some_and(|found| is_shown(found, value))
        };
        let is_right = status == example.status
            && example.answered_headers.iter().all(named)
            && is_shown(&body, &example.answered_body);
        if !is_right {
            wrong.push(format!(
                "{} {}\n{status} {:?}\n{body}",
                example.method, example.target, answer.headers
            ));
        }
        left.note(&answer.headers, &answer.body);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_is_left_out_may_be_anything() {
    for (actual, shown) in [("abc", "abc"), ("abc", "a…c"), ("abc", "…"), ("abcbd", "a…b…d"), ("abc", "abc…")]
    {
        assert!(is_shown(actual, shown), "{actual} {shown}");
    }
    for (actual, shown) in [("abc", "ab"), ("abc", "b…c"), ("abc", "a…b"), ("abc", "a…x…c"), ("ab", "ab…b")]
    {
        assert!(!is_shown(actual, shown), "{actual} {shown}");
    }
}
