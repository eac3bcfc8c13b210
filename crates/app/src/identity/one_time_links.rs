//! Choosing a password by a one-time link. Looking at a link changes nothing, because programs that scan mail follow every
//! link; only the form uses it up.

use std::sync::Arc;

use domain::account::User;
use domain::account::one_time_link::{LinkPurpose, OneTimeLink};
use domain::account::password::{self, PasswordFault};
use domain::audit::{Action, NewAuditEvent, Outcome};
use domain::secret::{Digest, OneTimeLinkText, Password};
use store::LinkUse;

use crate::identity::refusals::Refusals;
use crate::identity::sign_in::{SignInRefusal, demand_address};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::request_origin::RequestOrigin;
use crate::node::revocations::Revocations;
use crate::{Context, Fault};

/// Why no password was set.
#[derive(Debug, thiserror::Error)]
pub enum LinkRefusal {
    /// The link is unknown, was used, has expired, or was replaced by another.
    #[error("this link does not work any more")]
    Over,
    /// The allow-lists do not admit the address.
    #[error("you may not sign in from this address; ask an administrator")]
    AddressNotAllowed,
    /// The new password breaks a rule.
    #[error(transparent)]
    Weak(#[from] PasswordFault),
    /// The server cannot do this at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for LinkRefusal {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

/// What a valid link is about.
#[derive(Debug)]
pub struct ValidLink {
    /// The name of the user.
    pub user_name: String,
    /// Why it was made.
    pub purpose: LinkPurpose,
}

/// The address of a link: that of the page with its secret. Queries are never logged, and no page sends a referrer.
pub(crate) fn address(context: &Context, secret: &OneTimeLinkText) -> OneTimeLinkText {
    OneTimeLinkText::new(format!("{}{PATH}?key={}", context.settings.public_url, secret.expose()))
}

/// The path of the page that a link leads to; its query has the member `key`.
pub const PATH: &str = "/reset";

/// One-time links, for whoever follows one.
#[derive(Clone)]
pub struct OneTimeLinkService {
    context: Arc<Context>,
}

service!(OneTimeLinkService);

impl OneTimeLinkService {
    /// What the link with this secret is about. Changes nothing.
    ///
    /// # Errors
    /// [`LinkRefusal::Over`], [`LinkRefusal::AddressNotAllowed`]; a fault if the database cannot be read.
    pub async fn look_at(&self, secret: &str, origin: &RequestOrigin) -> Result<ValidLink, LinkRefusal> {
        let (link, user, _) = self.find(secret, origin).await?;
        self.demand_address(&link, &user, origin).await?;
        Ok(ValidLink { user_name: user.name, purpose: link.purpose })
    }

    /// Sets the password of the user of a link, and uses the link up. All access of the user ends. The second factor stays:
    /// the next sign-in asks for it. Returns the path of the request that waits for the user, if any.
    ///
    /// # Errors
    /// [`LinkRefusal`]; nothing has changed then.
    pub async fn choose_password(
        &self,
        secret: &str,
        new: Password,
        origin: &RequestOrigin,
    ) -> Result<Option<String>, LinkRefusal> {
        let (link, user, digest) = self.find(secret, origin).await?;
        let audit = self.demand_address(&link, &user, origin).await?;
        password::check(new.expose(), &user.name)?;
        let password = self.context.vault.hash_password(new).await.map_err(|_| Fault::Busy)?;
        let now = self.context.now();
        let chosen = LinkUse { digest, password, at: now, revocation_expires_at: revocations_expire_at(now) };
        let Ok((link, ended)) = self.context.store.use_one_time_link(chosen, audit).await? else {
            return self.over(origin).await;
        };
        Revocations::of(&self.context).apply(&ended);
        self.context.entities.forget_users();
        self.context.vault.forget_remembered_credentials();
        self.context.logouts_stored.announce();
        Ok(link.continue_to)
    }

    /// Refuses an address from which the user may not sign in. Returns the event of the change otherwise.
    async fn demand_address(
        &self,
        link: &OneTimeLink,
        user: &User,
        origin: &RequestOrigin,
    ) -> Result<NewAuditEvent, LinkRefusal> {
        let mut audit = origin.audit(Action::ChangePassword, Outcome::Success, self.context.now());
        audit.actor = Some(user.id);
        audit.actor_name = Some(user.name.clone());
        audit.subject = Some(user.name.clone());
        audit.detail = Some(format!("by {}", link.purpose.in_words()));
        match demand_address(&self.context, &audit, origin).await {
            Ok(()) => Ok(audit),
            Err(SignInRefusal::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(LinkRefusal::AddressNotAllowed),
        }
    }

    async fn find(
        &self,
        secret: &str,
        origin: &RequestOrigin,
    ) -> Result<(OneTimeLink, User, Digest), LinkRefusal> {
        let Some(digest) = self.context.vault.one_time_link_digest(secret) else {
            return self.over(origin).await;
        };
        let Some(link) = self.context.store.find_one_time_link(&digest, self.context.now()).await? else {
            return self.over(origin).await;
        };
        match self.context.store.find_user(link.user).await? {
            Some(user) => Ok((link, user, digest)),
            None => self.over(origin).await,
        }
    }

    async fn over<T>(&self, origin: &RequestOrigin) -> Result<T, LinkRefusal> {
        Refusals::of(&self.context).note_request(RefusalReason::OneTimeLinkInvalid, None, origin).await;
        Err(LinkRefusal::Over)
    }
}
