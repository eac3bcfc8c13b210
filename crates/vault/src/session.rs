//! Session cookies, and the values that bind a form to the browser for which it was rendered.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::SessionId;
use domain::secret::{CsrfToken, Digest, SessionCookie};

use crate::digests::keyed_digest;
use crate::master_key::MasterKey;
use crate::seal::Unsealed;

/// The base64url length of 32 bytes.
const SECRET_CHARACTERS: usize = 43;

/// Secret. The half of a session cookie of which only a digest is stored.
pub struct SessionSecret([u8; 32]);

impl SessionSecret {
    pub(crate) const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret(redacted)")
    }
}

pub(crate) struct SessionKeys {
    digest: hmac::Key,
    csrf: hmac::Key,
}

impl SessionKeys {
    pub(crate) fn derive(master: &MasterKey) -> Self {
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &*master.subkey(purpose));
        Self { digest: key("session digest"), csrf: key("csrf token") }
    }

    pub(crate) fn digest(&self, secret: &SessionSecret) -> Digest {
        keyed_digest(&self.digest, &secret.0)
    }

    pub(crate) fn csrf_token(&self, cookie: &str) -> CsrfToken {
        CsrfToken::new(URL_SAFE_NO_PAD.encode(hmac::sign(&self.csrf, cookie.as_bytes()).as_ref()))
    }

    pub(crate) fn csrf_is_valid(&self, cookie: &str, token: &CsrfToken) -> bool {
        let given = token.expose();
        // A form may be large; a value of another length is not decoded.
        if given.len() != SECRET_CHARACTERS {
            return false;
        }
        let given = URL_SAFE_NO_PAD.decode(given);
        given.is_ok_and(|given| hmac::verify(&self.csrf, cookie.as_bytes(), &given).is_ok())
    }
}

/// Composes a cookie: the number of the session, a dot, and the secret half in base64url.
pub(crate) fn cookie(id: SessionId, secret: &SessionSecret) -> SessionCookie {
    SessionCookie::new(format!("{id}.{}", URL_SAFE_NO_PAD.encode(secret.0)))
}

pub(crate) fn parse(cookie: &SessionCookie) -> Result<(SessionId, SessionSecret), Unsealed> {
    let (id, secret) = cookie.expose().split_once('.').ok_or(Unsealed)?;
    if secret.len() != SECRET_CHARACTERS {
        return Err(Unsealed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(secret).map_err(|_| Unsealed)?;
    let secret = bytes.as_slice().try_into().map_err(|_| Unsealed)?;
    Ok((id.parse().map_err(|_| Unsealed)?, SessionSecret(secret)))
}

pub(crate) fn visitor(random: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(random)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> SessionKeys {
        SessionKeys::derive(&MasterKey::from_text(&"A".repeat(43)).unwrap())
    }

    #[test]
    fn a_cookie_contains_its_session_id_and_secret() {
        let secret = SessionSecret([5; 32]);
        let (id, parsed) = parse(&cookie(SessionId::new(12), &secret)).unwrap();
        assert_eq!(id, SessionId::new(12));
        assert_eq!(keys().digest(&parsed).as_bytes(), keys().digest(&secret).as_bytes());
    }

    #[test]
    fn a_malformed_cookie_is_refused() {
        let good = cookie(SessionId::new(12), &SessionSecret([5; 32])).expose().to_owned();
        let bad = [
            "",
            ".",
            "12.",
            "12",
            "x.y",
            &good[1..].replace("2.", "-2."),
            &format!("{good}A"),
            &good[..good.len() - 1],
        ];
        for text in bad {
            assert!(parse(&SessionCookie::new(text)).is_err(), "{text}");
        }
    }

    /// [RFC 4231 §4.3](https://www.rfc-editor.org/rfc/rfc4231#section-4.3): the function behind digests and
    /// form values.
    #[test]
    fn the_mac_matches_the_example_of_rfc_4231() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"Jefe");
        let mac = hmac::sign(&key, b"what do ya want for nothing?");
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let byte = |at| u8::from_str_radix(&expected[2 * at..2 * at + 2], 16).unwrap();
        assert_eq!(mac.as_ref(), std::array::from_fn::<u8, 32, _>(byte));
    }

    #[test]
    fn a_csrf_token_with_one_wrong_character_is_refused() {
        let token = keys().csrf_token("browser one").expose().to_owned();
        for at in 0..token.len() {
            let mut wrong = token.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            let wrong = CsrfToken::new(String::from_utf8(wrong).unwrap());
            assert!(!keys().csrf_is_valid("browser one", &wrong), "character {at}");
        }
        assert!(!keys().csrf_is_valid("browser one", &CsrfToken::new(token + "A")));
    }

    #[test]
    fn a_csrf_token_is_valid_for_its_browser_only() {
        let token = keys().csrf_token("browser one");
        assert!(keys().csrf_is_valid("browser one", &token));
        assert!(!keys().csrf_is_valid("browser two", &token));
        assert!(!keys().csrf_is_valid("browser one", &CsrfToken::new("")));
    }
}
