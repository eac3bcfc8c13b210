//! Lists: the common parameters, and responses that are written while they are read.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use app::Fault;
use app::management::lists::{ListEnded, ListRequest, Rows};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use serde::Serialize;

use crate::extract::QueryParameters;
use crate::respond::management::{Detail, ManagementProblem, json_bytes};

/// The maximum number of elements in a page.
const LONGEST_PAGE: u32 = 1_000;

/// The parameters of every list.
const PARAMETERS: [&str; 3] = ["limit", "after", "query"];

/// The part of a list that the query asks for. `more` are the additional parameters of this list.
pub(super) fn request(query: &QueryParameters, more: &[&str]) -> Result<ListRequest, ManagementProblem> {
    let known: Vec<&str> = PARAMETERS.iter().chain(more).copied().collect();
    query.only(&known)?;
    let text = query.get("query").filter(|text| !text.is_empty());
    let request =
        ListRequest { after: id(query, "after")?, limit: limit(query)?, query: text.map(str::to_owned) };
    Ok(request)
}

/// The id in a parameter.
pub(super) fn id(query: &QueryParameters, name: &str) -> Result<Option<i64>, ManagementProblem> {
    let expected = "the id of an element of the list";
    let id = query.parse::<i64>(name, expected)?;
    if id.is_some_and(|id| id < 0) {
        return Err(fault(name, format!("must be {expected}")));
    }
    Ok(id)
}

fn limit(query: &QueryParameters) -> Result<Option<u32>, ManagementProblem> {
    let expected = format!("a whole number from 1 to {LONGEST_PAGE}");
    let limit = query.parse::<u32>("limit", &expected)?;
    if limit.is_some_and(|limit| limit == 0 || limit > LONGEST_PAGE) {
        return Err(fault("limit", format!("must be {expected}")));
    }
    Ok(limit)
}

pub(super) fn fault(field: &str, message: impl Into<String>) -> ManagementProblem {
    ManagementProblem::parameters(vec![Detail { field: field.to_owned(), message: message.into() }])
}

/// The requested part of a list that is in memory anyway.
pub(super) fn part<T>(
    request: &ListRequest,
    all: impl IntoIterator<Item = T>,
    id: impl Fn(&T) -> i64,
    texts: impl Fn(&T) -> Vec<String>,
) -> Vec<T> {
    let after = request.after.unwrap_or(i64::MIN);
    let most = request.limit.map_or(usize::MAX, |limit| limit as usize);
    all.into_iter()
        .filter(|element| id(element) > after)
        .filter(|element| request.query.is_none() || request.admits(&texts(element)))
        .take(most)
        .collect()
}

type Write<T> = Arc<dyn Fn(T, &mut Vec<u8>) + Send + Sync>;

/// Responds with `{"member":[…]}`. A list of one page has a length; a longer one is read while it is sent,
/// and a failure on the way aborts the connection. `server` converts a failure before the first byte.
pub(super) async fn answer<T: Send + 'static, S: Serialize>(
    member: &'static str,
    mut rows: Rows<T>,
    response: impl Fn(T) -> S + Send + Sync + 'static,
    server: impl Fn(&Fault) -> ManagementProblem,
) -> Result<Response, ManagementProblem> {
    let first = rows.next().await.map_err(|ended| match ended {
        ListEnded::Fault(fault) => server(&fault),
        ListEnded::AccessEnded => ManagementProblem::rights_changed(),
    })?;
    let write: Write<T> = Arc::new(move |row, out| {
        // Serialising these elements cannot fail.
        let _ = serde_json::to_writer(out, &response(row));
    });
    let mut bytes = format!("{{\"{member}\":[").into_bytes();
    let is_first = first.is_empty();
    append(&mut bytes, first, &write, true);
    if rows.is_over() {
        bytes.extend_from_slice(b"]}");
        return Ok(json_bytes(StatusCode::OK, Body::from(bytes)));
    }
    let list = List { ready: Some(bytes.into()), reading: None, rows: Some(rows), write, is_first };
    Ok(json_bytes(StatusCode::OK, Body::new(list)))
}

fn append<T>(bytes: &mut Vec<u8>, rows: Vec<T>, write: &Write<T>, mut is_first: bool) {
    for row in rows {
        if !std::mem::take(&mut is_first) {
            bytes.push(b',');
        }
        write(row, bytes);
    }
}

type Reading<T> = Pin<Box<dyn Future<Output = (Rows<T>, Result<Vec<T>, ListEnded>)> + Send>>;

/// The rest of a list. One page is in memory; the next is read when the client has taken it.
struct List<T> {
    ready: Option<Bytes>,
    reading: Option<Reading<T>>,
    /// `None` while a page is being read, and after the last.
    rows: Option<Rows<T>>,
    write: Write<T>,
    is_first: bool,
}

impl<T: Send + 'static> http_body::Body for List<T> {
    type Data = Bytes;
    type Error = ListEnded;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ListEnded>>> {
        if let Some(bytes) = self.ready.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        if let Some(mut rows) = self.rows.take() {
            self.reading = Some(Box::pin(async move {
                let read = rows.next().await;
                (rows, read)
            }));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let (rows, read) = ready!(reading.as_mut().poll(context));
        self.reading = None;
        let page = match read {
            Ok(page) => page,
            Err(ended) => {
                tracing::warn!(error = %ended, "a list broke off after it had begun");
                return Poll::Ready(Some(Err(ended)));
            }
        };
        let mut bytes = Vec::new();
        let is_first = self.is_first;
        self.is_first &= page.is_empty();
        append(&mut bytes, page, &self.write, is_first);
        if rows.is_over() {
            bytes.extend_from_slice(b"]}");
        } else {
            self.rows = Some(rows);
        }
        Poll::Ready(Some(Ok(Frame::data(bytes.into()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_a_list_starts_after_an_id_is_searched_ignoring_case_and_is_bounded() {
        let all = || [(1, "Alpha"), (2, "beta"), (3, "ALPHABET"), (4, "alp")];
        let ids = |request: ListRequest| -> Vec<i64> {
            let part = part(&request, all(), |(id, _)| *id, |(_, text)| vec![(*text).to_owned()]);
            part.into_iter().map(|(id, _)| id).collect()
        };
        let query = || Some("alph".to_owned());
        assert_eq!(ids(ListRequest::default()), [1, 2, 3, 4]);
        assert_eq!(ids(ListRequest { query: query(), ..ListRequest::default() }), [1, 3]);
        assert_eq!(ids(ListRequest { query: query(), after: Some(1), ..ListRequest::default() }), [3]);
        assert_eq!(ids(ListRequest { limit: Some(2), ..ListRequest::default() }), [1, 2]);
    }
}
