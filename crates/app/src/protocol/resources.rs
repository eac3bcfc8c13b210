//! Which requested resources exist ([RFC 8707](https://www.rfc-editor.org/rfc/rfc8707)).

use std::sync::Arc;

use domain::account::DataSource;
use domain::id::DataSourceId;
use oauth::data_access::{DataAccess, DataReach};
use oauth::refusal::Refusal;
use oauth::resource::{self, Requested, Resource};

use crate::node::entity_cache::Entities;
use crate::node::settings::AppSettings;
use crate::protocol::refusal::ProtocolRefusal;
use crate::{Context, Fault};

/// Finds the resources that requests name.
#[derive(Clone, Copy)]
pub(crate) struct RequestedResources<'a> {
    entities: Entities<'a>,
    settings: &'a AppSettings,
}

impl<'a> RequestedResources<'a> {
    pub(crate) const fn of(context: &'a Context) -> Self {
        Self { entities: Entities::of(context), settings: &context.settings }
    }

    /// The canonical forms of the resources of an authorization request, or why they are refused. A data source that the user
    /// cannot read exists too, because nobody has signed in yet.
    pub(crate) async fn existing(
        self,
        requested: impl Iterator<Item = &str>,
    ) -> Result<Result<Vec<String>, Refusal>, Fault> {
        match resource::normalised(requested) {
            Ok(normalised) => Ok(resource::all_exist(self.find(&normalised).await?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The resources of an access token: those of the request, or else those of the grant.
    pub(crate) async fn narrow(
        self,
        granted: &[String],
        requested: &[String],
    ) -> Result<Vec<String>, ProtocolRefusal> {
        if granted.is_empty() && requested.is_empty() {
            return Ok(Vec::new());
        }
        // What was granted is looked for in its normal form, like what is requested.
        let normalised = match requested {
            [] => resource::normalised(granted.iter().map(String::as_str))?,
            _ => requested.to_vec(),
        };
        let asked = self.find(&normalised).await?;
        Ok(resource::narrowed(granted, asked, !requested.is_empty(), &self.settings.public_url)?)
    }

    /// The targets of a token exchange: what the request names, or else the resources of the subject token.
    pub(crate) async fn exchange_targets(
        self,
        requested: &[String],
        limited: &[String],
    ) -> Result<Vec<Requested>, Fault> {
        if !requested.is_empty() {
            return self.find(requested).await;
        }
        // What the token is limited to was canonical when it was issued, so it has a normal form.
        let normalised = resource::normalised(limited.iter().map(String::as_str)).unwrap_or_default();
        self.find(&normalised).await
    }

    /// Which of these resources in their canonical form an access to data reaches: all but the data sources that it does not.
    pub(crate) async fn are_reached(
        self,
        resources: &[String],
        data: &DataAccess,
    ) -> Result<Vec<bool>, Fault> {
        let is_reached = |source: &NamedSource| match source {
            NamedSource::None => true,
            NamedSource::Gone => false,
            NamedSource::Found(source) if source.is_group() => {
                source.members.iter().any(|member| data.reach(member.source) != DataReach::Nothing)
            }
            NamedSource::Found(source) => data.reach(source.id) != DataReach::Nothing,
        };
        Ok(self.named_sources(resources).await?.iter().map(is_reached).collect())
    }

    /// The data sources among these resources in their canonical form.
    pub(crate) async fn sources_among(self, resources: &[String]) -> Result<Vec<DataSourceId>, Fault> {
        let found = |source: NamedSource| match source {
            NamedSource::Found(source) => Some(source.id),
            NamedSource::None | NamedSource::Gone => None,
        };
        Ok(self.named_sources(resources).await?.into_iter().filter_map(found).collect())
    }

    async fn named_sources(self, resources: &[String]) -> Result<Vec<NamedSource>, Fault> {
        let (registry, public_url) = (self.entities.scope_registry().await?, &self.settings.public_url);
        let names: Vec<Option<String>> = resources
            .iter()
            .map(|one| match resource::find(one, &registry, public_url) {
                Some(Resource::Source(_, name)) => Some(name),
                _ => None,
            })
            .collect();
        let sought: Vec<String> = names.iter().flatten().cloned().collect();
        let mut records = self.entities.data_sources_by_names(&sought).await?.into_iter();
        let found = names.iter().map(|name| match name {
            None => NamedSource::None,
            Some(_) => records.next().flatten().map_or(NamedSource::Gone, NamedSource::Found),
        });
        Ok(found.collect())
    }

    async fn find(self, normalised: &[String]) -> Result<Vec<Requested>, Fault> {
        if normalised.is_empty() {
            return Ok(Vec::new());
        }
        let (registry, public_url) = (self.entities.scope_registry().await?, &self.settings.public_url);
        let urls = self.settings.urls();
        let normalised: Vec<_> = normalised.iter().map(|one| urls.at_public_url(one)).collect();
        let mut all: Vec<Option<Resource>> =
            normalised.iter().map(|one| resource::find(one, &registry, public_url)).collect();
        let names: Vec<String> = all.iter().flatten().filter_map(source_name).cloned().collect();
        if !names.is_empty() {
            let mut records = self.entities.data_sources_by_names(&names).await?.into_iter();
            for one in &mut all {
                if let Some(Resource::Source(endpoint, _)) = *one {
                    let record = records.next().flatten();
                    *one = record.map(|record| Resource::Source(endpoint, record.name.clone()));
                }
            }
        }
        let requested = normalised.into_iter().zip(all).map(|(resource, found)| Requested {
            resource: resource.into_owned(),
            found: found.map(|found| found.canonical(public_url)),
        });
        Ok(requested.collect())
    }
}

/// The data source for which a resource stands.
enum NamedSource {
    /// It stands for something else.
    None,
    /// It does not exist any more.
    Gone,
    /// This one.
    Found(Arc<DataSource>),
}

/// The name, if the resource is a data source.
const fn source_name(resource: &Resource) -> Option<&String> {
    match resource {
        Resource::Source(_, name) => Some(name),
        _ => None,
    }
}
