//! The `Authorization` header, parsed in the same way for every endpoint ([RFC 9110
//! §11.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-11.6.2)).

use app::identity::sign_in::SignInCredentials;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::secret::Password;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderValue};
use oauth::client_authentication::Basic;
use oauth::proof::{PresentedToken, TokenType};
use oauth::refusal::Refusal;
use zeroize::Zeroizing;

/// Credentials as sent; they are not verified yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Authorization<'a> {
    scheme: &'a str,
    /// The text after the scheme, without surrounding spaces.
    pub(crate) credentials: &'a str,
}

/// The header occurs twice, so the caller is ambiguous.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Twice;

impl<'a> Authorization<'a> {
    /// Returns the credentials of the request, if there are any. A header that is not text has an unknown
    /// scheme.
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

    /// Whether these are a user's or an application's name and password.
    pub(crate) fn is_basic(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("basic")
    }

    /// Whether this is a bearer token: whoever holds it may use it ([RFC 6750
    /// §2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
    pub(crate) fn is_bearer(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("bearer")
    }

    /// The access token, if these are one. A bound token has a scheme of its own ([RFC 9449
    /// §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1)).
    pub(crate) fn token(&self) -> Option<PresentedToken<'a>> {
        let types = [TokenType::Bearer, TokenType::Dpop];
        let scheme = types.into_iter().find(|kind| self.scheme.eq_ignore_ascii_case(kind.as_str()))?;
        Some(PresentedToken { scheme, text: self.credentials })
    }

    /// The Basic credentials of an application.
    pub(crate) fn client(&self) -> Result<Basic, Refusal> {
        if !self.is_basic() {
            return Err(Refusal::BasicMalformed);
        }
        Basic::parse(&self.decoded().ok_or(Refusal::BasicMalformed)?)
    }

    /// The Basic credentials of a user, in UTF-8, as our challenge requests ([RFC 7617
    /// §2.1](https://www.rfc-editor.org/rfc/rfc7617#section-2.1)).
    pub(crate) fn user(&self) -> Option<SignInCredentials> {
        let bytes = self.decoded().filter(|_| self.is_basic())?;
        let pair = std::str::from_utf8(&bytes).ok()?;
        let (name, password) = pair.split_once(':')?;
        Some(SignInCredentials { name: name.to_owned(), password: Password::new(password) })
    }

    /// The bytes that Basic credentials encode.
    fn decoded(&self) -> Option<Zeroizing<Vec<u8>>> {
        STANDARD.decode(self.credentials).ok().map(Zeroizing::new)
    }
}

/// Whether the request may contain credentials that a browser sends on its own. Those have any scheme that a
/// browser caches; tokens are always added by a script.
pub(crate) fn may_be_remembered(headers: &HeaderMap) -> bool {
    headers.get_all(AUTHORIZATION).iter().any(|value| Authorization::read(value).token().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let value = |bytes: &&[u8]| (AUTHORIZATION, HeaderValue::from_bytes(bytes).unwrap());
        values.iter().map(value).collect()
    }

    #[test]
    fn a_scheme_is_case_insensitive_and_ends_with_a_space() {
        for (text, basic, bearer, credentials) in [
            (&b"Basic  abc "[..], true, false, "abc"),
            (b"bEARER t", false, true, "t"),
            (b"dpop t", false, true, "t"),
            (b"Basic", true, false, ""),
            (b"Basic\tabc", false, false, ""),
            (b"Basic:abc", false, false, ""),
            (b"", false, false, ""),
            (b"Basic \xff", false, false, ""),
        ] {
            let headers = headers(&[text]);
            let read = Authorization::find(&headers).unwrap().unwrap();
            assert_eq!(
                (read.is_basic(), read.token().is_some(), read.credentials),
                (basic, bearer, credentials)
            );
        }
        assert!(Authorization::find(&HeaderMap::new()).unwrap().is_none());
        assert!(Authorization::find(&headers(&[b"Basic a", b"Bearer b"])).is_err());
    }

    fn user(pair: &[u8]) -> Option<SignInCredentials> {
        let credentials = STANDARD.encode(pair);
        Authorization { scheme: "Basic", credentials: &credentials }.user()
    }

    #[test]
    fn credentials_of_a_user_are_utf_8_and_the_password_may_hold_colons() {
        let credentials = user("müller:a:b".as_bytes()).unwrap();
        assert_eq!((credentials.name.as_str(), credentials.password.expose()), ("müller", "a:b"));
    }

    #[test]
    fn malformed_credentials_name_no_user_and_no_application() {
        let not_utf_8 = STANDARD.encode(b"m\xfcller:x");
        for credentials in ["", "%%%", &STANDARD.encode("no colon"), &not_utf_8] {
            let read = Authorization { scheme: "Basic", credentials };
            assert!(read.user().is_none() && read.client().is_err(), "{credentials}");
        }
        let bearer = Authorization { scheme: "Bearer", credentials: &STANDARD.encode("a:b") };
        assert!(bearer.user().is_none() && bearer.client().is_err());
    }

    #[test]
    fn every_scheme_but_those_of_tokens_may_be_remembered_by_a_browser() {
        for text in [&b"Basic abc"[..], b"Basic\tabc", b"BASIC", b"Negotiate x", b"Digest x", b"\xff", b""] {
            assert!(may_be_remembered(&headers(&[text])), "{text:?}");
            assert!(may_be_remembered(&headers(&[b"Bearer t", text])), "{text:?}");
        }
        assert!(!may_be_remembered(&headers(&[b"bearer t"])));
        assert!(!may_be_remembered(&headers(&[b"DPoP t"])));
        assert!(!may_be_remembered(&HeaderMap::new()));
    }
}
