//! Scopes ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)) and sets of them.
//!
//! A scope is a row of the [`ScopeRegistry`] and has a number. Grants and tokens hold numbers; names exist in
//! requests and responses only. [`BuiltInScope`] lists the scopes that this server enforces itself.

use std::iter;
use std::sync::Arc;

use domain::id::ScopeId;

use crate::refusal::Refusal;

mod hierarchy;
mod registry;
mod resource_server;

pub use hierarchy::{DEEPEST_IMPLICATION, ImplicationFault, MOST_IMPLIED, may_imply};
pub use registry::{ScopeRegistry, UnknownScope};
pub use resource_server::{
    Assignment, BUILT_IN_IDENTIFIER, BUILT_IN_SERVER, LONGEST_DESCRIPTION, LONGEST_IDENTIFIER, LONGEST_NAME,
    LONGEST_SCOPE_NAME, MOST_RESOURCE_SERVERS, MOST_SCOPES_OF_SERVER, NewResourceServer, NewScope,
    ResourceServer, ResourceServerFault, Risk, Scope, ScopeFault, UnknownAssignment, UnknownRisk,
};

/// The maximum number of scopes of one application, and therefore of one token.
pub const MOST_SCOPES_OF_APPLICATION: usize = 50;

/// The scopes that this server enforces itself. They are the first rows of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltInScope {
    /// `api.access.odata`, alias `odata`: read the user's data over OData, and change what the user has allowed to be changed.
    OData,
    /// `api.mgmt`: use the management API as the user. Only an Administrator may assign it to an application.
    Management,
    /// `token.introspect`: introspect tokens of every application. Only an Administrator may assign it.
    Introspect,
    /// `openid`: obtain ID tokens and ask the userinfo endpoint ([OpenID Connect Core
    /// §3.1.2.1](https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest)).
    OpenId,
    /// `profile`: the claims about the person ([OpenID Connect Core
    /// §5.4](https://openid.net/specs/openid-connect-core-1_0.html#ScopeClaims)), like the next three.
    Profile,
    /// `email`: the mail address.
    Email,
    /// `address`: the postal address.
    Address,
    /// `phone`: the telephone number.
    Phone,
    /// `offline_access`: a refresh token ([OpenID Connect Core
    /// §11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess)).
    OfflineAccess,
    /// `mcp.read`: read the user's data with the tools of the Model Context Protocol.
    Mcp,
    /// `api.access.odata.read`: read the user's data over OData, and never change any.
    ODataRead,
}

impl BuiltInScope {
    /// Every built-in scope, in the order in which they are written.
    pub const ALL: [Self; 11] = [
        Self::OData,
        Self::Management,
        Self::Introspect,
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Address,
        Self::Phone,
        Self::OfflineAccess,
        Self::Mcp,
        Self::ODataRead,
    ];

    /// The scopes that reach data sources. A user who allows one of them chooses the data.
    pub const OF_DATA: [Self; 3] = [Self::OData, Self::Mcp, Self::ODataRead];

    /// The scopes with which data can be read over OData.
    pub const OF_ODATA: [Self; 2] = [Self::OData, Self::ODataRead];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OData => "api.access.odata",
            Self::Management => "api.mgmt",
            Self::Introspect => "token.introspect",
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Address => "address",
            Self::Phone => "phone",
            Self::OfflineAccess => "offline_access",
            Self::Mcp => "mcp.read",
            Self::ODataRead => "api.access.odata.read",
        }
    }

    /// The scopes of OpenID Connect that identify a user. They are never granted without a user.
    pub const OF_USERS: [Self; 5] = [Self::OpenId, Self::Profile, Self::Email, Self::Address, Self::Phone];

    /// Its number in the registry.
    pub const fn id(self) -> ScopeId {
        ScopeId::new(self as i64 + 1)
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }

    fn of_id(id: ScopeId) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.id() == id)
    }
}

/// A set of scopes. A set of built-in scopes is a number; further scopes are a sorted list, which copies
/// share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet {
    built_in: u32,
    /// Sorted, without repetition, never empty, and without built-in scopes.
    others: Option<Arc<[ScopeId]>>,
}

impl ScopeSet {
    /// The empty set.
    pub const EMPTY: Self = Self { built_in: 0, others: None };

    /// The built-in scopes as bits, for storage and for sealed payloads; the bits of a scope never change
    /// their meaning.
    pub const fn bits(&self) -> u32 {
        self.built_in
    }

    /// The scopes that are not built in, in ascending order.
    pub fn others(&self) -> &[ScopeId] {
        self.others.as_deref().unwrap_or_default()
    }

    /// Creates a set of built-in scopes from stored bits; unknown bits are dropped.
    pub fn from_bits(bits: u32) -> Self {
        BuiltInScope::ALL.into_iter().filter(|scope| bits & scope.bit() != 0).collect()
    }

    /// Creates the set from stored bits, of which unknown ones are dropped, and from the numbers of further
    /// scopes in any order.
    pub fn from_parts(bits: u32, others: impl IntoIterator<Item = ScopeId>) -> Self {
        let others = others.into_iter().filter(|id| BuiltInScope::of_id(*id).is_none()).collect();
        Self { others: listed(others), ..Self::from_bits(bits) }
    }

    /// The number of scopes in the set.
    pub fn len(&self) -> usize {
        self.built_in.count_ones() as usize + self.others().len()
    }

    /// Whether the built-in scope is in the set.
    pub const fn contains(&self, scope: BuiltInScope) -> bool {
        self.built_in & scope.bit() != 0
    }

    /// Whether a scope of the set reaches data sources.
    pub fn reaches_data(&self) -> bool {
        BuiltInScope::OF_DATA.into_iter().any(|scope| self.contains(scope))
    }

    /// Whether the scope with this number is in the set.
    pub fn contains_id(&self, id: ScopeId) -> bool {
        BuiltInScope::of_id(id)
            .map_or_else(|| self.others().binary_search(&id).is_ok(), |scope| self.contains(scope))
    }

    /// Whether every scope of `other` is in the set.
    pub fn covers(&self, other: &Self) -> bool {
        self.built_in & other.built_in == other.built_in
            && other.others().iter().all(|id| self.others().binary_search(id).is_ok())
    }

    /// The scopes in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let others = self.others_where(other, |of_other, id| of_other.binary_search(&id).is_ok());
        Self { built_in: self.built_in & other.built_in, others }
    }

    /// What both sets allow, apart from what other scopes imply. Who may read and change data may be limited to reading
    /// them, so `api.access.odata` in one set and `api.access.odata.read` in the other are the latter.
    #[must_use]
    pub fn limited_to(&self, other: &Self) -> Self {
        let mut both = self.intersection(other);
        let reads = |set: &Self| BuiltInScope::OF_ODATA.into_iter().any(|scope| set.contains(scope));
        if reads(self) && reads(other) && !both.contains(BuiltInScope::OData) {
            both.built_in |= BuiltInScope::ODataRead.bit();
        }
        both
    }

    /// The scopes in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let others = match (&self.others, &other.others) {
            (others, None) | (None, others) => others.clone(),
            (Some(some), Some(more)) => listed(some.iter().chain(more.iter()).copied().collect()),
        };
        Self { built_in: self.built_in | other.built_in, others }
    }

    /// The scopes in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let others = self.others_where(other, |of_other, id| of_other.binary_search(&id).is_err());
        Self { built_in: self.built_in & !other.built_in, others }
    }

    /// Whether the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.built_in == 0 && self.others.is_none()
    }

    /// The numbers of its scopes: the built-in ones in the order of [`BuiltInScope::ALL`], then the others.
    pub fn iter(&self) -> impl Iterator<Item = ScopeId> + '_ {
        let built_in = BuiltInScope::ALL.into_iter().filter(|scope| self.contains(*scope));
        built_in.map(BuiltInScope::id).chain(self.others().iter().copied())
    }

    /// Those of the further scopes for which `keep` holds. Does not allocate if there are none, or if all of
    /// them are kept.
    fn others_where(
        &self,
        other: &Self,
        keep: impl Fn(&[ScopeId], ScopeId) -> bool,
    ) -> Option<Arc<[ScopeId]>> {
        let own = self.others.as_ref()?;
        let kept = |id: &ScopeId| keep(other.others(), *id);
        if own.iter().all(kept) {
            return Some(Arc::clone(own));
        }
        listed(own.iter().copied().filter(kept).collect())
    }
}

fn listed(mut ids: Vec<ScopeId>) -> Option<Arc<[ScopeId]>> {
    ids.sort_unstable();
    ids.dedup();
    (!ids.is_empty()).then(|| ids.into())
}

impl FromIterator<BuiltInScope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = BuiltInScope>>(scopes: I) -> Self {
        let built_in = scopes.into_iter().fold(0, |bits, scope| bits | scope.bit());
        Self { built_in, others: None }
    }
}

impl FromIterator<ScopeId> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = ScopeId>>(ids: I) -> Self {
        let (mut built_in, mut others) = (0, Vec::new());
        for id in ids {
            match BuiltInScope::of_id(id) {
                Some(scope) => built_in |= scope.bit(),
                None => others.push(id),
            }
        }
        Self { built_in, others: listed(others) }
    }
}

impl From<BuiltInScope> for ScopeSet {
    fn from(scope: BuiltInScope) -> Self {
        Self { built_in: scope.bit(), others: None }
    }
}

impl From<ScopeId> for ScopeSet {
    fn from(id: ScopeId) -> Self {
        iter::once(id).collect()
    }
}

/// The scopes that a request asks for, out of those of an application ([RFC 6749
/// §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)). `offline_access` is left out if the application gets no refresh
/// tokens ([OpenID Connect Core §11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess)).
pub(crate) fn requested_of(
    text: Option<&str>,
    registered: &ScopeSet,
    gets_refresh_tokens: bool,
    registry: &ScopeRegistry,
) -> Result<ScopeSet, Refusal> {
    let named = registry.parse(text.unwrap_or_default()).map_err(|_| Refusal::ScopeUnknown)?;
    let asked = if named.is_empty() { default_of(registered, registry) } else { named };
    if !registry.covers(registered, &asked) {
        return Err(Refusal::ScopeNotRegistered);
    }
    let left =
        if gets_refresh_tokens { asked } else { asked.difference(&BuiltInScope::OfflineAccess.into()) };
    if left.is_empty() { Err(Refusal::ScopeWithoutEffect) } else { Ok(left) }
}

/// What an omitted or blank scope stands for: `api.access.odata`; for an application without it, everything that it is
/// registered for, except what a client has to ask for by name.
fn default_of(registered: &ScopeSet, registry: &ScopeRegistry) -> ScopeSet {
    const BY_NAME: [BuiltInScope; 3] =
        [BuiltInScope::Management, BuiltInScope::Introspect, BuiltInScope::OfflineAccess];

    let data = ScopeSet::from(BuiltInScope::OData);
    if registry.covers(registered, &data) {
        return data;
    }
    registered.difference(&BY_NAME.into_iter().collect())
}

#[cfg(test)]
mod tests;
