//! Resource servers and their scopes.

use domain::audit::NewAuditEvent;
use domain::id::{ResourceServerId, ScopeId};
use oauth::scope::{ImplicationFault, NewResourceServer, NewScope, ResourceServer, Scope, ScopeRegistry};

use crate::{Answer, Judged};

/// Why a change to a resource server or a scope was refused; nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceServerRefusal {
    /// No resource server has that id, or it has no such scope.
    Unknown,
    /// The rights on which the decision rests were withdrawn.
    RightsChanged,
    /// It is built in: only the description of a built-in scope may change.
    BuiltIn,
    /// Another resource server has the identifier.
    IdentifierTaken,
    /// Another scope has the name, of whichever resource server.
    NameTaken,
    /// There would be more than
    /// [`MOST_RESOURCE_SERVERS`](oauth::scope::MOST_RESOURCE_SERVERS) resource servers.
    TooManyServers,
    /// The resource server would have more than
    /// [`MOST_SCOPES_OF_SERVER`](oauth::scope::MOST_SCOPES_OF_SERVER) scopes.
    TooManyScopes,
    /// The resource server still has this many scopes.
    HasScopes(u64),
    /// This many applications are still registered for the scope.
    StillRegistered(u64),
    /// This many scopes still imply the scope.
    StillImplied(u64),
    /// The scopes of the resource server cannot imply each other in this way.
    Implication(ImplicationFault),
}

/// Resource servers and their scopes. The time of a change is that of its audit event. Each change advances
/// [`Versions::limits`](crate::Versions::limits).
pub trait ResourceServers {
    /// Every resource server with its scopes.
    fn scope_registry(&self) -> Answer<'_, ScopeRegistry>;
    /// Adds a resource server.
    fn insert_resource_server(
        &self,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>>;
    /// Replaces the content of a resource server.
    fn update_resource_server(
        &self,
        id: ResourceServerId,
        new: NewResourceServer,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>>;
    /// Deletes a resource server that has no scopes, and returns it.
    fn delete_resource_server(
        &self,
        id: ResourceServerId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<ResourceServer, ResourceServerRefusal>>;
    /// Adds a scope to a resource server.
    fn insert_scope(
        &self,
        server: ResourceServerId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>>;
    /// Replaces the content of a scope.
    fn update_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        new: NewScope,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>>;
    /// Deletes a scope for which no application is registered and that no other implies, and returns it. Grants and
    /// tokens that still hold its number give no access by it, and the number is never assigned again.
    fn delete_scope(
        &self,
        server: ResourceServerId,
        id: ScopeId,
        audit: NewAuditEvent,
    ) -> Answer<'_, Judged<Scope, ResourceServerRefusal>>;
}
