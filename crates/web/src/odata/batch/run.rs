//! Runs the requests of a batch one after the other, and answers each as if it came alone.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use axum::response::Response;
use http::{Method, StatusCode};

use super::part::Part;
use super::target::Surroundings;
use crate::odata::address;
use crate::odata::data_caller::DataCaller;
use crate::odata::posted::Posted;
use crate::respond::odata::ODataProblem;

/// The response to a request of a batch.
pub(super) struct Answered {
    pub(super) id: Option<String>,
    pub(super) group: Option<String>,
    pub(super) response: Response,
}

/// A running batch.
pub(super) struct Run {
    data_caller: Arc<DataCaller>,
    surroundings: Surroundings,
    parts: VecDeque<Part>,
    /// Whether the first error ends the batch.
    stops_on_error: bool,
    /// Whether a change set is answered by one response, as in the multipart format.
    answers_groups_as_one: bool,
    /// The position of the next part.
    at: usize,
    failed: HashSet<usize>,
    /// How many of the next parts are reads of a group that are answered one by one.
    single_reads: usize,
    /// Responses of a group that wait to be sent.
    waiting: VecDeque<Answered>,
}

impl Run {
    pub(super) fn new(
        data_caller: Arc<DataCaller>,
        surroundings: Surroundings,
        parts: Vec<Part>,
        stops_on_error: bool,
        answers_groups_as_one: bool,
    ) -> Self {
        Self {
            data_caller,
            surroundings,
            parts: parts.into(),
            stops_on_error,
            answers_groups_as_one,
            at: 0,
            failed: HashSet::new(),
            single_reads: 0,
            waiting: VecDeque::new(),
        }
    }

    /// The next response; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Answered> {
        if let Some(answered) = self.waiting.pop_front() {
            return Some(answered);
        }
        let size = self.group_size()?;
        let places = self.at..self.at + size;
        self.at = places.end;
        let group: Vec<Part> = self.parts.drain(..size).collect();
        self.waiting = self.answer_group(group).await;
        if self.waiting.iter().any(|answered| is_failure(&answered.response)) {
            self.note_failure(places);
        }
        self.waiting.pop_front()
    }

    /// How many of the next requests are answered together; `None` after the last. Reads have nothing to undo, so those of a
    /// group are answered one by one, unless the format answers it as one.
    fn group_size(&mut self) -> Option<usize> {
        if self.single_reads > 0 && !self.parts.is_empty() {
            self.single_reads -= 1;
            return Some(1);
        }
        let group = &self.parts.front()?.group;
        let size = self.parts.iter().take_while(|part| part.group.is_some() && part.group == *group).count();
        let is_together =
            self.answers_groups_as_one || self.parts.iter().take(size).any(|part| self.is_change(part));
        if size > 1 && !is_together {
            self.single_reads = size - 1;
            return Some(1);
        }
        Some(size.max(1))
    }

    async fn answer_group(&mut self, mut group: Vec<Part>) -> VecDeque<Answered> {
        if self.answers_groups_as_one && group[0].group.is_some() {
            VecDeque::from([self.change_set(group).await])
        } else if group.len() > 1 {
            self.group(group)
        } else {
            VecDeque::from([self.answer(group.pop().unwrap_or_default()).await])
        }
    }

    fn note_failure(&mut self, places: Range<usize>) {
        self.failed.extend(places);
        if self.stops_on_error {
            self.parts.clear();
        }
    }

    /// Answers a single request.
    async fn answer(&mut self, part: Part) -> Answered {
        let (parts, judged) = self.surroundings.request(&part);
        let is_nested = address::split(&parts.uri).is_some_and(|at| Posted::of(at.rest) == Posted::Batch);
        let refused = if part.is_conditional || part.depends_on.iter().any(|at| self.failed.contains(at)) {
            Some(failed_dependency(part.is_conditional))
        } else if let Err(problem) = judged {
            Some(problem)
        } else if is_nested && part.method == Method::POST {
            Some(bad("a batch must not contain another batch"))
        } else {
            None
        };
        let response = match refused {
            Some(problem) => self.data_caller.refuse(problem, &parts),
            None => self.data_caller.answer(&parts, part.body.as_deref().unwrap_or_default()).await,
        };
        Answered { id: part.id, group: part.group, response }
    }

    /// Answers a change set of the multipart format. A single change is a transaction anyway; several in one are not
    /// supported, so nothing of such a set is attempted.
    async fn change_set(&mut self, group: Vec<Part>) -> Answered {
        let mut changes = group.into_iter();
        let first = changes.next().unwrap_or_default();
        let is_single = changes.as_slice().is_empty();
        let reads = std::iter::once(&first).chain(changes.as_slice()).any(|part| !self.is_change(part));
        let problem = match (reads, is_single) {
            (true, _) => bad("a change set contains changes only"),
            (false, true) => return self.answer(first).await,
            (false, false) => several_changes(),
        };
        let (parts, _) = self.surroundings.request(&first);
        let response = self.data_caller.refuse(problem, &parts);
        Answered { id: first.id, group: first.group, response }
    }

    /// Answers an atomicity group with changes, which are not supported together: the first change says why, and nothing is
    /// attempted.
    fn group(&mut self, group: Vec<Part>) -> VecDeque<Answered> {
        let first = group.iter().position(|part| self.is_change(part));
        let mut answers = VecDeque::with_capacity(group.len());
        for (at, part) in group.into_iter().enumerate() {
            let (parts, _) = self.surroundings.request(&part);
            let problem = if Some(at) == first { several_changes() } else { failed_dependency(false) };
            let response = self.data_caller.refuse(problem, &parts);
            answers.push_back(Answered { id: part.id, group: part.group, response });
        }
        answers
    }

    fn is_change(&self, part: &Part) -> bool {
        let (parts, _) = self.surroundings.request(part);
        let rest = address::split(&parts.uri).map(|address| address.rest).unwrap_or_default();
        match part.method {
            Method::GET | Method::HEAD => false,
            Method::POST => !matches!(Posted::of(rest), Posted::Query(_)),
            _ => true,
        }
    }
}

fn is_failure(response: &Response) -> bool {
    let status = response.status();
    !status.is_success() && status != StatusCode::NOT_MODIFIED
}

fn several_changes() -> ODataProblem {
    let message = "several changes in one transaction are not supported";
    ODataProblem::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
}

fn failed_dependency(is_conditional: bool) -> ODataProblem {
    let message = if is_conditional {
        "the member if is not supported"
    } else {
        "a request that this one depends on has failed"
    };
    ODataProblem::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", message)
}

fn bad(message: &str) -> ODataProblem {
    ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}
