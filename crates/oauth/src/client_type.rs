//! Whether a client can keep a secret.

/// Whether the application can keep a secret
/// ([RFC 6749 §2.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.1)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientType {
    /// It runs where its user cannot read it, and authenticates with a secret.
    Confidential,
    /// It runs on its user's device and has no secret; it uses PKCE instead.
    Public,
}

impl ClientType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}
