//! Repeatable requests: each is made once, however often it is sent ([Repeatable Requests
//! 1.0](https://docs.oasis-open.org/odata/repeatable-requests/v1.0/repeatable-requests-v1.0.html)).

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use odata::change::{ChangeKind, EntityState, RequestKey, RequestRecord};
use odata::model::RequestTable;
use odata::sql::Dialect;
use odata::statement::Statement;
use odata::url::Url;
use sources::{BrokenRule, SourceError, SourceRow, Violation};

use super::{ChangeAnswer, Done, OneChange, Reads, StepResult, tag_of};
use crate::data::DataRefusal;
use crate::data::run::About;

/// For how many seconds a request can be repeated.
pub(in crate::data) const REPEATABLE_SECS: i64 = 24 * 60 * 60;

/// By how many seconds the clock of a client may be ahead.
pub(in crate::data) const AHEAD_SECS: i64 = 5 * 60;

/// How a step is kept from being made twice.
pub(in crate::data) struct Repetition {
    pub(in crate::data) key: RequestKey,
    pub(in crate::data) table: RequestTable,
    /// In seconds since 1970.
    pub(in crate::data) now: i64,
}

/// Whether an attempt looks for records before it begins its own. The first one does not, because most requests are sent once, and
/// because a look at what is not there would lock it against others in some databases.
#[derive(Debug, Clone, Default)]
pub(in crate::data) struct LooksFirst(Arc<AtomicBool>);

impl OneChange<'_> {
    /// Makes the change, unless it was made before.
    pub(super) async fn perform_once(
        &self,
        reads: &mut impl Reads,
        about: &mut About,
    ) -> StepResult<ChangeAnswer> {
        let Some(repetition) = self.repetition else { return self.perform(reads, about).await };
        let (Repetition { key, table, now }, looks_first) = (repetition, &self.job.looks_first.0);
        let dialect = self.parts.opened.source.dialect();
        if looks_first.load(Ordering::Acquire)
            && let Some(record) = found(reads, &key.find(dialect, table)).await?
        {
            if !key.is_of(&record) {
                return Ok(Err(DataRefusal::RepeatedOtherwise));
            }
            return self.answered_again(&record, reads).await;
        }
        match run(reads, &key.begin(dialect, table, *now)).await {
            Err(SourceError::Violation(Violation { rule: BrokenRule::Unique, .. })) => {
                // The transaction is lost in some databases, so the record is read in another one.
                looks_first.store(true, Ordering::Release);
                return Ok(Err(SourceError::Locked.into()));
            }
            begun => begun.map_err(of_table)?,
        }
        let answer = match self.perform(reads, about).await? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        run(reads, &key.complete(dialect, table, &self.in_words(&answer.done))).await.map_err(of_table)?;
        if let Some(sweep) = key.sweep(dialect, table, now - REPEATABLE_SECS - AHEAD_SECS) {
            run(reads, &sweep).await.map_err(of_table)?;
        }
        Ok(Ok(answer))
    }

    /// What the record says of a change that was made.
    fn in_words(&self, done: &Done) -> String {
        match done {
            Done::Created(address) => {
                let path = address.strip_prefix(self.job.root.trim_end_matches('/')).unwrap_or(address);
                format!("create {}", path.trim_start_matches('/'))
            }
            Done::Updated | Done::Deleted | Done::Read(_) => done.verb().to_owned(),
        }
    }

    /// The answer to a change that was made before. What it shows is read anew, with the rights of now.
    async fn answered_again(
        &self,
        record: &RequestRecord,
        reads: &mut impl Reads,
    ) -> StepResult<ChangeAnswer> {
        let query = self.bound.path_and_query.split_once('?').map_or("", |(_, query)| query);
        let expand = match &self.bound.change.kind {
            ChangeKind::CreateDeep(deep) | ChangeKind::UpdateDeep(deep) => {
                format!("$expand={}", deep.expand())
            }
            _ => String::new(),
        };
        let (done, shown, tag) = match record.answer.split_once(' ') {
            Some(("create", path)) => {
                let shown = &self.parts.shown;
                let state = Url::read(path)
                    .and_then(|url| EntityState::at(&url, &shown.model, shown.source.dialect()));
                let tag = match state {
                    Ok(state) => tag_of(reads, &state).await?,
                    Err(_) => None,
                };
                let is_wanted = tag.is_some() && self.bound.wanted != Some(false);
                let done = Done::Created(format!("{}/{path}", self.job.root.trim_end_matches('/')));
                (done, is_wanted.then(|| format!("{path}?{query}&{expand}")), tag)
            }
            None if record.answer == Done::Updated.verb() => {
                let tag = match &self.bound.change.state {
                    Some(state) => tag_of(reads, state).await?,
                    None => None,
                };
                let is_wanted = tag.is_some() && self.bound.wanted == Some(true);
                (Done::Updated, is_wanted.then(|| self.shown_address(&expand)), tag)
            }
            _ => (Done::Deleted, None, None),
        };
        let shown = match shown {
            Some(path_and_query) => match self.show(&path_and_query, reads).await? {
                Ok(shown) => shown,
                Err(refusal) => return Ok(Err(refusal)),
            },
            None => None,
        };
        Ok(Ok(ChangeAnswer { is_repeated: true, ..self.answer(done, tag, shown) }))
    }
}

impl Repetition {
    /// The answer to the request if it was made before, where the entity is not known any more: nothing is shown.
    pub(super) async fn answer_without_entity(
        &self,
        root: &str,
        dialect: Dialect,
        reads: &mut impl Reads,
    ) -> Result<Option<ChangeAnswer>, SourceError> {
        let Self { key, table, .. } = self;
        let Some(record) = found(reads, &key.find(dialect, table)).await? else { return Ok(None) };
        if !key.is_of(&record) {
            return Ok(None);
        }
        let done = match record.answer.split_once(' ') {
            Some(("create", path)) => Done::Created(format!("{}/{path}", root.trim_end_matches('/'))),
            None if record.answer == Done::Updated.verb() => Done::Updated,
            _ => Done::Deleted,
        };
        Ok(Some(ChangeAnswer { is_repeated: true, ..ChangeAnswer::of(done) }))
    }
}

/// A broken rule of the table is not the client's fault.
fn of_table(error: SourceError) -> SourceError {
    match error {
        SourceError::Violation(violation) => {
            SourceError::Failed { detail: format!("the table of repeatable requests: {}", violation.rule) }
        }
        error => error,
    }
}

async fn run(reads: &mut impl Reads, statement: &Statement) -> Result<(), SourceError> {
    let mut none = |_: &SourceRow<'_>| ControlFlow::Continue(());
    reads.query(statement, &mut none).await?;
    Ok(())
}

async fn found(reads: &mut impl Reads, statement: &Statement) -> Result<Option<RequestRecord>, SourceError> {
    let mut found = None;
    let mut record = |row: &SourceRow<'_>| {
        found = Some(RequestRecord::of(row));
        ControlFlow::Continue(())
    };
    reads.query(statement, &mut record).await?;
    Ok(found)
}
