//! The line of each request in the access log, and the end of its span, when its response has ended.

use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use app::node::access_note::AccessNote;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use domain::account::network::address_text;
use http::StatusCode;
use http_body::{Frame, SizeHint};

use crate::trace::{AnsweredRequest, OpenSpan};

/// The content of the line.
pub(super) struct AccessLine<'a> {
    pub(super) request_id: Arc<str>,
    /// The address of the client; behind trusted proxies, the one that they report.
    pub(super) address: Option<IpAddr>,
    pub(super) method: &'static str,
    pub(super) path: std::borrow::Cow<'a, str>,
    pub(super) status: StatusCode,
    /// From the first byte of the request to the end of the response's head.
    pub(super) micros: i64,
    pub(super) access_note: AccessNote,
    pub(super) area: &'static str,
    pub(super) span: Option<Box<OpenSpan>>,
}

impl AccessLine<'_> {
    /// Writes the line with the length of the body: at once if it is known, otherwise when the body has
    /// ended.
    pub(super) fn write_after(self, body: Body) -> Body {
        if let Some(bytes) = body.size_hint().exact() {
            self.write(bytes);
            return body;
        }
        let path = self.path.into_owned().into();
        Body::new(Counted { body, bytes: 0, line: Some(AccessLine { path, ..self }) })
    }

    fn write(&self, bytes: u64) {
        tracing::info!(
            target: "access",
            request_id = &*self.request_id,
            address = self.address.map(address_text).as_deref(),
            method = self.method,
            path = &*self.path,
            status = self.status.as_u16(),
            micros = self.micros,
            bytes,
            what = self.access_note.what,
            requests = self.access_note.requests,
            application = self.access_note.application.map(domain::id::ApplicationId::get),
            user = self.access_note.user.as_ref().map(|account| &*account.user.name),
            trace_id = self.span.as_ref().map(|span| span.trace_id()).as_deref(),
        );
        if let Some(span) = &self.span {
            span.end(self.facts(bytes));
        }
    }

    fn facts(&self, bytes: u64) -> AnsweredRequest {
        AnsweredRequest {
            request_id: Arc::clone(&self.request_id),
            area: self.area,
            method: self.method,
            path: self.path.clone().into_owned(),
            status: self.status.as_u16(),
            bytes,
            address: self.address,
            what: self.access_note.what,
            application: self.access_note.application.map(domain::id::ApplicationId::get),
        }
    }
}

/// A body that counts the bytes that are sent.
struct Counted {
    body: Body,
    bytes: u64,
    line: Option<AccessLine<'static>>,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            line.write(self.bytes);
        }
    }
}
