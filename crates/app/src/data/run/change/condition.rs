//! Conditions on which changes are made.

use odata::entity_tag::EntityTag;

/// On which condition a change is made ([Protocol
/// §11.4.1.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_UseofETagsforAvoidingUpdateConflicts)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// On none.
    #[default]
    None,
    /// The entity does not exist.
    Absent,
    /// The entity exists.
    Present,
    /// The entity exists and has one of these tags, without the mark of weak ones.
    Tags(Vec<String>),
    /// The entity exists and has the tag that the change with this id, which is before it in the same set, has left.
    TagAfter(String),
}

/// A tag without the mark of weak ones.
pub(super) fn unmarked(tag: &EntityTag) -> &str {
    tag.as_str().trim_start_matches("W/")
}

impl Condition {
    /// Whether it holds for an entity with this tag, or for none.
    pub(super) fn holds_for(&self, tag: Option<EntityTag>) -> bool {
        match (self, tag) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => true,
            // What names another change has become its tag before.
            (Self::Absent, Some(_)) | (Self::Present | Self::Tags(_), None) | (Self::TagAfter(_), _) => false,
            (Self::Tags(tags), Some(tag)) => tags.iter().any(|one| one == unmarked(&tag)),
        }
    }
}
