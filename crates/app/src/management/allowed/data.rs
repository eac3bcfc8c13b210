//! The data that an application reaches, in words for its user.

use std::collections::BTreeMap;

use domain::id::{DataSourceId, UserId};
use oauth::data_access::{self, DataAccess, MOST_SOURCES};
use oauth::grant::{Allowed, AllowedData};
use oauth::scope::ScopeSet;

use crate::node::entity_cache::Entities;
use crate::{Context, Fault};

/// An application that a user has allowed, with the data that it reaches.
#[derive(Debug, Clone)]
pub struct AllowedApplication {
    /// What the user has allowed.
    pub allowed: Allowed,
    /// The data; `None` if it reaches none.
    pub data: Option<ReachedData>,
    /// The address at which the user begins a sign-in there, if it has one. Only lists for pages have it.
    pub login_address: Option<String>,
}

/// The data that an application reaches among those of its user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReachedData {
    /// The data sources that are named, by name.
    pub sources: Vec<ReachedSource>,
    /// How many more are named that no longer exist or that the user can no longer read.
    pub unavailable: usize,
    /// Whether it also reaches all others, among them those that the user gets later.
    pub later: bool,
    /// The names of those that it does not reach although it reaches all others.
    pub except: Vec<String>,
    /// The names of those that it may also change.
    pub changes: Vec<String>,
}

/// A data source that an application reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReachedSource {
    /// The name.
    pub name: String,
    /// The entity sets; all of them if there are none.
    pub entities: Vec<String>,
}

/// Finds the names of the data that applications reach.
#[derive(Clone, Copy)]
pub(in crate::management) struct AllowedNames<'a> {
    entities: Entities<'a>,
}

impl<'a> AllowedNames<'a> {
    pub(in crate::management) const fn of(context: &'a Context) -> Self {
        Self { entities: Entities::of(context) }
    }

    /// Adds the names of the data to what a user has allowed.
    ///
    /// # Errors
    /// If a data source cannot be read.
    pub(super) async fn with_names(
        self,
        user: UserId,
        all: Vec<Allowed>,
    ) -> Result<Vec<AllowedApplication>, Fault> {
        let mut named = Vec::with_capacity(all.len());
        let known = self.names_for(user, &all).await?;
        for allowed in all {
            let data = match &allowed.data {
                AllowedData::Nothing => None,
                AllowedData::Everything => Some(ReachedData { later: true, ..ReachedData::default() }),
                AllowedData::Limited(data) => Some(self.reached_data(&known, &allowed.scopes, data).await?),
            };
            named.push(AllowedApplication { allowed, data, login_address: None });
        }
        Ok(named)
    }

    /// The data that an access of the user with these scopes reaches; `None` stands for all data.
    ///
    /// # Errors
    /// If a data source cannot be read.
    pub(in crate::management) async fn of_access(
        self,
        user: UserId,
        scopes: &ScopeSet,
        data: Option<&DataAccess>,
    ) -> Result<ReachedData, Fault> {
        let Some(data) = data else { return Ok(ReachedData { later: true, ..ReachedData::default() }) };
        let names = self.names(user, is_large(data)).await?;
        self.reached_data(&names, scopes, data).await
    }

    /// How the names of these data are found: many are read together, a few are cached.
    async fn names_for(self, user: UserId, all: &[Allowed]) -> Result<Names, Fault> {
        let has_many = |one: &Allowed| match &one.data {
            AllowedData::Limited(data) => is_large(data),
            AllowedData::Nothing | AllowedData::Everything => false,
        };
        self.names(user, all.iter().any(has_many)).await
    }

    async fn names(self, user: UserId, are_many: bool) -> Result<Names, Fault> {
        if !are_many {
            return Ok(Names::Cached(user));
        }
        Ok(Names::Read(self.entities.all_readable_sources(user).await?.into_iter().collect()))
    }

    async fn reached_data(
        self,
        names: &Names,
        scopes: &ScopeSet,
        data: &DataAccess,
    ) -> Result<ReachedData, Fault> {
        let mut reached = ReachedData { later: data.others, ..ReachedData::default() };
        for id in data.whole.iter() {
            match self.readable_name(names, id).await? {
                Some(name) => reached.sources.push(ReachedSource { name, entities: Vec::new() }),
                None => reached.unavailable += 1,
            }
        }
        for source in &data.sources {
            match self.readable_name(names, source.id()).await? {
                Some(name) => {
                    reached.sources.push(ReachedSource { name, entities: source.entities().to_vec() });
                }
                None => reached.unavailable += 1,
            }
        }
        for id in data.except.iter() {
            reached.except.extend(self.readable_name(names, id).await?);
        }
        for id in data.changes.iter().filter(|id| data_access::may_change(scopes, Some(data), *id)) {
            reached.changes.extend(self.readable_name(names, id).await?);
        }
        reached.sources.sort_unstable();
        reached.except.sort_unstable();
        reached.changes.sort_unstable();
        Ok(reached)
    }

    /// The name of a data source, if the user may still read it. Its new name may not be meant for the user.
    async fn readable_name(self, names: &Names, id: DataSourceId) -> Result<Option<String>, Fault> {
        match names {
            Names::Cached(user) => {
                Ok(self.entities.readable_source(id, *user).await?.map(|source| source.name.clone()))
            }
            Names::Read(all) => Ok(all.get(&id).cloned()),
        }
    }
}

/// Whether an access names many data sources.
fn is_large(data: &DataAccess) -> bool {
    !data.whole.is_empty() || data.except.len() > MOST_SOURCES
}

/// The names of the data sources that a user may read.
enum Names {
    /// One by one from the cache.
    Cached(UserId),
    /// All of them.
    Read(BTreeMap<DataSourceId, String>),
}
