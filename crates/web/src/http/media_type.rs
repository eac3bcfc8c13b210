//! The media types of a request, read by [`MediaType`].

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, ToStrError};
use odata::format::MediaType;

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The media type of the body; `None` if the request names none. A header that is not text is of no type.
pub(crate) fn of_body(headers: &HeaderMap) -> Option<MediaType<'_>> {
    headers.get(CONTENT_TYPE).map(|kind| MediaType::read(kind.to_str().unwrap_or_default()))
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
