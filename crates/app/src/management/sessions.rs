//! Sessions of another user, for callers who manage users.

use crate::Context;
use crate::identity::sessions::Sessions;
use crate::management::users::UserService;
use domain::account::Session;
use domain::audit::Action;
use domain::id::{SessionId, UserId};
use std::sync::Arc;
use store::{EndedSessions, MOST_SESSIONS};

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError};

/// Sessions of other users, for callers who manage users.
#[derive(Clone)]
pub struct UserSessionService {
    context: Arc<Context>,
}

service!(UserSessionService);

impl UserSessionService {
    /// Lists the valid sessions of a user, oldest first; of more than 1,000 the newest.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `ViewUsers`, [`AdministrationError::Unknown`].
    pub async fn list(
        &self,
        caller: &Caller,
        user: UserId,
        origin: &RequestOrigin,
    ) -> Result<Vec<Session>, AdministrationError> {
        UserService::from(&self.context).find(caller, user, origin).await?;
        let mut sessions = Sessions::of(&self.context).valid(user, MOST_SESSIONS).await?;
        sessions.reverse();
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
        self.end_of(caller, user, EndedSessions::One(session), origin).await.map(drop)
    }

    /// Ends every session of a user, and returns how many have ended. Applications that the user has allowed keep their
    /// access.
    ///
    /// # Errors
    /// As for [`UserSessionService::end`].
    pub async fn end_all(
        &self,
        caller: &Caller,
        user: UserId,
        origin: &RequestOrigin,
    ) -> Result<usize, AdministrationError> {
        self.end_of(caller, user, EndedSessions::All, origin).await
    }

    async fn end_of(
        &self,
        caller: &Caller,
        user: UserId,
        which: EndedSessions,
        origin: &RequestOrigin,
    ) -> Result<usize, AdministrationError> {
        let user = UserService::from(&self.context).to_change(caller, user, origin).await?;
        let audit = caller.audit(Action::SignOut, self.context.now(), origin);
        let judged = Sessions::of(&self.context).end_of(&user, which, audit).await?;
        Administration::of(&self.context).settled(caller, judged, origin).await
    }
}
