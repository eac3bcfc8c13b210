//! Allow-lists of addresses: reading and setting those of the installation, of users and of applications.

use std::sync::Arc;

use domain::account::Permission;
use domain::account::network::address_text;
use domain::allow_list::{
    AllowListOwner, AllowLists, MOST_APPLICATIONS_OF_ONE, MOST_OWNERS, MOST_RANGES, ServerPart,
};
use domain::audit::{Action, NewAuditEvent};
use domain::id::ApplicationId;
use store::AllowListRefusal;

use crate::identity::acting::Actor;
use crate::identity::caller::{Caller, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::management::applications::{ApplicationError, ApplicationService};
use crate::{Context, Fault};

/// The parts of the server without which a person cannot take a list back.
const NEEDED: [ServerPart; 3] = [ServerPart::ManagementApi, ServerPart::AdminApi, ServerPart::WebUi];

impl From<AllowListRefusal> for AdministrationError {
    fn from(refusal: AllowListRefusal) -> Self {
        match refusal {
            AllowListRefusal::Unknown => Self::Unknown,
            AllowListRefusal::RightsChanged => Self::RightsChanged,
            AllowListRefusal::Full => Self::Full(format!(
                "at most {MOST_OWNERS} users, and {MOST_OWNERS} applications, {MOST_APPLICATIONS_OF_ONE} of each user, have \
                     lists of their own"
            )),
        }
    }
}

/// Allow-lists of addresses.
#[derive(Clone)]
pub struct AllowListService {
    context: Arc<Context>,
}

service!(AllowListService);

impl AllowListService {
    /// The lists of the installation.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] unless the caller is an administrator.
    pub async fn of_system(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<AllowLists, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await?;
        self.find(AllowListOwner::System).await
    }

    /// Replaces the lists of the installation, at once on every node.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` also for lists that would lock out the caller.
    pub async fn set_of_system(
        &self,
        caller: &Caller,
        lists: AllowLists,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await?;
        keeps_caller(caller, &lists, origin)?;
        let audit = caller.audit(action(&lists), self.context.now(), origin);
        self.set(caller, AllowListOwner::System, lists, audit, origin).await
    }

    /// The lists of the user for whom the actor acts.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `IPWhiteList`.
    pub async fn of_user(
        &self,
        actor: &Actor,
        origin: &RequestOrigin,
    ) -> Result<AllowLists, AdministrationError> {
        Administration::of(&self.context).demand(actor.caller(), Permission::IPWhiteList, origin).await?;
        self.find(AllowListOwner::User(actor.subject().user.id)).await
    }

    /// Replaces the lists of the user for whom the actor acts.
    ///
    /// # Errors
    /// As for [`AllowListService::set_of_system`]; [`AdministrationError::Forbidden`] without `IPWhiteList`.
    pub async fn set_of_user(
        &self,
        actor: &Actor,
        lists: AllowLists,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let caller = actor.caller();
        Administration::of(&self.context).demand(caller, Permission::IPWhiteList, origin).await?;
        let user = actor.subject().user.id;
        if user == caller.account().user.id {
            keeps_caller(caller, &lists, origin)?;
        }
        let audit = actor.audit(&self.context, action(&lists), origin);
        self.set(caller, AllowListOwner::User(user), lists, audit, origin).await
    }

    /// The lists of an application that the actor may see.
    ///
    /// # Errors
    /// [`AdministrationError::Unknown`].
    pub async fn of_application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<AllowLists, AdministrationError> {
        self.reach(actor, id, origin).await?;
        self.find(AllowListOwner::Application(id)).await
    }

    /// Replaces the lists of an application that the actor may see.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` for a list of the pages, where no application is known.
    pub async fn set_of_application(
        &self,
        actor: &Actor,
        id: ApplicationId,
        lists: AllowLists,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        self.reach(actor, id, origin).await?;
        if !lists.ranges(ServerPart::WebUi).is_empty() {
            let message =
                "is not for applications; their users sign in to the pages, from their own addresses";
            let fault = FieldFault::new(ServerPart::WebUi.as_str(), message);
            return Err(AdministrationError::Invalid(vec![fault]));
        }
        let mut audit = actor.audit(&self.context, action(&lists), origin);
        audit.application = Some(id);
        self.set(actor.caller(), AllowListOwner::Application(id), lists, audit, origin).await
    }

    async fn reach(
        &self,
        actor: &Actor,
        id: ApplicationId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        match ApplicationService::from(&self.context).find(actor, id, origin).await {
            Ok(_) => Ok(()),
            Err(ApplicationError::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(AdministrationError::Unknown),
        }
    }

    async fn find(&self, owner: AllowListOwner) -> Result<AllowLists, AdministrationError> {
        let all = self.context.store.list_allow_lists().await?;
        let own = all.into_iter().find(|(of, _)| *of == owner);
        Ok(own.map(|(_, lists)| lists).unwrap_or_default())
    }

    async fn set(
        &self,
        caller: &Caller,
        owner: AllowListOwner,
        lists: AllowLists,
        mut audit: NewAuditEvent,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        is_bounded(&lists)?;
        audit.subject = Some(owner.to_string());
        audit.describe(lists.in_words());
        let judged = self.context.store.set_allow_lists(owner, lists, audit).await.map_err(Fault::from)?;
        Refusals::of(&self.context).judged(caller, judged, origin).await?;
        self.context.entities.forget_limits();
        Ok(())
    }
}

fn action(lists: &AllowLists) -> Action {
    if lists.is_empty() { Action::DeleteAllowLists } else { Action::SetAllowLists }
}

fn is_bounded(lists: &AllowLists) -> Result<(), AdministrationError> {
    let faults: Vec<FieldFault> = lists
        .iter()
        .filter(|(_, ranges)| ranges.len() > MOST_RANGES)
        .map(|(resource, ranges)| {
            let message = format!("has {} ranges; at most {MOST_RANGES} are allowed", ranges.len());
            FieldFault::new(resource.as_str(), message)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(AdministrationError::Invalid(faults)) }
}

/// Refuses lists with which the caller could not take them back. The command line has no address, and always can.
fn keeps_caller(
    caller: &Caller,
    lists: &AllowLists,
    origin: &RequestOrigin,
) -> Result<(), AdministrationError> {
    if *caller.via() == Via::CommandLine {
        return Ok(());
    }
    let own = origin.address.map_or_else(|| "which is unknown".to_owned(), address_text);
    let faults: Vec<FieldFault> = NEEDED
        .into_iter()
        .filter(|resource| !lists.admit(*resource, origin.address))
        .map(|resource| {
            let message = format!(
                "does not contain your own address, {own}: you would lock yourself out; add it, or set the list at the \
                 command line"
            );
            FieldFault::new(resource.as_str(), message)
        })
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(AdministrationError::Invalid(faults)) }
}
