//! The entities to which one is related, and which a list that is the whole does not have.

use std::collections::HashSet;

use super::{DeepChange, FoundEntities, MOST_RELATED, NestedChange, unknown, unrelated};
use crate::bind::resource::{self, Changed};
use crate::cell::Row;
use crate::change::row_address::RowAddress;
use crate::encode::text;
use crate::error::{Error, Reason};
use crate::model::Model;
use crate::sql::columns::StatementColumns;
use crate::sql::{Dialect, select};
use crate::statement::Statement;
use crate::syntax::Request;
use crate::tree::Scans;
use crate::url::Url;

/// Lists the entities to which one is related.
#[derive(Debug)]
pub struct Listing {
    /// Returns their keys.
    pub statement: Statement,
    address: RowAddress,
}

impl Listing {
    /// The path of the entity in a row, relative to the service document.
    pub fn path(&self, row: &impl Row) -> String {
        self.address.path(row)
    }
}

impl DeepChange {
    /// What lists the entities to which the owner of a list is related; `None` if it is new, so that there are none.
    ///
    /// # Errors
    /// If the path to them cannot be read.
    pub fn listing(
        &self,
        list: usize,
        places: &FoundEntities,
        model: &Model,
        dialect: Dialect,
    ) -> Result<Option<Listing>, Error> {
        let list = self.lists.get(list).ok_or_else(unknown)?;
        let Some(owner) = places.found(list.owner).filter(|owner| !owner.is_new) else { return Ok(None) };
        let path = format!("{}/{}", owner.path, text::in_url(&list.navigation));
        let url = Url::read(&path)?;
        let Changed::Related(link) = resource::changed(model, &Request::parse(&url)?.path)? else {
            return Err(unknown());
        };
        // Those that stay and those that go.
        let page = link.related_page(2 * MOST_RELATED as u64 + 1);
        let (scans, key) = (Scans::of_page(&page), page.input.key());
        let statement = select::related(&StatementColumns::shown(dialect, &scans, &page, &key), None)?;
        let address = RowAddress::of(link.related_type(), (0..key.len()).collect());
        Ok(Some(Listing { statement, address }))
    }

    /// Of the entities to which the owner of a list is related, those that the list does not have.
    ///
    /// # Errors
    /// If they are too many.
    pub fn missing_in(
        &self,
        list: usize,
        places: &FoundEntities,
        mut paths: Vec<String>,
    ) -> Result<Vec<String>, Error> {
        let items = self.entities.iter().enumerate().filter(|(_, entity)| entity.list == Some(list));
        let kept: HashSet<&str> = items.filter_map(|(at, _)| Some(places.found(at)?.path.as_str())).collect();
        paths.retain(|path| !kept.contains(path.as_str()));
        if paths.len() > MOST_RELATED {
            return Err(Reason::TooManyRelated(MOST_RELATED).at("body", 0));
        }
        Ok(paths)
    }

    /// The change by which the entity at a path is related to the owner of a list no more.
    ///
    /// # Errors
    /// If it must be related to one.
    pub fn unrelating(
        &self,
        list: usize,
        path: &str,
        model: &Model,
        dialect: Dialect,
    ) -> Result<NestedChange, Error> {
        let list = self.lists.get(list).ok_or_else(unknown)?;
        let (_, owner) = self.entity(list.owner, model)?;
        let navigation = owner.navigation(&list.navigation).ok_or_else(unknown)?;
        let related = &model.entity_types[navigation.target];
        unrelated(model, related, &navigation.partner, path, dialect)
    }
}
