//! Resource servers and their scopes. Everybody may read the registry, because its names are public; only
//! administrators change it.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::{ResourceServerId, ScopeId};
use oauth::scope::{
    Assignment, ImplicationFault, MOST_IMPLIED, MOST_RESOURCE_SERVERS, MOST_SCOPES_OF_SERVER,
    NewResourceServer, NewScope, ResourceServer, Risk, Scope, ScopeRegistry,
};
use store::{Judged, ResourceServerRefusal};

use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::node::entity_cache::Entities;
use crate::{Context, Fault};

/// The desired content of a resource server.
#[derive(Debug, Clone, Default)]
pub struct ResourceServerDraft {
    /// An absolute URI without a fragment; trimmed before it is checked.
    pub identifier: String,
    /// The name for people; trimmed before it is checked.
    pub name: String,
}

impl ResourceServerDraft {
    /// All faults.
    pub fn faults(&self) -> Vec<FieldFault> {
        self.content().err().unwrap_or_default()
    }

    fn content(&self) -> Result<NewResourceServer, Vec<FieldFault>> {
        let new = NewResourceServer {
            identifier: self.identifier.trim().to_owned(),
            name: self.name.trim().to_owned(),
        };
        let faults: Vec<FieldFault> = new
            .faults()
            .into_iter()
            .map(|(field, fault)| FieldFault::new(field, fault.to_string()))
            .collect();
        if faults.is_empty() { Ok(new) } else { Err(faults) }
    }
}

/// The desired content of a scope.
#[derive(Debug, Clone, Default)]
pub struct ScopeDraft {
    /// The name on the wire; trimmed before it is checked.
    pub name: String,
    /// What the scope allows, in words; trimmed before it is checked.
    pub description: String,
    /// `low`, `elevated` or `high`; `None` stands for `low`.
    pub risk: Option<String>,
    /// `anyone`, or the name of a permission; `None` stands for `Administrator`.
    pub assignable_by: Option<String>,
    /// The names of the scopes that it implies.
    pub implies: Vec<String>,
}

/// A scope with the names of those that it implies.
#[derive(Debug, Clone)]
pub struct DescribedScope {
    /// The scope.
    pub scope: Scope,
    /// The names of the scopes that it implies, in the order of their numbers.
    pub implies: Vec<String>,
}

impl DescribedScope {
    /// Describes a scope by the registry that has it.
    pub fn new(scope: Scope, registry: &ScopeRegistry) -> Self {
        Self { implies: registry.implied_by(&scope), scope }
    }
}

impl ScopeDraft {
    /// All faults.
    pub fn faults(&self) -> Vec<FieldFault> {
        self.content().err().unwrap_or_default()
    }

    fn content(&self) -> Result<NewScope, Vec<FieldFault>> {
        let risk = self.risk.as_deref().map_or(Ok(Risk::default()), str::parse);
        let assignment = self.assignable_by.as_deref().map_or(Ok(Assignment::default()), str::parse);
        let wrong_risk = risk.as_ref().err().map(|fault| FieldFault::new("risk", fault.to_string()));
        let wrong_assignment =
            assignment.as_ref().err().map(|fault| FieldFault::new("assignableBy", fault.to_string()));
        let new = NewScope {
            name: self.name.trim().to_owned(),
            description: self.description.trim().to_owned(),
            risk: risk.unwrap_or_default(),
            assignment: assignment.unwrap_or_default(),
            implies: Vec::new(),
        };
        let faults = new.faults().into_iter().map(|(field, fault)| FieldFault::new(field, fault.to_string()));
        let count = self.implies.len();
        let too_many = (count > MOST_IMPLIED)
            .then(|| FieldFault::new("implies", ImplicationFault::TooMany(count).to_string()));
        let faults: Vec<FieldFault> =
            faults.chain(wrong_risk).chain(wrong_assignment).chain(too_many).collect();
        if faults.is_empty() { Ok(new) } else { Err(faults) }
    }

    /// The content for a scope of the resource server.
    fn content_for(
        &self,
        server: ResourceServerId,
        registry: &ScopeRegistry,
    ) -> Result<NewScope, Vec<FieldFault>> {
        let mut new = self.content()?;
        let mut faults = Vec::new();
        for (at, name) in self.implies.iter().enumerate() {
            match registry.named(name.trim()).ok().filter(|scope| scope.resource_server == server) {
                Some(scope) => new.implies.push(scope.id),
                None => faults.push(FieldFault::new(
                    format!("implies[{at}]"),
                    "must be the name of a scope of the same resource server".to_owned(),
                )),
            }
        }
        new.implies.sort_unstable();
        new.implies.dedup();
        if faults.is_empty() { Ok(new) } else { Err(faults) }
    }
}

fn refused(refusal: ResourceServerRefusal) -> AdministrationError {
    let invalid = |field: &str, message: &str| {
        AdministrationError::Invalid(vec![FieldFault::new(field, message.to_owned())])
    };
    match refusal {
        ResourceServerRefusal::Unknown => AdministrationError::Unknown,
        ResourceServerRefusal::RightsChanged => AdministrationError::RightsChanged,
        ResourceServerRefusal::BuiltIn => AdministrationError::BuiltInScope,
        ResourceServerRefusal::IdentifierTaken => {
            invalid("identifier", "is the identifier of another resource server")
        }
        ResourceServerRefusal::NameTaken => invalid("name", "is the name of another scope"),
        ResourceServerRefusal::TooManyServers => {
            AdministrationError::Full(format!("there are {MOST_RESOURCE_SERVERS} resource servers already"))
        }
        ResourceServerRefusal::TooManyScopes => AdministrationError::Full(format!(
            "the resource server has {MOST_SCOPES_OF_SERVER} scopes already"
        )),
        ResourceServerRefusal::HasScopes(count) => AdministrationError::StillHasScopes(count),
        ResourceServerRefusal::StillRegistered(count) => AdministrationError::StillRegistered(count),
        ResourceServerRefusal::StillImplied(count) => AdministrationError::StillImplied(count),
        ResourceServerRefusal::Implication(fault) => invalid("implies", &fault.to_string()),
    }
}

/// Resource servers and their scopes.
#[derive(Clone)]
pub struct ScopeService {
    context: Arc<Context>,
}

service!(ScopeService);

impl ScopeService {
    /// Every resource server with its scopes, as this node knows them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn registry(&self) -> Result<Arc<ScopeRegistry>, Fault> {
        Entities::of(&self.context).scope_registry().await
    }

    /// Whether the caller may see and change resource servers and scopes.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn may_manage(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await
    }

    /// Lists all resource servers, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn list_servers(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<ResourceServer>, AdministrationError> {
        self.may_manage(caller, origin).await?;
        Ok(self.context.store.scope_registry().await?.servers().to_vec())
    }

    /// Finds a resource server by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn find_server(
        &self,
        caller: &Caller,
        id: ResourceServerId,
        origin: &RequestOrigin,
    ) -> Result<ResourceServer, AdministrationError> {
        let servers = self.list_servers(caller, origin).await?;
        servers.into_iter().find(|server| server.id == id).ok_or(AdministrationError::Unknown)
    }

    /// Adds a resource server.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub async fn create_server(
        &self,
        caller: &Caller,
        draft: ResourceServerDraft,
        origin: &RequestOrigin,
    ) -> Result<ResourceServer, AdministrationError> {
        self.may_manage(caller, origin).await?;
        let new = draft.content().map_err(AdministrationError::Invalid)?;
        let mut audit = caller.audit(Action::CreateResourceServer, self.context.now(), origin);
        audit.subject = Some(new.identifier.clone());
        let created = self.context.store.insert_resource_server(new, audit).await?;
        self.settle(caller, created, origin).await
    }

    /// Replaces the content of a resource server.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltInScope` for the built-in one.
    pub async fn update_server(
        &self,
        caller: &Caller,
        id: ResourceServerId,
        draft: ResourceServerDraft,
        origin: &RequestOrigin,
    ) -> Result<ResourceServer, AdministrationError> {
        let before = self.find_server(caller, id, origin).await?;
        let new = draft.content().map_err(AdministrationError::Invalid)?;
        let mut audit = caller.audit(Action::UpdateResourceServer, self.context.now(), origin);
        audit.note_new_name(&before.identifier, Some(&new.identifier));
        audit.subject = Some(before.identifier);
        let updated = self.context.store.update_resource_server(id, new, audit).await?;
        self.settle(caller, updated, origin).await
    }

    /// Deletes a resource server that has no scopes.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltInScope` for the built-in one, and `StillHasScopes`.
    pub async fn delete_server(
        &self,
        caller: &Caller,
        id: ResourceServerId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let before = self.find_server(caller, id, origin).await?;
        let mut audit = caller.audit(Action::DeleteResourceServer, self.context.now(), origin);
        audit.subject = Some(before.identifier);
        let deleted = self.context.store.delete_resource_server(id, audit).await?;
        self.settle(caller, deleted, origin).await.map(drop)
    }

    /// Lists the scopes of a resource server, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn list_scopes(
        &self,
        caller: &Caller,
        server: ResourceServerId,
        origin: &RequestOrigin,
    ) -> Result<Vec<DescribedScope>, AdministrationError> {
        self.may_manage(caller, origin).await?;
        let registry = self.context.store.scope_registry().await?;
        if !registry.servers().iter().any(|known| known.id == server) {
            return Err(AdministrationError::Unknown);
        }
        let described = |scope: &Scope| DescribedScope::new(scope.clone(), &registry);
        Ok(registry.scopes_of(server).map(described).collect())
    }

    /// Finds a scope of a resource server by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn find_scope(
        &self,
        caller: &Caller,
        server: ResourceServerId,
        id: ScopeId,
        origin: &RequestOrigin,
    ) -> Result<DescribedScope, AdministrationError> {
        let scopes = self.list_scopes(caller, server, origin).await?;
        scopes.into_iter().find(|described| described.scope.id == id).ok_or(AdministrationError::Unknown)
    }

    /// Adds a scope to a resource server.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltInScope` for the built-in resource server.
    pub async fn create_scope(
        &self,
        caller: &Caller,
        server: ResourceServerId,
        draft: ScopeDraft,
        origin: &RequestOrigin,
    ) -> Result<DescribedScope, AdministrationError> {
        self.may_manage(caller, origin).await?;
        let registry = self.context.store.scope_registry().await?;
        let new = draft.content_for(server, &registry).map_err(AdministrationError::Invalid)?;
        let mut audit = caller.audit(Action::CreateScope, self.context.now(), origin);
        audit.subject = Some(new.name.clone());
        audit.detail = Some(in_words(&new, &registry));
        let created = self.context.store.insert_scope(server, new, audit).await?;
        Ok(DescribedScope::new(self.settle(caller, created, origin).await?, &registry))
    }

    /// Replaces the content of a scope. Consents that users have given for it stay valid.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltInScope` if more than the description of a built-in scope would change.
    pub async fn update_scope(
        &self,
        caller: &Caller,
        server: ResourceServerId,
        id: ScopeId,
        draft: ScopeDraft,
        origin: &RequestOrigin,
    ) -> Result<DescribedScope, AdministrationError> {
        self.may_manage(caller, origin).await?;
        let registry = self.context.store.scope_registry().await?;
        let before = registry.scopes_of(server).find(|scope| scope.id == id).cloned();
        let before = before.ok_or(AdministrationError::Unknown)?;
        let new = draft.content_for(server, &registry).map_err(AdministrationError::Invalid)?;
        let mut audit = caller.audit(Action::UpdateScope, self.context.now(), origin);
        audit.detail = Some(in_words(&new, &registry));
        audit.note_new_name(&before.name, Some(&new.name));
        audit.subject = Some(before.name);
        let updated = self.context.store.update_scope(server, id, new, audit).await?;
        Ok(DescribedScope::new(self.settle(caller, updated, origin).await?, &registry))
    }

    /// Deletes a scope for which no application is registered and that no other implies. What users have granted by it
    /// gives no access any more.
    ///
    /// # Errors
    /// [`AdministrationError`]; `BuiltInScope` for a built-in scope, `StillRegistered` and `StillImplied`.
    pub async fn delete_scope(
        &self,
        caller: &Caller,
        server: ResourceServerId,
        id: ScopeId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let before = self.find_scope(caller, server, id, origin).await?.scope;
        let mut audit = caller.audit(Action::DeleteScope, self.context.now(), origin);
        audit.subject = Some(before.name);
        let deleted = self.context.store.delete_scope(server, id, audit).await?;
        self.settle(caller, deleted, origin).await.map(drop)
    }

    /// Drops what this node has cached, and converts the result of the store.
    async fn settle<T>(
        &self,
        caller: &Caller,
        judged: Judged<T, ResourceServerRefusal>,
        origin: &RequestOrigin,
    ) -> Result<T, AdministrationError> {
        let judged = Refusals::of(&self.context).judged(caller, judged, origin).await;
        self.context.entities.forget_limits();
        judged.map_err(refused)
    }
}

fn in_words(new: &NewScope, registry: &ScopeRegistry) -> String {
    let implied = registry.text(&new.implies.iter().copied().collect());
    let implied = if implied.is_empty() { implied } else { format!(", implies: {implied}") };
    format!("risk: {}, assignable by: {}{implied}", new.risk.as_str(), new.assignment.as_str())
}
