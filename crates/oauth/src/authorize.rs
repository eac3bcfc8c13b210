//! The authorization endpoint ([RFC 6749 §4.1.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.1)).
//!
//! The type of an error says whether it may be sent to the client by redirect: [`AuthorizeRefusal::Page`] until client
//! and redirect URL are validated, [`AuthorizeRefusal::Redirect`] with the validated [`RedirectTarget`] afterwards.
//!
//! The steps are [`AuthorizeRequest::parse`], [`check`], [`next_step`], and finally [`issue_code`] or
//! [`ValidRequest::deny`].

use crate::application::Application;
use crate::refusal::Refusal;
use crate::scope::ScopeRegistry;

mod approval;
mod choice;
mod data;
mod data_change;
mod data_scope;
mod envelope;
mod leaving;
mod query;
mod request;
mod request_object;
mod response;
mod rules;
mod target;

pub use approval::{
    AcceptedSignIn, Approval, Judgement, NextStep, SignedIn, accept_sign_in, approve_chosen, issue_code,
    next_step,
};
pub use choice::{Choice, ChoiceFault, DataQuestion, RejectedChoice, choose};
pub use data::{
    Offer, OfferedEntity, OfferedSource, ReadableSource, RequestedSource, each_once, named, read_stored,
    stored,
};
pub use data_change::DataChange;
pub use envelope::{
    Delivered, Envelope, EnvelopeContent, Provenance, REFERENCE_PREFIX, pushed_object,
    pushed_request_belongs_to_client,
};
pub use leaving::{AtBrowser, Leaving, RefusedRedirect};
pub use request::AuthorizeRequest;
pub use request_object::{
    OBJECT_MEDIA_TYPE, OBJECT_TYPES, ObjectFacts, RefusedObject, VerifiedObject, object_is_not_encrypted,
    object_may_be_at,
};
pub use response::{
    AuthorizationResponse, Deliverable, Delivery, ResponseForm, ResponseMode, ResponseRoute, UnsignedResponse,
};
pub use rules::{ValidRequest, plain_request_is_allowed};
pub use target::RedirectTarget;

use leaving::Sender;

/// A refused authorization request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthorizeRefusal {
    /// Client or redirect URL are not validated: the error is shown to the user, never to the client.
    Page(Refusal),
    /// The client is informed by redirect, when [`RefusedRedirect::leaving`] says so.
    Redirect(Box<RefusedRedirect>),
}

impl AuthorizeRefusal {
    /// The reason, in both cases.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Page(refusal) => *refusal,
            Self::Redirect(redirect) => redirect.refusal,
        }
    }
}

/// The facts for the decision about a request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The stored application that the request names.
    pub application: Option<&'a Application>,
    /// The registry, which gives scopes their meaning.
    pub scopes: &'a ScopeRegistry,
    /// How the request arrived.
    pub delivered: Delivered,
    /// The resources of the request in their canonical form, or why they are refused.
    pub resources: &'a Result<Vec<String>, Refusal>,
    /// The data sources that the request names; empty if the user chooses. Or why they are refused.
    pub data: &'a Result<Option<Vec<RequestedSource>>, Refusal>,
    /// Whether every application must push its requests.
    pub pushing_is_required: bool,
    /// Whether every application must sign its requests.
    pub signing_is_required: bool,
    /// Whether FAPI 2.0 Message Signing holds: responses are signed, and request objects say when they start.
    pub messages_are_signed: bool,
}

/// Checks the request against the application that it names, in the order of [RFC 6749
/// §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1): faults that must never be redirected
/// come first.
///
/// # Errors
/// [`AuthorizeRefusal`], by page or by redirect.
pub fn check(request: &AuthorizeRequest, facts: Facts<'_>) -> Result<ValidRequest, AuthorizeRefusal> {
    let application = rules::client_is_known(request, facts.application).map_err(AuthorizeRefusal::Page)?;
    let target = rules::redirect_url_is_registered(request, application).map_err(AuthorizeRefusal::Page)?;
    let (route, mode) = rules::route(request, application, target);
    let sender = Sender::of(request, application);
    mode.and_then(|_| rules::decide(request, application, route.clone(), facts))
        .map_err(|refusal| AuthorizeRefusal::Redirect(Box::new(RefusedRedirect { route, refusal, sender })))
}

/// Refuses a request before its parameters count. The client is informed if the request names one of its redirect URLs.
pub fn refuse(request: &AuthorizeRequest, found: Option<&Application>, refusal: Refusal) -> AuthorizeRefusal {
    let route = rules::client_is_known(request, found).and_then(|application| {
        let target = rules::redirect_url_is_registered(request, application)?;
        let (route, _) = rules::route(request, application, target);
        Ok(RefusedRedirect { route, refusal, sender: Sender::of(request, application) })
    });
    route.map_or(AuthorizeRefusal::Page(refusal), |refused| AuthorizeRefusal::Redirect(Box::new(refused)))
}

#[cfg(test)]
mod tests;
