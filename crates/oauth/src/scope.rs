//! Scopes ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3)) and sets of them.

use std::fmt;
use std::str::FromStr;

use crate::refusal::Refusal;

/// What an access token may be used for. The set is closed, because an unknown scope would promise something
/// that no rule enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BuiltInScope {
    /// `api.access.odata`, alias `odata`: read the user's data over OData.
    OData,
    /// `api.mgmt`: use the management API as the user. Only an Administrator may assign it to an application.
    Management,
    /// `token.introspect`: introspect tokens of every application. Only an Administrator may assign it.
    Introspect,
}

impl BuiltInScope {
    /// Every scope, in the order in which they are written.
    pub const ALL: [Self; 3] = [Self::OData, Self::Management, Self::Introspect];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OData => "api.access.odata",
            Self::Management => "api.mgmt",
            Self::Introspect => "token.introspect",
        }
    }

    /// What it allows, in words for the consent page.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OData => "Allow data access via OData",
            Self::Management => "Allow managing Sluicegate on your behalf",
            Self::Introspect => "Allow asking about tokens of every application",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

impl fmt::Display for BuiltInScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No scope has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown scope")]
pub struct UnknownScope;

impl FromStr for BuiltInScope {
    type Err = UnknownScope;

    fn from_str(name: &str) -> Result<Self, UnknownScope> {
        match name {
            "odata" => Ok(Self::OData),
            _ => Self::ALL.into_iter().find(|scope| scope.as_str() == name).ok_or(UnknownScope),
        }
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ScopeSet(u32);

impl ScopeSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);

    /// The set as bits, for storage and for sealed payloads; the bits of a scope never change their meaning.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Creates the set from stored bits; unknown bits are dropped.
    pub fn from_bits(bits: u32) -> Self {
        BuiltInScope::ALL.into_iter().filter(|scope| bits & scope.bit() != 0).collect()
    }

    /// Whether the scope is in the set.
    pub const fn contains(self, scope: BuiltInScope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether every scope of `other` is in the set.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The scopes in both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The scopes in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The scopes in this set and not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its scopes in the order of [`BuiltInScope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = BuiltInScope> {
        BuiltInScope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<BuiltInScope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = BuiltInScope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl From<BuiltInScope> for ScopeSet {
    fn from(scope: BuiltInScope) -> Self {
        Self(scope.bit())
    }
}

/// The names, separated by single spaces.
impl fmt::Display for ScopeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for scope in self.iter() {
            write!(f, "{separator}{scope}")?;
            separator = " ";
        }
        Ok(())
    }
}

/// Names separated by spaces; surrounding spaces are trimmed, and no names give the empty set.
impl FromStr for ScopeSet {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        text.split(' ').filter(|name| !name.is_empty()).map(BuiltInScope::from_str).collect()
    }
}

/// The scopes that a request asks for, out of those of an application. An omitted or blank value stands for
/// `api.access.odata` ([RFC 6749 §3.3](https://www.rfc-editor.org/rfc/rfc6749#section-3.3): a default, or a
/// refusal).
pub(crate) fn requested_of(text: Option<&str>, registered: ScopeSet) -> Result<ScopeSet, Refusal> {
    let named: ScopeSet = text.unwrap_or_default().parse().map_err(|_| Refusal::ScopeUnknown)?;
    let asked = if named.is_empty() { ScopeSet::from(BuiltInScope::OData) } else { named };
    if registered.covers(asked) { Ok(asked) } else { Err(Refusal::ScopeNotRegistered) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_alias_and_surrounding_blanks() {
        for text in ["odata", " api.access.odata ", "odata api.access.odata"] {
            assert_eq!(text.parse(), Ok(ScopeSet::from(BuiltInScope::OData)), "{text:?}");
        }
        assert_eq!("".parse(), Ok(ScopeSet::EMPTY));
        assert_eq!("openid".parse::<ScopeSet>(), Err(UnknownScope));
    }

    #[test]
    fn printing_and_reading_a_set_is_identity() {
        for bits in 0..8 {
            let set = ScopeSet::from_bits(bits);
            assert_eq!(set.to_string().parse(), Ok(set));
            assert_eq!(ScopeSet::from_bits(set.bits()), set);
        }
    }

    #[test]
    fn bits_without_a_meaning_are_dropped() {
        assert_eq!(ScopeSet::from_bits(u32::MAX), BuiltInScope::ALL.into_iter().collect());
    }

    #[test]
    fn no_scope_asks_for_data_access() {
        let registered = BuiltInScope::ALL.into_iter().collect();
        for text in [None, Some(""), Some("  ")] {
            assert_eq!(requested_of(text, registered), Ok(BuiltInScope::OData.into()));
        }
    }

    #[test]
    fn a_scope_that_is_unknown_or_not_registered_is_refused() {
        let registered = ScopeSet::from(BuiltInScope::OData);
        assert_eq!(requested_of(Some("odata nonsense"), registered), Err(Refusal::ScopeUnknown));
        assert_eq!(requested_of(Some("api.mgmt"), registered), Err(Refusal::ScopeNotRegistered));
        assert_eq!(requested_of(None, BuiltInScope::Introspect.into()), Err(Refusal::ScopeNotRegistered));
    }
}
