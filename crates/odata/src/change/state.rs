//! The state of an entity, of which its entity tag is a digest.

use crate::bind::resource::{self, Changed};
use crate::cell::Row;
use crate::entity_tag::EntityTag;
use crate::error::{Error, Reason};
use crate::model::Model;
use crate::sql::columns::StatementColumns;
use crate::sql::{Dialect, select};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::column::ScanId;
use crate::tree::{Page, PlanNode, Scan, Scans};
use crate::url::Url;

/// Reads all properties of an entity.
#[derive(Debug)]
pub struct EntityState {
    /// Returns its row, if it exists.
    pub statement: Statement,
    properties: usize,
}

impl EntityState {
    /// The state of the entity at an address.
    ///
    /// # Errors
    /// If it is not the address of an entity.
    pub fn at(url: &Url, model: &Model, dialect: Dialect) -> Result<Self, Error> {
        match resource::changed(model, &Request::parse(url)?.path)? {
            Changed::Entity(entity) => Self::of(dialect, &entity.scan),
            Changed::Set(_) | Changed::Related(_) | Changed::Property(..) | Changed::References(_) => {
                Err(Reason::NotChangeable("this resource".to_owned()).at("path", 0))
            }
        }
    }

    pub(super) fn of(dialect: Dialect, scan: &Scan<'_>) -> Result<Self, Error> {
        let properties = scan.entity_type.properties.len();
        let input = Box::new(PlanNode::Scan(scan.clone()));
        let page = Page { input, order: Vec::new(), after: None, skip: 0, rows: Some(1) };
        let scans = Scans::of_page(&page);
        let all: Vec<_> = (0..properties).map(|property| ScanId::FIRST.column(property)).collect();
        let statement = select::one(&StatementColumns::of(dialect, &scans, &page, &all))?;
        Ok(Self { statement, properties })
    }

    /// The entity tag of the entity in a row.
    pub fn tag(&self, row: &impl Row) -> EntityTag {
        EntityTag::of(row, 0..self.properties)
    }
}
