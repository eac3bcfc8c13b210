//! Registered applications: who may see and change them, and what that does.
//!
//! Whoever may use the management API may register. An application belongs to the user for whom it was registered; an
//! administrator reaches all. One that is out of reach and one that does not exist are the same refusal.

use std::sync::Arc;

use oauth::application::Application;
use oauth::audit::{Action, NewAuditEvent};
use oauth::id::{ApplicationId, UserId};
use oauth::registration::Fault as PayloadFault;
use store::{ApplicationFilter, ApplicationRefusal};

use crate::acting::Actor;
use crate::caller::Origin;
use crate::lists::{self, Page, Rows, read};
use crate::refusals::Reason;
use crate::{App, Fault};

mod registration;
mod secrets;

pub use registration::{Accepted, Registered};
pub use secrets::Added;

/// Why an act on an application was refused.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// There is none of that id within the actor's reach, or no live secret of that id.
    #[error("there is nothing of that id")]
    Unknown,
    /// Two secrets are live already.
    #[error("two secrets are live already; end one of them first")]
    TwoLiveSecrets,
    /// The last live secret cannot be ended.
    #[error("this is the only live secret; reset it instead")]
    LastSecret,
    /// A public application has no secrets.
    #[error("a public application has no secret")]
    Public,
    /// The caller's rights changed between judging the act and writing it.
    #[error("the rights of the caller have changed meanwhile")]
    RightsChanged,
    /// The settings, as they would be now, break rules.
    #[error("what was given breaks rules")]
    Invalid(Vec<PayloadFault>),
    /// The server is at fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<store::StoreError> for Refused {
    fn from(error: store::StoreError) -> Self {
        Self::Fault(error.into())
    }
}

impl From<ApplicationRefusal> for Refused {
    fn from(refusal: ApplicationRefusal) -> Self {
        match refusal {
            ApplicationRefusal::Unknown | ApplicationRefusal::UnknownSecret => Self::Unknown,
            ApplicationRefusal::TwoLiveSecrets => Self::TwoLiveSecrets,
            ApplicationRefusal::LastSecret => Self::LastSecret,
            ApplicationRefusal::Public => Self::Public,
            ApplicationRefusal::RightsChanged => Self::RightsChanged,
            ApplicationRefusal::Faulty(faults) => Self::Invalid(faults),
        }
    }
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Only those after this id.
    pub after: Option<ApplicationId>,
    /// At most so many; all when left out.
    pub limit: Option<u32>,
    /// Only those whose name or description contains it, compared without case.
    pub query: Option<String>,
}

impl App {
    /// The applications within reach, by id. An administrator who acts for another user sees what that user sees.
    ///
    /// # Errors
    /// When the database cannot tell.
    pub async fn list_applications(
        &self,
        actor: &Actor,
        request: ListRequest,
    ) -> Result<Vec<Application>, Fault> {
        let owner: Option<UserId> = (!actor.sees_all()).then(|| actor.subject().user.id);
        let ListRequest { after, limit, query } = request;
        Ok(self.store.list_applications(ApplicationFilter { owner, after, limit, query }).await?)
    }

    /// The applications within reach by id, a page at a time.
    pub fn applications(self: &Arc<Self>, actor: &Actor, request: lists::ListRequest) -> Rows<Application> {
        let owner: Option<UserId> = (!actor.sees_all()).then(|| actor.subject().user.id);
        Rows::new(
            self,
            actor.caller(),
            actor.needs(),
            request,
            move |app: Arc<Self>, page: Page| async move {
                let filter = ApplicationFilter {
                    owner,
                    after: page.after.map(ApplicationId::new),
                    limit: Some(page.rows),
                    query: page.query.clone(),
                };
                let rows = read(app.store.list_applications(filter).await)?;
                Ok(page.chunk(rows, |application| application.id.get()))
            },
        )
    }

    /// The application of that id, if it is within reach.
    ///
    /// # Errors
    /// [`Refused::Unknown`], also for somebody else's; either is written to the audit log.
    pub async fn reachable_application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &Origin,
    ) -> Result<Application, Refused> {
        let found = self.application(id).await?;
        let reachable = found.filter(|application| actor.reaches(application.owner));
        if reachable.is_none() {
            let reason = Reason::ApplicationOutOfReach;
            self.note_out_of_reach(reason, actor.caller(), format!("application {id}"), origin).await;
        }
        reachable.ok_or(Refused::Unknown)
    }

    /// Deletes an application; its consents, grants, codes and tokens are dead when this returns.
    ///
    /// # Errors
    /// [`Refused`]; then everything lives on.
    pub async fn delete_application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &Origin,
    ) -> Result<(), Refused> {
        let application = self.reachable_application(actor, id, origin).await?;
        let audit = self.audit_about(actor, Action::DeleteApplication, &application, origin);
        let events = self.store.delete_application(id, self.revocations_expire_at(), audit).await??;
        self.learn(&events);
        self.directory.forget_applications();
        Ok(())
    }

    /// An audit event about an application that there is.
    fn audit_about(
        &self,
        actor: &Actor,
        action: Action,
        application: &Application,
        origin: &Origin,
    ) -> NewAuditEvent {
        let mut audit = actor.audit(self, action, origin);
        audit.application = Some(application.id);
        audit.subject = Some(application.settings.name.clone());
        audit
    }
}
