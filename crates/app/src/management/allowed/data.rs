//! The data that an application reaches, in words for its user.

use domain::id::{DataSourceId, UserId};
use oauth::data_access::DataAccess;
use oauth::grant::{Allowed, AllowedData};

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
}

/// A data source that an application reaches.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReachedSource {
    /// The name.
    pub name: String,
    /// The entity sets; all of them if there are none.
    pub entities: Vec<String>,
}

impl Context {
    /// Adds the names of the data to what a user has allowed.
    ///
    /// # Errors
    /// If a data source cannot be read.
    pub(super) async fn with_names(
        &self,
        user: UserId,
        all: Vec<Allowed>,
    ) -> Result<Vec<AllowedApplication>, Fault> {
        let mut named = Vec::with_capacity(all.len());
        for allowed in all {
            let data = match &allowed.data {
                AllowedData::Nothing => None,
                AllowedData::Everything => Some(ReachedData { later: true, ..ReachedData::default() }),
                AllowedData::Limited(data) => Some(self.reached_data(user, data).await?),
            };
            named.push(AllowedApplication { allowed, data, login_address: None });
        }
        Ok(named)
    }

    async fn reached_data(&self, user: UserId, data: &DataAccess) -> Result<ReachedData, Fault> {
        let mut reached = ReachedData { later: data.others, ..ReachedData::default() };
        for source in &data.sources {
            match self.readable_name(user, source.id()).await? {
                Some(name) => {
                    reached.sources.push(ReachedSource { name, entities: source.entities().to_vec() });
                }
                None => reached.unavailable += 1,
            }
        }
        for id in &data.except {
            reached.except.extend(self.readable_name(user, DataSourceId::new(*id)).await?);
        }
        reached.sources.sort_unstable();
        reached.except.sort_unstable();
        Ok(reached)
    }

    /// The name of a data source, if the user may still read it. Its new name may not be meant for the user.
    async fn readable_name(&self, user: UserId, id: DataSourceId) -> Result<Option<String>, Fault> {
        Ok(self.readable_source(id, user).await?.map(|source| source.name.clone()))
    }
}
