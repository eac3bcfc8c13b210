//! The facts about a request for its line in the access log: the caller, the application, and what was done.
//!
//! The code that authenticates a caller (by password, cookie, token or client secret) records the caller
//! here. The facts are kept on the thread while the request is processed, and the code that logs the request
//! collects them after each [`step`], so they cost neither memory nor a lock. Unverified claims of a request
//! are not recorded.

use std::cell::RefCell;
use std::sync::Arc;

use oauth::client_authentication::AuthenticatedClient;
use oauth::id::ApplicationId;

use crate::caller::{Caller, Via};
use crate::entity_cache::Account;

/// The facts about a request.
#[derive(Debug, Default, Clone)]
pub struct Noted {
    /// What was done, in a word.
    pub what: Option<&'static str>,
    /// The application.
    pub application: Option<ApplicationId>,
    /// The user; only an authenticated one.
    pub user: Option<Arc<Account>>,
}

thread_local! {
    static NOTED: RefCell<Noted> = const { RefCell::new(Noted { what: None, application: None, user: None }) };
}

/// Records the caller on whose behalf the request acts.
pub(crate) fn caller(caller: &Caller) {
    note(|noted| {
        noted.user = Some(Arc::clone(caller.shared_account()));
        if let Via::Bearer { application, .. } = caller.via() {
            noted.application = Some(*application);
        }
    });
}

/// Records the user on whose behalf the request acts, or whose consent it is about.
pub(crate) fn user(account: &Arc<Account>) {
    note(|noted| noted.user = Some(Arc::clone(account)));
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
    note(|noted| noted.application = Some(id));
}

/// Records what was done for this application.
pub(crate) fn done(what: &'static str, application: ApplicationId) {
    note(|noted| {
        noted.what = Some(what);
        noted.application = Some(application);
    });
}

/// Runs one step of a request with its facts.
pub fn step<T>(noted: &mut Noted, step: impl FnOnce() -> T) -> T {
    let swap = |noted: &mut Noted| note(|current| std::mem::swap(current, noted));
    swap(noted);
    let outcome = step();
    swap(noted);
    outcome
}

fn note(change: impl FnOnce(&mut Noted)) {
    NOTED.with_borrow_mut(change);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_request_notes_is_not_told_of_another() {
        let (mut one, mut other) = (Noted::default(), Noted::default());
        step(&mut one, || done("refresh_token", ApplicationId::new(7)));
        step(&mut other, || ());
        step(&mut one, || ());
        assert_eq!((one.what, one.application), (Some("refresh_token"), Some(ApplicationId::new(7))));
        assert_eq!((other.what, other.application), (None, None));
    }
}
