//! `session_state`: what a client knows of the state of the user's browser at this server ([OpenID Connect Session Management
//! §2](https://openid.net/specs/openid-connect-session-1_0.html#CreatingUpdatingSessions)).
//!
//! The server computes it for the response to an authentication request. The script of the page at `check_session_iframe`
//! computes it again from the cookie of the browser, and reports whether it is still the same.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::ClientId;

/// The name of the parameter.
pub const SESSION_STATE: &str = "session_state";

/// The number of random bytes in the state of a browser and in a salt.
pub const RANDOM_BYTES: usize = 16;
/// Their length in base64url.
const CHARACTERS: usize = 22;

/// The state of a browser at this server: a random text that is replaced whenever somebody signs in or out there. It
/// identifies neither the user nor the session, and it gives no right to anything.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserState(String);

impl BrowserState {
    /// The state of these random bytes.
    pub fn from_bytes(random: [u8; RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }

    /// Reads the value of the cookie; `None` if this server did not set it.
    pub fn parse(text: &str) -> Option<Self> {
        let is_ours = text.len() == CHARACTERS && URL_SAFE_NO_PAD.decode(text).is_ok();
        is_ours.then(|| Self(text.to_owned()))
    }

    /// The value of the cookie: 22 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for BrowserState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BrowserState(redacted)")
    }
}

/// The salt of one session state, "so as to prevent identification of an End-User across successive calls" ([OpenID Connect
/// Session Management §3.2](https://openid.net/specs/openid-connect-session-1_0.html#OPiframe)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Salt(String);

impl Salt {
    /// The salt of these random bytes.
    pub fn from_bytes(random: [u8; RANDOM_BYTES]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(random))
    }
}

/// The client that may ask about the state of the browser: only pages of one origin get an answer for its session state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observer {
    client_id: ClientId,
    origin: String,
}

impl Observer {
    /// The client with this id whose pages have this origin, in the serialization of [RFC 6454
    /// §6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2).
    pub fn new(client_id: ClientId, origin: String) -> Self {
        Self { client_id, origin }
    }

    /// The text whose SHA-256 digest is the beginning of the session state. Only the client id may contain spaces, so that
    /// no two combinations have the same text.
    pub fn content(&self, browser: &BrowserState, salt: &Salt) -> String {
        let Self { client_id, origin } = self;
        format!("{} {origin} {} {}", client_id.as_str(), browser.0, salt.0)
    }
}

/// The value of `session_state`: the digest of [`Observer::content`] in base64url, a dot, and the salt. "It MUST NOT contain
/// the space character."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionState(String);

impl SessionState {
    /// Composes the value.
    pub fn new(digest: [u8; 32], salt: &Salt) -> Self {
        Self(format!("{}.{}", URL_SAFE_NO_PAD.encode(digest), salt.0))
    }

    /// The value as it is sent.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROWSER: [u8; RANDOM_BYTES] = [1; RANDOM_BYTES];
    const SALT: [u8; RANDOM_BYTES] = [2; RANDOM_BYTES];

    fn content(client: &str, origin: &str, browser: [u8; RANDOM_BYTES], salt: [u8; RANDOM_BYTES]) -> String {
        let observer = Observer::new(client.parse().unwrap(), origin.to_owned());
        observer.content(&BrowserState::from_bytes(browser), &Salt::from_bytes(salt))
    }

    #[test]
    fn a_session_state_depends_on_client_origin_browser_and_salt() {
        let (client, origin) = (crate::sample::CLIENT_ID, "https://client.example.com");
        let one = content(client, origin, BROWSER, SALT);
        assert_eq!(one, format!("{client} {origin} AQEBAQEBAQEBAQEBAQEBAQ AgICAgICAgICAgICAgICAg"));
        let others = [
            content("3f2504e0-4f89-41d3-9a0c-0305e82c3302", origin, BROWSER, SALT),
            content(client, "https://client.example.com:8443", BROWSER, SALT),
            content(client, origin, [3; RANDOM_BYTES], SALT),
            content(client, origin, BROWSER, [3; RANDOM_BYTES]),
        ];
        assert!(others.iter().all(|other| *other != one), "{others:?}");
    }

    #[test]
    fn a_session_state_is_a_digest_and_a_salt_without_spaces() {
        let state = SessionState::new([255; 32], &Salt::from_bytes(SALT)).into_text();
        assert_eq!(state, format!("{}8.AgICAgICAgICAgICAgICAg", "_".repeat(42)));
    }

    #[test]
    fn only_a_state_that_this_server_has_set_is_read() {
        let good = BrowserState::from_bytes([255; RANDOM_BYTES]);
        assert_eq!(BrowserState::parse(good.as_str()), Some(good.clone()));
        assert_eq!(format!("{good:?}"), "BrowserState(redacted)");
        let (cut, long) = (&good.as_str()[1..], format!("{}A", good.as_str()));
        for bad in
            ["", "x", cut, &long, "AAAAAAAAAAAAAAAAAAAAA ", "AAAAAAAAAAAAAAAAAAAAA+", "ÄAAAAAAAAAAAAAAAAAAAA"]
        {
            assert_eq!(BrowserState::parse(bad), None, "{bad}");
        }
    }
}
