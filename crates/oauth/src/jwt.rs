//! JSON Web Tokens that others sign: their header and claims as pure rules. Crate `vault` verifies the signatures.
//!
//! Nothing in a token says which algorithm or key to use: the caller names the algorithms and the keys, and the header
//! may only agree ([RFC 8725 §3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).

use serde_json::Map;

mod claims;
mod header;
mod json;

pub use claims::{Claims, TimeRules};
pub use header::Header;
pub use json::{parse_json, parse_object};

/// A JSON object without repeated members.
pub type Object = Map<String, serde_json::Value>;

/// The longest token in characters.
pub const MOST_CHARACTERS: usize = 16 * 1024;

/// Why a token is not accepted. The text is for logs and developers, and contains nothing of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtFault {
    /// It is longer than [`MOST_CHARACTERS`].
    #[error("it is too long")]
    TooLong,
    /// It does not have three parts in base64url without padding.
    #[error("it does not have three parts in base64url")]
    NotCompact,
    /// The header is not a JSON object with the known members in their types.
    #[error("its header is malformed")]
    HeaderMalformed,
    /// The payload is not a JSON object, or a member occurs twice.
    #[error("its payload is not a JSON object with distinct members")]
    PayloadMalformed,
    /// The header names an extension that must be understood.
    #[error("its header has a critical extension")]
    CriticalExtension,
    /// `typ` is not what the place demands.
    #[error("its header has the wrong typ")]
    WrongType,
    /// `alg` is none of those that are allowed here.
    #[error("its alg is not allowed")]
    AlgorithmNotAllowed,
    /// No key fits the header.
    #[error("no registered key fits its header")]
    NoKey,
    /// The key in the header is unusable.
    #[error("the key in its header is unusable")]
    KeyUnusable,
    /// No key verifies the signature.
    #[error("its signature does not match")]
    BadSignature,
    /// A claim is missing or has another type.
    #[error("its claim {0} is missing or malformed")]
    Claim(&'static str),
    /// It has expired.
    #[error("it has expired")]
    Expired,
    /// It lives longer than is accepted.
    #[error("it lives too long")]
    LivesTooLong,
    /// It was issued in the future or is not valid yet.
    #[error("it is not valid yet")]
    NotYet,
    /// It was issued too long ago.
    #[error("it is too old")]
    TooOld,
}
