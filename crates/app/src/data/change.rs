//! Changes of data: who may make them, and how they are made in one transaction.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use domain::account::DataSource;
use domain::audit::Action;
use oauth::data_access::DataReach;
use odata::change::{self, BoundChange, ChangeContext, ChangeKind, Payload, Verb};
use odata::format::Format;
use odata::url::Url;
use sources::{BrokenRule, SourceError, Violation};

use super::authorization::ReadGrant;
use super::request_user::request_user;
pub use super::run::Condition;
use super::run::{ChangeJob, Outcome, Representation};
use super::{Content, DataRefusal, DataRequest, DataService, reach};
use crate::Fault;
use crate::data::models::{OpenedSource, SourceOpener};
use crate::identity::caller::{Caller, Via};

/// How often a change is tried that another transaction gets in the way of.
const MOST_TRIES: usize = 3;

/// A data source that the caller may change.
#[derive(Debug)]
pub struct ChangeableSource(Arc<DataSource>);

/// A request to change data.
#[derive(Debug, Clone, Copy)]
pub struct ChangeRequest<'a> {
    /// What is addressed, and the form of the response.
    pub request: DataRequest<'a>,
    /// What is to be done.
    pub verb: Verb,
    /// The content.
    pub payload: Payload<'a>,
    /// On which condition.
    pub condition: &'a Condition,
    /// Whether the client wants the changed entity in the response; `None` if it does not say.
    pub wants_representation: Option<bool>,
}

/// A change that was made, and is durable.
#[derive(Debug)]
pub struct ChangeAnswer {
    /// The absolute address of a new entity.
    pub created: Option<String>,
    /// The entity tag of the entity, if it exists.
    pub tag: Option<String>,
    /// The changed resource, if the client wants it.
    pub body: Option<(Content, Bytes)>,
    /// The preference that decided whether there is a body.
    pub applied: Option<bool>,
}

/// Tells a change that nobody waits for its result any more.
struct Waiting(Arc<AtomicBool>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl DataService {
    /// The data source of a request, if the caller may change it: its owner allows changes, the caller may read it, and the
    /// token, if there is one, covers changes of it.
    ///
    /// # Errors
    /// [`DataRefusal`].
    pub async fn changeable(
        &self,
        caller: &Caller,
        request: &DataRequest<'_>,
    ) -> Result<ChangeableSource, DataRefusal> {
        let record = self.admit(caller, request.endpoint, request.source, request.origin).await?;
        if !record.writable {
            return Err(DataRefusal::ReadOnlySource);
        }
        if may_change(caller, &record) {
            return Ok(ChangeableSource(record));
        }
        let why = "the token does not allow to change this data source";
        self.audit_refusal(caller, why, Some(&record.name), request.origin).await?;
        Err(DataRefusal::ChangeNotGranted)
    }

    /// Makes a change. It is durable when this returns; if the caller is gone before, it is not made.
    ///
    /// # Errors
    /// [`DataRefusal`]; nothing was changed then, unless it is [`SourceError::OutcomeUnknown`].
    pub async fn change(
        &self,
        caller: &Caller,
        source: &ChangeableSource,
        change: &ChangeRequest<'_>,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let (request, record) = (&change.request, Arc::clone(&source.0));
        let DataRequest { endpoint, origin, since, .. } = *request;
        let grant = ReadGrant { caller, endpoint, record: &record, origin, at: since };
        let _permit = self.acquire_permit(caller.account().user.id).await?;
        self.revalidate(grant).await?;
        let mut answer = self.attempt(grant, change).await;
        for _ in 1..MOST_TRIES {
            answer = match answer {
                // Another transaction was in the way; what it has changed is read again.
                Err(DataRefusal::Source(SourceError::Locked | SourceError::Closed)) => {
                    self.attempt(grant, change).await
                }
                Err(DataRefusal::Source(SourceError::StructureChanged { .. })) => {
                    self.context.models.expect_changed_structure(record.id);
                    self.attempt(grant, change).await
                }
                answer => return answer.inspect_err(|refusal| refusal.log(&record, request)),
            };
        }
        answer.inspect_err(|refusal| refusal.log(&record, request))
    }

    async fn attempt(
        &self,
        grant: ReadGrant<'_>,
        change: &ChangeRequest<'_>,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let opened = SourceOpener::of(&self.context).opened(grant.record).await?;
        let opened = match reach(grant.caller, grant.record) {
            DataReach::Entities(names) => opened.limited_to(names),
            DataReach::Everything | DataReach::Nothing => opened,
        };
        let root = self.service_root(grant.record, grant.caller);
        let text = change.request.path_and_query;
        let url = Url::read(text)?;
        let context = ChangeContext { verb: change.verb, payload: change.payload, service_root: &root };
        let dialect = opened.source.dialect();
        let bound = Arc::new(change::prepare(&url, &opened.model, &context, dialect)?);
        let representation = Representation {
            format: Self::format(change, &url)?,
            path_and_query: text.to_owned(),
            root,
            now: jiff::Timestamp::from_microsecond(self.context.now().as_micros())
                .map_err(|error| Fault::Broken(Box::new(error)))?,
            wanted: change.wants_representation,
        };
        self.perform(grant, opened, bound, representation, change).await
    }

    /// The format of a response; it must be acceptable if there may be a body.
    fn format(change: &ChangeRequest<'_>, url: &Url) -> Result<Format, DataRefusal> {
        let accepted = Format::accept(change.request.accept);
        let may_have_body = change.wants_representation != Some(false) && change.verb != Verb::Delete;
        if accepted.is_none() && may_have_body && !url.names_format() {
            return Err(DataRefusal::NotAcceptable);
        }
        Ok(accepted.unwrap_or_default())
    }

    /// Runs the change as a task, which ends also if the caller is gone, so that the audit log has every change.
    async fn perform(
        &self,
        grant: ReadGrant<'_>,
        opened: Arc<OpenedSource>,
        change: Arc<BoundChange>,
        representation: Representation,
        asked: &ChangeRequest<'_>,
    ) -> Result<ChangeAnswer, DataRefusal> {
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let waiting = Waiting(Arc::clone(&is_abandoned));
        let outcome = Arc::new(OnceLock::new());
        let mut event = grant.caller.audit(Action::ChangeData, self.context.now(), grant.origin);
        event.subject = Some(format!("{}/{}", grant.record.name, change.set));
        event.authority = None;
        let job = ChangeJob {
            one: self.one_row_of(grant, &opened),
            opened: Arc::clone(&opened),
            change: Arc::clone(&change),
            representation,
            condition: asked.condition.clone(),
            is_abandoned,
            outcome: Arc::clone(&outcome),
        };
        let user = request_user(grant.user(), &opened.source);
        let (service, run) = (self.clone(), self.worker_run());
        #[expect(
            clippy::disallowed_methods,
            reason = "a change that has begun is recorded even if the caller goes away; its deadline ends it"
        )]
        let task = tokio::spawn(async move {
            let mut chunks = opened.source.change(user, run, job)?;
            let mut body = Vec::new();
            while let Some(chunk) = chunks.next().await {
                match chunk {
                    Ok(chunk) => body.extend_from_slice(&chunk),
                    // The job stops with an error if the change is not to be made.
                    Err(error) => {
                        let refused = outcome.get().and_then(Outcome::refusal);
                        return Err(refused.unwrap_or_else(|| of_source(error, &change, &opened)));
                    }
                }
            }
            let outcome = outcome.get().cloned().ok_or(DataRefusal::NoSuchEntity)?;
            event.detail = Some(verb_of(&outcome).to_owned());
            if let Err(error) = service.context.store.append_audit(vec![event]).await {
                Fault::from(error).note("a change of data is missing in the audit log");
            }
            Ok((outcome, Bytes::from(body)))
        });
        let (outcome, body) = task.await.map_err(|panic| Fault::Broken(Box::new(panic)))??;
        drop(waiting);
        Ok(answer(outcome, body, asked.wants_representation))
    }
}

/// Whether the caller's credentials cover changes of a data source: a password does, and a token that says so.
fn may_change(caller: &Caller, record: &DataSource) -> bool {
    match caller.via() {
        Via::Basic => true,
        // Those that the application still has, which may be fewer than were issued.
        Via::Bearer { scopes, .. } => caller.token().is_some_and(|token| {
            oauth::data_access::may_change(scopes, token.details.data.as_deref(), record.id)
        }),
        Via::Session | Via::CommandLine | Via::Issuer(_) => false,
    }
}

/// What was done, in the words of the audit log.
fn verb_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Created { .. } => "create",
        Outcome::Deleted => "delete",
        _ => "update",
    }
}

fn answer(outcome: Outcome, body: Bytes, preferred: Option<bool>) -> ChangeAnswer {
    match outcome {
        Outcome::Created { address, tag, content } => ChangeAnswer {
            created: Some(address),
            tag,
            body: content.map(|content| (content, body)),
            applied: preferred,
        },
        Outcome::Updated { tag, content } => ChangeAnswer {
            created: None,
            tag,
            body: content.map(|content| (content, body)),
            applied: preferred,
        },
        _ => ChangeAnswer { created: None, tag: None, body: None, applied: None },
    }
}

/// The refusal of a change that the database did not make. Columns are named as the model names them.
fn of_source(error: SourceError, change: &BoundChange, opened: &OpenedSource) -> DataRefusal {
    let SourceError::Violation(Violation { rule, columns }) = error else { return error.into() };
    let entity_type = opened.model.entity_type(&change.set);
    let properties = entity_type.map(|entity_type| entity_type.properties.as_slice()).unwrap_or_default();
    let name_of = |column: &String| {
        let property = properties.iter().find(|property| property.column.eq_ignore_ascii_case(column));
        property.map(|property| property.name.clone())
    };
    // A name that is not in the model may be hidden, so none is told then.
    let names = columns.iter().map(name_of).collect::<Option<Vec<_>>>().unwrap_or_default();
    let rule = match (&change.kind, rule) {
        (ChangeKind::Delete(_), BrokenRule::Missing) => BrokenRule::Reference,
        (_, rule) => rule,
    };
    DataRefusal::Violation { rule, names }
}
