//! The parsers that only this crate uses, for the fuzz targets: a function for each, with its input and its result.
//!
//! It is compiled for the targets, with `--cfg fuzzing`, and for tests, so that every check of the code includes it.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use app::identity::sign_in::SignInCredentials;
use http::header::HeaderValue;
use http::request::Parts;
use http::{Extensions, HeaderMap, Method, Request, Uri};
use oauth::client_authentication::Basic;
use oauth::client_authentication::attestation::AttestationHeaders;
use oauth::proof::{PresentedCertificate, PresentedToken, RequestFacts};
use oauth::refusal::Refusal;
use odata::format::{Format, MediaType};

use crate::http::authorization::{self, Authorization};
use crate::http::initiator::{Initiator, PublicSite};
use crate::http::origin::PeerAddress;
use crate::http::{
    attestation, base_path, body, client_certificate, conditional, gzip, host, media_type, origin, proof,
};
use crate::http_service::loggable;
use crate::json::Json;
use crate::mcp::{message, revision, rows, tools};
use crate::odata::address;
use crate::odata::batch::{json, multipart};
use crate::odata::headers::{Preferred, Version};
use crate::{BasePath, WebSettings, pages};

fn credentials(headers: &HeaderMap) -> Option<Authorization<'_>> {
    Authorization::find(headers).ok().flatten()
}

/// The Basic credentials of a user.
pub fn user(headers: &HeaderMap) -> Option<SignInCredentials> {
    credentials(headers)?.user()
}

/// The Basic credentials of an application.
///
/// # Errors
/// What is wrong with the credentials, if there are any.
pub fn client(headers: &HeaderMap) -> Option<Result<Basic, Refusal>> {
    credentials(headers).map(|credentials| credentials.client())
}

/// The access token.
pub fn token(headers: &HeaderMap) -> Option<PresentedToken<'_>> {
    credentials(headers)?.token()
}

/// Whether a browser may have added credentials by itself.
pub fn may_be_remembered(headers: &HeaderMap) -> bool {
    authorization::may_be_remembered(headers)
}

/// Whether the request names one host.
pub fn names_one_host(request: &Request<()>) -> bool {
    host::is_named_once(request).is_ok()
}

/// The host that a request names.
pub fn named_host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    host::named(uri, headers)
}

/// The address of a client behind this peer.
pub fn client_address(peer: SocketAddr, headers: &HeaderMap, settings: &WebSettings) -> Option<IpAddr> {
    let mut extensions = Extensions::new();
    extensions.insert(PeerAddress(peer));
    origin::address(&extensions, headers, settings)
}

/// The certificate that a peer passes on.
///
/// # Errors
/// What is wrong with the headers of a named proxy.
pub fn certificate_from(
    peer: SocketAddr,
    headers: HeaderMap,
    settings: &WebSettings,
) -> Result<Option<PresentedCertificate>, &'static str> {
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    request.extensions_mut().insert(PeerAddress(peer));
    client_certificate::take_from_proxy(&mut request, settings)?;
    Ok(client_certificate::of(request.extensions()).cloned())
}

/// The media type of the body, and whether such a body is in UTF-8.
pub fn body_type(headers: &HeaderMap) -> Option<(MediaType<'_>, bool)> {
    media_type::of_body(headers).map(|kind| (kind, media_type::is_utf8(&kind)))
}

/// Whether the headers say plainly what the body is.
pub fn body_is_described_plainly(headers: &HeaderMap) -> bool {
    body::is_described_plainly(headers).is_ok()
}

/// The `Accept` headers as one; `None` if they are not text.
pub fn accept(headers: &HeaderMap) -> Option<Cow<'_, str>> {
    media_type::accept(headers).ok()
}

/// Whether the request asks for this media type.
pub fn asks_for(headers: &HeaderMap, media_type: &str) -> bool {
    media_type::asks_for(headers, media_type)
}

/// Whether the client accepts the coding gzip, and does not prefer to get the body as it is.
pub fn accepts_gzip(headers: &HeaderMap) -> bool {
    gzip::is_welcome(headers)
}

/// Whether the client already has the representation with this tag.
pub fn none_match_fails(headers: &HeaderMap, tag: &str) -> bool {
    conditional::none_match_fails(headers, tag)
}

/// Takes the path of the public URL off an address; `false` if the address is outside.
pub fn take_base_path(base: &BasePath, uri: &mut Uri) -> bool {
    base.take_from(uri) != Err(base_path::Outside)
}

/// Puts the path of the public URL before a `Location`.
pub fn put_base_path(base: &BasePath, location: &mut HeaderValue) {
    base.put_before(location);
}

/// Who initiated a request to a server with this public URL.
pub fn initiator(uri: &Uri, headers: &HeaderMap, public_url: &str) -> Initiator {
    let tls = public_url.starts_with("https:");
    Initiator::of(uri, headers, PublicSite { tls, public_url })
}

/// Whether the browser withheld our cookies from such a request.
pub fn withholds_cookies(initiator: Initiator, method: &Method, headers: &HeaderMap) -> bool {
    initiator.withholds_cookies(method, headers)
}

/// The headers with which the instance of a client authenticates.
pub fn attestation_headers(headers: &HeaderMap) -> AttestationHeaders<'_> {
    attestation::headers(headers)
}

/// The facts that a proof of possession covers.
pub fn proof_facts(parts: &Parts) -> RequestFacts<'_> {
    proof::facts(parts)
}

/// The path of a request as it may be logged.
pub fn logged_path(path: &str) -> Cow<'_, str> {
    loggable::path(path)
}

/// Where a sign-in continues.
pub fn onward(wanted: &str) -> &str {
    pages::login::onward(wanted)
}

/// The version of OData in which a response is written; `None` if the request is refused.
pub fn odata_version(headers: &HeaderMap) -> Option<&'static str> {
    Version::of(headers).ok().map(Version::as_str)
}

/// The preferred page size in rows, and the header of a response with so many rows.
pub fn page_size(headers: &HeaderMap) -> Option<(usize, HeaderValue)> {
    let preferred = Preferred::of(headers);
    let rows = preferred.page_size?.rows;
    Some((rows, preferred.applied(Format::default(), Some(rows))?))
}

/// The data source of an OData address, unless its name cannot be decoded, and the text after it.
pub fn odata_address(uri: &Uri) -> Option<(Option<Cow<'_, str>>, &str)> {
    address::split(uri).map(|address| (address.source().ok(), address.rest))
}

/// The method and address of each request of a batch, in the multipart format with this boundary or else in the JSON format.
///
/// # Errors
/// What is wrong with the batch.
pub fn batch(body: &[u8], boundary: Option<&str>) -> Result<Vec<(Method, String)>, String> {
    let parts = boundary.map_or_else(|| json::parse(body), |boundary| multipart::parse(body, boundary));
    let parts = parts.map_err(|fault| fault.to_string())?;
    Ok(parts.into_iter().map(|part| (part.method, part.url)).collect())
}

/// Reads a message of an agent with these headers; returns its id, if it is a request of a known revision, and whether each
/// tool accepts its parameters as arguments.
pub fn mcp_message(headers: &HeaderMap, body: &[u8]) -> Option<(serde_json::Value, Vec<bool>)> {
    let message = message::read(body).ok()?;
    revision::of(headers, &message).ok()?;
    let arguments = message.params.get("arguments").unwrap_or(&Json::Null);
    let accepted = tools::Tool::ALL.map(|tool| tools::accepts(tool, arguments));
    message.id.map(|id| (id, accepted.into()))
}

/// The rows of a response for data, or of its beginning, as an agent gets them.
pub fn mcp_rows(body: &[u8]) -> Option<Vec<String>> {
    let page = rows::page(body)?;
    let shortened = page.rows.iter().map(|row| {
        let mut out = String::new();
        rows::shorten(row, &mut out);
        out
    });
    Some(shortened.collect())
}
