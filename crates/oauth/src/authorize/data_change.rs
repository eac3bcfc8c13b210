//! How a consent changes by what the user has allowed.

use domain::id::DataSourceId;

use crate::data_access::{DataAccess, SourceAccess, SourceIds, may_change, reach_of};
use crate::grant::{Consent, Grant};

/// How a consent changes by what the user has allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataChange {
    reach: ReachChange,
    /// The data sources about whose changes the user was asked. The others stay as they were.
    asked: SourceIds,
    /// Those of them that may be changed.
    allowed: SourceIds,
}

/// How that changes which data are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
enum ReachChange {
    Keep,
    Instead(Option<Box<DataAccess>>),
    Also {
        chosen: Vec<SourceAccess>,
        /// The data sources of which only what was chosen is reached, if anything.
        left_out: Vec<DataSourceId>,
    },
}

impl From<ReachChange> for DataChange {
    fn from(reach: ReachChange) -> Self {
        Self { reach, asked: SourceIds::default(), allowed: SourceIds::default() }
    }
}

impl DataChange {
    /// It does not change: the request asks for no data.
    pub fn keep() -> Self {
        ReachChange::Keep.into()
    }

    /// It reaches this, in place of what was allowed before; `None` for all data that the user may read, now and later.
    pub fn instead(data: Option<DataAccess>) -> Self {
        ReachChange::Instead(data.map(Box::new)).into()
    }

    /// It also reaches what was chosen among the data that the request names.
    pub fn also(chosen: Vec<SourceAccess>) -> Self {
        Self::also_without(chosen, Vec::new())
    }

    /// The same if the user has left out something of these data sources, so that only what was chosen of them is reached.
    pub fn also_without(chosen: Vec<SourceAccess>, left_out: Vec<DataSourceId>) -> Self {
        ReachChange::Also { chosen, left_out }.into()
    }

    /// The same after the user was asked which of some data sources may be changed, and has allowed some of those that are
    /// reached.
    #[must_use]
    pub fn deciding(
        self,
        asked: impl IntoIterator<Item = DataSourceId>,
        allowed: impl IntoIterator<Item = DataSourceId>,
    ) -> Self {
        let asked = SourceIds::new(asked);
        let reached = self.chosen_reach().unwrap_or_else(DataAccess::everything);
        let allowed = allowed.into_iter().filter(|id| asked.contains(*id));
        Self { allowed: reached.changing(allowed).changes, asked, ..self }
    }

    /// The data of an access under the changed consent, limited to the choice. It changes only what the user was asked about.
    pub fn chosen(&self) -> Option<DataAccess> {
        changing(self.chosen_reach(), self.allowed.iter())
    }

    fn chosen_reach(&self) -> Option<DataAccess> {
        match &self.reach {
            ReachChange::Keep => None,
            ReachChange::Instead(data) => data.as_deref().cloned(),
            ReachChange::Also { chosen, .. } => Some(DataAccess::to(chosen.clone())),
        }
    }

    /// Whether the user has left out something that was offered, so that earlier access may end.
    pub fn leaves_out(&self) -> bool {
        self.leaves_out_data() || self.refused().next().is_some()
    }

    fn leaves_out_data(&self) -> bool {
        match &self.reach {
            ReachChange::Keep | ReachChange::Instead(None) => false,
            ReachChange::Instead(Some(_)) => true,
            ReachChange::Also { left_out, .. } => !left_out.is_empty(),
        }
    }

    /// The data sources about whose changes the user was asked, and that may not be changed.
    pub fn refused(&self) -> impl Iterator<Item = DataSourceId> {
        self.asked.iter().filter(|id| !self.allowed.contains(*id))
    }

    /// Whether it ends a grant, once the consent reaches this: the grant reaches data beyond the consent, or may change
    /// what must not be changed any more. What the user was not asked about ends nothing.
    pub fn ends(&self, grant: &Grant, consent: Option<&DataAccess>) -> bool {
        let data = grant.details.data.as_deref();
        (self.leaves_out_data() && grant.reaches_beyond(consent))
            || self.refused().any(|id| may_change(&grant.scopes, data, id))
    }

    /// The data that the consent reaches after the change. A consent that was for no data before reached none.
    pub fn applied_to(&self, before: Option<&Consent>) -> Option<DataAccess> {
        let of_data = before.filter(|before| before.scopes.reaches_data());
        let reached = match &self.reach {
            ReachChange::Keep => return before.and_then(|before| before.data.clone()),
            ReachChange::Instead(data) => data.as_deref().cloned(),
            ReachChange::Also { chosen, left_out } => match of_data {
                Some(Consent { data: None, .. }) if left_out.is_empty() => None,
                _ => Some(reached_before(of_data).without(left_out).with(chosen)),
            },
        };
        let kept =
            of_data.and_then(|before| before.data.as_ref()).map(|before| self.kept(before, reached.as_ref()));
        let changes: Vec<_> = kept.into_iter().flatten().chain(self.allowed.iter()).collect();
        changing(reached, changes)
    }

    /// What may still be changed although the user was not asked. That never extends to data that were not reached before.
    fn kept(&self, before: &DataAccess, after: Option<&DataAccess>) -> Vec<DataSourceId> {
        let stays =
            |id: &DataSourceId| before.reach(*id).includes(reach_of(after, *id)) && !self.asked.contains(*id);
        before.changes.iter().filter(|id| before.may_change(*id)).filter(stays).collect()
    }
}

fn reached_before(consent: Option<&Consent>) -> DataAccess {
    match consent {
        None => DataAccess::default(),
        Some(consent) => consent.data.clone().unwrap_or_else(DataAccess::everything),
    }
}

/// The access that may change these data sources and no others. Without a limit, an access only reads.
fn changing(data: Option<DataAccess>, changes: impl IntoIterator<Item = DataSourceId>) -> Option<DataAccess> {
    let mut changes = changes.into_iter().peekable();
    if changes.peek().is_none() {
        return data.map(DataAccess::reading);
    }
    Some(data.unwrap_or_else(DataAccess::everything).changing(changes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::BuiltInScope;

    fn id(id: i64) -> DataSourceId {
        DataSourceId::new(id)
    }

    fn all(id: i64) -> SourceAccess {
        SourceAccess::new(DataSourceId::new(id), Vec::new())
    }

    fn ships(id: i64) -> SourceAccess {
        SourceAccess::new(DataSourceId::new(id), vec!["Ships".to_owned()])
    }

    fn consent(data: Option<DataAccess>) -> Consent {
        Consent { data, ..crate::sample::consent(BuiltInScope::OData) }
    }

    #[test]
    fn what_is_left_out_of_a_request_that_names_data_ends() {
        let change = DataChange::also_without(vec![all(1)], vec![id(2)]);
        assert!(change.leaves_out() && !DataChange::also(vec![all(1)]).leaves_out());
        let except = DataAccess::everything().without(&[id(2)]);
        assert_eq!(change.applied_to(Some(&consent(None))), Some(except));
        let before = DataAccess::to(vec![all(2), all(3)]);
        let expected = DataAccess::to(vec![all(3), all(1)]);
        assert_eq!(change.applied_to(Some(&consent(Some(before)))), Some(expected));
    }

    #[test]
    fn a_consent_for_no_data_reaches_none_before_data_is_allowed() {
        let more = vec![all(2)];
        let also = DataChange::also(more.clone());
        let sign_in = crate::sample::consent(BuiltInScope::OpenId);
        let every = crate::sample::consent(BuiltInScope::OData);
        assert_eq!(also.applied_to(None), Some(DataAccess::to(more.clone())));
        assert_eq!(also.applied_to(Some(&sign_in)), Some(DataAccess::to(more)));
        assert_eq!(also.applied_to(Some(&every)), None, "all data stay allowed");
        assert_eq!(DataChange::keep().applied_to(Some(&every)), None);
    }

    #[test]
    fn who_is_not_asked_about_changes_neither_adds_nor_removes_them() {
        let before = consent(Some(DataAccess::to(vec![all(1), all(2)]).changing([id(1)])));
        let changes = |change: &DataChange| change.applied_to(Some(&before)).unwrap_or_default().changes;
        for change in [
            DataChange::instead(None),
            DataChange::instead(Some(DataAccess::to(vec![all(1)]))),
            DataChange::also(vec![all(1)]),
            DataChange::also(vec![all(3)]),
            DataChange::also_without(vec![ships(1)], vec![id(1)]),
            DataChange::keep(),
        ] {
            assert_eq!(changes(&change), SourceIds::new([id(1)]), "{change:?}");
            let token = change.chosen().unwrap_or_default();
            assert!(token.changes.is_empty(), "the request did not ask: {change:?}");
        }
        let without = DataChange::also_without(vec![all(2)], vec![id(1)]);
        assert!(changes(&without).is_empty(), "it is not reached any more");
    }

    #[test]
    fn the_right_to_change_does_not_grow_with_what_is_read() {
        let before = consent(Some(DataAccess::to(vec![ships(1)]).changing([id(1)])));
        for change in [
            DataChange::also(vec![all(1)]),
            DataChange::instead(Some(DataAccess::to(vec![all(1)]))),
            DataChange::instead(None),
        ] {
            let after = change.applied_to(Some(&before)).unwrap_or_else(DataAccess::everything);
            assert!(!after.may_change(id(1)), "{change:?}");
            let asked = change.deciding([id(1)], [id(1)]);
            let after = asked.applied_to(Some(&before)).unwrap();
            assert!(after.may_change(id(1)), "whoever is asked decides: {asked:?}");
        }
    }

    #[test]
    fn only_what_the_user_was_asked_about_and_has_chosen_may_be_changed() {
        let chosen = DataChange::also(vec![all(1)]).deciding([id(1), id(2)], [id(1), id(2), id(3)]);
        assert_eq!(chosen.chosen(), Some(DataAccess::to(vec![all(1)]).changing([id(1)])));
        assert_eq!(chosen.refused().collect::<Vec<_>>(), [id(2)]);
        let every = DataChange::instead(None).deciding([id(1)], [id(1)]);
        assert_eq!(every.applied_to(None), Some(DataAccess::everything().changing([id(1)])));
        assert!(!every.leaves_out());
    }

    #[test]
    fn an_unticked_box_ends_the_grants_that_change_something_and_no_others() {
        let unticked = DataChange::also(vec![all(1)]).deciding([id(1)], []);
        assert!(unticked.leaves_out());
        let reads = DataAccess::to(vec![all(1), all(2)]);
        let grant = |scope: BuiltInScope, data: Option<DataAccess>| {
            let mut grant = crate::sample::grant();
            grant.scopes = scope.into();
            grant.details.data = data.map(Box::new);
            grant
        };
        let consent = Some(DataAccess::to(vec![all(1)]));
        for (scope, data, ends) in [
            (BuiltInScope::OData, Some(reads.clone()), false),
            (BuiltInScope::OData, None, false),
            (BuiltInScope::OData, Some(reads.clone().changing([id(2)])), false),
            (BuiltInScope::OData, Some(reads.clone().changing([id(1)])), true),
            (BuiltInScope::ODataRead, Some(reads.clone().changing([id(1)])), false),
        ] {
            let grant = grant(scope, data);
            assert_eq!(unticked.ends(&grant, consent.as_ref()), ends, "{scope:?} {:?}", grant.details.data);
        }
        let less = DataChange::instead(consent.clone());
        assert!(less.ends(&grant(BuiltInScope::OData, Some(reads)), consent.as_ref()));
        let own = DataAccess::to(vec![all(1)]).changing([id(1)]);
        assert!(!less.ends(&grant(BuiltInScope::OData, Some(own)), consent.as_ref()), "nobody was asked");
    }
}
