//! Registered applications: who may see and change them, and the effects.
//!
//! Anybody who may use the management API may register applications. An application belongs to the user for
//! whom it was registered; an administrator may see and change all of them. An application that the caller
//! may not see is refused like one that does not exist.

use std::sync::Arc;

use domain::audit::{Action, NewAuditEvent};
use domain::id::{ApplicationId, UserId};
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::registration::InvalidField as PayloadFault;
use store::{ApplicationFilter, ApplicationRefusal};

use crate::identity::acting::Actor;
use crate::identity::caller::RequestOrigin;
use crate::identity::refusals::Refusals;
use crate::management::lists::{ListRequest, PageRange, Rows, read};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::refusal_reason::RefusalReason;
use crate::node::revocations::Revocations;
use crate::{Context, Fault};

mod registration;
mod secrets;

pub use registration::{Accepted, RegisteredApplication, RegistrationRules, UpdatedApplication};
pub use secrets::Added;

/// Why an operation on an application was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApplicationError {
    /// No application that the actor may see has that id, or no live secret has it.
    #[error("no entry has that id")]
    Unknown,
    /// Two secrets are already live.
    #[error("two secrets are already live; end one of them first")]
    TwoLiveSecrets,
    /// The last live secret cannot be revoked.
    #[error("this is the only live secret; reset it instead")]
    LastSecret,
    /// A public application has no secrets.
    #[error("a public application has no secret")]
    Public,
    /// The caller's rights changed between the decision and the write.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// The application acts as its owner, and the actor may not provide its credentials.
    #[error(
        "only its owner and Administrators provide the credentials of an application with client_credentials"
    )]
    ActsAsOwner,
    /// The new settings name a scope that was deleted meanwhile.
    #[error("a scope was deleted meanwhile")]
    ScopeDeleted,
    /// The resulting settings would break rules.
    #[error("the input breaks rules")]
    Invalid(Vec<PayloadFault>),
    /// The server failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for ApplicationError {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ApplicationRefusal> for ApplicationError {
    fn from(refusal: ApplicationRefusal) -> Self {
        match refusal {
            ApplicationRefusal::Unknown | ApplicationRefusal::UnknownSecret => Self::Unknown,
            ApplicationRefusal::TwoLiveSecrets => Self::TwoLiveSecrets,
            ApplicationRefusal::LastSecret => Self::LastSecret,
            ApplicationRefusal::Public => Self::Public,
            ApplicationRefusal::RightsChanged => Self::RightsChanged,
            ApplicationRefusal::ActsAsOwner => Self::ActsAsOwner,
            ApplicationRefusal::ScopeDeleted => Self::ScopeDeleted,
            ApplicationRefusal::ClientIdTaken => {
                Self::Fault(Fault::Broken("a generated client id exists already".into()))
            }
            ApplicationRefusal::TooManyRegistrations | ApplicationRefusal::InitialTokenUnusable => {
                Self::Fault(Fault::Broken("a registration of a client was judged elsewhere".into()))
            }
            ApplicationRefusal::Faulty(faults) => Self::Invalid(faults),
        }
    }
}

/// Registered applications and their secrets.
#[derive(Clone)]
pub struct ApplicationService {
    context: Arc<Context>,
}

service!(ApplicationService);

impl ApplicationService {
    /// The current time, at which secrets are live or have ended.
    pub fn now(&self) -> Timestamp {
        self.context.now()
    }

    /// Lists the applications that the actor may see, by id. An administrator who acts on behalf of another
    /// user sees what that user sees.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Application>, Fault> {
        let owner: Option<UserId> = (!actor.sees_all()).then(|| actor.subject().user.id);
        let filter = ApplicationFilter { owner, ..ApplicationFilter::default() };
        Ok(self.context.store.list_applications(filter).await?)
    }

    /// Lists the applications that the actor may see by id, page by page.
    pub fn rows(&self, actor: &Actor, request: ListRequest, origin: &RequestOrigin) -> Rows<Application> {
        let owner: Option<UserId> = (!actor.sees_all()).then(|| actor.subject().user.id);
        Rows::of_actor(
            &self.context,
            actor,
            request,
            origin,
            move |context: Arc<Context>, page: PageRange| async move {
                let filter = ApplicationFilter {
                    owner,
                    after: page.after.map(ApplicationId::new),
                    limit: Some(page.rows),
                    query: page.query.clone(),
                };
                let rows = read(context.store.list_applications(filter).await)?;
                Ok(page.chunk(rows, |application| application.id.get()))
            },
        )
    }

    /// Finds an application by id, if the actor may see it.
    ///
    /// # Errors
    /// [`ApplicationError::Unknown`], including for an application of somebody else; both are written to the audit log.
    pub async fn find(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<Application, ApplicationError> {
        let found = self.context.store.find_application(id).await?;
        let reachable = found.filter(|application| actor.reaches(application.owner));
        if reachable.is_none() {
            let reason = RefusalReason::ApplicationOutOfReach;
            Refusals::of(&self.context)
                .note_out_of_reach(reason, actor.caller(), format!("application {id}"), origin)
                .await;
        }
        reachable.ok_or(ApplicationError::Unknown)
    }

    /// Deletes an application. Its consents, grants, codes and tokens are invalid when this returns.
    ///
    /// # Errors
    /// [`ApplicationError`]; nothing was revoked then.
    pub async fn delete(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<(), ApplicationError> {
        let application = self.find(actor, id, origin).await?;
        let audit = self.audit_about(actor, Action::DeleteApplication, &application, origin);
        let events = Refusals::of(&self.context)
            .judged(
                actor.caller(),
                self.context
                    .store
                    .delete_application(id, revocations_expire_at(self.context.now()), audit)
                    .await?,
                origin,
            )
            .await?;
        Revocations::of(&self.context).apply(&events);
        self.context.entities.forget_applications();
        Ok(())
    }

    /// An audit event about an existing application.
    fn audit_about(
        &self,
        actor: &Actor,
        action: Action,
        application: &Application,
        origin: &RequestOrigin,
    ) -> NewAuditEvent {
        let mut audit = actor.audit(&self.context, action, origin);
        audit.application = Some(application.id);
        audit.subject = Some(application.settings.name.clone());
        audit
    }
}
