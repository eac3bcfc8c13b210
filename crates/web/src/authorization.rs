//! The header `Authorization`, read alike by every endpoint
//! ([RFC 9110 §11.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.2)).

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};

/// Credentials as they were sent; nothing is proved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authorization<'a> {
    scheme: &'a str,
    /// What follows the scheme, without blanks around it.
    pub(crate) credentials: &'a str,
}

/// The header is given twice, which leaves open who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twice;

impl<'a> Authorization<'a> {
    /// The credentials of the request, where it names any. What is no text has a scheme that nobody knows.
    pub(crate) fn find(headers: &'a HeaderMap) -> Result<Option<Self>, Twice> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() { Err(Twice) } else { Ok(Some(Self::read(value))) }
    }

    fn read(value: &'a HeaderValue) -> Self {
        let text = value.to_str().unwrap_or_default().trim();
        let (scheme, credentials) = text.split_once(' ').unwrap_or((text, ""));
        Self { scheme, credentials: credentials.trim_start() }
    }

    /// A user's or an application's name and password.
    pub(crate) fn is_basic(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("basic")
    }

    /// An access token.
    pub(crate) fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("bearer")
    }
}

/// Whether the request may carry credentials that a browser sends by itself. Those are of any scheme that a browser
/// remembers; tokens are put there by a script.
pub(crate) fn may_be_remembered(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| !Authorization::read(value).is_bearer())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| (AUTHORIZATION, HeaderValue::from_bytes(bytes).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_scheme_is_read_without_case_and_ends_with_a_blank() {
        for (text, basic, bearer, credentials) in [
            (&b"Basic  abc "[..], true, false, "abc"),
            (b"bEARER t", false, true, "t"),
            (b"Basic", true, false, ""),
            (b"Basic\tabc", false, false, ""),
            (b"Basic:abc", false, false, ""),
            (b"", false, false, ""),
            (b"Basic \xff", false, false, ""),
        ] {
            let headers = headers(&[text]);
            let read = Authorization::find(&headers).unwrap().unwrap();
            assert_eq!((read.is_basic(), read.is_bearer(), read.credentials), (basic, bearer, credentials));
        }
        assert!(Authorization::find(&HeaderMap::new()).unwrap().is_none());
        assert!(Authorization::find(&headers(&[b"Basic a", b"Bearer b"])).is_err());
    }

    #[test]
    fn whatever_is_no_token_may_be_remembered_by_a_browser() {
        for text in [&b"Basic abc"[..], b"Basic\tabc", b"BASIC", b"Negotiate x", b"Digest x", b"\xff", b""] {
            assert!(may_be_remembered(&headers(&[text])), "{text:?}");
            assert!(may_be_remembered(&headers(&[b"Bearer t", text])), "{text:?}");
        }
        assert!(!may_be_remembered(&headers(&[b"bearer t"])));
        assert!(!may_be_remembered(&HeaderMap::new()));
    }
}
