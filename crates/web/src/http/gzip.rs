//! Responses in the content coding `gzip` ([RFC 9110 §12.5.3](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.3), [RFC
//! 1952](https://www.rfc-editor.org/rfc/rfc1952)).
//!
//! A length tells what a text has in common with another one in the same response. So this is for responses that nobody can make
//! somebody else ask for.

mod checksum;

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderValue, VARY,
};
use http::{HeaderMap, StatusCode};
use http_body::Frame;
use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params,
};
use odata::format::{MediaType, parts};

use checksum::Crc32;

/// Shorter bodies fit into one packet as they are.
const LEAST_BYTES: u64 = 1024;

/// How much is compressed between two chances to send, in bytes: less than a millisecond's work.
const PIECE: usize = 32 * 1024;

/// How many compressed bytes are sent at once if there are more to come.
const CHUNK: usize = 8 * 1024;

/// The fastest level that looks for repetitions.
const LEVEL: i32 = 1;

/// Without the header and the end of zlib.
const RAW: i32 = 0;

/// The header: method 8, no flags, no time, the fastest algorithm, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255];

/// Whether a client accepts the coding, and does not prefer the body as it is.
pub(crate) fn is_welcome(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for value in headers.get_all(ACCEPT_ENCODING) {
        let Ok(list) = value.to_str() else { return false };
        for coding in parts(list, b',').map(MediaType::read) {
            let place = match () {
                () if coding.is("gzip") || coding.is("x-gzip") => &mut gzip,
                () if coding.is("*") => &mut any,
                () if coding.is("identity") => &mut identity,
                () => continue,
            };
            *place = (*place).max(Some(coding.weight()));
        }
    }
    let weight = gzip.or(any).unwrap_or(0);
    weight > 0 && weight >= identity.unwrap_or(0)
}

/// The response in this coding, if that makes it shorter: errors, short bodies and bytes of unknown kind stay as they are. A
/// response 304 stands for a coded one.
pub(crate) fn coded(mut response: Response) -> Response {
    if response.status() == StatusCode::NOT_MODIFIED {
        describe_coded(response.headers_mut());
        return response;
    }
    let headers = response.headers();
    let is_text = headers.get(CONTENT_TYPE).is_some_and(|kind| kind != "application/octet-stream");
    let is_short = response.body().size_hint().upper().is_some_and(|bytes| bytes < LEAST_BYTES);
    if response.status() != StatusCode::OK || !is_text || is_short || headers.contains_key(CONTENT_ENCODING) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    describe_coded(&mut head.headers);
    Response::from_parts(head, Body::new(Gzip::of(body)))
}

/// Says that the response depends on the codings that are accepted, and that its tag is not for its bytes.
fn describe_coded(headers: &mut HeaderMap) {
    if !headers.get_all(VARY).iter().any(names_the_coding) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    if let Some(tag) = headers.get_mut(ETAG) {
        weaken(tag);
    }
}

/// Whether a `Vary` says that the response depends on the codings that are accepted.
fn names_the_coding(vary: &HeaderValue) -> bool {
    let is_it = |name: &str| name.eq_ignore_ascii_case("accept-encoding");
    vary.to_str().is_ok_and(|list| parts(list, b',').any(is_it))
}

/// A strong tag would say that the bytes are those of the response without the coding ([RFC 9110
/// §8.8.3](https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3)).
fn weaken(tag: &mut HeaderValue) {
    if tag.as_bytes().starts_with(b"\"")
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat())
    {
        *tag = weak;
    }
}

/// A body that is compressed as it is read. What is read is sent before the reader waits for more.
struct Gzip {
    body: Body,
    /// What was read and is not compressed.
    waiting: Bytes,
    /// It takes 300 KB, so it exists only from the first byte to the last.
    compressor: Option<Box<CompressorOxide>>,
    checksum: Crc32,
    /// The length of what was compressed, modulo 2³².
    length: u32,
    /// What was compressed and is not sent.
    compressed: Vec<u8>,
    /// Whether the compressor may hold back something.
    holds_back: bool,
    has_ended: bool,
}

impl Gzip {
    fn of(body: Body) -> Self {
        Self {
            body,
            waiting: Bytes::new(),
            compressor: None,
            checksum: Crc32::default(),
            length: 0,
            compressed: HEADER.to_vec(),
            holds_back: false,
            has_ended: false,
        }
    }

    /// Compresses some of what waits.
    fn compress(&mut self) {
        let piece = self.waiting.split_to(self.waiting.len().min(PIECE));
        self.checksum.update(&piece);
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        self.length = self.length.wrapping_add(length);
        self.write(&piece, TDEFLFlush::None);
        self.holds_back = true;
    }

    fn write(&mut self, bytes: &[u8], flush: TDEFLFlush) {
        let Self { compressor, compressed, .. } = self;
        let compressor = compressor.get_or_insert_with(|| {
            let flags = create_comp_flags_from_zip_params(LEVEL, RAW, CompressionStrategy::Default.into());
            Box::new(CompressorOxide::new(flags))
        });
        // What takes the bytes never refuses them, so all of them are consumed.
        compress_to_output(compressor, bytes, flush, |written| {
            compressed.extend_from_slice(written);
            true
        });
    }

    /// Lets go of everything that was read.
    fn flush(&mut self) {
        self.write(&[], TDEFLFlush::Sync);
        self.holds_back = false;
    }

    /// Writes the end, with what the reader checks.
    fn end(&mut self) {
        self.write(&[], TDEFLFlush::Finish);
        self.compressor = None;
        self.compressed.extend_from_slice(&self.checksum.value().to_le_bytes());
        self.compressed.extend_from_slice(&self.length.to_le_bytes());
        self.has_ended = true;
    }

    fn take(&mut self) -> Frame<Bytes> {
        Frame::data(std::mem::take(&mut self.compressed).into())
    }
}

impl http_body::Body for Gzip {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        while !this.has_ended {
            if !this.waiting.is_empty() {
                this.compress();
                if this.compressed.len() >= CHUNK {
                    break;
                }
                continue;
            }
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => this.waiting = frame.into_data().unwrap_or_default(),
                Poll::Ready(Some(Err(error))) => {
                    this.has_ended = true;
                    this.compressed.clear();
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => this.end(),
                Poll::Pending if this.holds_back => {
                    this.flush();
                    break;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready((!this.compressed.is_empty()).then(|| Ok(this.take())))
    }
}

#[cfg(test)]
mod tests;
