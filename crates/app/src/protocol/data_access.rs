//! The data that clients request and that tokens reach, with the data sources behind them.

use domain::account::DataSource;
use domain::id::{DataSourceId, UserId};
use oauth::application::Application;
use oauth::authorization_details::{self, GrantedElement, NamedData, RequestedData};
use oauth::authorize::{self, AuthorizeRequest, DataChange, Offer, ReadableSource, RequestedSource};
use oauth::data_access::{self, DataAccess, DataReach};
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;
use oauth::resource::{self, Resource};
use oauth::scope::{BuiltInScope, ScopeSet};

use crate::protocol::client::ProtocolRefusal;
use crate::{Context, Fault};

impl Context {
    /// The data sources that a request names, with their ids; `None` if the user chooses. A data source that the user cannot
    /// read exists too, because nobody has signed in yet.
    pub(crate) async fn requested_sources(
        &self,
        requested: &RequestedData,
    ) -> Result<Result<Option<Vec<RequestedSource>>, Refusal>, Fault> {
        let RequestedData::Named(all) = requested else { return Ok(Ok(None)) };
        let (registry, public_url) = (self.scope_registry().await?, &self.settings.public_url);
        let name_of = |one: &NamedData| match resource::find(&one.location, &registry, public_url) {
            Some(Resource::Source(name)) => Some(name),
            _ => None,
        };
        let Some(names) = all.iter().map(name_of).collect::<Option<Vec<String>>>() else {
            return Ok(Err(Refusal::AuthorizationDetailsLocation));
        };
        let records = self.data_sources_by_names(&names).await?;
        let sources = all.iter().zip(records).map(|(one, record)| RequestedSource {
            id: record.map(|record| record.id),
            entities: one.entities.clone(),
        });
        Ok(Ok(Some(sources.collect())))
    }

    /// The data sources that an authorization request names, or why they are refused.
    pub(crate) async fn data_of_request(
        &self,
        request: &AuthorizeRequest,
    ) -> Result<Result<Option<Vec<RequestedSource>>, Refusal>, Fault> {
        match authorization_details::parse_text(request.authorization_details.as_deref()) {
            Ok(Some(requested)) => self.requested_sources(&requested).await,
            Ok(None) => Ok(Ok(None)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The data in a request for which the client polls. Those that do not exist cannot be allowed later.
    pub(crate) async fn requested_data(
        &self,
        parameters: &Parameters,
        scopes: &ScopeSet,
    ) -> Result<Option<Box<DataAccess>>, ProtocolRefusal> {
        let Some(requested) = authorization_details::parse(parameters)? else { return Ok(None) };
        if !scopes.contains(BuiltInScope::OData) {
            return Err(Refusal::AuthorizationDetailsScope.into());
        }
        let Some(named) = self.requested_sources(&requested).await?? else { return Ok(None) };
        let named = authorize::existing(&named).ok_or(Refusal::AuthorizationDetailsLocation)?;
        Ok(Some(Box::new(DataAccess::to(named))))
    }

    /// What the consent page offers to a user for a request.
    pub(crate) async fn offer(
        &self,
        requested: Option<&[RequestedSource]>,
        user: UserId,
        before: Option<&DataAccess>,
    ) -> Result<Offer, Fault> {
        let readable = self.store.list_data_sources(Some(user)).await?;
        let one = |source: DataSource| ReadableSource {
            id: source.id,
            name: source.name,
            description: source.description,
        };
        Ok(Offer::new(requested, readable.into_iter().map(one).collect(), before))
    }

    /// Whether somebody who runs this server answers for an application: an Administrator registered it, and still owns it.
    pub(crate) async fn is_verified(&self, application: &Application) -> Result<bool, Fault> {
        if !application.was_registered_by_its_owner() {
            return Ok(false);
        }
        let owner = self.account(application.owner).await?;
        Ok(owner.is_some_and(|owner| owner.is_administrator()))
    }

    /// The data of an access token: those that the request names, or else those of the grant ([RFC 9396
    /// §6](https://www.rfc-editor.org/rfc/rfc9396#section-6)).
    pub(crate) async fn narrow_data(
        &self,
        granted: Option<&DataAccess>,
        requested: &RequestedData,
    ) -> Result<Option<Box<DataAccess>>, ProtocolRefusal> {
        let named = self.requested_sources(requested).await??;
        let wanted =
            named.map(|all| authorize::existing(&all).ok_or(Refusal::AuthorizationDetailsNotGranted));
        let narrowed = data_access::narrowed(granted, wanted.transpose()?)
            .map_err(|data_access::NotGranted| Refusal::AuthorizationDetailsNotGranted)?;
        Ok(narrowed.map(Box::new))
    }

    /// The authorization details of an access that is limited to data: one data source of the user for each element,
    /// among those that its resources include.
    pub(crate) async fn granted_elements(
        &self,
        user: UserId,
        data: &DataAccess,
        resources: &[String],
    ) -> Result<Vec<GrantedElement>, Fault> {
        let public_url = &self.settings.public_url;
        let readable = self.readable_sources(user, data).await?;
        let granted = readable.iter().filter_map(|(id, name)| {
            if !resource::include_source(resources, name, public_url) {
                return None;
            }
            let entities: &[String] = match data.reach(*id) {
                DataReach::Nothing => return None,
                DataReach::Entities(entities) => entities,
                DataReach::Everything => &[],
            };
            Some(GrantedElement::new(name, entities, public_url))
        });
        Ok(granted.take(data_access::MOST_SOURCES).collect())
    }

    /// The ids and names of the data sources that an access may reach and that the user may read, by id. Those that the
    /// access names are cached.
    async fn readable_sources(
        &self,
        user: UserId,
        data: &DataAccess,
    ) -> Result<Vec<(DataSourceId, String)>, Fault> {
        if data.others {
            return self.all_readable_sources(user).await;
        }
        let mut readable = Vec::with_capacity(data.sources.len());
        for named in &data.sources {
            let found = self.readable_source(named.id(), user).await?;
            readable.extend(found.map(|source| (source.id, source.name.clone())));
        }
        readable.sort_unstable();
        Ok(readable)
    }

    async fn all_readable_sources(&self, user: UserId) -> Result<Vec<(DataSourceId, String)>, Fault> {
        let readable = self.store.list_data_sources(Some(user)).await?;
        Ok(readable.into_iter().map(|source| (source.id, source.name)).collect())
    }
}

/// The maximum length of the data in an audit event, in characters.
const LONGEST_DETAIL: usize = 500;

/// What a user has chosen of an offer, in words for the audit log.
pub(crate) fn chosen_in_words(offer: &Offer, change: &DataChange) -> String {
    let Some(data) = change.chosen() else { return "data: all, including later ones".to_owned() };
    let reached = offer.sources.iter().filter_map(|source| match data.reach(source.id) {
        DataReach::Nothing => None,
        DataReach::Everything => Some(source.name.clone()),
        DataReach::Entities(entities) => Some(format!("{} ({})", source.name, entities.join(", "))),
    });
    let mut words = format!("data: {}", reached.collect::<Vec<_>>().join(", "));
    if let Some((at, _)) = words.char_indices().nth(LONGEST_DETAIL) {
        words.truncate(at);
        words.push('…');
    }
    if data.others {
        words.push_str("; including later ones");
    }
    words
}
