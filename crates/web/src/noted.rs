//! What a request turned out to be, for its line in the access log: who asked, for which application, what was done.
//!
//! Whoever proves a caller says so here. The note is kept on the thread while the request is worked on, and taken up by
//! [`crate::front`] after each step, so that it costs neither memory nor a lock.

use std::cell::RefCell;
use std::sync::Arc;

use app::caller::{Caller, Via};
use app::directory::Member;

/// What is known of a request.
#[derive(Debug, Default, Clone)]
pub(crate) struct Noted {
    /// What was done, in a word.
    pub(crate) what: Option<&'static str>,
    /// For which application.
    pub(crate) application: Option<i64>,
    /// For whom; only somebody who was found and proved.
    pub(crate) user: Option<Arc<Member>>,
}

thread_local! {
    static NOTED: RefCell<Noted> = const { RefCell::new(Noted { what: None, application: None, user: None }) };
}

/// The request acts for this caller.
pub(crate) fn caller(caller: &Caller) {
    note(|noted| {
        noted.user = Some(Arc::clone(caller.shared_member()));
        if let Via::Bearer { application, .. } = caller.via() {
            noted.application = Some(application.get());
        }
    });
}

/// This was done for this application.
pub(crate) fn done(what: &'static str, application: i64) {
    note(|noted| {
        noted.what = Some(what);
        noted.application = Some(application);
    });
}

/// Runs one step of a request, with what is known of it.
pub(crate) fn step<T>(noted: &mut Noted, step: impl FnOnce() -> T) -> T {
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
        step(&mut one, || done("refresh_token", 7));
        step(&mut other, || ());
        step(&mut one, || ());
        assert_eq!((one.what, one.application), (Some("refresh_token"), Some(7)));
        assert_eq!((other.what, other.application), (None, None));
    }
}
