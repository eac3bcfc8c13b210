//! The plan of a request: statements to run and an encoder for their rows.
//!
//! The binder describes the rows as a tree; [`prepare`] has it written as SQL, and turns its columns into
//! places in the rows of the statement.
//!
//! A plan is plain data and may be cached: it is the same for the same URL text, model version, page size and
//! format, unless it is [not cacheable](Plan::is_cacheable).

use crate::bind::{self, Selection, Target};
use crate::cell::Row;
use crate::encode::{BodyKind, Encoder, Slot};
use crate::error::{Error, Reason};
use crate::form::{Layout, Reading};
use crate::format::{Format, MetadataLevel};
use crate::model::{EntityType, Model};
use crate::position::{Mark, Position};
use crate::sql::Dialect;
use crate::sql::columns::StatementColumns;
use crate::sql::select;
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::Scans;
use crate::tree::column::ScanColumn;
use crate::url::Url;

/// What a plan depends on besides the URL and the model.
#[derive(Debug, Clone)]
pub struct PlanContext<'a> {
    /// The value of `now()`.
    pub now: jiff::Timestamp,
    /// The maximum number of rows in a page: the server's limit, or the smaller one that the client prefers.
    pub page_size: usize,
    /// The format of the `Accept` header; `$format` takes precedence.
    pub format: Format,
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
    /// Write the [metadata document](crate::csdl::xml).
    Metadata,
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
    /// Writes the rows.
    pub encoder: Encoder,
    /// The number of rows to write. A further row is not written; it means that a next link is needed.
    pub page_limit: usize,
    /// The number of rows that `$top` allows from this page on.
    remaining: Option<u64>,
    /// The columns of the statement that contain the terms of the order.
    terms: Vec<usize>,
    /// The columns of the statement that belong to key columns with the same layout in all rows, according to
    /// the model.
    alike: Vec<(usize, Reading, Layout)>,
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
    /// Writes the row.
    pub encoder: Encoder,
    cacheable: bool,
}

/// Parses, binds and plans a request.
///
/// # Errors
/// Everything that is wrong with the request, or not supported.
pub fn prepare(url: &Url, model: &Model, context: &PlanContext<'_>, dialect: Dialect) -> Result<Plan, Error> {
    let request = Request::parse(url)?;
    next_link_is_current(url, model, context)?;
    let bound = bind::bind(model, &request, context.now, context.format)?;
    let planner = Planner { url, model, context, dialect, format: bound.format, cacheable: !bound.uses_now };
    match bound.target {
        Target::ServiceDocument => Ok(Plan::ServiceDocument(bound.format)),
        Target::Metadata => Ok(Plan::Metadata),
        Target::Entities(selection) => planner.page(selection).map(|query| Plan::Entities(Box::new(query))),
        Target::Entity(selection) => {
            planner.single(&selection, BodyKind::Entity).map(|single| Plan::Entity(Box::new(single)))
        }
        Target::Property(selection, raw) => {
            let single = planner.single(&selection, BodyKind::Property)?;
            Ok(if raw { Plan::Value(Box::new(single)) } else { Plan::Property(Box::new(single)) })
        }
        Target::Count(rows) => {
            Ok(Plan::Count { statement: select::count_rows(dialect, &rows)?, cacheable: planner.cacheable })
        }
    }
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

struct Planner<'a> {
    url: &'a Url,
    model: &'a Model,
    context: &'a PlanContext<'a>,
    dialect: Dialect,
    format: Format,
    cacheable: bool,
}

impl Planner<'_> {
    fn page(&self, mut selection: Selection<'_>) -> Result<Query, Error> {
        let shape = self.url.shape();
        let page = &mut selection.page;
        let position = self.position(page.order.len(), shape)?;
        let remaining = position.map_or(page.rows, |position| position.remaining);
        let page_size = self.context.page_size.max(1);
        // A page that `$top` ends has no next one, so no further row need be read.
        let (page_limit, rows) =
            match remaining.map(|remaining| usize::try_from(remaining).unwrap_or(usize::MAX)) {
                Some(remaining) if remaining <= page_size => (remaining, remaining as u64),
                _ => (page_size, page_size as u64 + 1),
            };
        page.rows = Some(rows);
        if let Some(position) = position {
            page.skip = 0;
            page.after = Some(position.values.clone());
        }
        let (scans, key) = (Scans::of(&selection.page.input), selection.page.input.key());
        let mut columns = StatementColumns::of(self.dialect, &scans, &selection.page, &selection.shown);
        let encoder = self.encoder(&selection, &mut columns, BodyKind::Collection);
        let terms = (0..selection.page.order.len()).map(|index| columns.term(index)).collect();
        let statement = select::page(&columns)?;
        let count = match position {
            None if selection.count => Some(select::count_rows(self.dialect, &selection.page.input)?),
            _ => None,
        };
        Ok(Query {
            format: self.format,
            statement,
            count,
            encoder,
            page_limit,
            remaining,
            terms,
            alike: columns.stored_alike(&key),
            model_version: self.model.version,
            shape,
            url: format!("{}{}", root(self.context.service_root), self.url.repeated),
            cacheable: self.cacheable && position.is_none(),
        })
    }

    /// The position from which to continue, checked to belong to this request and model.
    fn position(&self, terms: usize, shape: u64) -> Result<Option<&Position>, Error> {
        let position = match (&self.context.position, self.url.skip_token()) {
            (Some(position), Some(_)) => position,
            (None, None) => return Ok(None),
            _ => return Err(Reason::ForeignPosition.at("$skiptoken", 0)),
        };
        if position.model_version != self.model.version {
            return Err(Reason::StalePosition.at("$skiptoken", 0));
        }
        if position.shape != shape || position.values.len() != terms {
            return Err(Reason::ForeignPosition.at("$skiptoken", 0));
        }
        Ok(Some(position))
    }

    fn single(&self, selection: &Selection<'_>, subject: BodyKind) -> Result<Single, Error> {
        let scans = Scans::of(&selection.page.input);
        let mut columns = StatementColumns::of(self.dialect, &scans, &selection.page, &selection.shown);
        let encoder = self.encoder(selection, &mut columns, subject);
        let statement = select::entity(&columns)?;
        Ok(Single { format: self.format, statement, encoder, cacheable: self.cacheable })
    }

    fn encoder(
        &self,
        selection: &Selection<'_>,
        columns: &mut StatementColumns<'_>,
        subject: BodyKind,
    ) -> Encoder {
        // Ids consist of the key.
        let has_ids = self.format.metadata == MetadataLevel::Full && subject != BodyKind::Property;
        let key = if has_ids { selection.page.input.key() } else { Vec::new() };
        let mut slot = |column: &ScanColumn| Slot {
            column: columns.column(*column),
            property: columns.scans.property(*column),
        };
        let path = self.url.segments.iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>();
        Encoder::new(&crate::encode::Shape {
            model: self.model,
            entity_type: selection.page.input.entity_type(),
            shown: selection.shown.iter().map(&mut slot).collect(),
            narrowed: selection.narrowed,
            subject,
            path: &path,
            key: key.iter().map(&mut slot).collect(),
            format: self.format,
            service_root: &root(self.context.service_root),
        })
    }
}

/// The service root with a trailing slash.
pub(crate) fn root(service_root: &str) -> String {
    format!("{}/", service_root.trim_end_matches('/'))
}

impl Query {
    /// Whether `$top` allows rows after this page, so that a next link may be needed.
    pub fn may_have_a_next_page(&self) -> bool {
        self.remaining.is_none_or(|remaining| remaining > self.page_limit as u64)
    }

    /// The position at the end of a page whose last row is `row` and which has `written` rows.
    pub fn position_after(&self, row: &impl Row, written: usize) -> Position {
        Position {
            model_version: self.model_version,
            shape: self.shape,
            remaining: self.remaining.map(|remaining| remaining.saturating_sub(written as u64)),
            values: self.terms.iter().map(|column| Mark::of(row.cell(*column), self.terms.len())).collect(),
        }
    }

    /// Whether a row contradicts what the model says about the layout of most keys. This only affects the
    /// speed of statements, so it suffices to check now and then.
    pub fn is_contradicted_by(&self, row: &impl Row) -> bool {
        self.alike.iter().any(|(column, reading, layout)| !reading.is_in(*layout, row.cell(*column)))
    }

    /// The URL of the next page. `sealed` is the sealed position, in characters that need no encoding.
    pub fn next_link(&self, sealed: &str) -> String {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        format!("{}{separator}$skiptoken={sealed}", self.url)
    }
}

impl Plan {
    /// Whether this plan may serve the same request again: not if it contains the time or a position.
    pub fn is_cacheable(&self) -> bool {
        match self {
            Self::ServiceDocument(_) | Self::Metadata => true,
            Self::Entities(query) => query.cacheable,
            Self::Entity(single) | Self::Property(single) | Self::Value(single) => single.cacheable,
            Self::Count { cacheable, .. } => *cacheable,
        }
    }
}
