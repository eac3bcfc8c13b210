//! What clients that register themselves may have.

use crate::application::{ApplicationSettings, ClientType, GrantType, Profile};
use crate::client_document::HostPattern;
use crate::scope::{Assignment, MOST_SCOPES_OF_APPLICATION, ScopeRegistry};

/// The policy of an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientPolicy {
    /// The grant types.
    pub grant_types: Vec<GrantType>,
    /// The names of the scopes; every scope that anybody may assign if there are none.
    pub scopes: Vec<String>,
    /// The hosts of redirect URIs; any if there are none.
    pub redirect_hosts: Vec<HostPattern>,
    /// Whether clients need a software statement of a trusted issuer.
    pub requires_software_statement: bool,
}

impl Default for ClientPolicy {
    fn default() -> Self {
        Self {
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken, GrantType::DeviceCode],
            scopes: Vec::new(),
            redirect_hosts: Vec::new(),
            requires_software_statement: false,
        }
    }
}

/// Whether a client that registers itself can have the grant type at all.
pub fn may_register(grant: GrantType, profile: Profile) -> bool {
    grant.barriers(profile, ClientType::Public).next().is_none()
}

impl ClientPolicy {
    /// The allowed scopes, of these the ones that are asked for if there are any, and those that the client has.
    pub(super) fn scopes(
        &self,
        registry: &ScopeRegistry,
        asked: Option<&[&str]>,
        existing: Option<&ApplicationSettings>,
    ) -> Vec<String> {
        let allowed = registry.scopes().iter().filter(|scope| {
            let is_open = scope.assignment == Assignment::Anyone
                && (self.scopes.is_empty() || self.scopes.contains(&scope.name));
            is_open || existing.is_some_and(|settings| settings.scopes.contains_id(scope.id))
        });
        let allowed: Vec<&String> = allowed.map(|scope| &scope.name).collect();
        let named: Vec<&String> = match asked {
            Some(asked) => allowed.iter().copied().filter(|name| asked.contains(&name.as_str())).collect(),
            None => Vec::new(),
        };
        let usable = if named.is_empty() { allowed } else { named };
        usable.into_iter().take(MOST_SCOPES_OF_APPLICATION).cloned().collect()
    }

    /// Whether redirect URIs may name this host. A URI without a host is one of an application on a device.
    pub(super) fn allows_host(&self, host: Option<&str>) -> bool {
        self.redirect_hosts.is_empty()
            || host.is_some_and(|host| self.redirect_hosts.iter().any(|rule| rule.includes(host)))
    }
}
