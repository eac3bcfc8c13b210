//! Changes by a path through a navigation property that leads to one entity ([Protocol
//! §11.4](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_DataModification)). Which one that is
//! must be found out in the transaction of the change; then the change is that of the entity at its own address.

use super::row_address::RowAddress;
use crate::bind::resource::Leading;
use crate::cell::Row;
use crate::error::Error;
use crate::model::Model;
use crate::sql::columns::StatementColumns;
use crate::sql::{Dialect, select};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::Scans;
use crate::url::Url;

/// Finds the entity to which a path leads.
#[derive(Debug)]
pub struct Lead {
    /// Returns its key, if it exists.
    pub statement: Statement,
    /// The name of its entity set.
    pub set: String,
    address: RowAddress,
    /// What follows it in the path, and the query.
    rest: String,
}

impl Lead {
    /// The last entity to which a navigation property alone leads on the path of a change; `None` if there is none.
    ///
    /// # Errors
    /// If the path cannot be read.
    pub fn of(path_and_query: &str, model: &Model, dialect: Dialect) -> Result<Option<Self>, Error> {
        let path = path_and_query.split('?').next().unwrap_or_default();
        // Most changes are of an entity of a set.
        if !path.trim_matches('/').contains('/') {
            return Ok(None);
        }
        let url = Url::read(path_and_query)?;
        let request = Request::parse(&url)?;
        let Some(Leading { segments, page }) = Leading::of(model, &request.path)? else { return Ok(None) };
        let (scans, key) = (Scans::of_page(&page), page.input.key());
        let statement = select::related(&StatementColumns::shown(dialect, &scans, &page, &key), None)?;
        let entity_type = page.input.entity_type();
        Ok(Some(Self {
            statement,
            set: entity_type.name.clone(),
            address: RowAddress::of(entity_type, (0..key.len()).collect()),
            rest: after(path_and_query, segments).to_owned(),
        }))
    }

    /// The path and query of the change at the address of the entity in a row.
    pub fn path_and_query(&self, row: &impl Row) -> String {
        format!("/{}{}", self.address.path(row), self.rest)
    }
}

/// What follows so many segments, with the slash or the question mark at its start.
fn after(path_and_query: &str, segments: usize) -> &str {
    let path = path_and_query.strip_prefix('/').unwrap_or(path_and_query);
    let end = path.find('?').unwrap_or(path.len());
    let slash = path[..end].match_indices('/').nth(segments - 1).map(|(at, _)| at);
    &path[slash.unwrap_or(end)..]
}

#[cfg(test)]
mod tests {
    use super::after;

    #[test]
    fn the_rest_begins_after_the_segments() {
        for (path, segments, rest) in [
            ("/Pets(1)/Owners", 2, ""),
            ("Pets(1)/Owners/Name?$select=a/b", 2, "/Name?$select=a/b"),
            ("/Pets(1)/Owners?x=/", 2, "?x=/"),
            ("/Pets(1)/Owners/Pets(2)/Owners/", 4, "/"),
        ] {
            assert_eq!(after(path, segments), rest, "{path}");
        }
    }
}
