//! Plans the rows of a bound request: their statements, and the encoder for their rows.

use super::encoding::Planner;
use super::expanded::{First, Levels};
use super::{Plan, Query, Single};
use crate::bind::Selection;
use crate::encode::{BodyKind, Encoder};
use crate::error::{Error, Reason};
use crate::expansion::{Expansion, MOST_PARENTS};
use crate::form::{Layout, Reading};
use crate::format::Notation;
use crate::position::Position;
use crate::sql::columns::StatementColumns;
use crate::sql::select;
use crate::statement::Statement;
use crate::tree::column::ScanColumn;
use crate::tree::{Page, PlanNode, Scans};

/// How the rows of a page are read and written.
struct Read {
    statement: Statement,
    expansion: Option<Box<Expansion>>,
    encoder: Encoder,
    terms: Vec<usize>,
    alike: Vec<(usize, Reading, Layout)>,
}

impl Planner<'_> {
    pub(super) fn entities(&self, selection: Selection<'_>, subject: BodyKind) -> Result<Plan, Error> {
        self.page(selection, subject).map(|query| Plan::Entities(Box::new(query)))
    }

    pub(super) fn entity(&self, selection: &Selection<'_>, subject: BodyKind) -> Result<Plan, Error> {
        self.single(selection, subject).map(|single| Plan::Entity(Box::new(single)))
    }

    fn page(&self, mut selection: Selection<'_>, subject: BodyKind) -> Result<Query, Error> {
        let shape = self.url.shape();
        let page = &mut selection.page;
        let position = self.opened_position(page.order.len(), shape)?;
        let remaining = position.map_or(page.rows, |position| position.remaining);
        let most = if selection.expanded.is_empty() { usize::MAX } else { MOST_PARENTS };
        let page_size = self.page_size.clamp(1, most);
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
        let Read { statement, expansion, encoder, terms, alike } =
            self.read(&selection, page_limit, subject)?;
        let is_total = selection.groups && selection.page.input.has_rows_of_nothing();
        let count = match position {
            None if selection.count => Some(select::count_rows(self.dialect, &selection.page.input)?),
            _ => None,
        };
        Ok(Query {
            format: self.format,
            statement,
            count,
            ahead: self.ahead(&mut selection, page_limit, subject)?,
            owner: selection.owner.as_ref().map(|owner| self.existence(owner)).transpose()?,
            expansion,
            encoder,
            page_size,
            page_limit,
            remaining,
            terms,
            alike,
            is_total,
            model_version: self.model.version,
            shape,
            url: format!("{}{}", self.service_root, self.url.repeated),
            cacheable: self.cacheable && position.is_none(),
        })
    }

    /// The statement that reads the last row of a page and the one after it, if its next link cannot be in the body. A page with
    /// related rows is read before any of it is written.
    fn ahead(
        &self,
        selection: &mut Selection<'_>,
        page_limit: usize,
        subject: BodyKind,
    ) -> Result<Option<Statement>, Error> {
        let page = &mut selection.page;
        let may_have_next = page.rows.is_some_and(|rows| rows > page_limit as u64);
        if self.format.notation == Notation::Json || !selection.expanded.is_empty() || !may_have_next {
            return Ok(None);
        }
        page.skip = page.skip.saturating_add(page_limit as u64 - 1);
        page.rows = Some(2);
        self.read(selection, page_limit, subject).map(|read| Some(read.statement))
    }

    /// The statement and the encoder of a page.
    fn read(&self, selection: &Selection<'_>, page_limit: usize, subject: BodyKind) -> Result<Read, Error> {
        let page = &selection.page;
        if !selection.expanded.is_empty() {
            return self.read_expanded(selection, page_limit, subject);
        }
        let (scans, key) = (Scans::of_page(page), page.input.key());
        let mut columns = StatementColumns::of(self.dialect, &scans, page, &selection.shown_columns(subject));
        let encoder = self.encoder(selection, &mut columns, subject, Vec::new());
        let terms = (0..page.order.len()).map(|index| columns.term(index)).collect();
        let statement = select::page(&columns)?;
        Ok(Read { statement, expansion: None, encoder, terms, alike: columns.stored_alike(&key) })
    }

    /// The statements and the encoder of a page with expanded navigation properties.
    fn read_expanded<'m>(
        &self,
        selection: &Selection<'m>,
        page_limit: usize,
        subject: BodyKind,
    ) -> Result<Read, Error> {
        let page = &selection.page;
        let key = page.input.key();
        // The terms of the order must be visible above the page too.
        let visible = |page: Page<'m>| PlanNode::Page(page).joined(&selection.joins);
        let rows = visible(Page { rows: Some(page_limit as u64), ..page.clone() });
        let joins = &selection.joins;
        let first = First { rows, order: &page.order, key: key.clone(), joins, page: Some(page) };
        let mut levels = Levels::of(self, first, selection.next_scan);
        let tree = levels.first_tree(&visible(page.clone()), &selection.expanded);
        let around = tree.map(|tree| {
            let order = page.order.clone();
            Page { input: Box::new(tree), order, after: None, skip: 0, rows: None }
        });
        let whole = around.as_ref().unwrap_or(page);
        let scans = Scans::of_page(whole);
        let mut columns =
            StatementColumns::of(self.dialect, &scans, whole, &selection.shown_columns(subject));
        let expanded = levels.expanded(&mut columns, &Vec::new(), &selection.expanded);
        let encoder = self.encoder(selection, &mut columns, subject, expanded);
        let expansion = levels.rest(&mut columns)?;
        let terms = (0..page.order.len()).map(|index| columns.term(index)).collect();
        let statement = match &around {
            Some(_) => select::related(&columns, Some(page))?,
            None => select::page(&columns)?,
        };
        let alike = columns.stored_alike(&key);
        Ok(Read { statement, expansion: Some(Box::new(expansion)), encoder, terms, alike })
    }

    /// The statement that finds an entity.
    pub(super) fn existence(&self, owner: &Page<'_>) -> Result<Statement, Error> {
        select::existence(self.dialect, owner)
    }

    /// The position from which to continue, checked to belong to this request and model.
    fn opened_position(&self, terms: usize, shape: u64) -> Result<Option<&Position>, Error> {
        let position = match (self.position, self.url.skip_token()) {
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

    pub(super) fn single(&self, selection: &Selection<'_>, subject: BodyKind) -> Result<Single, Error> {
        let page = &selection.page;
        let rows = (*page.input).clone();
        let first = First { rows, order: &[], key: Vec::new(), joins: &[], page: None };
        let mut levels = Levels::of(self, first, selection.next_scan);
        let around = levels
            .first_tree(&page.input, &selection.expanded)
            .map(|tree| Page { input: Box::new(tree), ..page.clone() });
        let whole = around.as_ref().unwrap_or(page);
        let scans = Scans::of_page(whole);
        let mut columns =
            StatementColumns::of(self.dialect, &scans, whole, &selection.shown_columns(subject));
        let expanded = levels.expanded(&mut columns, &Vec::new(), &selection.expanded);
        let encoder = self.encoder(selection, &mut columns, subject, expanded);
        let expansion = match selection.expanded.as_slice() {
            [] => None,
            _ => Some(Box::new(levels.rest(&mut columns)?)),
        };
        if columns.is_empty() {
            columns.column(page.input.key()[0]);
        }
        Ok(Single {
            format: self.format,
            statement: select::one(&columns)?,
            owner: selection.owner.as_ref().map(|owner| self.existence(owner)).transpose()?,
            shows_more: expansion.is_some() || !selection.shown.computed.is_empty(),
            expansion,
            encoder,
            cacheable: self.cacheable,
        })
    }
}

impl Selection<'_> {
    /// The columns that are shown.
    fn shown_columns(&self, subject: BodyKind) -> Vec<ScanColumn> {
        let is_reference = matches!(subject, BodyKind::References | BodyKind::Reference);
        let (scan, _) = self.page.input.first_scan();
        if is_reference { Vec::new() } else { self.shown.columns(scan) }
    }
}
