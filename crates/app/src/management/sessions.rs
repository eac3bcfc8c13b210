//! Sessions of another user, for callers who manage users.

use crate::Context;
use crate::identity::sessions::Sessions;
use crate::management::users::UserService;
use domain::account::{Permission, Session};
use domain::audit::Action;
use domain::id::{SessionId, UserId};
use std::sync::Arc;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError};

/// Sessions of other users, for callers who manage users.
#[derive(Clone)]
pub struct UserSessionService {
    context: Arc<Context>,
}

service!(UserSessionService);

impl UserSessionService {
    /// Lists the valid sessions of a user, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`, [`AdministrationError::Unknown`].
    pub async fn list(
        &self,
        caller: &Caller,
        user: UserId,
        origin: &RequestOrigin,
    ) -> Result<Vec<Session>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::ViewUsers, origin).await?;
        let user = self.context.store.find_user(user).await?.ok_or(AdministrationError::Unknown)?;
        let now = self.context.now();
        let mut sessions = self.context.store.list_sessions(user.id).await?;
        sessions.retain(|session| session.user_epoch == user.epoch && !session.expires_at.is_past(now));
        Ok(sessions)
    }

    /// Ends one session of a user. Applications that the user has allowed keep their access.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ModifyUsers`, or if the user has permissions that the caller does not
    /// have; [`AdministrationError::Unknown`] if the user has no such session.
    pub async fn end(
        &self,
        caller: &Caller,
        user: UserId,
        session: SessionId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let user = UserService::from(&self.context).to_change(caller, user, origin).await?;
        // An id is never assigned twice, so the session found here is the one that is deleted below, or
        // nothing is.
        let found = self.context.store.find_session(session).await?;
        let found = found.filter(|session| session.user == user.id).ok_or(AdministrationError::Unknown)?;
        let mut audit = caller.audit(Action::SignOut, self.context.now(), origin);
        audit.subject = Some(user.name.clone());
        audit.detail = Some(format!("session {session}"));
        Sessions::of(&self.context).end(&found, audit).await?;
        Ok(())
    }
}
