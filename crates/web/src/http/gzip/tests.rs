//! Tests of the coding, with the decompressor of the same crate; other decoders read it in the tests of the real binary.

use std::collections::VecDeque;

use http_body_util::BodyExt;
use miniz_oxide::inflate::decompress_to_vec;

use super::*;

/// A body of these chunks; `None` is a time in which there are none.
struct Chunks(VecDeque<Option<Result<Bytes, axum::Error>>>);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.0.pop_front() {
            Some(Some(chunk)) => Poll::Ready(Some(chunk.map(Frame::data))),
            Some(None) => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

fn response(chunks: impl IntoIterator<Item = Option<Result<Bytes, axum::Error>>>) -> Response {
    let mut response = Response::new(Body::new(Chunks(chunks.into_iter().collect())));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn chunk(bytes: &[u8]) -> Bytes {
    Bytes::copy_from_slice(bytes)
}

/// The content of a whole body, whose end is checked.
fn content(coded: &[u8]) -> Vec<u8> {
    let (header, rest) = coded.split_first_chunk::<10>().unwrap();
    assert_eq!(*header, HEADER);
    let (deflated, [checksum @ .., _, _, _, _]) = rest.split_last_chunk::<8>().unwrap();
    let content = decompress_to_vec(deflated).unwrap();
    let mut expected = Crc32::default();
    expected.update(&content);
    assert_eq!(*checksum, expected.value().to_le_bytes());
    assert_eq!(coded[coded.len() - 4..], u32::try_from(content.len()).unwrap().to_le_bytes());
    content
}

/// Bytes of which some repeat.
fn rows(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|at| format!("{{\"Id\":{at},\"Name\":\"Ship {}\"}},", at * 7919 % 10_007).into_bytes())
        .collect()
}

#[tokio::test]
async fn a_body_is_read_again_as_it_was_however_it_came() {
    let text = rows(20_000);
    for size in [1, 1000, PIECE, PIECE + 1, text.len()] {
        let text = if size == 1 { &text[..2000] } else { &text };
        let chunks = text.chunks(size).flat_map(|bytes| [Some(Ok(chunk(bytes))), None]);
        let body = coded(response(chunks)).into_body().collect().await.unwrap().to_bytes();
        assert_eq!(content(&body), text, "{size}");
        assert!(size < 1000 || body.len() < text.len() / 3, "{size}: {} of {}", body.len(), text.len());
    }
    let empty = coded(response([None])).into_body().collect().await.unwrap().to_bytes();
    assert_eq!(content(&empty), b"");
}

#[tokio::test]
async fn what_was_read_is_sent_before_there_is_more() {
    let (first, second) = (b"first row\n".as_slice(), b"second row\n".as_slice());
    let mut body = coded(response([Some(Ok(chunk(first))), None, Some(Ok(chunk(second))), None])).into_body();
    let mut sent = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    // A decoder without an end has what was sent.
    let so_far = decompress_to_vec(&sent[HEADER.len()..]).unwrap_err();
    assert_eq!(so_far.output.get(..first.len()), Some(first));
    sent.extend(body.collect().await.unwrap().to_bytes());
    assert_eq!(content(&sent), [first, second].concat());
}

#[tokio::test]
async fn a_body_that_fails_has_no_end() {
    let failure = Some(Err(axum::Error::new("cut")));
    let mut body = coded(response([Some(Ok(chunk(&rows(100)))), None, failure])).into_body();
    assert!(body.frame().await.unwrap().is_ok());
    assert!(body.frame().await.unwrap().is_err());
    assert!(body.frame().await.is_none());
}

#[test]
fn short_bodies_errors_and_bytes_stay_as_they_are() {
    let whole = |length: usize, kind: &'static str, status: StatusCode| {
        let mut response = Response::new(Body::from(vec![b' '; length]));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        coded(response).headers().contains_key(CONTENT_ENCODING)
    };
    assert!(whole(1024, "application/json", StatusCode::OK));
    assert!(!whole(1023, "application/json", StatusCode::OK));
    assert!(!whole(5000, "application/octet-stream", StatusCode::OK));
    assert!(!whole(5000, "application/json", StatusCode::BAD_REQUEST));
}

#[test]
fn the_head_says_that_the_body_is_another_one() {
    let mut strong = Response::new(Body::from(vec![b' '; 5000]));
    strong.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    strong.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("5000"));
    strong.headers_mut().insert(ETAG, HeaderValue::from_static("\"a\""));
    strong.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    let coded = coded(strong);
    assert_eq!(
        (&coded.headers()[CONTENT_ENCODING], &coded.headers()[ETAG]),
        (&"gzip".parse().unwrap(), &"W/\"a\"".parse().unwrap())
    );
    assert!(!coded.headers().contains_key(CONTENT_LENGTH));
    let vary: Vec<_> = coded.headers().get_all(VARY).iter().collect();
    assert_eq!(vary, ["accept", "Accept-Encoding"]);
}

#[test]
fn the_coding_is_for_those_who_accept_it() {
    for (values, expected) in [
        (&[][..], false),
        (&["gzip"], true),
        (&["GZIP;q=0.5, br"], true),
        (&["x-gzip"], true),
        (&["br", "deflate, gzip;q=0.1"], true),
        (&["*"], true),
        (&["*;q=0"], false),
        (&["*;q=0, gzip"], true),
        (&["*, gzip;q=0"], false),
        (&["gzip;q=0"], false),
        (&["identity, gzip;q=0.5"], false),
        (&["identity;q=0.5, gzip"], true),
        (&["identity"], false),
        (&["br, deflate"], false),
        (&[""], false),
    ] {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
        }
        assert_eq!(is_welcome(&headers), expected, "{values:?}");
    }
}

#[test]
fn a_response_without_a_changed_body_is_described_as_the_coded_one() {
    let mut unmodified = Response::new(Body::empty());
    *unmodified.status_mut() = StatusCode::NOT_MODIFIED;
    unmodified.headers_mut().insert(ETAG, HeaderValue::from_static("\"m1\""));
    let described = coded(unmodified);
    assert_eq!(described.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(described.headers()[ETAG], "W/\"m1\"");
    assert_eq!(described.headers()[VARY], "Accept-Encoding");
    assert!(!described.headers().contains_key(CONTENT_ENCODING));
}
