//! The plan of a request: statements to run and an encoder for their rows.
//!
//! The binder describes the rows as a tree; [`prepare`] has it written as SQL, and turns its columns into
//! places in the rows of the statement.
//!
//! A plan is plain data and may be cached: it is the same for the same URL text, model version, page size and
//! format, unless it is [not cacheable](Plan::is_cacheable).

mod context;
mod crossed;
mod encoding;
mod expanded;
mod planner;

use crate::bind::{self, Target};
use crate::cell::Row;
use crate::encode::{BodyKind, Encoder};
use crate::error::{Error, Reason};
use crate::expansion::{Expansion, Gathering};
use crate::form::{Layout, Reading};
use crate::format::{Format, MetadataFormat, Notation};
use crate::model::{EntityType, Model};
use crate::position::{Mark, Position};
use crate::sql::{Dialect, select};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::url::Url;
use encoding::Planner;

/// What a plan depends on besides the URL and the model.
#[derive(Debug, Clone)]
pub struct PlanContext<'a> {
    /// The value of `now()`.
    pub now: jiff::Timestamp,
    /// The maximum number of rows in a page: the server's limit, or the smaller one that the client prefers.
    pub page_size: usize,
    /// The format of the `Accept` header; `$format` takes precedence.
    pub format: Format,
    /// The format of collections, if the header prefers one of rows alone.
    pub rows: Option<Format>,
    /// The absolute URL of the service document, with or without a trailing slash.
    pub service_root: &'a str,
    /// The opened `$skiptoken`, if the URL has one.
    pub position: Option<Position>,
}

/// What to do for a request.
#[derive(Debug, Clone)]
pub enum Plan {
    /// Write the [service document](crate::service_document::json).
    ServiceDocument(Format),
    /// Write the metadata document in the format that `$format` names, otherwise in the one that the `Accept` header admits.
    Metadata(Option<MetadataFormat>),
    /// Run a query and write a collection.
    Entities(Box<Query>),
    /// Run a query and write one entity; without a row there is no such entity.
    Entity(Box<Single>),
    /// Run a query and write one property.
    Property(Box<Single>),
    /// Run a query and write the raw value of one property.
    Value(Box<Single>),
    /// Run a statement and write its only number as text.
    Count {
        /// One row, one column.
        statement: Statement,
        /// Finds the entity to which the rows must be related; if there is none, neither is there a number.
        owner: Option<Statement>,
        /// Whether the plan may be cached.
        cacheable: bool,
    },
}

/// A query for a page of entities.
#[derive(Debug, Clone)]
pub struct Query {
    /// The format of the rows.
    pub format: Format,
    /// Reads the page, and one more row if there may be a next page.
    pub statement: Statement,
    /// Counts the rows of all pages, if the client asked for it.
    pub count: Option<Statement>,
    /// Reads the last row of the page and the one after it, if there may be a next page and its link is
    /// [outside](Self::is_linked_outside).
    pub ahead: Option<Statement>,
    /// Finds the entity to which the rows must be related. To be run if the result
    /// [depends on it](Self::depends_on_owner).
    pub owner: Option<Statement>,
    /// Reads the related rows, if navigation properties are expanded. The rows are then written by a
    /// [`Gathering`].
    pub expansion: Option<Box<Expansion>>,
    /// Writes the rows.
    pub encoder: Encoder,
    /// The maximum number of rows in a page, `$top` aside.
    pub page_size: usize,
    /// The number of rows to write. A further row is not written; it means that a next link is needed.
    pub page_limit: usize,
    /// The number of rows that `$top` allows from this page on.
    remaining: Option<u64>,
    /// The columns of the statement that contain the terms of the order.
    terms: Vec<usize>,
    /// The columns of the statement that belong to key columns with the same layout in all rows, according to
    /// the model.
    alike: Vec<(usize, Reading, Layout)>,
    /// Whether there is a row even if there are no entities.
    is_total: bool,
    model_version: u64,
    shape: u64,
    /// The URL of the request without its skip token.
    url: String,
    cacheable: bool,
}

/// A query for at most one row.
#[derive(Debug, Clone)]
pub struct Single {
    /// The format of the row.
    pub format: Format,
    /// Reads the row.
    pub statement: Statement,
    /// Finds the entity whose navigation property leads to the row. To be run if there is no row: if it finds
    /// one, the navigation property is null.
    pub owner: Option<Statement>,
    /// Reads the related rows, if navigation properties are expanded. The entity is then written by a
    /// [`Gathering`].
    pub expansion: Option<Box<Expansion>>,
    /// Writes the row.
    pub encoder: Encoder,
    /// Whether more is shown than properties of the entity, whose tag then says nothing of the rest.
    pub shows_more: bool,
    cacheable: bool,
}

/// Parses, binds and plans a request.
///
/// # Errors
/// Everything that is wrong with the request, or not supported.
pub fn prepare(url: &Url, model: &Model, context: &PlanContext<'_>, dialect: Dialect) -> Result<Plan, Error> {
    let request = Request::parse(url)?;
    next_link_is_current(url, model, context)?;
    let bound = bind::bind(model, &request, context.now, context.format, context.rows)?;
    let planner = Planner {
        url,
        model,
        page_size: context.page_size,
        service_root: root(context.service_root),
        position: context.position.as_ref(),
        dialect,
        format: bound.format,
        cacheable: !bound.uses_now,
    };
    match bound.target {
        Target::ServiceDocument => Ok(Plan::ServiceDocument(bound.format)),
        Target::Metadata(named) => Ok(Plan::Metadata(named)),
        Target::Entities(selection) => {
            let subject = match selection.cross_join {
                _ if selection.groups => BodyKind::Groups,
                Some(_) => BodyKind::Combinations,
                None => BodyKind::Collection,
            };
            planner.entities(selection, subject)
        }
        Target::References(selection) => planner.entities(selection, BodyKind::References),
        Target::Entity(selection) => planner.entity(&selection, BodyKind::Entity),
        Target::Reference(selection) => planner.entity(&selection, BodyKind::Reference),
        Target::Property(selection, raw) => {
            let single = Box::new(planner.single(&selection, BodyKind::Property)?);
            Ok(if raw { Plan::Value(single) } else { Plan::Property(single) })
        }
        Target::Count(rows, owner) => Ok(Plan::Count {
            statement: select::count_rows(dialect, &rows)?,
            owner: owner.map(|owner| planner.existence(&owner)).transpose()?,
            cacheable: planner.cacheable,
        }),
    }
}

/// The plan of a request for what describes a model; `None` for one about data.
///
/// # Errors
/// Everything that is wrong with the request, or not supported.
pub fn describe(url: &Url, model: &Model, context: &PlanContext<'_>) -> Result<Option<Plan>, Error> {
    let bound = bind::bind(model, &Request::parse(url)?, context.now, context.format, None)?;
    Ok(match bound.target {
        Target::ServiceDocument => Some(Plan::ServiceDocument(bound.format)),
        Target::Metadata(named) => Some(Plan::Metadata(named)),
        _ => None,
    })
}

/// Refuses a next link of an earlier model as stale. This is checked before the names in the request are
/// bound, because they may no longer exist.
fn next_link_is_current(url: &Url, model: &Model, context: &PlanContext<'_>) -> Result<(), Error> {
    match &context.position {
        Some(position) if position.model_version != model.version && position.shape == url.shape() => {
            Err(Reason::StalePosition.at("$skiptoken", 0))
        }
        _ => Ok(()),
    }
}

/// Returns a statement with one row and column: how many rows have a key but are omitted, because they share
/// their address with other rows.
///
/// # Errors
/// If the key of the table has so many columns that no statement can contain them.
pub fn count_shared(entity_type: &EntityType, dialect: Dialect) -> Result<Statement, Error> {
    select::count_shared(dialect, entity_type)
}

/// The service root with a trailing slash.
pub(crate) fn root(service_root: &str) -> String {
    format!("{}/", service_root.trim_end_matches('/'))
}

impl Query {
    /// Whether `$top` allows rows after this page, so that a next link may be needed.
    pub fn may_have_a_next_page(&self) -> bool {
        self.expansion.is_some() || self.remaining.is_none_or(|remaining| remaining > self.page_limit as u64)
    }

    /// Whether the body has no place for a next link, so that it must be known before the body.
    pub fn is_linked_outside(&self) -> bool {
        self.format.notation != Notation::Json
    }

    /// Gathers the rows of the page with those that are related to them, if navigation properties are expanded.
    pub fn gather(&self) -> Option<Gathering<'_>> {
        let expansion = self.expansion.as_deref()?;
        Some(Gathering::new(expansion, &self.encoder, Some(self.page_limit)))
    }

    /// The position at the end of a gathered page, if there is a next one.
    pub fn position_of(&self, gathering: &Gathering<'_>) -> Option<Position> {
        Some(self.position(gathering.end()?, gathering.rows()))
    }

    fn position(&self, values: Vec<Mark>, written: usize) -> Position {
        Position {
            model_version: self.model_version,
            shape: self.shape,
            remaining: self.remaining.map(|remaining| remaining.saturating_sub(written as u64)),
            values,
        }
    }

    /// The position at the end of a page whose last row is `row` and which has `written` rows.
    pub fn position_after(&self, row: &impl Row, written: usize) -> Position {
        let value = |column: &usize| Mark::of(row.cell(*column), self.terms.len());
        self.position(self.terms.iter().map(value).collect(), written)
    }

    /// Whether a row contradicts what the model says about the layout of most keys. This only affects the
    /// speed of statements, so it suffices to check now and then.
    pub fn is_contradicted_by(&self, row: &impl Row) -> bool {
        self.alike.iter().any(|(column, reading, layout)| !reading.is_in(*layout, row.cell(*column)))
    }

    /// Whether a result with that many rows depends on the entity to which they must be related: there is no such set if
    /// [its statement](Self::owner) does not find one.
    pub fn depends_on_owner(&self, rows: u64) -> bool {
        rows == 0 || self.is_total
    }

    /// The URL of the next page. `sealed` is the sealed position, in characters that need no encoding.
    pub fn next_link(&self, sealed: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}$skiptoken={sealed}", self.url)
    }
}

impl Single {
    /// Gathers the entity with the rows that are related to it, if navigation properties are expanded.
    pub fn gather(&self) -> Option<Gathering<'_>> {
        Some(Gathering::new(self.expansion.as_deref()?, &self.encoder, None))
    }
}

impl Plan {
    /// Whether this plan may serve the same request again: not if it contains the time or a position.
    pub fn is_cacheable(&self) -> bool {
        match self {
            Self::ServiceDocument(_) | Self::Metadata(_) => true,
            Self::Entities(query) => query.cacheable,
            Self::Entity(single) | Self::Property(single) | Self::Value(single) => single.cacheable,
            Self::Count { cacheable, .. } => *cacheable,
        }
    }
}
