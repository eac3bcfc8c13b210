//! Browser sessions: opened by a sign-in, ended by signing out, a new password, or expiry.

use crate::identity::refusals::Refusals;
use crate::identity::sign_in::SignInService;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use std::sync::Arc;

use domain::account::password::{self, PasswordFault};
use domain::account::{Permission, Session};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::ApplicationId;
use domain::secret::{Password, SessionCookie};
use domain::time::Timestamp;
use oauth::oidc::logout;
use store::{EndedSession, NewSession, PasswordChange, ReplacedSession, UserRefusal};

use crate::identity::caller::{Caller, LiveSession, RequestOrigin, Via};
use crate::identity::sign_in::{ShownFactor, SignInCredentials, SignInRefusal};
use crate::node::entity_cache::Account;
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

/// Why a password was not changed.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeRefusal {
    /// The current password is wrong; this counts as a failed sign-in.
    #[error(transparent)]
    SignIn(#[from] SignInRefusal),
    /// The user lacks the permission to change their own password.
    #[error("you may not change your password; ask an administrator")]
    Forbidden,
    /// The new password breaks a rule.
    #[error(transparent)]
    Weak(#[from] PasswordFault),
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Sessions of browsers.
#[derive(Clone)]
pub struct SessionService {
    context: Arc<Context>,
}

service!(SessionService);

impl SessionService {
    /// Opens a session after a sign-in, and returns its cookie. The previous session of the same browser ends
    /// in the same operation.
    ///
    /// # Errors
    /// [`SignInRefusal::Refused`] if the password was changed, or a second factor was set up, since it was verified; a fault if the database
    /// cannot store it.
    pub async fn open(
        &self,
        account: Arc<Account>,
        second_factor: Option<ShownFactor>,
        until_now: Option<&SessionCookie>,
        origin: &RequestOrigin,
    ) -> Result<(LiveSession, SessionCookie), SignInRefusal> {
        let now = self.context.now();
        let (secret, digest) = self.context.vault.new_session_secret();
        let mut audit = origin.audit(Action::SignIn, Outcome::Success, now);
        audit.actor = Some(account.user.id);
        audit.actor_name = Some(account.user.name.clone());
        audit.detail = second_factor.map(|shown| shown.as_str().to_owned());
        let replaced = until_now.and_then(|cookie| self.context.vault.parse_session_cookie(cookie).ok());
        let new = NewSession {
            user: account.user.id,
            user_epoch: account.user.epoch,
            digest,
            auth_time: now,
            expires_at: self.session_expires_at(now),
            sid: self.context.vault.new_visitor(),
            second_factor: second_factor.is_some(),
            replaces: replaced.map(|(id, digest)| ReplacedSession {
                id,
                digest,
                revocations_expire_at: revocations_expire_at(self.context.now()),
            }),
        };
        let checked_up_to = self.context.revocations.last_seq();
        let Some(session) = self.context.store.insert_session(new, audit).await? else {
            let caller = Caller::new(account, Via::Basic);
            Refusals::of(&self.context)
                .note_request(RefusalReason::PasswordChanged, Some(&caller), origin)
                .await;
            return Err(SignInRefusal::Refused);
        };
        if replaced.is_some() {
            self.context.logouts_stored.announce();
        }
        let cookie = self.context.vault.session_cookie(session.id, &secret);
        let caller = Caller::of_session(account, &session, checked_up_to);
        Ok((LiveSession { session, caller }, cookie))
    }

    fn session_expires_at(&self, now: Timestamp) -> Timestamp {
        now.plus_secs(i64::from(self.context.settings.session_lifetime_secs))
    }

    /// Ends a session, and tells the applications that know of it. Returns the addresses of their front-channel pages.
    ///
    /// # Errors
    /// If the database cannot store it; the session stays valid then.
    pub async fn close(&self, live: &LiveSession, origin: &RequestOrigin) -> Result<Vec<String>, Fault> {
        let audit = live.caller.audit(Action::SignOut, self.context.now(), origin);
        Sessions::of(&self.context).end(&live.session, audit).await
    }

    /// Changes the password of the user of this session. All access given under the old password is revoked,
    /// including this session, so that a copied cookie becomes invalid. Returns the cookie of the session
    /// that replaces it.
    ///
    /// # Errors
    /// [`PasswordChangeRefusal`]; nothing has changed then, except for the failure count.
    pub async fn change_own_password(
        &self,
        live: &LiveSession,
        current: Password,
        new: Password,
        origin: &RequestOrigin,
    ) -> Result<SessionCookie, PasswordChangeRefusal> {
        let user = &live.caller.account().user;
        if !live.caller.may(Permission::ChangePassword) {
            Refusals::of(&self.context).note(&live.caller, "lacks ChangePassword", origin).await?;
            return Err(PasswordChangeRefusal::Forbidden);
        }
        let verified = SignInService::from(&self.context)
            .check_password(&SignInCredentials { name: user.name.clone(), password: current }, origin)
            .await?;
        password::check(new.expose(), &user.name)?;
        let now = self.context.now();
        let (secret, digest) = self.context.vault.new_session_secret();
        let change = PasswordChange {
            user: user.id,
            user_epoch: verified.user.epoch,
            password: self.context.vault.hash_password(new).await.map_err(|_| Fault::Busy)?,
            session_digest: digest,
            session_sid: self.context.vault.new_visitor(),
            second_factor: live.session.second_factor,
            session_expires_at: self.session_expires_at(now),
            network: origin.network(),
            at: now,
            revocation_expires_at: revocations_expire_at(self.context.now()),
        };
        let audit = live.caller.audit(Action::ChangePassword, now, origin);
        let changed = self.context.store.change_password(change, audit).await.map_err(Fault::from)?;
        let (session, events) = match Refusals::of(&self.context).judged(&live.caller, changed, origin).await
        {
            Ok(changed) => changed,
            Err(UserRefusal::RightsChanged) => return Err(PasswordChangeRefusal::Forbidden),
            // The password was changed again since the current one was verified, so it is not the current one
            // any more.
            Err(_) => {
                Refusals::of(&self.context)
                    .note_request(RefusalReason::PasswordChanged, Some(&live.caller), origin)
                    .await;
                return Err(SignInRefusal::Refused.into());
            }
        };
        Revocations::of(&self.context).apply(&events);
        self.context.entities.forget_users();
        self.context.vault.forget_remembered_credentials();
        Ok(self.context.vault.session_cookie(session.id, &secret))
    }
}

/// Ends sessions, whoever asks for it.
#[derive(Clone, Copy)]
pub(crate) struct Sessions<'a> {
    context: &'a Context,
}

component!(Sessions);

impl Sessions<'_> {
    /// Ends a session with its grants that have no `offline_access`, and notifies the applications that know of it.
    /// Returns the addresses of their front-channel pages.
    ///
    /// # Errors
    /// If the database cannot store it; the session stays valid then.
    pub(crate) async fn end(self, session: &Session, audit: NewAuditEvent) -> Result<Vec<String>, Fault> {
        let expire_at = revocations_expire_at(self.context.now());
        let EndedSession { informed, revoked } =
            self.context.store.delete_session(session.id, expire_at, audit).await?;
        Revocations::of(self.context).apply(&revoked);
        self.context.logouts_stored.announce();
        self.front_channel_pages(&informed, session).await
    }

    async fn front_channel_pages(
        self,
        informed: &[ApplicationId],
        session: &Session,
    ) -> Result<Vec<String>, Fault> {
        let mut frames = Vec::new();
        let (issuer, sid) = (&self.context.settings.public_url, session.sid.as_deref());
        for id in informed {
            let Some(application) = self.context.store.find_application(*id).await? else { continue };
            frames.extend(logout::frontchannel_address(&application.settings, issuer, sid));
        }
        Ok(frames)
    }
}
