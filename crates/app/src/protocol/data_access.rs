//! The data that clients request and that tokens reach, with the data sources behind them.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use domain::account::DataSource;
use domain::id::{DataSourceId, UserId};
use oauth::application::Application;
use oauth::authorization_details::{self, GrantedElement, NamedData, RequestedData};
use oauth::authorize::{self, AuthorizeRequest, DataChange, Offer, ReadableSource, RequestedSource};
use oauth::data_access::{self, DataAccess, DataReach, SourceAccess};
use oauth::grant::Consent;
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;
use oauth::resource::{self, Resource};
use oauth::scope::{BuiltInScope, ScopeSet};

use crate::data::models::SourceOpener;
use crate::node::entity_cache::Entities;
use crate::protocol::refusal::ProtocolRefusal;
use crate::protocol::resources::RequestedResources;
use crate::{Context, Fault};

/// Whether there is an entity set of this name.
type ExistingEntities = dyn Fn(&str) -> bool + Send + Sync;

/// The resources and the data sources that a request names; each is refused by itself.
type Limits = (Result<Vec<String>, Refusal>, Result<Option<Vec<RequestedSource>>, Refusal>);

/// How long a request waits for the models of the data sources of which it names entity sets.
const PATIENCE: Duration = Duration::from_secs(2);

/// The data that requests name and that tokens reach.
#[derive(Clone, Copy)]
pub(crate) struct ReachableData<'a> {
    context: &'a Arc<Context>,
}

component!(ReachableData, Arc<Context>);

impl ReachableData<'_> {
    /// The data sources that a request names, with their ids; `None` if the user chooses. A data source that the user cannot
    /// read exists too, because nobody has signed in yet.
    pub(crate) async fn requested_sources(
        self,
        requested: &RequestedData,
    ) -> Result<Result<Option<Vec<RequestedSource>>, Refusal>, Fault> {
        let RequestedData::Named(all) = requested else { return Ok(Ok(None)) };
        let (registry, public_url) =
            (Entities::of(self.context).scope_registry().await?, &self.context.settings.public_url);
        let urls = self.context.settings.urls();
        let name_of =
            |one: &NamedData| match resource::find(&urls.at_public_url(&one.location), &registry, public_url)
            {
                Some(Resource::Source(_, name)) => Some(name),
                _ => None,
            };
        let Some(names) = all.iter().map(name_of).collect::<Option<Vec<String>>>() else {
            return Ok(Err(Refusal::AuthorizationDetailsLocation));
        };
        let records = Entities::of(self.context).data_sources_by_names(&names).await?;
        let source = |(one, record): (&NamedData, Option<Arc<DataSource>>)| {
            // A group has no data of its own: what is reached through it are its members.
            let id = record.filter(|record| !record.is_group())?.id;
            Some(RequestedSource { id, entities: one.entities.clone(), writes: one.writes })
        };
        let sources = all.iter().zip(records).map(source).collect::<Option<Vec<_>>>();
        let sources = sources.map(|sources| Some(authorize::each_once(sources.into_iter())));
        Ok(sources.ok_or(Refusal::AuthorizationDetailsLocation))
    }

    /// The data sources that an authorization request names, or why they are refused.
    pub(crate) async fn data_of_request(
        self,
        request: &AuthorizeRequest,
    ) -> Result<Result<Option<Vec<RequestedSource>>, Refusal>, Fault> {
        match authorization_details::parse_text(request.authorization_details.as_deref()) {
            Ok(Some(requested)) => self.requested_sources(&requested).await,
            Ok(None) => Ok(Ok(None)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// The resources and the data sources of an authorization request, or why they are refused.
    pub(crate) async fn limits_of_request(self, request: &AuthorizeRequest) -> Result<Limits, Fault> {
        let resources = RequestedResources::of(self.context).existing(request.resources()).await?;
        let data = self.data_of_request(request).await?;
        if let (Ok(resources), Ok(Some(named))) = (&resources, &data) {
            let named = authorize::named(named);
            if let Err(refusal) = self.limits_meet(resources, Some(&named)).await? {
                return Ok((Err(refusal), data));
            }
        }
        Ok((resources, data))
    }

    /// Whether a token that is limited to these resources and to this data could read anything.
    pub(crate) async fn limits_meet(
        self,
        resources: &[String],
        data: Option<&DataAccess>,
    ) -> Result<Result<(), Refusal>, Fault> {
        let Some(data) = data.filter(|_| !resources.is_empty()) else { return Ok(Ok(())) };
        let are_reached = RequestedResources::of(self.context).are_reached(resources, data).await?;
        Ok(resource::reached(resources, &are_reached).map(|_| ()).ok_or(Refusal::ResourceOutsideData))
    }

    /// The data in a request for which the client polls.
    pub(crate) async fn requested_data(
        self,
        parameters: &Parameters,
        application: &Application,
        scopes: &ScopeSet,
    ) -> Result<Option<Box<DataAccess>>, ProtocolRefusal> {
        let Some(requested) = authorization_details::parse(parameters)? else { return Ok(None) };
        application.settings.client_metadata.requests.may_name_data()?;
        if !scopes.reaches_data() || (requested.writes() && !scopes.contains(BuiltInScope::OData)) {
            return Err(Refusal::AuthorizationDetailsScope.into());
        }
        let named = self.requested_sources(&requested).await??;
        Ok(authorize::stored(&requested, named.as_deref()).map(Box::new))
    }

    /// What the consent page offers to a user for a request, where what the user allowed before is ticked.
    pub(crate) async fn offer(
        self,
        requested: Option<&[RequestedSource]>,
        writes: bool,
        user: UserId,
        before: Option<&Consent>,
    ) -> Result<Offer, Fault> {
        let before = before.filter(|consent| consent.scopes.reaches_data());
        let before = before.and_then(|before| before.data.as_ref());
        let readable = self.context.store.list_data_sources(Some(user)).await?;
        let one = |source: DataSource| ReadableSource {
            id: source.id,
            name: source.name,
            description: source.description,
            writable: source.writable,
        };
        // A group reaches no more than its members, so there is nothing to choose.
        let readable = readable.into_iter().filter(|source| !source.is_group());
        let mut offer = Offer::new(requested, writes, readable.map(one).collect(), before);
        let named = offer.sources.iter().filter(|source| !source.entities.is_empty());
        let named: Vec<DataSourceId> = named.map(|source| source.id).collect();
        if !named.is_empty() {
            let known = self.known_entities(&named).await;
            offer.retain_entities(|id, name| known.get(&id).is_none_or(|exists| exists(name)));
        }
        Ok(offer)
    }

    /// The data of an access token: those that the request names, or else those of the grant ([RFC 9396
    /// §6](https://www.rfc-editor.org/rfc/rfc9396#section-6)). What is named must be data that the user can read.
    pub(crate) async fn narrow_data(
        self,
        granted: Option<&DataAccess>,
        requested: &RequestedData,
        user: UserId,
    ) -> Result<Option<Box<DataAccess>>, ProtocolRefusal> {
        let named = self.requested_sources(requested).await??;
        let narrowed = match (requested, named.as_deref().map(authorize::named)) {
            (RequestedData::Any { writes }, _) => data_access::narrowed_to_actions(granted, *writes),
            (RequestedData::Named(_), wanted) => data_access::narrowed(granted, wanted),
        };
        let narrowed = narrowed.map_err(|data_access::NotGranted| Refusal::AuthorizationDetailsNotGranted)?;
        for named in named.iter().flatten() {
            if Entities::of(self.context)
                .readable_source(named.id, user)
                .await
                .map_err(Fault::from)?
                .is_none()
            {
                return Err(Refusal::AuthorizationDetailsNotGranted.into());
            }
        }
        let with_entities = named.iter().flatten().filter(|one| !one.entities.is_empty());
        let with_entities: Vec<&RequestedSource> = with_entities.collect();
        let ids: Vec<DataSourceId> = with_entities.iter().map(|one| one.id).collect();
        let known = self.known_entities(&ids).await;
        let exist = |one: &&RequestedSource| {
            known.get(&one.id).is_none_or(|exists| one.entities.iter().all(|name| exists(name)))
        };
        if !with_entities.iter().all(exist) {
            return Err(Refusal::AuthorizationDetailsDatatype.into());
        }
        Ok(narrowed.map(Box::new))
    }

    /// Which entity sets these data sources have, whose readers may know that. A data source that cannot be opened soon is
    /// not among them: a request does not fail because its data cannot be read at the moment.
    async fn known_entities(self, ids: &[DataSourceId]) -> HashMap<DataSourceId, Box<ExistingEntities>> {
        let mut known: HashMap<DataSourceId, Box<ExistingEntities>> = HashMap::new();
        let search = async {
            for id in ids {
                let Ok(Some(record)) = Entities::of(self.context).data_source(*id).await else { continue };
                let Ok(opened) = SourceOpener::of(self.context).opened(&record).await else { continue };
                known.insert(*id, Box::new(move |name| opened.model.entity_type(name).is_some()));
            }
        };
        // What was found until then is used.
        let _ = tokio::time::timeout(PATIENCE, search).await;
        known
    }

    /// The authorization details of an access that is limited to data: an element for each data source of the user that it
    /// names, among those that its resources include, and one for all others if it reaches them. What may be changed depends on
    /// the scopes too.
    pub(crate) async fn granted_elements(
        self,
        user: UserId,
        scopes: &ScopeSet,
        data: &DataAccess,
        resources: &[String],
    ) -> Result<Vec<GrantedElement>, Fault> {
        let may_change = |id| data_access::may_change(scopes, Some(data), id);
        let public_url = &self.context.settings.public_url;
        let named = if data.others && !resource::include_all_data(resources, public_url) {
            RequestedResources::of(self.context).sources_among(resources).await?
        } else {
            let named = data.sources.iter().map(SourceAccess::id).chain(data.whole.iter());
            let mut named: Vec<DataSourceId> = named.chain(data.changes.iter()).collect();
            named.sort_unstable();
            named.dedup();
            named
        };
        let reaches_others = data.others && resource::include_all_data(resources, public_url);
        let mut granted = Vec::with_capacity(named.len());
        let mut except = Vec::new();
        for (id, name) in self.readable_names(&named, user).await? {
            if !resource::include_source_somewhere(resources, &name, public_url) {
                continue;
            }
            match data.reach(id) {
                DataReach::Nothing => {}
                DataReach::Everything if reaches_others && !may_change(id) => {}
                DataReach::Everything => {
                    granted.push(GrantedElement::new(&name, &[], may_change(id), public_url));
                }
                DataReach::Entities(entities) => {
                    granted.push(GrantedElement::new(&name, entities, may_change(id), public_url));
                    except.push((id, name));
                }
            }
        }
        if reaches_others {
            let excepted: Vec<DataSourceId> = data.except.iter().collect();
            except.extend(self.readable_names(&excepted, user).await?);
            except.sort_unstable();
            let excepted = except.iter().map(|(_, name)| name.as_str());
            granted.insert(0, GrantedElement::others(excepted, public_url));
        }
        Ok(granted)
    }

    /// The ids and names of those data sources that the user may read, by id. A few are cached; many are read together.
    async fn readable_names(
        self,
        ids: &[DataSourceId],
        user: UserId,
    ) -> Result<Vec<(DataSourceId, String)>, Fault> {
        if ids.len() > data_access::MOST_SOURCES {
            let among: HashSet<&DataSourceId> = ids.iter().collect();
            let mut readable = Entities::of(self.context).all_readable_sources(user).await?;
            readable.retain(|(id, _)| among.contains(id));
            return Ok(readable);
        }
        let mut readable = Vec::with_capacity(ids.len());
        for id in ids {
            let found = Entities::of(self.context).readable_source(*id, user).await?;
            readable.extend(found.map(|source| (source.id, source.name.clone())));
        }
        readable.sort_unstable();
        Ok(readable)
    }
}

/// The maximum length of each list of data sources in an audit event, in characters.
const LONGEST_DETAIL: usize = 500;

/// What a user has chosen of an offer, in words for the audit log.
pub(crate) fn chosen_in_words(offer: &Offer, change: &DataChange) -> String {
    let data = change.chosen().unwrap_or_else(DataAccess::everything);
    let mut words = reached_in_words(offer, &data);
    let named = |is_named: &dyn Fn(DataSourceId) -> bool| -> Vec<String> {
        let named = offer.sources.iter().filter(|source| is_named(source.id));
        named.map(|source| source.name.clone()).collect()
    };
    let ended: Vec<DataSourceId> = change.refused().filter(|id| offer.is_changed_now(*id)).collect();
    for (what, names) in [
        ("may change", named(&|id| data.may_change(id))),
        ("may no longer change", named(&|id| ended.contains(&id))),
    ] {
        if !names.is_empty() {
            let _ = write!(words, "; {what}: {}", listed(&names));
        }
    }
    words
}

fn reached_in_words(offer: &Offer, data: &DataAccess) -> String {
    if data.others && data.except.is_empty() {
        return "data: all, including later ones".to_owned();
    }
    let reached = offer.sources.iter().filter_map(|source| match data.reach(source.id) {
        DataReach::Nothing => None,
        DataReach::Everything => Some(source.name.clone()),
        DataReach::Entities(entities) => Some(format!("{} ({})", source.name, entities.join(", "))),
    });
    let later = if data.others { "; including later ones" } else { "" };
    format!("data: {}{later}", listed(&reached.collect::<Vec<_>>()))
}

/// The names, with their number if they are many, and cut off if they are long.
fn listed(names: &[String]) -> String {
    let mut words = names.join(", ");
    if names.len() > data_access::MOST_SOURCES {
        words = format!("{} of them: {words}", names.len());
    }
    if let Some((at, _)) = words.char_indices().nth(LONGEST_DETAIL) {
        words.truncate(at);
        words.push('…');
    }
    words
}
