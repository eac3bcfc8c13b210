//! Runs the requests of a batch one after the other, and answers each as if it came alone.

use std::collections::{HashSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use axum::response::Response;
use http::request::Parts;
use http::{Method, StatusCode};

use super::left::{self, Head, Left, failed_dependency, is_success};
use super::part::Part;
use super::target::Surroundings;
use crate::odata::address;
use crate::odata::change::{Change, Failed};
use crate::odata::data_caller::DataCaller;
use crate::odata::posted::Posted;
use crate::respond::odata::ODataProblem;

/// The response to a request of a batch.
pub(super) struct Answered {
    pub(super) id: Option<String>,
    pub(super) group: Option<String>,
    /// The place in a change set that is answered as one.
    pub(super) place: Option<PlaceInSet>,
    pub(super) response: Response,
}

/// Where a response is among those of its change set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlaceInSet {
    pub(super) is_first: bool,
    pub(super) is_last: bool,
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
    /// What answered requests have left for later ones; `None` if none of them refers to another one.
    left: Option<Left>,
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
            left: parts.iter().any(left::may_refer).then(Left::default),
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
        let heads = self.heads(&group);
        self.waiting = self.answer_group(group).await;
        self.note(&heads);
        if self.waiting.iter().any(|answered| !is_success(answered.response.status())) {
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
            self.change_set(group).await
        } else if group.len() > 1 {
            self.group(group).await
        } else {
            VecDeque::from([self.answer(group.pop().unwrap_or_default()).await])
        }
    }

    /// The heads of requests to which others may refer, by their ids.
    fn heads(&self, group: &[Part]) -> Vec<Head> {
        let Some(left) = &self.left else { return Vec::new() };
        let head = |part: &Part| {
            let (parts, judged) = self.surroundings.request(part, &[], left);
            let path = judged.is_ok().then(|| parts.uri.path().to_owned());
            Some(Head { id: part.id.clone()?, method: parts.method, path })
        };
        group.iter().filter_map(head).collect()
    }

    /// Notes what the responses leave for later requests.
    fn note(&mut self, heads: &[Head]) {
        let Some(left) = &mut self.left else { return };
        for head in heads {
            // A change set that failed is answered once.
            let answered = self.waiting.iter().find(|answered| answered.id.as_ref() == Some(&head.id));
            left.note(head, answered.map(|answered| &answered.response));
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
        let (parts, judged) = self.judged(&part, &[]);
        let response = if let Err(problem) = judged {
            self.data_caller.refuse(problem, &parts)
        } else {
            let body = part.body.as_deref().unwrap_or_default();
            self.data_caller.answer(&parts, body, &self.earlier()).await
        };
        Answered { id: part.id, group: part.group, place: None, response }
    }

    /// The head of a request, and why it is not run. `earlier` are the requests before it in the same change set.
    fn judged(&self, part: &Part, earlier: &[Part]) -> (Parts, Result<(), ODataProblem>) {
        let (parts, judged) = self.request(part, earlier);
        let is_nested = address::split(&parts.uri).is_some_and(|at| Posted::of(at.rest) == Posted::Batch);
        let judged = if part.is_conditional || part.depends_on.iter().any(|at| self.failed.contains(at)) {
            Err(if part.is_conditional { conditional() } else { failed_dependency() })
        } else if is_nested && part.method == Method::POST {
            judged.and(Err(bad("a batch must not contain another batch")))
        } else {
            judged
        };
        (parts, judged)
    }

    /// Answers a change set of the multipart format: by a response for each change, or by the one to the change that
    /// prevented all of them.
    async fn change_set(&mut self, group: Vec<Part>) -> VecDeque<Answered> {
        let made = if group.iter().all(|part| self.is_change(part)) {
            self.make(&group).await
        } else {
            let why = self.refusal(&group[0], bad("a change set contains changes only"));
            Err(Failed { at: 0, why })
        };
        let last = group.len().saturating_sub(1);
        match made {
            Ok(responses) => {
                let answers = group.into_iter().zip(responses).enumerate().map(|(at, (part, response))| {
                    let place = Some(PlaceInSet { is_first: at == 0, is_last: at == last });
                    Answered { id: part.id, group: part.group, place, response }
                });
                answers.collect()
            }
            Err(Failed { at, why: response }) => {
                let failed = group.into_iter().nth(at).unwrap_or_default();
                VecDeque::from([Answered { id: failed.id, group: failed.group, place: None, response }])
            }
        }
    }

    /// Answers an atomicity group with changes, and perhaps reads among them: each by itself. If one failed, it says why, and the others
    /// were not made.
    async fn group(&mut self, group: Vec<Part>) -> VecDeque<Answered> {
        let (mut failed, mut responses) = match self.make(&group).await {
            Ok(responses) => (None, VecDeque::from(responses)),
            Err(failed) => (Some(failed), VecDeque::new()),
        };
        let mut answers = VecDeque::with_capacity(group.len());
        for (at, part) in group.into_iter().enumerate() {
            let response = match failed.take_if(|failed| failed.at == at) {
                Some(failed) => failed.why,
                None => responses.pop_front().unwrap_or_else(|| self.refusal(&part, failed_dependency())),
            };
            answers.push_back(Answered { id: part.id, group: part.group, place: None, response });
        }
        answers
    }

    /// Makes changes in one transaction.
    async fn make(&mut self, group: &[Part]) -> Result<Vec<Response>, Failed<Response>> {
        let mut heads = Vec::with_capacity(group.len());
        for (at, part) in group.iter().enumerate() {
            let (parts, judged) = self.judged(part, &group[..at]);
            if let Err(problem) = judged {
                return Err(Failed { at, why: self.data_caller.refuse(problem, &parts) });
            }
            heads.push(parts);
        }
        let changes = group.iter().zip(&heads).map(|(part, parts)| {
            let body = part.body.as_deref().unwrap_or_default();
            Change { parts, body, id: part.id.as_deref() }
        });
        let changes: Vec<_> = changes.collect();
        Box::pin(self.data_caller.answer_changes(&changes, &self.earlier())).await
    }

    /// The paths of the entities to which a request may refer.
    fn earlier(&self) -> Vec<(&str, &str)> {
        self.left.iter().flat_map(Left::paths).collect()
    }

    fn refusal(&self, part: &Part, problem: ODataProblem) -> Response {
        let (parts, _) = self.request(part, &[]);
        self.data_caller.refuse(problem, &parts)
    }

    /// The head of a request, with the problem if it is none.
    fn request(&self, part: &Part, earlier: &[Part]) -> (Parts, Result<(), ODataProblem>) {
        match &self.left {
            Some(left) => self.surroundings.request(part, earlier, left),
            None => self.surroundings.request(part, earlier, &Left::default()),
        }
    }

    fn is_change(&self, part: &Part) -> bool {
        let (parts, _) = self.request(part, &[]);
        let rest = address::split(&parts.uri).map(|address| address.rest).unwrap_or_default();
        match part.method {
            Method::GET | Method::HEAD => false,
            Method::POST => !matches!(Posted::of(rest), Posted::Query(_)),
            _ => true,
        }
    }
}

fn conditional() -> ODataProblem {
    ODataProblem::new(StatusCode::FAILED_DEPENDENCY, "FailedDependency", "the member if is not supported")
}

fn bad(message: &str) -> ODataProblem {
    ODataProblem::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}
