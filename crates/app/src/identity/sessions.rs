//! Browser sessions: opened by a sign-in, ended by signing out, a new password, or expiry.

use crate::identity::refusals::Refusals;
use crate::identity::sign_in::SignInService;
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;
use std::sync::Arc;

use domain::account::password::{self, PasswordFault};
use domain::account::{Permission, Session, User};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::id::{ApplicationId, SessionId, UserId};
use domain::secret::{Password, SessionCookie};
use domain::time::Timestamp;
use oauth::oidc::logout;
use store::{EndedSession, EndedSessions, Judged, NewSession, PasswordChange, ReplacedSession, UserRefusal};

use crate::identity::caller::{Caller, LiveSession, RequestOrigin, Via};
use crate::identity::sign_in::{ShownFactor, SignInCredentials, SignInRefusal, demand_address};
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

/// Why sessions were not ended.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionsRefusal {
    /// The user has no such session.
    #[error("you have no such session; perhaps it has ended already")]
    Unknown,
    /// The session of the caller has ended, or the user's rights have changed.
    #[error("your rights changed while this was being done")]
    RightsChanged,
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The sessions of a user, for the user.
#[derive(Debug)]
pub struct OwnSessions {
    /// The others, newest first.
    pub others: Vec<Session>,
    /// Whether there are more than these.
    pub has_more: bool,
}

/// How many other sessions a user sees at once.
const MOST_SHOWN: usize = 50;

/// Sessions of browsers.
#[derive(Clone)]
pub struct SessionService {
    context: Arc<Context>,
}

service!(SessionService);

impl SessionService {
    /// Opens a session after a sign-in, and returns its cookie. The previous session of the same browser ends
    /// in the same operation. `device` is the browser in words.
    ///
    /// # Errors
    /// [`SignInRefusal::AddressNotAllowed`]; [`SignInRefusal::Refused`] if the password was changed, or a second factor was set up, since it was verified; a fault if the database
    /// cannot store it.
    pub async fn open(
        &self,
        account: Arc<Account>,
        second_factor: Option<ShownFactor>,
        until_now: Option<&SessionCookie>,
        device: Option<String>,
        origin: &RequestOrigin,
    ) -> Result<(LiveSession, SessionCookie), SignInRefusal> {
        let now = self.context.now();
        let (secret, digest) = self.context.vault.new_session_secret();
        let mut audit = origin.audit(Action::SignIn, Outcome::Success, now);
        audit.actor = Some(account.user.id);
        audit.actor_name = Some(account.user.name.clone());
        demand_address(&self.context, &audit, origin).await?;
        let words = [device.as_deref(), second_factor.map(ShownFactor::as_str)];
        let words: Vec<_> = words.into_iter().flatten().collect();
        audit.detail = (!words.is_empty()).then(|| words.join("; "));
        let replaced = until_now.and_then(|cookie| self.context.vault.parse_session_cookie(cookie).ok());
        let new = NewSession {
            user: account.user.id,
            user_epoch: account.user.epoch,
            digest,
            auth_time: now,
            expires_at: self.session_expires_at(now),
            sid: self.context.vault.new_visitor(),
            second_factor: second_factor.is_some(),
            origin: origin.of_session(device),
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

    /// The sessions of the user besides this one.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list_others(&self, live: &LiveSession) -> Result<OwnSessions, Fault> {
        // One more than is shown, and this one.
        let most = u32::try_from(MOST_SHOWN + 2).unwrap_or(u32::MAX);
        let mut others = Sessions::of(&self.context).valid(live.session.user, most).await?;
        others.retain(|session| session.id != live.session.id);
        let has_more = others.len() > MOST_SHOWN;
        others.truncate(MOST_SHOWN);
        Ok(OwnSessions { others, has_more })
    }

    /// Ends one session of the same user, and tells the applications that know of it.
    ///
    /// # Errors
    /// [`EndSessionsRefusal`]; nothing has changed then.
    pub async fn end_one(
        &self,
        live: &LiveSession,
        id: SessionId,
        origin: &RequestOrigin,
    ) -> Result<(), EndSessionsRefusal> {
        self.end_own(live, EndedSessions::One(id), origin).await.map(drop)
    }

    /// Ends every session of the same user except for this one. Returns how many have ended.
    ///
    /// # Errors
    /// [`EndSessionsRefusal`]; nothing has changed then.
    pub async fn end_others(
        &self,
        live: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<usize, EndSessionsRefusal> {
        self.end_own(live, EndedSessions::AllBut(live.session.id), origin).await
    }

    /// Ends every session of the same user, with this one.
    ///
    /// # Errors
    /// [`EndSessionsRefusal`]; nothing has changed then.
    pub async fn end_everywhere(
        &self,
        live: &LiveSession,
        origin: &RequestOrigin,
    ) -> Result<(), EndSessionsRefusal> {
        self.end_own(live, EndedSessions::All, origin).await.map(drop)
    }

    async fn end_own(
        &self,
        live: &LiveSession,
        which: EndedSessions,
        origin: &RequestOrigin,
    ) -> Result<usize, EndSessionsRefusal> {
        let audit = live.caller.audit(Action::SignOut, self.context.now(), origin);
        let user = &live.caller.account().user;
        let judged = Sessions::of(&self.context).end_of(user, which, audit).await?;
        let judged = Refusals::of(&self.context).judged(&live.caller, judged, origin).await;
        judged.map_err(|refusal| match refusal {
            UserRefusal::Unknown => EndSessionsRefusal::Unknown,
            _ => EndSessionsRefusal::RightsChanged,
        })
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
        device: Option<String>,
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
            session_origin: origin.of_session(device),
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
    /// The valid sessions of a user, newest first, at most `most`.
    pub(crate) async fn valid(self, user: UserId, most: u32) -> Result<Vec<Session>, Fault> {
        let mut sessions = self.context.store.list_sessions(user, self.context.now(), most).await?;
        sessions.retain(|session| !self.context.revocations.ends_all_of(session.auth_time));
        Ok(sessions)
    }

    /// Ends sessions of a user with their grants that have no `offline_access`, and notifies the applications that know of
    /// them. Returns how many have ended.
    ///
    /// # Errors
    /// If the database cannot store it; they stay valid then.
    pub(crate) async fn end_of(
        self,
        user: &User,
        which: EndedSessions,
        mut audit: NewAuditEvent,
    ) -> Result<Judged<usize, UserRefusal>, Fault> {
        audit.subject = Some(user.name.clone());
        audit.account = Some(user.id);
        audit.describe(match which {
            EndedSessions::One(id) => format!("session {id}"),
            EndedSessions::AllBut(_) => "all other sessions".to_owned(),
            EndedSessions::All => "all sessions".to_owned(),
        });
        let expire_at = revocations_expire_at(self.context.now());
        let judged = self.context.store.end_sessions(user.id, which, expire_at, audit).await?;
        if let Ok((_, revoked)) = &judged {
            Revocations::of(self.context).apply(revoked);
            self.context.logouts_stored.announce();
        }
        Ok(judged.map(|(ended, _)| ended))
    }

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
