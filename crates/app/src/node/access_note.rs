//! The facts about a request for its line in the access log: the caller, the application, and what was done.
//!
//! The code that authenticates a caller (by password, cookie, token or client secret) records the caller
//! here. The facts are kept on the thread while the request is processed, and the code that logs the request
//! collects them after each [`step`], so they cost neither memory nor a lock. Unverified claims of a request
//! are not recorded.

use std::cell::RefCell;
use std::sync::Arc;

use domain::id::ApplicationId;
use oauth::client_authentication::AuthenticatedClient;

use crate::node::entity_cache::Account;

/// The facts about a request.
#[derive(Debug, Default, Clone)]
pub struct AccessNote {
    /// What was done, in a word.
    pub what: Option<&'static str>,
    /// The application.
    pub application: Option<ApplicationId>,
    /// The user; only an authenticated one.
    pub user: Option<Arc<Account>>,
    /// The number of requests in a batch.
    pub requests: Option<u64>,
    /// Whether the response tells the current nonce for `DPoP` proofs; the log does not show it.
    pub offers_nonce: bool,
    /// Whether the response tells the current challenge for proofs of attestations; the log does not show it.
    pub offers_challenge: bool,
}

thread_local! {
    static NOTED: RefCell<AccessNote> = const {
        RefCell::new(AccessNote {
            what: None,
            application: None,
            user: None,
            requests: None,
            offers_nonce: false,
            offers_challenge: false,
        })
    };
}

/// Records the caller on whose behalf the request acts, and the application whose token it presents.
pub(crate) fn caller(account: &Arc<Account>, of: Option<ApplicationId>) {
    note(|access_note| {
        access_note.user = Some(Arc::clone(account));
        access_note.application = of.or(access_note.application);
    });
}

/// Records the user on whose behalf the request acts, or whose consent it is about.
pub(crate) fn user(account: &Arc<Account>) {
    note(|access_note| access_note.user = Some(Arc::clone(account)));
}

/// Records the client of the request. A public client is not authenticated; its application is recorded once
/// the code or token that it presents has been found to be its own.
pub(crate) fn client(client: &AuthenticatedClient) {
    if client.is_confidential() {
        application(client.application().id);
    }
}

/// Records the application that the request is about.
pub(crate) fn application(id: ApplicationId) {
    note(|access_note| access_note.application = Some(id));
}

/// Records that the request is a batch of so many.
pub(crate) fn batch(requests: u64) {
    note(|access_note| {
        access_note.what = Some("batch");
        access_note.requests = Some(requests);
    });
}

/// Records which tool was called.
pub(crate) fn tool(name: &'static str) {
    note(|access_note| access_note.what = Some(name));
}

/// Records what was done for this application.
pub(crate) fn done(what: &'static str, application: ApplicationId) {
    note(|access_note| {
        access_note.what = Some(what);
        access_note.application = Some(application);
    });
}

/// Has the response tell the current nonce for `DPoP` proofs ([RFC 9449
/// §8](https://www.rfc-editor.org/rfc/rfc9449#section-8)).
pub(crate) fn offer_nonce() {
    note(|access_note| access_note.offers_nonce = true);
}

/// Has the response tell the current challenge for proofs of attestations
/// ([draft-ietf-oauth-attestation-based-client-auth-11 §6.2](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-6.2)).
pub(crate) fn offer_challenge() {
    note(|access_note| access_note.offers_challenge = true);
}

/// Runs one step of a request with its facts.
pub fn step<T>(access_note: &mut AccessNote, step: impl FnOnce() -> T) -> T {
    let swap = |access_note: &mut AccessNote| note(|current| std::mem::swap(current, access_note));
    swap(access_note);
    let outcome = step();
    swap(access_note);
    outcome
}

fn note(change: impl FnOnce(&mut AccessNote)) {
    NOTED.with_borrow_mut(change);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_about_one_request_do_not_leak_into_another() {
        let (mut one, mut other) = (AccessNote::default(), AccessNote::default());
        step(&mut one, || done("refresh_token", ApplicationId::new(7)));
        step(&mut other, || ());
        step(&mut one, || ());
        assert_eq!((one.what, one.application), (Some("refresh_token"), Some(ApplicationId::new(7))));
        assert_eq!((other.what, other.application), (None, None));
    }
}
