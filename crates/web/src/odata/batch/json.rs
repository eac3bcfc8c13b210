//! Batches in the JSON format ([JSON
//! §19.1](https://docs.oasis-open.org/odata/odata-json-format/v4.01/odata-json-format-v4.01.html#sec_BatchRequest)).

use std::collections::HashMap;
use std::fmt;

use http::header::CONTENT_TYPE;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::part::{BatchFault, MOST_PARTS, Part, have_ids_of_their_own, is_id};

/// Parses the body of a batch.
///
/// # Errors
/// What is wrong with the body as a whole. A fault of one request, such as in its address, is not found here.
pub(crate) fn parse(body: &[u8]) -> Result<Vec<Part>, BatchFault> {
    let read: Requests = serde_json::from_slice(body).map_err(|error| BatchFault::new(error.to_string()))?;
    let requests = read.0.ok_or_else(|| BatchFault::new("requests is missing"))?;
    let mut parts: Vec<Part> = Vec::with_capacity(requests.len());
    // Where each id and each group is.
    let mut known: HashMap<String, Vec<usize>> = HashMap::new();
    for request in requests {
        let at = parts.len();
        let (mut part, names) = request.part()?;
        for name in names {
            let found = known.get(&name);
            let found = found.ok_or_else(|| {
                BatchFault::new(format!("dependsOn names {name}, which is no request or group before it"))
            })?;
            part.depends_on.extend(found);
        }
        if let Some(group) = &part.group {
            let is_new = parts.last().is_none_or(|last| last.group.as_ref() != Some(group));
            if is_new && known.contains_key(group) {
                return Err(BatchFault::new(format!(
                    "the group {group} is the id of a request, or its requests are not adjacent"
                )));
            }
            known.entry(group.clone()).or_default().push(at);
        }
        if let Some(id) = &part.id
            && known.insert(id.clone(), vec![at]).is_some()
        {
            return Err(BatchFault::new(format!("two requests or groups of the batch have the id {id}")));
        }
        parts.push(part);
    }
    have_ids_of_their_own(&parts)?;
    Ok(parts)
}

/// The value of `requests`.
struct Requests(Option<Vec<Request>>);

impl<'de> Deserialize<'de> for Requests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Requests;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object with requests")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Requests, A::Error> {
                let mut requests = None;
                while let Some(name) = members.next_key::<String>()? {
                    match name.as_str() {
                        "requests" if requests.is_some() => {
                            return Err(A::Error::duplicate_field("requests"));
                        }
                        "requests" => requests = Some(members.next_value::<Bounded>()?.0),
                        other => ignore_annotation(other, &mut members)?,
                    }
                }
                Ok(Requests(requests))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// At most as many requests as a batch may have.
struct Bounded(Vec<Request>);

impl<'de> Deserialize<'de> for Bounded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Bounded;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an array of requests")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Bounded, A::Error> {
                let mut requests = Vec::new();
                while let Some(request) = items.next_element()? {
                    if requests.len() == MOST_PARTS {
                        return Err(A::Error::custom(BatchFault::too_many_parts()));
                    }
                    requests.push(request);
                }
                Ok(Bounded(requests))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

/// Members other than the known ones are annotations, which have no meaning here.
fn ignore_annotation<'de, A: MapAccess<'de>>(name: &str, members: &mut A) -> Result<(), A::Error> {
    if !name.contains('@') {
        let name: String = name.chars().take(64).collect();
        return Err(A::Error::custom(format_args!("there is no member {name:?}")));
    }
    members.next_value::<IgnoredAny>().map(drop)
}

/// A request object.
#[derive(Default)]
struct Request {
    id: Option<String>,
    method: Option<String>,
    url: Option<String>,
    group: Option<String>,
    depends_on: Option<Vec<String>>,
    condition: Option<IgnoredAny>,
    headers: Option<HashMap<String, String>>,
    /// As it is written, because numbers could lose digits otherwise.
    body: Option<Box<RawValue>>,
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Request;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a request object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Request, A::Error> {
                let mut request = Request::default();
                while let Some(name) = members.next_key::<String>()? {
                    match name.as_str() {
                        "id" => once(&mut request.id, "id", &mut members)?,
                        "method" => once(&mut request.method, "method", &mut members)?,
                        "url" => once(&mut request.url, "url", &mut members)?,
                        "atomicityGroup" => once(&mut request.group, "atomicityGroup", &mut members)?,
                        "dependsOn" => once(&mut request.depends_on, "dependsOn", &mut members)?,
                        "if" => once(&mut request.condition, "if", &mut members)?,
                        "headers" => once(&mut request.headers, "headers", &mut members)?,
                        "body" => once(&mut request.body, "body", &mut members)?,
                        other => ignore_annotation(other, &mut members)?,
                    }
                }
                Ok(request)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

fn once<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    place: &mut Option<T>,
    name: &'static str,
    members: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *place = members.next_value::<Option<T>>()?;
    Ok(())
}

impl Request {
    /// The request, and the names that it depends on.
    fn part(self) -> Result<(Part, Vec<String>), BatchFault> {
        let missing = |name: &str| BatchFault::new(format!("a request of the batch has no {name}"));
        let id = self.id.ok_or_else(|| missing("id"))?;
        let method = self.method.ok_or_else(|| missing("method"))?.to_ascii_uppercase();
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| BatchFault::new("method is not the name of a method"))?;
        if self.group.as_deref().is_some_and(|group| !is_id(group)) {
            return Err(BatchFault::new(
                "atomicityGroup consists of 1 to 128 letters, digits, dots, dashes, tildes and underscores",
            ));
        }
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.unwrap_or_default() {
            let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.trim()))
            else {
                return Err(BatchFault::new("headers contains a name or a value that no header can have"));
            };
            if headers.insert(name, value).is_some() {
                return Err(BatchFault::new("headers contains a name twice"));
            }
        }
        // A text is the body itself; what is none is refused with its request.
        let body = self.body.map(|body| {
            if let Ok(text) = serde_json::from_str::<String>(body.get()) {
                return text.into_bytes();
            }
            // A body that is JSON needs no header that says so.
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            body.get().as_bytes().to_vec()
        });
        let url = self.url.ok_or_else(|| missing("url"))?;
        let is_conditional = self.condition.is_some();
        let part = Part {
            id: Some(id),
            group: self.group,
            depends_on: Vec::new(),
            is_conditional,
            method,
            url,
            headers,
            body,
        };
        Ok((part, self.depends_on.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_object_is_a_request() {
        let text = r#"{"@a.b": 1, "requests": [
            {"id": "0", "method": "get", "url": "People", "headers": {"accept": "application/json"}, "body": null},
            {"id": "1", "method": "POST", "url": "/A", "body": {"a": [1]}, "atomicityGroup": "g", "dependsOn": ["0"]},
            {"id": "2", "method": "patch", "url": "B", "atomicityGroup": "g", "body": "text"},
            {"id": "3", "method": "Get", "url": "C", "dependsOn": ["g", "0"], "if": "$0/$succeeded"}]}"#;
        let parts = parse(text.as_bytes()).unwrap();
        let seen: Vec<_> = parts
            .iter()
            .map(|part| (part.method.as_str(), part.url.as_str(), part.group.as_deref()))
            .collect();
        assert_eq!(
            seen,
            [
                ("GET", "People", None),
                ("POST", "/A", Some("g")),
                ("PATCH", "B", Some("g")),
                ("GET", "C", None)
            ]
        );
        assert_eq!(parts[0].headers["accept"], "application/json");
        assert_eq!((&parts[0].body, parts[2].body.as_deref()), (&None, Some(b"text".as_slice())));
        assert_eq!(
            (parts[1].depends_on.as_slice(), parts[3].depends_on.as_slice()),
            ([0].as_slice(), [1, 2, 0].as_slice())
        );
        assert_eq!((parts[0].is_conditional, parts[3].is_conditional), (false, true));
        assert_eq!(parse(br#"{"requests":[]}"#), Ok(Vec::new()));
    }

    #[test]
    fn malformed_bodies_are_refused_with_a_reason() {
        let one = |more: &str| format!(r#"{{"requests":[{{"id":"1","method":"get","url":"A"{more}}}]}}"#);
        let two = |first: &str, second: &str| {
            format!(
                r#"{{"requests":[{{"method":"get","url":"A",{first}}},{{"method":"get","url":"A",{second}}}]}}"#
            )
        };
        let request = r#"{"id":"1","method":"get","url":"A"},"#;
        for (text, words) in [
            (String::new(), "EOF"),
            ("[]".to_owned(), "an object with requests"),
            ("{}".to_owned(), "requests is missing"),
            (r#"{"requests":1}"#.to_owned(), "an array of requests"),
            (r#"{"requests":[1]}"#.to_owned(), "a request object"),
            (r#"{"requests":[],"requests":[]}"#.to_owned(), "duplicate field"),
            (r#"{"requests":[],"more":1}"#.to_owned(), "no member"),
            (r#"{"requests":[{"method":"get","url":"A"}]}"#.to_owned(), "no id"),
            (r#"{"requests":[{"id":"1","url":"A"}]}"#.to_owned(), "no method"),
            (r#"{"requests":[{"id":"1","method":"get"}]}"#.to_owned(), "no url"),
            (r#"{"requests":[{"id":"1","method":"g t","url":"A"}]}"#.to_owned(), "name of a method"),
            (one(r#","dependson":[]"#), "no member"),
            (one(r#","id":"2""#), "duplicate field"),
            (one(r#","dependsOn":["1"]"#), "dependsOn names 1"),
            (one(r#","atomicityGroup":"a b""#), "atomicityGroup consists"),
            (one(r#","headers":{"a b":"c"}"#), "no header can have"),
            (one(r#","headers":{"a":"c\n"}, "headers":{}"#), "duplicate field"),
            (one(r#","headers":{"a":"c","A":"d"}"#), "twice"),
            (two(r#""id":"1""#, r#""id":"1""#), "have the id 1"),
            (two(r#""id":"1","atomicityGroup":"2""#, r#""id":"2""#), "have the id 2"),
            (two(r#""id":"1""#, r#""id":"2","atomicityGroup":"1""#), "the group 1"),
            (format!(r#"{{"requests":[{}{{}}]}}"#, request.repeat(MOST_PARTS)), "more than 100 requests"),
        ] {
            let refused = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(refused.contains(words), "{text}: {refused}");
        }
        let apart = r#"{"requests":[{"id":"1","method":"get","url":"A","atomicityGroup":"g"},
            {"id":"2","method":"get","url":"A"},{"id":"3","method":"get","url":"A","atomicityGroup":"g"}]}"#;
        assert!(parse(apart.as_bytes()).unwrap_err().to_string().contains("not adjacent"));
    }
}
