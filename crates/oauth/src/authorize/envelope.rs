//! What an authorization request consists of: its parameters, or something that stands for them.

use crate::client_authentication::AuthenticatedClient;
use crate::parameters::{CLIENT_ID, Parameters};
use crate::proof::Thumbprint;
use crate::refusal::Refusal;
use domain::id::{ApplicationId, ClientId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::request::{REQUEST, REQUEST_URI};
use super::{AuthorizeRequest, VerifiedObject};

/// The beginning of the `request_uri` of every pushed request ([RFC 9126
/// §2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)).
pub const REFERENCE_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// A request as it arrives at the authorization endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The client, if the id has the form of one of ours. It is always outside.
    pub client_id: Option<ClientId>,
    /// Where the parameters are.
    pub content: EnvelopeContent,
}

/// Where the parameters of a request are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EnvelopeContent {
    /// They are the parameters of the request itself.
    Plain,
    /// In a request that the client pushed before, with this `request_uri`.
    Pushed(String),
    /// In a request object ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)).
    Object(String),
    /// In a request object at this address.
    ObjectAt(String),
}

impl Envelope {
    /// Reads the parameters that say where the others are.
    ///
    /// # Errors
    /// `invalid_request`, to be shown as a page.
    pub fn parse(parameters: &Parameters) -> Result<Self, Refusal> {
        let client_id = parameters.required(CLIENT_ID)?.parse().ok();
        let content = match (parameters.one(REQUEST)?, parameters.one(REQUEST_URI)?) {
            (None, None) => EnvelopeContent::Plain,
            (Some(_), Some(_)) => return Err(Refusal::RequestAndRequestUri),
            (Some(object), None) => EnvelopeContent::Object(object.to_owned()),
            (None, Some(uri)) if uri.starts_with(REFERENCE_PREFIX) => EnvelopeContent::Pushed(uri.to_owned()),
            (None, Some(uri)) => EnvelopeContent::ObjectAt(uri.to_owned()),
        };
        Ok(Self { client_id, content })
    }
}

/// How a request reached the authorization endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// In the address or the body of the browser's request.
    ByBrowser,
    /// In a request object that the client signed and the browser brought.
    InObject(VerifiedObject),
    /// It was stored at this time, because the client pushed it, or because the browser brought it in a request object and
    /// somebody had to be asked.
    Stored(Timestamp, Provenance),
}

/// How a stored request came, as far as its parameters do not say so: what rules ask about it when the browser refers to it,
/// which may have changed meanwhile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provenance {
    /// The request object in which it was; `None` if it was in none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<VerifiedObject>,
    /// The key of the instance of the client that pushed it, if the instance was attested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<Thumbprint>,
}

impl Provenance {
    /// A request in this request object.
    pub const fn in_object(object: VerifiedObject) -> Self {
        Self { object: Some(object), instance: None }
    }

    /// The same, pushed by this instance of the client, if it is known.
    #[must_use]
    pub const fn of_instance(self, instance: Option<Thumbprint>) -> Self {
        Self { instance, ..self }
    }
}

impl Delivered {
    /// Whether the client, which is authenticated or public, sent it to the server directly.
    pub(super) const fn is_pushed(self) -> bool {
        match self {
            Self::ByBrowser | Self::InObject(_) => false,
            Self::Stored(_, provenance) => match provenance.object {
                Some(object) => !object.brought,
                None => true,
            },
        }
    }

    /// The key of the instance of the client that pushed it, if the instance was attested.
    pub(super) const fn instance(self) -> Option<Thumbprint> {
        match self {
            Self::ByBrowser | Self::InObject(_) => None,
            Self::Stored(_, provenance) => provenance.instance,
        }
    }

    /// The request object in which it was; `None` if it was in none.
    pub(super) const fn object(self) -> Option<VerifiedObject> {
        match self {
            Self::ByBrowser => None,
            Self::InObject(object) => Some(object),
            Self::Stored(_, provenance) => provenance.object,
        }
    }
}

impl AuthorizeRequest {
    /// Reads the parameters of a pushed request ([RFC 9126
    /// §2.1](https://www.rfc-editor.org/rfc/rfc9126#section-2.1)) without a [request object](pushed_object). The id of the
    /// client may be in the `Authorization` header alone.
    ///
    /// # Errors
    /// [`Refusal::RequestUriInPushedRequest`] and [`Refusal::Parameter`].
    pub fn parse_pushed(parameters: &Parameters, client: &AuthenticatedClient) -> Result<Self, Refusal> {
        request_uri_is_not_pushed(parameters)?;
        Self::parse_of(Some(client.application().client_id.clone()), parameters)
    }

    /// The same request, whose code is bound to the key of the `DPoP` proof with which it was pushed, if there is one
    /// ([RFC 9449 §10.1](https://www.rfc-editor.org/rfc/rfc9449#section-10.1)).
    ///
    /// # Errors
    /// `invalid_dpop_proof` if `dpop_jkt` names another key.
    pub fn bound_to(self, key: Option<Thumbprint>) -> Result<Self, Refusal> {
        let Some(key) = key.map(|key| key.to_string()) else { return Ok(self) };
        let named = self.dpop_jkt.as_ref();
        if named.is_some_and(|named| *named != key) {
            return Err(Refusal::DpopKeyOfAnotherRequest);
        }
        Ok(Self { dpop_jkt: Some(key), ..self })
    }

    /// The request as a query string that refers to the pushed one.
    pub fn query_of_pushed(&self, request_uri: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if let Some(client_id) = &self.client_id {
            query.append_pair(CLIENT_ID.spelling, client_id.as_str());
        }
        query.append_pair(REQUEST_URI.spelling, request_uri).finish()
    }
}

/// The request object in the body of a pushed request, if there is one ([RFC 9126
/// §3](https://www.rfc-editor.org/rfc/rfc9126#section-3)).
///
/// # Errors
/// [`Refusal::RequestUriInPushedRequest`] and [`Refusal::Parameter`].
pub fn pushed_object(parameters: &Parameters) -> Result<Option<&str>, Refusal> {
    request_uri_is_not_pushed(parameters)?;
    parameters.one(REQUEST)
}

/// "The `request_uri` authorization request parameter is one exception, and it MUST NOT be provided" ([RFC 9126
/// §2.1](https://www.rfc-editor.org/rfc/rfc9126#section-2.1)).
fn request_uri_is_not_pushed(parameters: &Parameters) -> Result<(), Refusal> {
    let given = parameters.one(REQUEST_URI)?.is_some();
    if given { Err(Refusal::RequestUriInPushedRequest) } else { Ok(()) }
}

/// "The `request_uri` MUST be bound to the client that posted the authorization request" ([RFC 9126
/// §2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)). `found` is the application of the unanswered, unexpired
/// request, if there is one; all failures get the same answer.
///
/// # Errors
/// `invalid_request_uri`, to be shown as a page.
pub fn pushed_request_belongs_to_client(
    found: Option<ApplicationId>,
    client: Option<ApplicationId>,
) -> Result<(), Refusal> {
    if found.is_some() && found == client { Ok(()) } else { Err(Refusal::PushedRequestUnknown) }
}
