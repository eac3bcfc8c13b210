//! The columns of a statement's result.

use super::{Dialect, Rules};
use crate::bind::Selection;
use crate::bind::typed::Term;
use crate::form::{Layout, Reading};

/// The columns of a statement: first those that are shown, then those that only the position or the address
/// of a row needs.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(super) dialect: Dialect,
    /// A column of the table by its property, or a term of the order by its index.
    pub(super) read: Vec<Read>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Property(usize),
    Term(usize),
}

impl Columns {
    pub(crate) fn of(dialect: Dialect, selection: &Selection<'_>) -> Self {
        let read = selection.shown.iter().map(|property| Read::Property(*property)).collect();
        let mut columns = Self { dialect, read };
        for index in 0..selection.order.len() {
            columns.term(selection, index);
        }
        columns
    }

    pub(super) fn rules(&self) -> &'static dyn Rules {
        self.dialect.rules()
    }

    /// The statement's column for a property, added if necessary.
    pub(crate) fn property(&mut self, property: usize) -> usize {
        self.add(Read::Property(property))
    }

    /// The statement's column for a term of the order.
    pub(crate) fn term(&mut self, selection: &Selection<'_>, index: usize) -> usize {
        let (entity_type, rules) = (selection.scan.entity_type, self.dialect.rules());
        self.add(match selection.order[index].term.term {
            Term::Stored(column) => Read::Property(column.property),
            Term::Column(column) if rules.sorts_as_stored(entity_type, column.property) => {
                Read::Property(column.property)
            }
            _ => Read::Term(index),
        })
    }

    /// The key columns of the statement whose cells all had the same layout when they were examined, with
    /// that layout.
    pub(crate) fn stored_alike(&self, selection: &Selection<'_>) -> Vec<(usize, Reading, Layout)> {
        let entity_type = selection.scan.entity_type;
        let of = |property: &usize| {
            let column = self.read.iter().position(|read| *read == Read::Property(*property))?;
            let property = &entity_type.properties[*property];
            let is_alike = property.storage.found.is_some_and(|found| found.all && found.strays == 0);
            is_alike.then_some((column, property.reading(), property.storage.layout))
        };
        entity_type.key.iter().filter_map(of).collect()
    }

    fn add(&mut self, read: Read) -> usize {
        self.read.iter().position(|other| *other == read).unwrap_or_else(|| {
            self.read.push(read);
            self.read.len() - 1
        })
    }
}
