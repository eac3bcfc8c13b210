//! Scopes that imply others: a token with the broad scope may do what each implied scope allows.
//!
//! Only scopes of one resource server imply each other, and the built-in ones neither imply nor are implied, so a check
//! of a built-in scope still tests a single bit. One of them is less than another, which is a rule of
//! [`ScopeSet::limited_to`].

use std::collections::BTreeMap;

use domain::account::Permission;
use domain::id::ScopeId;

use super::{Assignment, BuiltInScope, Scope, ScopeSet};

/// The maximum number of scopes that one scope names as implied.
pub const MOST_IMPLIED: usize = 20;

/// The maximum number of steps from a broad scope to a scope that it implies through others.
pub const DEEPEST_IMPLICATION: usize = 4;

/// What each broad scope amounts to, itself included.
#[derive(Debug, Clone, Default)]
pub(super) struct Hierarchy {
    broad: BTreeMap<ScopeId, ScopeSet>,
}

impl Hierarchy {
    /// Follows the implications of these scopes. What is implied and does not exist is left out.
    pub(super) fn of(scopes: &[Scope]) -> Self {
        let broad = scopes.iter().filter(|scope| !scope.implies.is_empty());
        Self { broad: broad.map(|scope| (scope.id, reached_from(scope.id, scopes))).collect() }
    }

    /// The scopes of the set with everything that they imply. Does not allocate if they imply nothing.
    pub(super) fn effective(&self, set: &ScopeSet) -> ScopeSet {
        if self.broad.is_empty() {
            return set.clone();
        }
        let implied = set.others().iter().filter_map(|id| self.broad.get(id));
        implied.fold(set.clone(), |all, more| all.union(more))
    }

    /// Whether a scope of the set implies this one.
    fn is_implied(&self, id: ScopeId, set: &ScopeSet) -> bool {
        let mut others = set.others().iter().filter(|other| **other != id);
        others.any(|other| self.broad.get(other).is_some_and(|reached| reached.contains_id(id)))
    }

    /// Whether the scopes of a set allow everything that those of `asked` do.
    pub(super) fn covers(&self, set: &ScopeSet, asked: &ScopeSet) -> bool {
        set.covers(asked) || self.beyond(asked, set).is_empty()
    }

    /// The scopes of `asked` that those of a set do not allow.
    pub(super) fn beyond(&self, asked: &ScopeSet, set: &ScopeSet) -> ScopeSet {
        let beyond = asked.difference(&self.effective(set));
        let may_read = set.contains(BuiltInScope::OData);
        if may_read { beyond.difference(&BuiltInScope::ODataRead.into()) } else { beyond }
    }

    /// What both sets allow, without the scopes that follow from others of the result, unless `given` names them.
    pub(super) fn limited(&self, given: &ScopeSet, allowed: &ScopeSet) -> ScopeSet {
        if self.broad.is_empty() || allowed.covers(given) {
            return given.limited_to(allowed);
        }
        let both = self.effective(given).limited_to(&self.effective(allowed));
        both.iter().filter(|id| given.contains_id(*id) || !self.is_implied(*id, &both)).collect()
    }
}

/// The scope, and all that it implies directly or through others.
fn reached_from(start: ScopeId, scopes: &[Scope]) -> ScopeSet {
    let mut reached = vec![start];
    let mut next = 0;
    while let Some(id) = reached.get(next).copied() {
        next += 1;
        let Some(scope) = scopes.iter().find(|scope| scope.id == id) else { continue };
        let exists = |id: &ScopeId| scopes.iter().any(|one| one.id == *id);
        for implied in scope.implies.iter().filter(|id| exists(id)) {
            if !reached.contains(implied) {
                reached.push(*implied);
            }
        }
    }
    reached.into_iter().collect()
}

/// Why the scopes of a resource server cannot imply each other in this way; the message follows the name of the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImplicationFault {
    /// There are too many.
    #[error("names {0} scopes; at most 20 are allowed")]
    TooMany(usize),
    /// One does not exist, or is of another resource server.
    #[error("must name scopes of the same resource server")]
    Unknown,
    /// A scope would imply itself.
    #[error("must not lead back to the scope itself")]
    Circle,
    /// There are too many steps.
    #[error("must not lead over more than 4 scopes")]
    TooDeep,
    /// Somebody who may not assign the implied scope could do so by the broad one.
    #[error(
        "must not let anybody assign more than before: whoever may assign a scope must be allowed to assign each that it implies"
    )]
    AssignableByMore,
}

/// Whether a new or changed scope may imply what it does, among all scopes of its resource server, itself included.
///
/// # Errors
/// [`ImplicationFault`], even if another scope of the resource server implies this one and must not any more.
pub fn may_imply(changed: &Scope, of_server: &[Scope]) -> Result<(), ImplicationFault> {
    let find = |id: &ScopeId| of_server.iter().find(|scope| scope.id == *id);
    if changed.implies.len() > MOST_IMPLIED {
        return Err(ImplicationFault::TooMany(changed.implies.len()));
    }
    if changed.implies.iter().any(|id| find(id).is_none()) {
        return Err(ImplicationFault::Unknown);
    }
    let leads_back = |id: &ScopeId| reached_from(*id, of_server).contains_id(changed.id);
    if changed.implies.iter().any(leads_back) {
        return Err(ImplicationFault::Circle);
    }
    if !is_shallow(of_server) {
        return Err(ImplicationFault::TooDeep);
    }
    let mut pairs = of_server.iter().flat_map(|scope| {
        scope.implies.iter().filter_map(find).map(|implied| (scope.assignment, implied.assignment))
    });
    let holds = pairs.all(|(broad, implied)| assigners_may_assign(broad, implied));
    if holds { Ok(()) } else { Err(ImplicationFault::AssignableByMore) }
}

/// Counts the steps below each scope, which settle after as many rounds as the longest way has.
fn is_shallow(scopes: &[Scope]) -> bool {
    let mut steps: BTreeMap<ScopeId, usize> = scopes.iter().map(|scope| (scope.id, 0)).collect();
    for _ in 0..=DEEPEST_IMPLICATION {
        let below = |scope: &Scope| {
            let known = scope.implies.iter().filter_map(|id| steps.get(id));
            (scope.id, known.max().map_or(0, |most| most + 1))
        };
        steps = scopes.iter().map(below).collect();
    }
    steps.values().all(|count| *count <= DEEPEST_IMPLICATION)
}

/// Whether everybody who may assign the broad scope may assign the implied one.
fn assigners_may_assign(broad: Assignment, implied: Assignment) -> bool {
    match broad {
        Assignment::Anyone => implied == Assignment::Anyone,
        Assignment::Permission(needed) => {
            needed == Permission::Administrator || implied.is_open_to(&[needed])
        }
    }
}

#[cfg(test)]
mod tests;
