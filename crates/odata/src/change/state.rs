//! The state of an entity, of which its entity tag is a digest.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::bind::resource::{self, Changed};
use crate::cell::{Row, Value};
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
            Changed::Entity(scan) => Self::of(dialect, &scan),
            Changed::Set(_) | Changed::Property(..) => {
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

    /// The entity tag of the entity in a row: a digest of all stored values, so that it is another one after each change that a
    /// client can see. It is weak, because representations differ by their format.
    pub fn tag(&self, row: &impl Row) -> String {
        tag(row, 0..self.properties)
    }
}

/// The entity tag of an entity whose properties are in these columns, in order.
pub(crate) fn tag(row: &impl Row, columns: impl IntoIterator<Item = usize>) -> String {
    let mut hash = Sha256::new();
    for column in columns {
        let value = row.cell(column).to_value();
        let mut field = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        match &value {
            Value::Null => field(0, &[]),
            Value::Integer(integer) => field(1, &integer.to_le_bytes()),
            Value::Real(real) => field(2, &real.to_bits().to_le_bytes()),
            Value::Text(text) | Value::Untyped(text) => field(3, text.as_bytes()),
            Value::RawText(bytes) => field(3, bytes),
            Value::Blob(bytes) => field(4, bytes),
        }
    }
    let mut tag = String::from("W/\"");
    for byte in hash.finalize().iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}
