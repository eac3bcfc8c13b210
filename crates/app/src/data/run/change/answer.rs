//! What was done by a change, and what is shown of it.

use bytes::Bytes;
use odata::entity_tag::EntityTag;

use crate::data::Content;

/// A change that was made, and is durable.
#[derive(Debug, Clone)]
pub struct ChangeAnswer {
    /// The name of the entity set.
    pub set: String,
    /// What was done to other entities with it.
    pub others: Vec<DoneToOther>,
    /// What was done.
    pub done: Done,
    /// Whether it was done when the request came before.
    pub is_repeated: bool,
    /// The entity tag of the entity, if it exists.
    pub tag: Option<EntityTag>,
    /// Whether what was read is another one only if the tag is.
    pub is_identified: bool,
    /// The link to the next page of what was read, if there is one and the body has no place for it.
    pub next_link: Option<String>,
    /// The kind of the body, if there is one because the client wants it.
    pub content: Option<Content>,
    /// The changed resource; empty if there is no body.
    pub body: Bytes,
}

impl ChangeAnswer {
    /// That this was done, without content.
    pub(in crate::data) fn of(done: Done) -> Self {
        Self {
            set: String::new(),
            others: Vec::new(),
            done,
            is_repeated: false,
            tag: None,
            is_identified: false,
            next_link: None,
            content: None,
            body: Bytes::new(),
        }
    }
}

/// What a change has done to another entity than the one that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DoneToOther {
    /// The name of its entity set.
    pub set: String,
    /// In the words of the audit log.
    pub verb: &'static str,
}

/// What a change has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// A new entity has this absolute address.
    Created(String),
    /// An entity or a property was changed.
    Updated,
    /// An entity was deleted.
    Deleted,
    /// The resource at this path, relative to the service document, was read.
    Read(String),
}

impl Done {
    /// In the words of the audit log.
    pub(in crate::data) const fn verb(&self) -> &'static str {
        match self {
            Self::Created(_) => "create",
            Self::Updated => "update",
            Self::Deleted => "delete",
            Self::Read(_) => "read",
        }
    }
}
