//! The columns of a statement's result.

use super::{Dialect, Rules};
use crate::form::{Layout, Reading};
use crate::tree::column::ScanColumn;
use crate::tree::typed::Term;
use crate::tree::{Page, Scans};

/// The columns of a statement that reads a page: first those that are shown, then those that only the position
/// or the address of a row needs. Encoders and positions refer to them by their place here.
#[derive(Debug)]
pub(crate) struct StatementColumns<'t> {
    pub(super) dialect: Dialect,
    pub(crate) scans: &'t Scans<'t>,
    pub(super) page: &'t Page<'t>,
    pub(super) read: Vec<Read>,
}

/// A column of a scan, or a term of the order by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Column(ScanColumn),
    Term(usize),
}

impl<'t> StatementColumns<'t> {
    pub(crate) fn of(
        dialect: Dialect,
        scans: &'t Scans<'t>,
        page: &'t Page<'t>,
        shown: &[ScanColumn],
    ) -> Self {
        let mut columns = Self::shown(dialect, scans, page, shown);
        for index in 0..page.order.len() {
            columns.term(index);
        }
        columns
    }

    /// The columns that are shown, without the terms of the order.
    pub(crate) fn shown(
        dialect: Dialect,
        scans: &'t Scans<'t>,
        page: &'t Page<'t>,
        shown: &[ScanColumn],
    ) -> Self {
        let read = shown.iter().map(|column| Read::Column(*column)).collect();
        Self { dialect, scans, page, read }
    }

    pub(super) fn rules(&self) -> &'static dyn Rules {
        self.dialect.rules()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// The place of a column, added if necessary.
    pub(crate) fn column(&mut self, column: ScanColumn) -> usize {
        self.add(Read::Column(column))
    }

    /// The place of a term of the order, added if necessary.
    pub(crate) fn term(&mut self, index: usize) -> usize {
        let sorts_as_stored = |column: ScanColumn| {
            self.rules().sorts_as_stored(self.scans.entity_type(column.scan), column.property)
        };
        let read = match self.page.order[index].term.term {
            Term::Stored(column) => Read::Column(column),
            Term::Column(column) if sorts_as_stored(column) => Read::Column(column),
            _ => Read::Term(index),
        };
        self.add(read)
    }

    /// The places of the key columns whose cells all had the same layout when they were examined, with that
    /// layout.
    pub(crate) fn stored_alike(&self, key: &[ScanColumn]) -> Vec<(usize, Reading, Layout)> {
        let of = |column: &ScanColumn| {
            let place = self.read.iter().position(|read| *read == Read::Column(*column))?;
            let property = self.scans.property(*column);
            let is_alike = property.storage.found.is_some_and(|found| found.all && found.strays == 0);
            is_alike.then_some((place, property.reading(), property.storage.layout))
        };
        key.iter().filter_map(of).collect()
    }

    fn add(&mut self, read: Read) -> usize {
        self.read.iter().position(|other| *other == read).unwrap_or_else(|| {
            self.read.push(read);
            self.read.len() - 1
        })
    }
}
