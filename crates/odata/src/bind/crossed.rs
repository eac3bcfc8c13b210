//! Combinations of entities of several sets, and the rows that they are made of.

use std::sync::LazyLock;

use crate::error::{Error, Reason};
use crate::model::{AllowedChanges, EntityType};
use crate::tree::column::ScanId;
use crate::tree::{PlanNode, Scan};

/// The type of the combinations, which have no properties but their entities.
static COMBINATION: LazyLock<EntityType> = LazyLock::new(|| EntityType {
    name: "$crossjoin".to_owned(),
    type_name: String::new(),
    schema: None,
    table: String::new(),
    properties: Vec::new(),
    unnamed: 0,
    key: Vec::new(),
    loose_key: Vec::new(),
    key_is_enforced: true,
    navigations: Vec::new(),
    has_unusable_index: false,
    searchable: Vec::new(),
    changes: None,
    may_replace: false,
    may_rewrite: false,
    allowed_changes: AllowedChanges::ALL,
    rule: None,
});

/// An entity set of a cross join, with the scan of its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrossedSet<'m> {
    pub(crate) scan: ScanId,
    pub(crate) entity_type: &'m EntityType,
}

/// The type of the combinations of entities.
pub(super) fn combination() -> &'static EntityType {
    &COMBINATION
}

/// All combinations of the rows of sets.
pub(super) fn rows<'m>(sets: &[CrossedSet<'m>]) -> PlanNode<'m> {
    let scan = |set: &CrossedSet<'m>| PlanNode::Scan(Scan::of(set.scan, set.entity_type));
    let (first, others) = sets.split_first().unwrap_or_else(|| unreachable!("a cross join names a set"));
    others.iter().fold(scan(first), |rows, set| rows.crossed(scan(set)))
}

/// Refuses a transformation of combinations of which nothing else has been made.
pub(super) fn unsupported(what: &str) -> Error {
    Reason::NotImplemented(format!("{what} of a cross join")).at("$apply", 0)
}
