//! The applications that a user has allowed: listing and revoking them.

use std::sync::Arc;

use domain::audit::Action;
use domain::id::ApplicationId;
use oauth::grant::Allowed;
use store::{AccessOf, RightsChanged};

use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::management::lists::{Chunk, ListRequest, PageRange, Rows, read};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::revocations::Revocations;
use crate::{Context, Fault};

mod data;

pub(in crate::management) use data::AllowedNames;
pub use data::{AllowedApplication, ReachedData, ReachedSource};

/// Why nothing that a user has allowed was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeAllowedError {
    /// The user has not allowed the application.
    #[error("the user has not allowed the application")]
    NotAllowed,
    /// The caller's rights changed between the decision and the write.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The applications that a user has allowed.
#[derive(Clone)]
pub struct AllowedApplicationService {
    context: Arc<Context>,
}

service!(AllowedApplicationService);

impl AllowedApplicationService {
    /// Lists the applications that the user has allowed, by id: those after `after`, at most `limit`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(
        &self,
        actor: &Actor,
        after: Option<ApplicationId>,
        limit: u32,
    ) -> Result<Vec<AllowedApplication>, Fault> {
        let user = actor.subject().user.id;
        let rows = self.context.store.list_allowed(user, self.context.now(), after, limit).await?;
        let mut named = AllowedNames::of(&self.context).with_names(user, rows).await?;
        for one in &mut named {
            let application = self.context.store.find_application(one.allowed.application).await?;
            let openid = application.map(|found| found.settings.client_metadata.openid);
            one.login_address =
                openid.and_then(|openid| openid.login_address(&self.context.settings.public_url));
        }
        Ok(named)
    }

    /// Returns what the user has allowed the application, or `None` if that is nothing.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn find(&self, actor: &Actor, id: ApplicationId) -> Result<Option<AllowedApplication>, Fault> {
        let before = ApplicationId::new(id.get().saturating_sub(1));
        let next = self.list(actor, Some(before), 1).await?;
        Ok(next.into_iter().find(|found| found.allowed.application == id))
    }

    /// Lists the applications that the user has allowed, by id, page by page.
    pub fn rows(
        &self,
        actor: &Actor,
        request: ListRequest,
        origin: &RequestOrigin,
    ) -> Rows<AllowedApplication> {
        let user = actor.subject().user.id;
        Rows::of_actor(
            &self.context,
            actor,
            request,
            origin,
            move |context: Arc<Context>, page: PageRange| async move {
                let after = page.after.map(ApplicationId::new);
                let rows = read(context.store.list_allowed(user, context.now(), after, page.rows).await)?;
                let chunk = page.chunk(rows, |row| row.application.get());
                let Chunk { rows, next } = chunk.searched(&page, |row: &Allowed| vec![&row.name]);
                Ok(Chunk { rows: AllowedNames::of(&context).with_names(user, rows).await?, next })
            },
        )
    }

    /// Revokes what the user has allowed the application: consent, grants, codes and tokens are invalid when this
    /// returns, and the application learns that the user's sessions have ended.
    ///
    /// # Errors
    /// [`RevokeAllowedError`]; nothing was revoked then.
    pub async fn revoke(
        &self,
        actor: &Actor,
        application: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<(), RevokeAllowedError> {
        let mut audit = actor.audit(&self.context, Action::RevokeAllowed, origin);
        audit.application = Some(application);
        audit.subject = Some(actor.subject().user.name.clone());
        let ends = revocations_expire_at(self.context.now());
        let user = actor.subject().user.id;
        let access = AccessOf::UserAtApplication { user, application };
        let judged = self.context.store.revoke_access(access, ends, audit).await.map_err(Fault::from)?;
        let judged = Refusals::of(&self.context).judged(actor.caller(), judged, origin).await;
        let Some(events) = judged.map_err(|RightsChanged| RevokeAllowedError::RightsChanged)? else {
            self.note_not_allowed(actor, application, origin).await;
            return Err(RevokeAllowedError::NotAllowed);
        };
        Revocations::of(&self.context).apply(&events);
        self.context.logouts_stored.announce();
        Ok(())
    }

    /// Records a request for an application that the user has not allowed.
    pub async fn note_not_allowed(&self, actor: &Actor, application: ApplicationId, origin: &RequestOrigin) {
        let (reason, subject) = (RefusalReason::NotAllowed, format!("application {application}"));
        Refusals::of(&self.context).note_out_of_reach(reason, actor.caller(), subject, origin).await;
    }
}
