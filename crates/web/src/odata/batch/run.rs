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
            waiting: VecDeque::new(),
        }
    }

    /// The next response; `None` after the last.
    pub(super) async fn next(&mut self) -> Option<Answered> {
        if let Some(answered) = self.waiting.pop_front() {
            return Some(answered);
        }
        let part = self.parts.pop_front()?;
        let mut group = vec![part];
        while self.parts.front().is_some_and(|next| next.group.is_some() && next.group == group[0].group) {
            group.extend(self.parts.pop_front());
        }
        let places = self.at..self.at + group.len();
        self.at = places.end;
        let has_changes = group.iter().any(|part| self.is_change(part));
        self.waiting = if self.answers_groups_as_one && group[0].group.is_some() {
            VecDeque::from([self.change_set(group).await])
        } else if group.len() > 1 && has_changes {
            self.group(group).await
        } else {
            // Reads have nothing to undo, so those of a group are answered one by one.
            let places = self.put_back_all_but_first(&mut group, places.start);
            let answered = self.answer(group.pop().unwrap_or_default()).await;
            return Some(self.noting(answered, places));
        };
        if self.waiting.iter().any(|answered| is_failure(&answered.response)) {
            self.note_failure(places);
        }
        self.waiting.pop_front()
    }

    /// Leaves the first request of a group, and returns its place.
    fn put_back_all_but_first(&mut self, group: &mut Vec<Part>, place: usize) -> Range<usize> {
        for part in group.drain(1..).rev() {
            self.parts.push_front(part);
        }
        self.at = place + 1;
        place..self.at
    }

    fn noting(&mut self, answered: Answered, places: Range<usize>) -> Answered {
        if is_failure(&answered.response) {
            self.note_failure(places);
        }
        answered
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

    /// Answers a change set of the multipart format. Changes are not supported, so it fails as a whole, and the first change
    /// says why.
    async fn change_set(&mut self, group: Vec<Part>) -> Answered {
        let mut changes = group.into_iter();
        let first = changes.next().unwrap_or_default();
        let reads = std::iter::once(&first).chain(changes.as_slice()).any(|part| !self.is_change(part));
        if reads {
            let (parts, _) = self.surroundings.request(&first);
            let response = self.data_caller.refuse(bad("a change set contains changes only"), &parts);
            return Answered { id: first.id, group: first.group, response };
        }
        self.answer(first).await
    }

    /// Answers an atomicity group with changes: the first change says why, and nothing else is attempted.
    async fn group(&mut self, group: Vec<Part>) -> VecDeque<Answered> {
        let first = group.iter().position(|part| self.is_change(part));
        let mut answers = VecDeque::with_capacity(group.len());
        for (at, part) in group.into_iter().enumerate() {
            if Some(at) == first {
                answers.push_back(self.answer(part).await);
            } else {
                let (parts, _) = self.surroundings.request(&part);
                let response = self.data_caller.refuse(failed_dependency(false), &parts);
                answers.push_back(Answered { id: part.id, group: part.group, response });
            }
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
