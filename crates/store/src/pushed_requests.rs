//! Pushed authorization requests ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)), until they are answered or
//! expire.

use domain::id::{ApplicationId, PushedRequestId};
use domain::secret::Digest;
use domain::time::Timestamp;
use oauth::authorize::Provenance;

use crate::Answer;

/// A request to be stored.
#[derive(Debug, Clone)]
pub struct NewPushedRequest {
    /// The digest of the secret half of its reference.
    pub digest: Digest,
    /// The application that pushed it.
    pub application: ApplicationId,
    /// The parameters as a query string, without credentials.
    pub parameters: String,
    /// How it came.
    pub provenance: Provenance,
    /// The current time.
    pub at: Timestamp,
    /// When a browser first presented it; at once if the browser brought it.
    pub opened_at: Option<Timestamp>,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
    /// Whether a stranger may have sent it.
    pub by_stranger: bool,
    /// How many may be open at once.
    pub limits: PushedRequestLimits,
}

/// How many unanswered, unexpired requests there may be. Concurrent callers may exceed it by as many as they are.
///
/// Strangers send requests as public applications and as those that documents describe or that registered themselves,
/// and bring request objects to the authorization endpoint. Their requests have limits of their own, one for those that
/// no browser has presented and one for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushedRequestLimits {
    /// Those of one application, without those of strangers.
    pub of_application: i64,
    /// All.
    pub total: i64,
    /// Twice this number is what strangers can have.
    pub strangers: i64,
    /// The same for one application.
    pub strangers_of_application: i64,
}

/// That a browser presents a request for the first time.
#[derive(Debug, Clone, Copy)]
pub struct PushedRequestOpening {
    /// The current time.
    pub now: Timestamp,
    /// The first moment at which the request is no longer valid from now on.
    pub expires_at: Timestamp,
    /// How many may be open at once.
    pub limits: PushedRequestLimits,
}

/// A stored request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// The application that pushed it.
    pub application: ApplicationId,
    /// The parameters as a query string.
    pub parameters: String,
    /// How it came.
    pub provenance: Provenance,
    /// When it was pushed.
    pub pushed_at: Timestamp,
    /// When a browser first presented it, if one did.
    pub opened_at: Option<Timestamp>,
    /// The first moment at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// Pushed authorization requests. Each is answered at most once.
pub trait PushedRequests {
    /// Stores a request; `None` if a limit is reached. Among those of strangers, it replaces the oldest of its kind, of
    /// the same application first, and is always stored.
    fn insert_pushed_request(&self, new: NewPushedRequest) -> Answer<'_, Option<PushedRequestId>>;
    /// Finds the unanswered request with this reference, if it is valid at `now`.
    fn find_pushed_request<'a>(
        &'a self,
        id: PushedRequestId,
        digest: &'a Digest,
        now: Timestamp,
    ) -> Answer<'a, Option<PushedRequest>>;
    /// Records that a browser presented the request for the first time, and moves its expiry. Does nothing to one that
    /// has expired or was opened before, nor to one of a stranger if a limit is reached, and says whether it did
    /// something.
    fn open_pushed_request(
        &self,
        id: PushedRequestId,
        digest: Digest,
        opening: PushedRequestOpening,
    ) -> Answer<'_, bool>;
    /// Deletes the request because it is being answered, and says whether it was still valid. Only one of several
    /// concurrent callers succeeds.
    fn consume_pushed_request(&self, id: PushedRequestId, digest: Digest, now: Timestamp)
    -> Answer<'_, bool>;
}
