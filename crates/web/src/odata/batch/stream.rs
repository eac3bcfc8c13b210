//! The body of a response to a batch: each request runs when the response to the one before it has been sent.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;

use super::format::{BatchFormat, Coding};
use super::run::{PlaceInSet, Run};

/// What is left of a batch.
pub(super) struct Rest {
    run: Run,
    format: BatchFormat,
    /// The body of the current response, and how it is written.
    current: Option<(Body, Option<Coding>)>,
    has_begun: bool,
    is_first: bool,
    /// Where the current response is in a change set.
    place: Option<PlaceInSet>,
    has_ended: bool,
}

type Chunk = Option<Result<Bytes, axum::Error>>;
type Step = Pin<Box<dyn Future<Output = (Box<Rest>, Chunk)> + Send>>;

/// The body. Nothing runs while nobody reads it; an error of a response that has begun aborts it.
pub(super) struct BatchBody {
    rest: Option<Box<Rest>>,
    step: Option<Step>,
}

impl BatchBody {
    pub(super) fn new(run: Run, format: BatchFormat) -> Self {
        let rest = Rest {
            run,
            format,
            current: None,
            has_begun: false,
            is_first: true,
            place: None,
            has_ended: false,
        };
        Self { rest: Some(Box::new(rest)), step: None }
    }
}

impl Rest {
    /// The next bytes that are not empty; `None` after the last.
    async fn next(&mut self) -> Chunk {
        loop {
            let bytes = match self.current.take() {
                Some((body, coding)) => match self.continue_with(body, coding).await {
                    Ok(bytes) => bytes,
                    Err(error) => return Some(Err(error)),
                },
                None => self.begin().await?,
            };
            if !bytes.is_empty() {
                return Some(Ok(bytes));
            }
        }
    }

    async fn continue_with(&mut self, mut body: Body, coding: Option<Coding>) -> Result<Bytes, axum::Error> {
        let Some(mut coding) = coding else {
            return Ok(self.foot(None).into());
        };
        let frame = body.frame().await.transpose()?;
        let data = frame.map(|frame| frame.into_data().unwrap_or_default());
        let bytes = match data {
            // Nothing is copied that is sent as it is.
            Some(bytes) if coding == Coding::Plain => bytes,
            Some(bytes) => coding.write(Some(&bytes)).into(),
            None => {
                let mut last = coding.write(None);
                last.extend_from_slice(self.foot(Some(&coding)).as_bytes());
                return Ok(last.into());
            }
        };
        self.current = Some((body, Some(coding)));
        Ok(bytes)
    }

    /// What is after the body of the current response.
    fn foot(&self, coding: Option<&Coding>) -> String {
        let foot = self.format.foot(coding);
        if self.place.is_some_and(|place| place.is_last) {
            foot.to_owned() + &self.format.end_of_set()
        } else {
            foot.to_owned()
        }
    }

    /// Runs the next request, and writes what is before its body.
    async fn begin(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            self.has_begun = true;
            return Some(Bytes::from_static(self.format.start().as_bytes()));
        }
        match self.run.next().await {
            Some(answered) => {
                self.place = answered.place;
                let (head, coding) = self.format.head(&answered, std::mem::take(&mut self.is_first));
                self.current = Some((answered.response.into_body(), coding));
                Some(head.into())
            }
            None if self.has_ended => None,
            None => {
                self.has_ended = true;
                Some(self.format.end().into())
            }
        }
    }
}

impl http_body::Body for BatchBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if let Some(mut rest) = this.rest.take() {
            this.step = Some(Box::pin(async move {
                let chunk = rest.next().await;
                (rest, chunk)
            }));
        }
        let Some(step) = &mut this.step else { return Poll::Ready(None) };
        let Poll::Ready((rest, chunk)) = step.as_mut().poll(context) else { return Poll::Pending };
        this.step = None;
        if matches!(chunk, Some(Ok(_))) {
            this.rest = Some(rest);
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
