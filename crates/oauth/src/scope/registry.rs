//! The registry: every resource server with its scopes, held in memory.

use std::collections::BTreeMap;

use domain::id::{ResourceServerId, ScopeId};
use domain::time::Timestamp;

use super::hierarchy::Hierarchy;
use super::{
    Assignment, BUILT_IN_IDENTIFIER, BUILT_IN_SERVER, BuiltInScope, ResourceServer, Risk, Scope, ScopeSet,
};

/// The alias of [`BuiltInScope::OData`] in requests.
const ODATA_ALIAS: &str = "odata";

/// Every resource server and every scope, as one version of the system database has them.
#[derive(Debug, Clone)]
pub struct ScopeRegistry {
    servers: Vec<ResourceServer>,
    scopes: Vec<Scope>,
    by_name: BTreeMap<String, ScopeId>,
    hierarchy: Hierarchy,
}

/// No scope has that name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope")]
pub struct UnknownScope;

impl ScopeRegistry {
    /// Creates the registry from the stored rows, in any order.
    pub fn new(mut servers: Vec<ResourceServer>, mut scopes: Vec<Scope>) -> Self {
        servers.sort_unstable_by_key(|server| server.id);
        scopes.sort_unstable_by_key(|scope| scope.id);
        let by_name = scopes.iter().map(|scope| (scope.name.clone(), scope.id)).collect();
        let hierarchy = Hierarchy::of(&scopes);
        Self { servers, scopes, by_name, hierarchy }
    }

    /// The registry of a new installation: the built-in resource server with its scopes.
    pub fn built_in() -> Self {
        let at = Timestamp::from_micros(0);
        let server = ResourceServer {
            id: BUILT_IN_SERVER,
            identifier: BUILT_IN_IDENTIFIER.to_owned(),
            name: "Sluicegate".to_owned(),
            created_at: at,
            updated_at: at,
        };
        let scope = |scope: BuiltInScope| {
            let (description, risk, assignment) = match scope {
                BuiltInScope::OData => ("Allow data access via OData", Risk::Elevated, Assignment::Anyone),
                BuiltInScope::ODataRead => ("Read data via OData", Risk::Elevated, Assignment::Anyone),
                BuiltInScope::Management => {
                    ("Allow managing Sluicegate on your behalf", Risk::High, Assignment::ADMINISTRATORS)
                }
                BuiltInScope::Introspect => {
                    ("Allow asking about tokens of every application", Risk::High, Assignment::ADMINISTRATORS)
                }
                BuiltInScope::OpenId => ("Confirm who you are", Risk::Low, Assignment::Anyone),
                BuiltInScope::Profile => {
                    ("See your name, picture and other profile details", Risk::Elevated, Assignment::Anyone)
                }
                BuiltInScope::Email => ("See your email address", Risk::Elevated, Assignment::Anyone),
                BuiltInScope::Address => ("See your postal address", Risk::Elevated, Assignment::Anyone),
                BuiltInScope::Phone => ("See your telephone number", Risk::Elevated, Assignment::Anyone),
                BuiltInScope::OfflineAccess => {
                    ("Keep its access while you are not using it", Risk::Elevated, Assignment::Anyone)
                }
                BuiltInScope::Mcp => ("Read data for an AI assistant", Risk::Elevated, Assignment::Anyone),
            };
            Scope {
                id: scope.id(),
                resource_server: BUILT_IN_SERVER,
                name: scope.as_str().to_owned(),
                description: description.to_owned(),
                risk,
                assignment,
                implies: Vec::new(),
                created_at: at,
                updated_at: at,
            }
        };
        Self::new(vec![server], BuiltInScope::ALL.map(scope).into())
    }

    /// The resource servers, by id.
    pub fn servers(&self) -> &[ResourceServer] {
        &self.servers
    }

    /// The scopes of all resource servers, by id.
    pub fn scopes(&self) -> &[Scope] {
        &self.scopes
    }

    /// The scopes of a resource server, by id.
    pub fn scopes_of(&self, server: ResourceServerId) -> impl Iterator<Item = &Scope> {
        self.scopes.iter().filter(move |scope| scope.resource_server == server)
    }

    /// The scope with that number.
    pub fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.binary_search_by_key(&id, |scope| scope.id).ok().map(|at| &self.scopes[at])
    }

    /// The scope with that name or alias.
    ///
    /// # Errors
    /// [`UnknownScope`].
    pub fn named(&self, name: &str) -> Result<&Scope, UnknownScope> {
        let id = match name {
            ODATA_ALIAS => BuiltInScope::OData.id(),
            _ => *self.by_name.get(name).ok_or(UnknownScope)?,
        };
        self.scope(id).ok_or(UnknownScope)
    }

    /// The set of these names, separated by spaces. Surrounding spaces are trimmed, and no names give the
    /// empty set.
    ///
    /// # Errors
    /// [`UnknownScope`].
    pub fn parse(&self, text: &str) -> Result<ScopeSet, UnknownScope> {
        let names = text.split(' ').filter(|name| !name.is_empty());
        names.map(|name| self.named(name).map(|scope| scope.id)).collect()
    }

    /// The scopes of the set by number. A scope that was deleted is left out.
    pub fn scopes_in<'a>(&'a self, set: &'a ScopeSet) -> impl Iterator<Item = &'a Scope> {
        set.iter().filter_map(|id| self.scope(id))
    }

    /// Everything that a token with the scopes of the set may do: the set with all that its scopes imply.
    pub fn effective(&self, set: &ScopeSet) -> ScopeSet {
        self.hierarchy.effective(set)
    }

    /// Whether the scopes of the set allow everything that those of `asked` do.
    pub fn covers(&self, set: &ScopeSet, asked: &ScopeSet) -> bool {
        self.hierarchy.covers(set, asked)
    }

    /// The scopes of `asked` that those of the set do not allow.
    #[must_use]
    pub fn beyond(&self, asked: &ScopeSet, set: &ScopeSet) -> ScopeSet {
        self.hierarchy.beyond(asked, set)
    }

    /// What both sets allow. Scopes that follow from others of the result are left out, unless `given` names them.
    #[must_use]
    pub fn limited(&self, given: &ScopeSet, allowed: &ScopeSet) -> ScopeSet {
        self.hierarchy.limited(given, allowed)
    }

    /// The names of the scopes that the scope names as implied, in the order of their numbers.
    pub fn implied_by(&self, scope: &Scope) -> Vec<String> {
        scope.implies.iter().filter_map(|id| self.scope(*id)).map(|scope| scope.name.clone()).collect()
    }

    /// The names of the scopes in the set, in the order of their numbers.
    pub fn names(&self, set: &ScopeSet) -> Vec<String> {
        self.scopes_in(set).map(|scope| scope.name.clone()).collect()
    }

    /// What the scopes in the set allow, in words, in the order of their numbers.
    pub fn descriptions(&self, set: &ScopeSet) -> Vec<String> {
        self.scopes_in(set).map(|scope| scope.description.clone()).collect()
    }

    /// The names of the scopes in the set, separated by single spaces: the `scope` of a response.
    pub fn text(&self, set: &ScopeSet) -> String {
        let mut text = String::new();
        for scope in self.scopes_in(set) {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(&scope.name);
        }
        text
    }
}

#[cfg(test)]
mod tests;
