//! Why a request failed.

/// Why a request failed, in words that follow the name of the URL and that anybody may read: whether a name has no
/// address or one of the inside is one answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The scheme is another.
    #[error("is not an https URL")]
    NotHttps,
    /// It has a user name, a password or no host.
    #[error("must have a host, and no user name or password")]
    UnusableUrl,
    /// The name has no address.
    #[error("has a host without a public address")]
    NotResolved,
    /// An address of the host is for special use; the text says for which, for the log.
    #[error("has a host without a public address")]
    SpecialUse(&'static str),
    /// No connection could be made.
    #[error("has a host that accepts no connection")]
    Unreachable,
    /// The host has no valid certificate for its name.
    #[error("has a host without a valid certificate for its name")]
    Untrusted,
    /// The connection broke, or the answer is not HTTP.
    #[error("has a host that does not answer in HTTP")]
    Malformed,
    /// The answer has another status than 200.
    #[error("answers with status {0} instead of 200")]
    Status(u16),
    /// The answer has another media type.
    #[error("answers with another media type than JSON")]
    MediaType,
    /// The answer is encoded, such as compressed.
    #[error("answers with a content coding, which this server does not accept")]
    ContentCoding,
    /// The body is longer than the caller accepts.
    #[error("answers with more bytes than this server accepts")]
    TooLarge,
    /// The answer was not complete in time.
    #[error("does not answer in time")]
    TimedOut,
    /// Too many requests are running, in total or to this host.
    #[error("cannot be fetched now, because the server fetches too many others")]
    Busy,
    /// The caller asks for it no more often for a while.
    #[error("was asked for too often in the last minute")]
    TooOften,
}

impl FetchError {
    /// Whether the same request may succeed later: the network, the host or this server is out of order. A name without a
    /// public address counts as such, because the resolver may be out of order too, and strangers must not learn which names
    /// lead inside.
    pub const fn is_transient(self) -> bool {
        match self {
            Self::NotResolved
            | Self::SpecialUse(_)
            | Self::Unreachable
            | Self::Untrusted
            | Self::Malformed
            | Self::TimedOut
            | Self::Busy
            | Self::TooOften => true,
            Self::Status(status) => status == 429 || status >= 500,
            Self::NotHttps | Self::UnusableUrl | Self::MediaType | Self::ContentCoding | Self::TooLarge => {
                false
            }
        }
    }
}
