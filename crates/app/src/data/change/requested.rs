//! What one change asks for.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use odata::change::{self, References, RequestKey, Verb};
use odata::error::Error;
use odata::format::{AcceptedFormats, Format};
use odata::model::document::RuleAction;
use odata::plan::{self, PlanContext};
use odata::url::Url;

use super::{ChangeAnswer, ChangeRequest, Condition, Done, FailedChange, Repeatable};
use crate::data::authorization::DataGrant;
use crate::data::models::OpenedSource;
use crate::data::plans::CachedPlan;
use crate::data::run::{
    AHEAD_SECS, Parts, REPEATABLE_SECS, Repetition, Step, StepPlan, WantedChange, WantedRead, describe,
};
use crate::data::{DataAnswer, DataBody, DataRefusal, DataRequest, DataService, acceptable, reached_part};
use crate::identity::caller::{Caller, Via};

impl DataService {
    /// The maximum number of rows of each page that is read.
    pub(super) async fn page_sizes(
        &self,
        changes: &[ChangeRequest<'_>],
        opened: &OpenedSource,
    ) -> Result<Vec<usize>, DataRefusal> {
        if changes.iter().all(|change| change.verb.is_some()) {
            return Ok(Vec::new());
        }
        let mut sizes = Vec::with_capacity(changes.len());
        for change in changes {
            sizes.push(self.page_size(change.request.page_size, opened.model.page_size).await?);
        }
        Ok(sizes)
    }

    /// What the reads among changes that ask for the service document or the metadata document are answered. A group of data
    /// sources has these documents of its own, which its members do not know.
    pub(super) async fn descriptions(
        &self,
        grant: DataGrant<'_>,
        opened: &Arc<OpenedSource>,
        changes: &[ChangeRequest<'_>],
        root: &str,
    ) -> Result<Vec<Option<ChangeAnswer>>, FailedChange> {
        let mut described = Vec::new();
        if grant.through.is_some() || changes.iter().all(|change| change.verb.is_some()) {
            return Ok(described);
        }
        for (at, change) in changes.iter().enumerate() {
            let answer = self.description_in(grant, opened, change, root).await;
            described.push(answer.map_err(|refusal| FailedChange { at, refusal })?);
        }
        Ok(described)
    }

    async fn description_in(
        &self,
        grant: DataGrant<'_>,
        opened: &Arc<OpenedSource>,
        read: &ChangeRequest<'_>,
        root: &str,
    ) -> Result<Option<ChangeAnswer>, DataRefusal> {
        let DataRequest { path_and_query, accept, .. } = read.request;
        let path = path_and_query.split('?').next().unwrap_or_default();
        let is_document = matches!(path.trim_matches('/'), "" | "$metadata" | "%24metadata");
        if read.verb.is_some() || !is_document {
            return Ok(None);
        }
        let (url, shown) = (Url::read(path_and_query)?, reached_part(grant, opened, RuleAction::Read));
        let accepted = AcceptedFormats::by(accept);
        let context = PlanContext {
            now: self.instant()?,
            page_size: 1,
            format: accepted.json.unwrap_or_default(),
            rows: None,
            service_root: root,
            position: None,
        };
        let Some(plan) = plan::describe(&url, &shown.model, &context)? else { return Ok(None) };
        let planned = CachedPlan::new(plan, &url, accepted.json.is_some(), &shown.model, root, false);
        acceptable(&planned, accept)?;
        let document = describe(&planned, &shown.metadata, &shown.model, accept).await?;
        Ok(document.map(|DataAnswer { content, body, .. }| {
            let body = if let DataBody::Whole(body) = body { body } else { Bytes::new() };
            ChangeAnswer { content: Some(content), body, ..ChangeAnswer::of(Done::Read(path.to_owned())) }
        }))
    }

    /// A read in the transaction. A data source that demands a record of each read before its data are sent has none.
    pub(super) fn read_step(
        &self,
        grant: DataGrant<'_>,
        opened: &Arc<OpenedSource>,
        read: &ChangeRequest<'_>,
        page_size: Option<&usize>,
        parts: Parts,
    ) -> Result<Step, DataRefusal> {
        if opened.records_requests {
            let what = "a read among changes of a data source that records requests";
            return Err(Error::not_implemented(what).into());
        }
        let url = Url::read(read.request.path_and_query)?;
        let position =
            url.skip_token().map(|sealed| self.open_position(sealed, grant.record.id)).transpose()?;
        let wanted = WantedRead {
            path_and_query: read.request.path_and_query.to_owned(),
            accept: read.request.accept.to_owned(),
            page_size: page_size.copied().unwrap_or(1),
            position,
            pager: self.pager(grant, opened),
        };
        let (id, plan) = (read.id.map(str::to_owned), StepPlan::Read(Box::new(wanted)));
        Ok(Step { id, condition: Condition::None, repetition: None, parts, plan })
    }
}

impl ChangeRequest<'_> {
    /// The action about which rules decide.
    pub(super) fn action(&self) -> Result<RuleAction, DataRefusal> {
        match self.verb {
            Some(verb) => Ok(change::action(verb, &Url::read(self.request.path_and_query)?)),
            None => Ok(RuleAction::Read),
        }
    }

    /// What it says besides address and body, in words that no later version changes: records outlive an update.
    fn says(&self) -> Vec<&[u8]> {
        let verb: &[u8] = match self.verb {
            Some(Verb::Create) => b"create",
            Some(Verb::Update) => b"update",
            Some(Verb::Replace) => b"replace",
            Some(Verb::Delete) => b"delete",
            None => b"read",
        };
        let wanted: &[u8] = match self.wants_representation {
            None => b"",
            Some(true) => b"representation",
            Some(false) => b"minimal",
        };
        let (condition, tags): (&[u8], &[String]) = match self.condition {
            Condition::None => (b"", &[]),
            Condition::Absent => (b"absent", &[]),
            Condition::Present => (b"present", &[]),
            Condition::Tags(tags) => (b"tags", tags),
            Condition::TagAfter(id) => (b"tag after", std::slice::from_ref(id)),
        };
        let tags = tags.iter().map(String::as_bytes);
        [verb, wanted, condition].into_iter().chain(tags).collect()
    }

    /// How it is made only once, if the client may repeat it.
    pub(super) fn repetition(
        &self,
        caller: &Caller,
        root: &str,
        opened: &OpenedSource,
        now: jiff::Timestamp,
    ) -> Result<Option<Repetition>, DataRefusal> {
        let Some(repeatable) = self.repeatable else { return Ok(None) };
        let table = opened.model.request_table.clone().ok_or_else(Error::not_repeatable)?;
        let Repeatable::Known { id, client, first_sent } = repeatable else {
            return Err(DataRefusal::MalformedRepetition);
        };
        let age = now.as_second() - first_sent.as_second();
        if !(-AHEAD_SECS..=REPEATABLE_SECS).contains(&age) {
            return Err(DataRefusal::RepeatedTooLate);
        }
        let user = caller.account().user.id.get().to_string();
        let application = match caller.via() {
            Via::Bearer { application, .. } => application.get().to_string(),
            Via::Personal(access) => format!("personal access token {}", access.token.id),
            Via::Basic | Via::Session | Via::CommandLine | Via::Issuer(_) => String::new(),
        };
        let mut content = self.says();
        content.extend([self.request.path_and_query.as_bytes(), self.payload.bytes]);
        let key = RequestKey::new(&[root, &user, &application], &[client, id], &content);
        Ok(Some(Repetition { key, table, now: now.as_second() }))
    }

    /// A read that is answered already.
    pub(super) fn described(&self, answer: ChangeAnswer, parts: Parts) -> Step {
        let (id, plan) = (self.id.map(str::to_owned), StepPlan::Described(Box::new(answer)));
        Step { id, condition: Condition::None, repetition: None, parts, plan }
    }

    /// What is to be done in the transaction. The first change of a set refers to no other of the set.
    pub(super) fn step(
        &self,
        verb: Verb,
        is_first: bool,
        earlier: &References,
        root: &str,
        parts: Parts,
    ) -> Result<Step, DataRefusal> {
        let asked = WantedChange {
            verb,
            path_and_query: Cow::Borrowed(self.request.path_and_query),
            bytes: Cow::Borrowed(self.payload.bytes),
            numbers_as_text: self.payload.numbers_as_text,
            accepted: Format::accept(self.request.accept),
            wanted: self.wants_representation,
        };
        let is_known = (is_first || !asked.may_refer()) && !asked.is_led(&parts)?;
        let plan = if is_known {
            StepPlan::Bound(Box::new(asked.bind(earlier, root, &parts)?))
        } else {
            StepPlan::Late(asked.into_owned())
        };
        let (id, condition) = (self.id.map(str::to_owned), self.condition.clone());
        Ok(Step { id, condition, repetition: None, parts, plan })
    }
}
