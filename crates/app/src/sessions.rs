//! Browser sessions: opened by a sign-in, ended by signing out, a new password, or time.

use std::sync::Arc;

use oauth::account::Permission;
use oauth::account::password::{self, PasswordFault};
use oauth::audit::{Action, Outcome};
use oauth::secret::{Password, SessionCookie};
use store::{NewSession, UserChange, UserRefusal};

use crate::caller::{Caller, LiveSession, Origin, Via};
use crate::directory::Member;
use crate::sign_in::{Credentials, SignInRefusal};
use crate::{App, Fault};

mod overview;

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeRefusal {
    /// The current password is not right; it counts as a failure to sign in.
    #[error(transparent)]
    SignIn(#[from] SignInRefusal),
    /// The user lacks the permission to change the own password.
    #[error("you may not change your password; ask an administrator")]
    Forbidden,
    /// The new password breaks a rule.
    #[error(transparent)]
    Weak(#[from] PasswordFault),
    /// The server cannot do it at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl App {
    /// Opens a session for somebody who just signed in, and answers with its cookie.
    ///
    /// # Errors
    /// When the database cannot store it.
    pub async fn open_session(
        &self,
        member: Arc<Member>,
        origin: &Origin,
    ) -> Result<(LiveSession, SessionCookie), Fault> {
        let now = self.now();
        let (secret, digest) = self.vault.new_session_secret();
        let mut audit = origin.audit(Action::SignIn, Outcome::Success, now);
        audit.actor = Some(member.user.id);
        audit.actor_name = Some(member.user.name.clone());
        let new = NewSession {
            user: member.user.id,
            user_epoch: member.user.epoch,
            digest,
            auth_time: now,
            expires_at: now.plus_secs(i64::from(self.settings.session_lifetime_secs)),
        };
        let session = self.store.insert_session(new, audit).await?;
        let cookie = self.vault.session_cookie(session.id, &secret);
        let caller = Caller::new(member, Via::Session(session.id));
        Ok((LiveSession { session, caller }, cookie))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database cannot store it; the session then lives on.
    pub async fn close_session(&self, live: &LiveSession, origin: &Origin) -> Result<(), Fault> {
        let audit = live.caller.audit(Action::SignOut, self.now(), origin);
        Ok(self.store.delete_session(live.session.id, audit).await?)
    }

    /// Changes the password of the user whose session this is. All access given under the old one ends, except for this
    /// very session.
    ///
    /// # Errors
    /// [`PasswordChangeRefusal`]; then nothing has changed, save the count of failures.
    pub async fn change_own_password(
        &self,
        live: &LiveSession,
        current: Password,
        new: Password,
        origin: &Origin,
    ) -> Result<(), PasswordChangeRefusal> {
        let user = &live.caller.member().user;
        if !live.caller.may(Permission::ChangePassword) {
            return Err(PasswordChangeRefusal::Forbidden);
        }
        self.sign_in(&Credentials { name: user.name.clone(), password: current }, origin).await?;
        password::check(new.expose(), &user.name)?;
        let hash = self.vault.hash_password(new).await.map_err(|_| Fault::Busy)?;
        let change = UserChange {
            password: Some(hash),
            keep_session: Some(live.session.id),
            at: self.now(),
            revocation_expires_at: self.revocations_expire_at(),
            ..UserChange::default()
        };
        let audit = live.caller.audit(Action::ChangePassword, self.now(), origin);
        match self.store.update_user(user.id, change, audit).await.map_err(Fault::from)? {
            Ok((_, events)) => self.learn(&events),
            Err(UserRefusal::RightsChanged) => return Err(PasswordChangeRefusal::Forbidden),
            Err(UserRefusal::Unknown) => return Err(SignInRefusal::Refused.into()),
            Err(refusal) => return Err(Fault::Broken(format!("{refusal:?}").into()).into()),
        }
        self.directory.forget_users();
        self.vault.forget_remembered_credentials();
        Ok(())
    }
}
