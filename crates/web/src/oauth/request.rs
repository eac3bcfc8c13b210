//! Requests of clients: a form or a JSON object, optionally with an `Authorization: Basic` header.

use app::identity::caller::RequestOrigin;
use app::identity::refusals::RefusalService;
use app::node::refusal_reason::RefusalReason;
use app::protocol::client::{ClientRequest, MayBeAttested};
use app::protocol::refusal::ProtocolRefusal;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use oauth::client_authentication::Basic;
use oauth::client_authentication::attestation::AttestationHeaders;
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;

use super::{Credentials, refused_by_rule};
use crate::WebState;
use crate::http::authorization::Authorization;
use crate::http::{attestation, body, media_type, origin, proof};
use crate::respond::oauth as respond;

/// A client's request, decoded and not authenticated.
#[derive(Debug)]
pub struct Sent {
    basic: Option<Basic>,
    parameters: Parameters,
    head: Parts,
    origin: RequestOrigin,
}

impl Sent {
    /// The response to a refusal.
    pub fn refused(&self, refusal: &ProtocolRefusal) -> Response {
        let credentials = if self.basic.is_some() { Credentials::Header } else { Credentials::Body };
        super::refused(refusal, credentials)
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The request in the form that use cases expect.
    pub fn as_request(&self) -> ClientRequest<'_> {
        ClientRequest {
            basic: self.basic.as_ref(),
            parameters: &self.parameters,
            facts: proof::facts(&self.head),
            attested: self,
            origin: &self.origin,
        }
    }
}

impl MayBeAttested for Sent {
    fn attestation_headers(&self) -> AttestationHeaders<'_> {
        attestation::headers(&self.head.headers)
    }
}

impl FromRequest<WebState> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Response> {
        let (head, sent) = request.into_parts();
        let origin = origin::of(&head.extensions, &head.headers, state.settings());
        let form = Form::of(&head.headers, &sent).ok_or_else(unsupported)?;
        let malformed_body = |refusal| refused_by_rule(refusal, Credentials::Body);
        let basic = match basic(&head.headers) {
            Ok(basic) => basic,
            Err(refusal) => {
                state
                    .service::<RefusalService>()
                    .note_request(RefusalReason::AuthorizationMalformed, None, &origin)
                    .await;
                return Err(refused_by_rule(refusal, Credentials::Header));
            }
        };
        let most = body::MOST_OF_FORM.min(state.settings().max_body_bytes);
        let read = body::read(sent, most).await;
        let bytes = read.map_err(|unread| respond::refuse(unread.status(), &unread.to_string()))?;
        let parameters = match form {
            Form::UrlEncoded => Parameters::from_form(&bytes),
            Form::Json => Parameters::from_json(&bytes),
        };
        body::wipe(bytes);
        Ok(Self { basic, parameters: parameters.map_err(malformed_body)?, head, origin })
    }
}

/// The format of a body.
enum Form {
    /// [RFC 6749 appendix B](https://www.rfc-editor.org/rfc/rfc6749#appendix-B).
    UrlEncoded,
    /// The format in Hybrid Data Pipeline's documentation.
    Json,
}

impl Form {
    /// A request without a body needs no content type: it has no parameters, and the response names the one
    /// that is missing.
    fn of(headers: &HeaderMap, body: &Body) -> Option<Self> {
        if headers.get(CONTENT_TYPE).is_some_and(|common| common == media_type::FORM) {
            return Some(Self::UrlEncoded);
        }
        let Some(kind) = media_type::of_body(headers) else {
            return body.is_end_stream().then_some(Self::UrlEncoded);
        };
        if !media_type::is_utf8(&kind) {
            None
        } else if kind.is(media_type::FORM) {
            Some(Self::UrlEncoded)
        } else {
            kind.is(media_type::JSON).then_some(Self::Json)
        }
    }
}

fn unsupported() -> Response {
    let message = "send application/x-www-form-urlencoded or application/json, in UTF-8";
    respond::refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, message)
}

/// The Basic credentials; another scheme is refused. A second header makes the request one that "utilizes more than one
/// mechanism for authenticating the client, or is otherwise malformed": `invalid_request` ([RFC 6749
/// §5.2](https://www.rfc-editor.org/rfc/rfc6749#section-5.2)).
fn basic(headers: &HeaderMap) -> Result<Option<Basic>, Refusal> {
    let authorization = Authorization::find(headers).map_err(|_| Refusal::AuthorizationRepeated)?;
    authorization.map(|authorization| authorization.client()).transpose()
}
