//! A change as it was asked for, and how it is bound to the model.

use std::borrow::Cow;
use std::sync::Arc;

use odata::change::{
    self, BoundChange, ChangeContext, ChangeKind, EntityState, Lead, Payload, References, Verb,
};
use odata::format::Format;
use odata::statement::Statement;
use odata::url::Url;
use sources::{BrokenRule, SourceError, Violation};

use crate::data::DataRefusal;
use crate::data::models::OpenedSource;

/// A change as it was asked for.
#[derive(Debug)]
pub(in crate::data) struct WantedChange<'a> {
    pub(in crate::data) verb: Verb,
    /// The path and query of the request.
    pub(in crate::data) path_and_query: Cow<'a, str>,
    pub(in crate::data) bytes: Cow<'a, [u8]>,
    pub(in crate::data) numbers_as_text: bool,
    /// The format that the client accepts, if there is one.
    pub(in crate::data) accepted: Option<Format>,
    /// Whether the client wants the changed resource, if it says so.
    pub(in crate::data) wanted: Option<bool>,
}

/// What the caller reaches.
#[derive(Clone)]
pub(in crate::data) struct Parts {
    /// What the caller may change in this way.
    pub(in crate::data) opened: Arc<OpenedSource>,
    /// What the caller may read.
    pub(in crate::data) shown: Arc<OpenedSource>,
    /// What the caller may insert.
    pub(in crate::data) inserted: Arc<OpenedSource>,
    /// What the caller may update.
    pub(in crate::data) updated: Arc<OpenedSource>,
    /// What the caller may delete.
    pub(in crate::data) deleted: Arc<OpenedSource>,
}

/// A change that was bound.
#[derive(Debug)]
pub(in crate::data) struct Bound {
    pub(in crate::data) change: BoundChange,
    /// Reads the addressed entity as the caller may read it, if that may be more than the caller may change.
    pub(in crate::data) seen: Option<EntityState>,
    /// Finds what else must exist for the caller.
    pub(in crate::data) through: Option<Statement>,
    /// The path and query of the request, without references.
    pub(in crate::data) path_and_query: String,
    pub(in crate::data) format: Format,
    pub(in crate::data) wanted: Option<bool>,
}

impl WantedChange<'_> {
    /// Whether it may refer to what an earlier change of the same set creates.
    pub(in crate::data) fn may_refer(&self) -> bool {
        // JSON may write the sign as an escape.
        self.path_and_query.contains('$')
            || self.path_and_query.contains("%24")
            || self.bytes.iter().any(|byte| matches!(byte, b'$' | b'\\'))
    }

    /// The same for a task.
    pub(in crate::data) fn into_owned(self) -> WantedChange<'static> {
        WantedChange {
            path_and_query: Cow::Owned(self.path_and_query.into_owned()),
            bytes: Cow::Owned(self.bytes.into_owned()),
            ..self
        }
    }

    /// Whether its path leads through a navigation property to one entity, so that only the database says to which.
    pub(in crate::data) fn is_led(&self, parts: &Parts) -> Result<bool, DataRefusal> {
        let shown = &parts.shown;
        Ok(Lead::of(&self.path_and_query, &shown.model, shown.source.dialect())?.is_some())
    }

    /// Binds it. `root` is the absolute URL of the service document.
    pub(in crate::data) fn bind(
        &self,
        references: &References,
        root: &str,
        parts: &Parts,
    ) -> Result<Bound, DataRefusal> {
        let address = references.resolved(&self.path_and_query).into_owned();
        self.bind_at(address, references, root, parts)
    }

    /// Binds it at this address.
    pub(in crate::data) fn bind_at(
        &self,
        path_and_query: String,
        references: &References,
        root: &str,
        parts: &Parts,
    ) -> Result<Bound, DataRefusal> {
        let url = Url::read(&path_and_query)?;
        let payload = Payload { bytes: &self.bytes, numbers_as_text: self.numbers_as_text };
        let context = ChangeContext { verb: self.verb, payload, service_root: root, references };
        let bind = |part: &OpenedSource| change::prepare(&url, &part.model, &context, part.source.dialect());
        let mut change = bind(&parts.opened)?;
        let mut through = change.through.take();
        let mut seen = None;
        if parts.opened.has_rules() {
            let shown = bind(&parts.shown)?;
            (seen, through) = (shown.state, shown.through);
        }
        // A format must be acceptable if there may be a body.
        let wanted = if change.is_reference { Some(false) } else { self.wanted };
        let may_have_body = wanted != Some(false) && self.verb != Verb::Delete;
        if self.accepted.is_none() && may_have_body && !url.names_format() {
            return Err(DataRefusal::NotAcceptable);
        }
        let format = self.accepted.unwrap_or_default();
        Ok(Bound { change, seen, through, path_and_query, format, wanted })
    }
}

/// What a statement changes.
#[derive(Debug)]
pub(in crate::data) struct About {
    /// The name of the entity set.
    pub(super) set: String,
    /// The place in the body of the request, if it is a part of it.
    pub(super) place: String,
    pub(super) is_deletion: bool,
}

impl About {
    pub(in crate::data) fn of(change: &BoundChange) -> Self {
        let is_deletion = matches!(change.kind, ChangeKind::Delete(_));
        Self { set: change.set.clone(), place: String::new(), is_deletion }
    }
}

/// The refusal of a change that the database did not make. Columns are named as the model names them, if it is known which change
/// it was.
pub(in crate::data) fn refused(
    error: SourceError,
    about: Option<&About>,
    opened: &OpenedSource,
) -> DataRefusal {
    let SourceError::Violation(Violation { rule, columns }) = error else { return error.into() };
    let entity_type = about.and_then(|about| opened.model.entity_type(&about.set));
    let properties = entity_type.map(|entity_type| entity_type.properties.as_slice()).unwrap_or_default();
    let name_of = |column: &String| {
        let property = properties.iter().find(|property| property.column.eq_ignore_ascii_case(column));
        property.map(|property| property.name.clone())
    };
    // A name that is not in the model may be hidden, so none is told then.
    let names = columns.iter().map(name_of).collect::<Option<Vec<_>>>().unwrap_or_default();
    let rule = match rule {
        BrokenRule::Missing if about.is_some_and(|about| about.is_deletion) => BrokenRule::Reference,
        rule => rule,
    };
    DataRefusal::Violation { rule, names }.within(about.map_or("", |about| &about.place))
}
