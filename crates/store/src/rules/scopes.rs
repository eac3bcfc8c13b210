//! The rules of resource servers and scopes. All changes to the registry, and to the scopes of applications,
//! run one at a time, so a registry that was loaded in the transaction of the write stays true until its
//! commit.

use domain::id::{ResourceServerId, ScopeId};
use domain::time::Timestamp;
use oauth::scope::{
    BUILT_IN_SERVER, MOST_RESOURCE_SERVERS, MOST_SCOPES_OF_SERVER, NewResourceServer, NewScope,
    ResourceServer, Scope, ScopeRegistry, ScopeSet, may_imply,
};

use crate::{ApplicationRefusal, ResourceServerRefusal};

/// The resource server may be added.
///
/// # Errors
/// [`ResourceServerRefusal::IdentifierTaken`] or [`ResourceServerRefusal::TooManyServers`].
pub fn server_may_be_added(
    registry: &ScopeRegistry,
    new: &NewResourceServer,
) -> Result<(), ResourceServerRefusal> {
    identifier_is_free(registry, None, &new.identifier)?;
    let is_full = registry.servers().len() >= MOST_RESOURCE_SERVERS;
    if is_full { Err(ResourceServerRefusal::TooManyServers) } else { Ok(()) }
}

/// The resource server as it is after the change.
///
/// # Errors
/// [`ResourceServerRefusal::Unknown`], [`ResourceServerRefusal::BuiltIn`] or
/// [`ResourceServerRefusal::IdentifierTaken`].
pub fn changed_server(
    registry: &ScopeRegistry,
    id: ResourceServerId,
    new: &NewResourceServer,
    at: Timestamp,
) -> Result<ResourceServer, ResourceServerRefusal> {
    let server = server_is_known(registry, id)?;
    server_is_not_built_in(id)?;
    identifier_is_free(registry, Some(id), &new.identifier)?;
    Ok(ResourceServer { created_at: server.created_at, ..added_server(id, new, at) })
}

/// The resource server that may be deleted.
///
/// # Errors
/// [`ResourceServerRefusal::Unknown`], [`ResourceServerRefusal::BuiltIn`] or
/// [`ResourceServerRefusal::HasScopes`].
pub fn deletable_server(
    registry: &ScopeRegistry,
    id: ResourceServerId,
) -> Result<ResourceServer, ResourceServerRefusal> {
    let server = server_is_known(registry, id)?;
    server_is_not_built_in(id)?;
    match registry.scopes_of(id).count() {
        0 => Ok(server.clone()),
        count => Err(ResourceServerRefusal::HasScopes(count as u64)),
    }
}

/// A new resource server.
pub fn added_server(id: ResourceServerId, new: &NewResourceServer, at: Timestamp) -> ResourceServer {
    ResourceServer {
        id,
        identifier: new.identifier.clone(),
        name: new.name.clone(),
        created_at: at,
        updated_at: at,
    }
}

/// The scope may be added to the resource server.
///
/// # Errors
/// [`ResourceServerRefusal::Unknown`], [`ResourceServerRefusal::BuiltIn`], [`ResourceServerRefusal::NameTaken`],
/// [`ResourceServerRefusal::TooManyScopes`] or [`ResourceServerRefusal::Implication`].
pub fn scope_may_be_added(
    registry: &ScopeRegistry,
    server: ResourceServerId,
    new: &NewScope,
) -> Result<(), ResourceServerRefusal> {
    server_is_known(registry, server)?;
    server_is_not_built_in(server)?;
    name_is_free(registry, None, &new.name)?;
    if registry.scopes_of(server).count() >= MOST_SCOPES_OF_SERVER {
        return Err(ResourceServerRefusal::TooManyScopes);
    }
    // No scope has the greatest number, so none implies the new one.
    let added = added_scope(ScopeId::new(i64::MAX), server, new, Timestamp::from_micros(0));
    implications_hold(registry, &added)
}

/// The scope as it is after the change.
///
/// # Errors
/// [`ResourceServerRefusal::Unknown`], [`ResourceServerRefusal::BuiltIn`], [`ResourceServerRefusal::NameTaken`] or
/// [`ResourceServerRefusal::Implication`].
pub fn changed_scope(
    registry: &ScopeRegistry,
    server: ResourceServerId,
    id: ScopeId,
    new: &NewScope,
    at: Timestamp,
) -> Result<Scope, ResourceServerRefusal> {
    let scope = scope_is_known(registry, server, id)?;
    if !scope.may_become(new) {
        return Err(ResourceServerRefusal::BuiltIn);
    }
    name_is_free(registry, Some(id), &new.name)?;
    let changed = Scope { created_at: scope.created_at, ..added_scope(id, server, new, at) };
    implications_hold(registry, &changed)?;
    Ok(changed)
}

/// The scope that may be deleted; `applications` is the number of applications that are registered for it.
///
/// # Errors
/// [`ResourceServerRefusal::Unknown`], [`ResourceServerRefusal::BuiltIn`], [`ResourceServerRefusal::StillRegistered`] or
/// [`ResourceServerRefusal::StillImplied`].
pub fn deletable_scope(
    registry: &ScopeRegistry,
    server: ResourceServerId,
    id: ScopeId,
    applications: u64,
) -> Result<Scope, ResourceServerRefusal> {
    let scope = scope_is_known(registry, server, id)?;
    let broader = registry.scopes_of(server).filter(|scope| scope.implies.contains(&id)).count();
    match (applications, broader) {
        _ if scope.is_built_in() => Err(ResourceServerRefusal::BuiltIn),
        (0, 0) => Ok(scope.clone()),
        (0, count) => Err(ResourceServerRefusal::StillImplied(count as u64)),
        (count, _) => Err(ResourceServerRefusal::StillRegistered(count)),
    }
}

/// The scopes of the resource server imply each other as they may after a scope was added or changed.
fn implications_hold(registry: &ScopeRegistry, changed: &Scope) -> Result<(), ResourceServerRefusal> {
    let others = registry.scopes_of(changed.resource_server).filter(|scope| scope.id != changed.id);
    let all: Vec<Scope> = others.chain([changed]).cloned().collect();
    may_imply(changed, &all).map_err(ResourceServerRefusal::Implication)
}

/// A new scope.
pub fn added_scope(id: ScopeId, server: ResourceServerId, new: &NewScope, at: Timestamp) -> Scope {
    Scope {
        id,
        resource_server: server,
        name: new.name.clone(),
        description: new.description.clone(),
        risk: new.risk,
        assignment: new.assignment,
        implies: new.implies.clone(),
        created_at: at,
        updated_at: at,
    }
}

/// The numbers of further scopes that an application gains by a change; they must exist when it is written.
pub fn gained_scopes(before: &ScopeSet, after: &ScopeSet) -> Vec<ScopeId> {
    after.difference(before).others().to_vec()
}

/// All the scopes that an application gains exist; `existing` is the number of those that do.
///
/// # Errors
/// [`ApplicationRefusal::ScopeDeleted`].
pub fn gained_scopes_exist(gained: &[ScopeId], existing: usize) -> Result<(), ApplicationRefusal> {
    if gained.len() == existing { Ok(()) } else { Err(ApplicationRefusal::ScopeDeleted) }
}

fn server_is_known(
    registry: &ScopeRegistry,
    id: ResourceServerId,
) -> Result<&ResourceServer, ResourceServerRefusal> {
    registry.servers().iter().find(|server| server.id == id).ok_or(ResourceServerRefusal::Unknown)
}

fn scope_is_known(
    registry: &ScopeRegistry,
    server: ResourceServerId,
    id: ScopeId,
) -> Result<&Scope, ResourceServerRefusal> {
    let scope = registry.scope(id).filter(|scope| scope.resource_server == server);
    scope.ok_or(ResourceServerRefusal::Unknown)
}

fn server_is_not_built_in(id: ResourceServerId) -> Result<(), ResourceServerRefusal> {
    if id == BUILT_IN_SERVER { Err(ResourceServerRefusal::BuiltIn) } else { Ok(()) }
}

fn identifier_is_free(
    registry: &ScopeRegistry,
    own: Option<ResourceServerId>,
    identifier: &str,
) -> Result<(), ResourceServerRefusal> {
    let mut others = registry.servers().iter().filter(|server| Some(server.id) != own);
    let is_taken = others.any(|server| server.identifier == identifier);
    if is_taken { Err(ResourceServerRefusal::IdentifierTaken) } else { Ok(()) }
}

fn name_is_free(
    registry: &ScopeRegistry,
    own: Option<ScopeId>,
    name: &str,
) -> Result<(), ResourceServerRefusal> {
    let is_taken = registry.scopes().iter().any(|scope| Some(scope.id) != own && scope.name == name);
    if is_taken { Err(ResourceServerRefusal::NameTaken) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
