//! The media types of a request, read by [`MediaType`].

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, ToStrError};
use odata::format::{MediaType, parts};

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The media type of the body; `None` if the request names none. A header that is not text is of no type.
pub(crate) fn of_body(headers: &HeaderMap) -> Option<MediaType<'_>> {
    headers.get(CONTENT_TYPE).map(|kind| MediaType::read(kind.to_str().unwrap_or_default()))
}

/// Whether a body of this type is in UTF-8: its `charset`, if it names one, says so.
pub(crate) fn is_utf8(kind: &MediaType<'_>) -> bool {
    kind.parameter("charset").is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"))
}

/// Whether the request names this type in `Accept`, and prefers no JSON to it. A wildcard names no type.
pub(crate) fn asks_for(headers: &HeaderMap, media_type: &str) -> bool {
    let Ok(header) = accept(headers) else { return false };
    let weight = |name: &str| {
        let ranges = parts(&header, b',').map(MediaType::read).filter(|range| range.is(name));
        ranges.map(|range| range.weight()).max()
    };
    weight(media_type).is_some_and(|asked| asked > 0 && asked >= weight(JSON).unwrap_or(0))
}

/// The `Accept` headers as one; empty if there is none.
pub(crate) fn accept(headers: &HeaderMap) -> Result<Cow<'_, str>, ToStrError> {
    let mut values = headers.get_all(ACCEPT).iter();
    let mut whole = match values.next() {
        Some(first) => Cow::Borrowed(first.to_str()?),
        None => Cow::Borrowed(""),
    };
    for value in values {
        let more = value.to_str()?;
        let joined = whole.to_mut();
        joined.push(',');
        joined.push_str(more);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_type_is_asked_for_by_its_name_only() {
        for (header, asks) in [
            ("application/a+jwt", true),
            ("Application/A+JWT;q=0.2, */*;q=0.1", true),
            ("application/json, application/a+jwt", true),
            ("application/json;q=0.5, application/a+jwt;q=0.4", false),
            ("application/a+jwt;q=0", false),
            ("*/*", false),
            ("application/*", false),
            ("application/json", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(header))]);
            assert_eq!(asks_for(&headers, "application/a+jwt"), asks, "{header}");
        }
        assert!(!asks_for(&HeaderMap::new(), "application/a+jwt"));
    }
}
