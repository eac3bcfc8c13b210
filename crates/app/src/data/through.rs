//! How a member of a group is reached.

use std::sync::Arc;

use domain::account::DataSource;
use domain::account::data_source::GroupMember;
use odata::error::Error;
use odata::url::Url;

use super::DataRefusal;
use crate::data::models::parts::PlaceInGroup;

/// The group through which a member is reached.
#[derive(Debug)]
pub(super) struct Through {
    pub(super) group: Arc<DataSource>,
    pub(super) member: GroupMember,
}

impl Through {
    /// How the member is seen.
    pub(super) fn place(&self) -> PlaceInGroup {
        PlaceInGroup { group: self.group.name.clone(), prefix: self.member.prefix.clone() }
    }

    /// The name of an entity set in its own data source, if that is reached through a group.
    pub(super) fn own_name<'n>(through: Option<&Arc<Self>>, set: &'n str) -> &'n str {
        through.and_then(|through| through.member.own_name(set)).unwrap_or(set)
    }

    /// Refuses changes in one transaction of which one names an entity set of another member: no transaction spans two databases.
    ///
    /// # Errors
    /// The place of the change, and the refusal.
    pub(super) fn covers<'p>(
        &self,
        paths: impl Iterator<Item = &'p str>,
    ) -> Result<(), (usize, DataRefusal)> {
        for (at, path_and_query) in paths.enumerate() {
            let url = Url::read(path_and_query).map_err(|error| (at, error.into()))?;
            let member_of = |name| self.group.members.iter().find(|member| member.own_name(name).is_some());
            let is_other = |named: &GroupMember| named.source != self.member.source;
            if url.first_names().filter_map(member_of).any(is_other) {
                return Err((
                    at,
                    Error::not_implemented("a transaction that changes several data sources").into(),
                ));
            }
        }
        Ok(())
    }
}
