//! Features of OData for which there is no route.

use http::{Method, Request};
use percent_encoding::percent_decode_str;

use super::address;

/// The feature that such a request asks for, if it can be named: then the method is not what is wrong with
/// this address ([Protocol
/// §9.3.1](https://docs.oasis-open.org/odata/odata/v4.01/odata-v4.01-part1-protocol.html#sec_ResponseCode501NotImplemented)).
pub(crate) fn named<B>(request: &Request<B>) -> Option<&'static str> {
    if request.method() != Method::POST {
        return None;
    }
    if request.headers().contains_key("x-http-method") {
        return Some("the header X-HTTP-Method");
    }
    let path = address::split(request.uri())?.rest.split('?').next()?.trim_end_matches('/');
    let (before, last) = path.rsplit_once('/')?;
    match &*percent_decode_str(last).decode_utf8().ok()? {
        "$batch" if before.is_empty() => Some("$batch"),
        "$query" => Some("$query"),
        _ => None,
    }
}
