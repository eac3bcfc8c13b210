//! The part of a data source that a caller reaches: by the access token, by the rules of the data source, and through a group.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use odata::model::Model;
use odata::model::document::RuleAction;
use odata::rules::{Policy, RuleSubject};
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::{OpenedSource, UNRESTRICTED, namespace};
use crate::identity::caller::{Caller, Via};
use crate::node::entity_cache::Account;

/// The estimated size of the parts of a model that are kept, in bytes. A part that is not kept is compiled again.
const KEPT_BYTES: u64 = 32 * 1024 * 1024;

/// The number of parts that are kept of a large model.
const KEPT_LARGE_PARTS: u64 = 4;

/// The estimated size of a part besides its properties and its key, in bytes.
const PART_BYTES: u64 = 4 * 1024;

/// The estimated size of a property in the model, in the metadata document and in a rule, in bytes.
const PROPERTY_BYTES: u64 = 1024;

/// The parts of a data source that were used last.
#[derive(Debug)]
pub(crate) struct PartCache(Cache<PartKey, Arc<OpenedSource>, PartWeight>);

/// What distinguishes parts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PartKey {
    /// The entity sets that a token reaches; `None` for all.
    names: Option<Vec<String>>,
    /// The rules that decide, and about what.
    policy: Option<(Policy, RuleAction)>,
    /// The group through which it is seen.
    place: Option<PlaceInGroup>,
}

/// How a data source is seen in a group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PlaceInGroup {
    /// The name of the group, which is part of links.
    pub(crate) group: String,
    /// What precedes the names of entity sets, with an underscore.
    pub(crate) prefix: String,
}

#[derive(Debug, Clone)]
struct PartWeight;

impl Weighter<PartKey, Arc<OpenedSource>> for PartWeight {
    fn weight(&self, key: &PartKey, part: &Arc<OpenedSource>) -> u64 {
        let names = key.names.iter().flatten().map(String::len).sum::<usize>();
        let policy = key.policy.as_ref().map_or(0, |(policy, _)| policy.bytes());
        let place = key.place.as_ref().map_or(0, |place| place.group.len() + place.prefix.len());
        PART_BYTES + bytes(&part.model) + (names + policy + place) as u64
    }
}

/// The estimated size of a model with its metadata document.
pub(crate) fn bytes(model: &Model) -> u64 {
    let properties = model.entity_types.iter().map(|entity_type| entity_type.properties.len() as u64);
    properties.sum::<u64>() * PROPERTY_BYTES
}

impl PartCache {
    /// No parts yet, of this model.
    pub(super) fn of(model: &Model) -> Self {
        let most = KEPT_BYTES.max((PART_BYTES + bytes(model)) * KEPT_LARGE_PARTS);
        Self(Cache::with_weighter(16, most, PartWeight))
    }
}

impl OpenedSource {
    /// What the caller reaches for an action. Requests are bound to its model, so they cannot name anything else. `names` are
    /// the entity sets to which the token is limited; `place` is where in a group it is seen, if it is.
    pub(crate) fn reached_by(
        self: &Arc<Self>,
        caller: &Caller,
        names: Option<&[String]>,
        action: RuleAction,
        place: Option<PlaceInGroup>,
    ) -> Arc<Self> {
        let application = match caller.via() {
            Via::Bearer { application, .. } => Some(application.get()),
            Via::Basic | Via::Session | Via::CommandLine | Via::Issuer(_) | Via::Personal(_) => None,
        };
        self.reached(caller.account(), application, names, action, place)
    }

    /// What a user may read who uses no application.
    pub(crate) fn readable_by(self: &Arc<Self>, account: &Account) -> Arc<Self> {
        self.reached(account, None, None, RuleAction::Read, None)
    }

    fn reached(
        self: &Arc<Self>,
        account: &Account,
        application: Option<i64>,
        names: Option<&[String]>,
        action: RuleAction,
        place: Option<PlaceInGroup>,
    ) -> Arc<Self> {
        if names.is_none() && place.is_none() && !self.has_rules() {
            return Arc::clone(self);
        }
        let subject = RuleSubject { user: &account.user.name, roles: &account.roles, application };
        let policy = self.has_rules().then(|| (self.rules.policy(subject), action));
        let key = PartKey { names: names.map(<[String]>::to_vec), policy, place };
        if let Some(part) = self.parts.0.get(&key) {
            return part;
        }
        let part = Arc::new(self.part(&key));
        self.parts.0.insert(key, Arc::clone(&part));
        part
    }

    /// Whether rules decide who may do what with which rows.
    pub(crate) fn has_rules(&self) -> bool {
        !self.rules.is_empty()
    }

    fn part(&self, key: &PartKey) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(UNRESTRICTED + 1);
        let mut model = Arc::clone(&self.model);
        if let Some((policy, action)) = &key.policy {
            model = Arc::new(model.for_policy(&self.rules, policy, *action));
        }
        if let Some(names) = &key.names {
            model = Arc::new(model.limited_to(names));
        }
        if let Some(PlaceInGroup { group, prefix }) = &key.place {
            model = Arc::new(model.preceded_by(&namespace(group), &format!("{prefix}_")));
        }
        Self {
            source: Arc::clone(&self.source),
            parts: Arc::new(PartCache::of(&model)),
            model,
            metadata: Arc::default(),
            is_outdated: Arc::clone(&self.is_outdated),
            policy_version: NEXT.fetch_add(1, Ordering::Relaxed),
            records_requests: self.records_requests,
            rules: Arc::clone(&self.rules),
        }
    }
}
