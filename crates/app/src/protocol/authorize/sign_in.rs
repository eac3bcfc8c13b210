//! The user at the browser, and the one whom the request names.

use oauth::authorize::SignedIn;
use oauth::scope::BuiltInScope;

use super::{AuthorizationService, Checked};
use crate::Fault;
use crate::identity::caller::LiveSession;

impl AuthorizationService {
    /// Records that the application learns of the session by an ID token, so that it is notified when the session ends.
    pub(super) async fn note_session(
        &self,
        checked: &Checked,
        session: Option<&LiveSession>,
    ) -> Result<(), Fault> {
        let application = &checked.application;
        if let Some(session) = session
            && checked.valid.scopes().contains(BuiltInScope::OpenId)
            && application.settings.client_metadata.openid.wants_logouts()
        {
            self.context.store.note_session_application(session.session.id, application.id).await?;
        }
        Ok(())
    }
}

/// The user of the session, and whether it is the expected one.
pub(super) fn signed_in(checked: &Checked, session: &LiveSession) -> SignedIn {
    let user = &session.caller.account().user;
    let is_expected = checked.expected.is_empty() || {
        let subject = crate::subject::subject_of(user, &checked.application);
        checked.expected.iter().all(|expected| *expected == subject)
    };
    SignedIn {
        user: session.session.user,
        epoch: session.session.user_epoch,
        auth_time: session.session.auth_time,
        sid: session.session.sid.clone(),
        second_factor: session.session.second_factor,
        needs_second_factor: session.caller.account().requires_second_factor
            || checked.application.settings.client_metadata.require_second_factor,
        is_expected,
    }
}
