//! Identifiers. Each has its own type, so that they cannot be confused.

use std::fmt;
use std::str::FromStr;

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Creates the id from the number of the row.
            pub const fn new(id: i64) -> Self {
                Self(id)
            }

            /// The number of the row.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        /// Decimal digits only, as in a path of the management API: no sign, no spaces.
        impl FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(NotAnId);
                }
                text.parse().map(Self).map_err(|_| NotAnId)
            }
        }
    )+};
}

row_ids! {
    /// A registered application; assigned in order, never reused.
    ApplicationId,
    /// A user account; never reused.
    UserId,
    /// A role: a named set of permissions.
    RoleId,
    /// The access that a user gave an application, which a refresh token represents. Never reused.
    GrantId,
    /// A stored consent. Never reused, so that references to a revoked one stay invalid.
    ConsentId,
    /// One secret of an application.
    SecretId,
    /// A browser session.
    SessionId,
    /// A data source.
    DataSourceId,
    /// An entry of the list of trusted origins.
    TrustedOriginId,
    /// A resource server: an API that is protected by access tokens. Never reused.
    ResourceServerId,
    /// A scope; never reused, so that what was given for a deleted one stays invalid.
    ScopeId,
    /// A trusted issuer. Never reused.
    TrustedIssuerId,
    /// A request of a device that waits for its user.
    DeviceAuthorizationId,
    /// A request of a client that waits for the user whom it names.
    BackchannelAuthenticationId,
    /// An authorization request that a client pushed. Never reused.
    PushedRequestId,
    /// A logout token that is to be delivered to an application. Never reused.
    LogoutDeliveryId,
    /// A token that allows clients to register themselves.
    InitialAccessTokenId,
    /// A personal access token. Never reused.
    PersonalAccessTokenId,
    /// A one-time link of a user. Never reused.
    OneTimeLinkId,
    /// A mail that waits to be sent. Never reused.
    MailId,
    /// A row of the audit log.
    AuditId,
}

/// The text is not an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier")]
pub struct NotAnId;

/// The `client_id` of an application: the text form of a version 4 UUID, in lower case, or the `https` URL of a client
/// metadata document, exactly as written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientId(Box<str>);

impl ClientId {
    /// The maximum number of characters of a URL.
    const LONGEST_URL: usize = 1024;

    /// Whether it is the URL of a client metadata document.
    pub fn is_url(&self) -> bool {
        is_https(&self.0)
    }

    /// The text on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_https(text: &str) -> bool {
    text.starts_with("https://")
}

/// Accepts the hyphenated form in either case, 36 characters, and `https` URLs of printable ASCII characters. Which URLs
/// identify a client is a rule of the protocol.
impl FromStr for ClientId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if is_https(text) {
            let is_plain =
                text.len() <= Self::LONGEST_URL && text.bytes().all(|byte| byte.is_ascii_graphic());
            return if is_plain { Ok(Self(text.into())) } else { Err(NotAnId) };
        }
        if is_uuid(text) { Ok(Self(text.to_ascii_lowercase().into())) } else { Err(NotAnId) }
    }
}

/// Whether the text is the hyphenated form of a UUID, in either case.
fn is_uuid(text: &str) -> bool {
    let Ok(mut bytes) = <[u8; 36]>::try_from(text.as_bytes()) else { return false };
    let has_hyphens = [8, 13, 18, 23].iter().all(|at| std::mem::replace(&mut bytes[*at], b'0') == b'-');
    // Every byte is examined, because the compiler can then compare many at once.
    has_hyphens && bytes.iter().fold(true, |all, byte| all & byte.is_ascii_hexdigit())
}

const HEX: &[u8; 16] = b"0123456789abcdef";

macro_rules! unguessable_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        ///
        /// It consists of the time in microseconds as eight bytes, big-endian, and eight random bytes. It
        /// cannot be guessed, but sorts in the order of issue, which keeps an index over it small and fast.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Composes a new id from the time and eight random bytes.
            pub fn compose(at: crate::time::Timestamp, random: [u8; 8]) -> Self {
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&at.as_micros().to_be_bytes());
                bytes[8..].copy_from_slice(&random);
                Self(bytes)
            }

            /// Creates the id from its sixteen bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// The time at which it was composed.
            pub fn at(&self) -> crate::time::Timestamp {
                let mut micros = [0; 8];
                micros.copy_from_slice(&self.0[..8]);
                crate::time::Timestamp::from_micros(i64::from_be_bytes(micros))
            }
        }

        /// Lower-case hexadecimal, 32 digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut text = [0; 32];
                for (digits, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
                    *digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                }
                f.write_str(std::str::from_utf8(&text).unwrap_or_default())
            }
        }
    )+};
}

unguessable_ids! {
    /// Identifies an access token: its `jti`, and its time of issue.
    TokenId,
    /// Identifies an authorization code; unique among grants, which makes a code single-use.
    CodeId,
}

/// Counts how often all access of an application or a user was revoked. Everything that was issued under a
/// smaller epoch is invalid; everything issued afterwards is valid, even within the same microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(i64);

impl Epoch {
    /// The epoch that nothing can reach: the application or the user was deleted.
    pub const GONE: Self = Self(i64::MAX);

    /// Creates the epoch from its number.
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> i64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn row_ids_are_decimal_digits_only() {
        assert_eq!("12".parse(), Ok(ApplicationId::new(12)));
        for text in ["", "-1", "+1", " 1", "1.0", "x", "9223372036854775808", "１"] {
            assert_eq!(text.parse::<ApplicationId>(), Err(NotAnId), "{text:?}");
        }
    }

    #[test]
    fn a_client_id_is_the_text_of_a_uuid_in_either_case() {
        let id: ClientId = "3F2504E0-4F89-41D3-9A0C-0305E82C3301".parse().unwrap();
        assert_eq!(id.as_str(), "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
        for text in [
            "",
            "3f2504e0",
            "3f2504e0-4f89-41d3-9a0c-0305e82c330",
            "3f2504e0-4f89-41d3-9a0c+0305e82c3301",
            "3f2504e0-4f89-41d3-9a0c-0305e82c330g",
            "3f2504e004f89-41d3-9a0c-0305e82c3301",
            "-f2504e0-4f89-41d3-9a0c-0305e82c3301",
        ] {
            assert!(text.parse::<ClientId>().is_err(), "{text}");
        }
    }

    #[test]
    fn unguessable_ids_sort_by_their_time_and_return_it() {
        let (early, late) = (Timestamp::from_secs(1), Timestamp::from_secs(2));
        let (first, second) = (TokenId::compose(early, [255; 8]), TokenId::compose(late, [0; 8]));
        assert!(first < second);
        assert_eq!((first.at(), TokenId::from_bytes(*second.as_bytes())), (early, second));
        assert_eq!(first.to_string(), "00000000000f4240ffffffffffffffff");
    }
}
