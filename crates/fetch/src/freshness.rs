//! For how long a document may be kept ([RFC 9111 §4.2](https://www.rfc-editor.org/rfc/rfc9111#section-4.2)).

use http::header::{AGE, CACHE_CONTROL, DATE, EXPIRES};
use http::{HeaderMap, HeaderName};
use jiff::fmt::rfc2822::DateTimeParser;

/// The number of seconds for which the sender calls the document fresh; `None` if it does not say.
///
/// `no-store`, `no-cache` and a date that cannot be read mean 0.
pub fn lifetime_secs(headers: &HeaderMap) -> Option<u64> {
    let total = match directives(headers) {
        Directives { is_forbidden: true, .. } => Some(0),
        Directives { max_age: Some(seconds), .. } => Some(seconds),
        Directives { .. } => until_expiry(headers),
    };
    let age = text(headers, &AGE).and_then(|age| age.trim().parse::<u64>().ok()).unwrap_or_default();
    total.map(|total| total.saturating_sub(age))
}

#[derive(Default)]
struct Directives {
    is_forbidden: bool,
    max_age: Option<u64>,
}

fn directives(headers: &HeaderMap) -> Directives {
    let mut found = Directives::default();
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    for directive in values.flat_map(|value| value.split(',')) {
        let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => found.is_forbidden = true,
            "max-age" => {
                // Two values, or one that is not a number, make the document stale.
                let seconds = argument.trim().trim_matches('"').parse().unwrap_or(0);
                found.max_age = Some(found.max_age.map_or(seconds, |other| other.min(seconds)));
            }
            _ => {}
        }
    }
    found
}

fn until_expiry(headers: &HeaderMap) -> Option<u64> {
    let expires = text(headers, &EXPIRES)?;
    let seconds =
        |text: &str| DateTimeParser::new().parse_timestamp(text).ok().map(jiff::Timestamp::as_second);
    let until = seconds(expires).zip(text(headers, &DATE).and_then(seconds));
    Some(until.and_then(|(expires, date)| u64::try_from(expires - date).ok()).unwrap_or(0))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(headers: &[(&'static str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        lifetime_secs(&map)
    }

    #[test]
    fn the_lifetime_of_a_document_follows_its_headers() {
        let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        for (headers, expected) in [
            (vec![], None),
            (vec![("cache-control", "max-age=60")], Some(60)),
            (vec![("cache-control", "public, Max-Age=\"60\"")], Some(60)),
            (vec![("cache-control", "max-age=60"), ("age", "20")], Some(40)),
            (vec![("cache-control", "max-age=60"), ("age", "90")], Some(0)),
            (vec![("cache-control", "max-age=60"), ("cache-control", "max-age=30")], Some(30)),
            (vec![("cache-control", "max-age=-1")], Some(0)),
            (vec![("cache-control", "max-age=99999999999999999999999")], Some(0)),
            (vec![("cache-control", "max-age=60, no-store")], Some(0)),
            (vec![("cache-control", "no-cache")], Some(0)),
            (vec![date, ("expires", "Sun, 06 Nov 1994 08:59:37 GMT")], Some(600)),
            (vec![date, ("expires", "Sun, 06 Nov 1994 08:39:37 GMT")], Some(0)),
            (vec![date, ("expires", "0")], Some(0)),
            (vec![("expires", "Sun, 06 Nov 1994 08:59:37 GMT")], Some(0)),
            (
                vec![date, ("expires", "Sun, 06 Nov 1994 08:59:37 GMT"), ("cache-control", "max-age=1")],
                Some(1),
            ),
        ] {
            assert_eq!(lifetime(&headers), expected, "{headers:?}");
        }
    }
}
