//! Groups: several data sources at one address. A request for data of a group is one for the member whose prefix the name of the
//! entity set has, seen under the names of the group; only what describes a group is put together from all members.
//!
//! A group grants nothing: what a caller reaches of a member is what the caller reaches of it at its own address.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use domain::account::DataSource;
use domain::account::data_source::GroupMember;
use odata::error::Error;
use odata::format::Format;
use odata::model::Model;
use odata::model::document::RuleAction;
use odata::plan::{self, PlanContext};
use odata::url::Url;
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sources::driver::Intent;

use super::authorization::DataGrant;
use super::document::MetadataDocument;
use super::plans::CachedPlan;
use super::run::describe;
use super::through::Through;
use super::{DataAnswer, DataRefusal, DataRequest, DataService, acceptable, reached_part, reaches};
use crate::Fault;
use crate::data::models::parts::bytes;
use crate::data::models::{OpenRefusal, OpenedSource, SourceOpener, namespace};
use crate::identity::caller::Caller;
use crate::node::entity_cache::Entities;

/// How long a description of a group waits for members that are not open.
const PATIENCE: Duration = Duration::from_secs(2);

/// The estimated size of the descriptions of groups that are kept, in bytes. One that is not kept is put together again.
const KEPT_BYTES: u64 = 16 * 1024 * 1024;

/// A member that a caller reaches, as it is seen in its group.
struct ReachedMember {
    record: Arc<DataSource>,
    through: Arc<Through>,
}

/// What a group serves to those who reach the same parts of its members.
pub(crate) struct GroupModel {
    model: Arc<Model>,
    metadata: Arc<MetadataDocument>,
}

/// The descriptions of groups that were used last, by the policy versions of the parts of their members.
pub(crate) struct GroupModels(Cache<Key, Arc<GroupModel>, Weight>);

/// The namespace, and the parts.
type Key = (String, Vec<u64>);

#[derive(Debug, Clone)]
struct Weight;

impl Weighter<Key, Arc<GroupModel>> for Weight {
    fn weight(&self, (namespace, parts): &Key, group: &Arc<GroupModel>) -> u64 {
        bytes(&group.model) + (1024 + namespace.len() + parts.len() * size_of::<u64>()) as u64
    }
}

impl Default for GroupModels {
    fn default() -> Self {
        Self(Cache::with_weighter(64, KEPT_BYTES, Weight))
    }
}

impl GroupModels {
    /// The description of a group with these parts of members.
    fn description(&self, group: &DataSource, parts: &[Arc<OpenedSource>]) -> Arc<GroupModel> {
        let namespace = namespace(&group.name);
        let key = (namespace, parts.iter().map(|part| part.policy_version).collect());
        if let Some(known) = self.0.get(&key) {
            return known;
        }
        let models: Vec<Arc<Model>> = parts.iter().map(|part| Arc::clone(&part.model)).collect();
        let model = Arc::new(Model::of_group(&key.0, &models));
        let made = Arc::new(GroupModel { model, metadata: Arc::default() });
        self.0.insert(key, Arc::clone(&made));
        made
    }
}

impl DataService {
    /// Reads from the member that the request names, or describes the group.
    pub(super) async fn read_from_group(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        request: &DataRequest<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        let url = Url::read(request.path_and_query)?;
        match self.named_member(caller, group, &url, request).await? {
            Some(ReachedMember { record, through }) => {
                self.read_as(caller, &record, Some(&through), request).await
            }
            None => self.read_description(caller, group, &url, request).await,
        }
    }

    /// The member of a request to change something.
    pub(super) async fn member_to_change(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        request: &DataRequest<'_>,
    ) -> Result<(Arc<DataSource>, Arc<Through>), DataRefusal> {
        let url = Url::read(request.path_and_query)?;
        if let Some(ReachedMember { record, through }) =
            self.named_member(caller, group, &url, request).await?
        {
            return Ok((record, through));
        }
        let _permit = self.acquire_permit(caller.account().user.id).await?;
        // The request names no entity set of the group; why it is refused is the same for every method.
        let description = self.description(caller, group, request).await?;
        self.plan_of_description(caller, group, &url, &description.model, request)?;
        Err(Error::not_changeable("the description of a group").into())
    }

    /// What a caller reaches of all members of a group, as one model.
    pub(super) async fn reached_model_of_group(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        request: &DataRequest<'_>,
    ) -> Result<Arc<Model>, DataRefusal> {
        let _permit = self.acquire_permit(caller.account().user.id).await?;
        Ok(Arc::clone(&self.description(caller, group, request).await?.model))
    }

    /// The member whose prefix the name has with which the path starts, if the caller reaches it. Otherwise it is as if it did not
    /// exist, unless the token is at fault or the sign-in too old.
    async fn named_member(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        url: &Url,
        request: &DataRequest<'_>,
    ) -> Result<Option<ReachedMember>, DataRefusal> {
        let is_named = |member: &&GroupMember| url.first_names().all(|name| member.own_name(name).is_some());
        let Some(member) = group.members.iter().find(is_named) else { return Ok(None) };
        let record = Entities::of(&self.context).data_source(member.source).await.map_err(Fault::from)?;
        let Some(record) = record.filter(|record| !record.is_group()) else { return Ok(None) };
        match self.admit_to(caller, &record, request.origin).await {
            Ok(()) => Ok(Some(ReachedMember::new(record, group, member))),
            Err(DataRefusal::UnknownSource) => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// The service document or the metadata document of a group.
    async fn read_description(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        url: &Url,
        request: &DataRequest<'_>,
    ) -> Result<DataAnswer, DataRefusal> {
        let _permit = self.acquire_permit(caller.account().user.id).await?;
        let GroupModel { model, metadata } = &*self.description(caller, group, request).await?;
        let planned = self.plan_of_description(caller, group, url, model, request)?;
        acceptable(&planned, request.accept)?;
        let described = describe(&planned, metadata, model, request.accept).await?;
        described.ok_or(DataRefusal::NoSuchEntity)
    }

    /// The plan of a request that names no member, and so must be about the group itself.
    fn plan_of_description(
        &self,
        caller: &Caller,
        group: &DataSource,
        url: &Url,
        model: &Model,
        request: &DataRequest<'_>,
    ) -> Result<CachedPlan, DataRefusal> {
        let accepted = Format::accept(request.accept);
        let root = self.service_root(group, caller);
        let format = accepted.unwrap_or_default();
        let context = PlanContext {
            now: self.instant()?,
            page_size: 1,
            format,
            service_root: &root,
            rows: None,
            position: None,
        };
        let plan = plan::describe(url, model, &context)?;
        let plan = plan.ok_or_else(|| Error::not_implemented("a request for several data sources"))?;
        Ok(CachedPlan::new(plan, url, accepted.is_some(), model, &root, false))
    }

    /// What a caller reaches of a group. A member whose database cannot be described is as it was described last; if it never
    /// was, it is left out.
    async fn description(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        request: &DataRequest<'_>,
    ) -> Result<Arc<GroupModel>, DataRefusal> {
        let DataRequest { endpoint, origin, since, .. } = *request;
        let members = self.reached_members(caller, group, request).await?;
        let opening = members.iter().map(|member| self.described(&member.record));
        let opened = each(opening.collect()).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let grant = |record, through| DataGrant {
            caller,
            intent: Intent::Read,
            endpoint,
            record,
            through,
            origin,
            at: since,
        };
        // To open them may have taken long.
        self.revalidate(grant(group, None)).await?;
        let mut parts = Vec::with_capacity(members.len());
        for (ReachedMember { record, through }, opened) in members.iter().zip(opened) {
            let Some(opened) = opened else { continue };
            let read_grant = grant(record, Some(through));
            self.revalidate(read_grant).await?;
            parts.push(reached_part(read_grant, &opened, RuleAction::Read));
        }
        Ok(self.context.data.groups.description(group, &parts))
    }

    /// The members that a caller reaches, by id.
    async fn reached_members(
        &self,
        caller: &Caller,
        group: &Arc<DataSource>,
        request: &DataRequest<'_>,
    ) -> Result<Vec<ReachedMember>, DataRefusal> {
        let mut reached = Vec::with_capacity(group.members.len());
        for member in &group.members {
            let record = Entities::of(&self.context).data_source(member.source).await.map_err(Fault::from)?;
            let is_reached = |record: &Arc<DataSource>| {
                !record.is_group()
                    && record.is_readable_by(caller.account().user.id)
                    && reaches(caller, record)
            };
            let Some(record) = record.filter(is_reached) else { continue };
            // A description without it would seem to be whole.
            self.sign_in_is_enough(caller, &record, request.origin).await?;
            reached.push(ReachedMember::new(record, group, member));
        }
        Ok(reached)
    }

    /// The source of a record, or how it was before its database failed.
    fn described<'a>(&'a self, record: &'a DataSource) -> Opening<'a> {
        let sources = SourceOpener::of(&self.context);
        Box::pin(async move {
            match tokio::time::timeout(PATIENCE, sources.opened(record)).await {
                Ok(Ok(opened)) => Ok(Some(opened)),
                Ok(Err(OpenRefusal::Fault(fault))) => Err(fault),
                Ok(Err(OpenRefusal::Unusable(_))) | Err(_) => Ok(sources.opened_before(record)),
            }
        })
    }
}

impl ReachedMember {
    fn new(record: Arc<DataSource>, group: &Arc<DataSource>, member: &GroupMember) -> Self {
        Self { record, through: Arc::new(Through { group: Arc::clone(group), member: member.clone() }) }
    }
}

/// A source that is being opened.
type Opening<'a> = Pin<Box<dyn Future<Output = Result<Option<Arc<OpenedSource>>, Fault>> + Send + 'a>>;

/// Waits for all of them at once.
async fn each(mut opening: Vec<Opening<'_>>) -> Vec<Result<Option<Arc<OpenedSource>>, Fault>> {
    let mut opened: Vec<_> = opening.iter().map(|_| None).collect();
    std::future::poll_fn(move |context| {
        let mut is_ready = true;
        for (one, opened) in opening.iter_mut().zip(&mut opened) {
            if opened.is_none() {
                match one.as_mut().poll(context) {
                    Poll::Ready(done) => *opened = Some(done),
                    Poll::Pending => is_ready = false,
                }
            }
        }
        if is_ready {
            Poll::Ready(std::mem::take(&mut opened).into_iter().flatten().collect())
        } else {
            Poll::Pending
        }
    })
    .await
}
