//! Where the parameters of an authorization request come from, and that a pushed request is answered once.

use std::sync::Arc;

use domain::id::PushedRequestId;
use domain::secret::Digest;
use oauth::application::Application;
use oauth::authorize::{
    self, AuthorizeRefusal, AuthorizeRequest, Delivered, Envelope, EnvelopeContent, Provenance, RefusedObject,
};
use oauth::parameters::Parameters;
use oauth::refusal::Refusal;
use store::{NewPushedRequest, PushedRequest, PushedRequestOpening};

use super::{AuthorizationService, AuthorizeAnswer, Checked};
use crate::Fault;
use crate::identity::caller::RequestOrigin;
use crate::node::lifetimes::OPENED_REQUEST_SECS;
use crate::node::strangers::Left;
use crate::protocol::client_document::DescribedClients;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::request_objects::{Carrier, RequestObjects};

/// A request whose parameters have been found, and the application that it names.
pub(super) struct Received {
    pub(super) request: AuthorizeRequest,
    pub(super) application: Option<Arc<Application>>,
    pub(super) pushed: Option<RequestReference>,
    pub(super) delivered: Delivered,
}

/// The pushed request behind a request.
pub(super) struct RequestReference {
    /// The reference, for the forms of our pages.
    pub(super) request_uri: String,
    id: PushedRequestId,
    digest: Digest,
}

impl AuthorizationService {
    /// Finds the parameters. Other parameters beside a reference to a pushed request are ignored ([RFC 9126
    /// §4](https://www.rfc-editor.org/rfc/rfc9126#section-4)), except the client id.
    pub(super) async fn receive(
        &self,
        parameters: &Parameters,
        origin: Option<&RequestOrigin>,
    ) -> Result<Result<Received, AuthorizeRefusal>, Fault> {
        let envelope = match Envelope::parse(parameters) {
            Ok(envelope) => envelope,
            Err(refusal) => return Ok(Err(self.refuse_unread(parameters, refusal).await?)),
        };
        let application = match &envelope.client_id {
            Some(id) => match DescribedClients::of(&self.context).named(id).await? {
                Ok(found) => found,
                Err(refusal) => return Ok(Err(AuthorizeRefusal::Page(refusal))),
            },
            None => None,
        };
        if let EnvelopeContent::Pushed(request_uri) = envelope.content {
            return self.receive_pushed(request_uri, application, origin).await;
        }
        let outside = match AuthorizeRequest::parse(parameters) {
            Ok(request) => request,
            Err(refusal) => return Ok(Err(self.refuse_unread(parameters, refusal).await?)),
        };
        let found = application.as_deref();
        let object = match (&envelope.content, found) {
            (EnvelopeContent::Plain | EnvelopeContent::Pushed(_), _) | (_, None) => None,
            (EnvelopeContent::Object(text), Some(of)) => {
                Some(RequestObjects::of(&self.context).read(text, of, Carrier::Browser).await)
            }
            (EnvelopeContent::ObjectAt(uri), Some(of)) => {
                Some(RequestObjects::of(&self.context).read_at(uri, of).await)
            }
        };
        let (request, delivered) = match object {
            None => (outside, Delivered::ByBrowser),
            Some(Ok((inside, object))) => (inside, Delivered::InObject(object)),
            Some(Err(RefusedObject { refusal, addressed })) => {
                let addressed = addressed.as_deref().unwrap_or(&outside);
                return Ok(Err(authorize::refuse(addressed, found, refusal)));
            }
        };
        Ok(Ok(Received { request, application, pushed: None, delivered }))
    }

    /// Refuses a request that cannot be read. Its client is informed if what says where the answer goes can be read ([RFC 6749
    /// §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749#section-4.1.2.1)).
    async fn refuse_unread(
        &self,
        parameters: &Parameters,
        refusal: Refusal,
    ) -> Result<AuthorizeRefusal, Fault> {
        let Some(addressed) = AuthorizeRequest::addressed(parameters) else {
            return Ok(AuthorizeRefusal::Page(refusal));
        };
        let found = self.addressed_application(parameters).await?;
        Ok(authorize::refuse(&addressed, found.as_deref(), refusal))
    }

    /// The application that a request names, whatever else is wrong with it.
    pub(super) async fn addressed_application(
        &self,
        parameters: &Parameters,
    ) -> Result<Option<Arc<Application>>, Fault> {
        let addressed = AuthorizeRequest::addressed(parameters);
        match addressed.and_then(|addressed| addressed.client_id) {
            Some(id) => Ok(DescribedClients::of(&self.context).named(&id).await?.ok().flatten()),
            None => Ok(None),
        }
    }

    async fn receive_pushed(
        &self,
        request_uri: String,
        application: Option<Arc<Application>>,
        origin: Option<&RequestOrigin>,
    ) -> Result<Result<Received, AuthorizeRefusal>, Fault> {
        let unknown = Ok(Err(AuthorizeRefusal::Page(Refusal::PushedRequestUnknown)));
        let Ok((id, digest)) = self.context.vault.parse_reference(&request_uri) else { return unknown };
        let Some(found) = self.open(id, &digest, application.as_deref(), origin).await? else {
            return unknown;
        };
        let broken = |_| Fault::Broken("a stored request cannot be read".into());
        let parameters = Parameters::from_form(found.parameters.as_bytes()).map_err(broken)?;
        let request = AuthorizeRequest::parse(&parameters).map_err(broken)?;
        let pushed = Some(RequestReference { request_uri, id, digest });
        let delivered = Delivered::Stored(found.pushed_at, found.provenance);
        Ok(Ok(Received { request, application, pushed, delivered }))
    }

    /// Stores the parameters of a request object that the browser brought, like those of a pushed request, so that our
    /// pages refer to them: the object may expire while a person signs in.
    pub(super) async fn keep_object(&self, checked: &mut Checked) -> Result<Result<(), Refusal>, Fault> {
        let Delivered::InObject(object) = checked.delivered else { return Ok(Ok(())) };
        if checked.pushed.is_some() {
            return Ok(Ok(()));
        }
        let (secret, digest) = self.context.vault.new_reference_secret();
        let now = self.context.now();
        if RateLimits::of(&self.context).leave_from(Left::OpenedRequest, checked.network).is_err() {
            return Ok(Err(Refusal::TooManyOpenRequests));
        }
        let new = NewPushedRequest {
            digest,
            application: checked.application.id,
            parameters: checked.request.query(),
            provenance: Provenance::in_object(object),
            at: now,
            opened_at: Some(now),
            expires_at: now.plus_secs(OPENED_REQUEST_SECS),
            // Whoever has seen an object may bring it again.
            by_stranger: true,
            limits: self.context.settings.pushed_request_limits,
        };
        let Some(id) = self.context.store.insert_pushed_request(new).await? else {
            return Ok(Err(Refusal::TooManyOpenRequests));
        };
        let request_uri = self.context.vault.reference(id, &secret);
        checked.pushed = Some(RequestReference { request_uri, id, digest });
        Ok(Ok(()))
    }

    /// Finds a pushed request of the client. It expires soon, but once a browser has brought it in time, it stays valid
    /// for as long as people need to sign in, unless strangers keep too many requests open.
    async fn open(
        &self,
        id: PushedRequestId,
        digest: &Digest,
        application: Option<&Application>,
        origin: Option<&RequestOrigin>,
    ) -> Result<Option<PushedRequest>, Fault> {
        let now = self.context.now();
        let client = application.map(|application| application.id);
        let found = self.context.store.find_pushed_request(id, digest, now).await?;
        let owner = found.as_ref().map(|found| found.application);
        if authorize::pushed_request_belongs_to_client(owner, client).is_err() {
            return Ok(None);
        }
        if found.as_ref().is_some_and(|found| self.context.revocations.ends_all_of(found.pushed_at)) {
            return Ok(None);
        }
        if found.as_ref().is_some_and(|found| found.opened_at.is_some()) {
            return Ok(found);
        }
        let (Some(origin), Some(application)) = (origin.filter(|_| found.is_some()), application) else {
            return Ok(found);
        };
        let is_strangers = application.is_open_to_strangers();
        let network = origin.network().filter(|_| is_strangers);
        if RateLimits::of(&self.context).leave_from(Left::OpenedRequest, network).is_err() {
            return Ok(found);
        }
        let opening = PushedRequestOpening {
            now,
            expires_at: now.plus_secs(OPENED_REQUEST_SECS),
            limits: self.context.settings.pushed_request_limits,
        };
        if self.context.store.open_pushed_request(id, *digest, opening).await? {
            return Ok(found);
        }
        // Another tab was faster, it has just been answered, or too many are open.
        Ok(self.context.store.find_pushed_request(id, digest, now).await?)
    }

    /// Returns the response, unless the pushed request was already answered. "The authorization server SHOULD treat
    /// `request_uri` values as one-time use" ([RFC 9126 §4](https://www.rfc-editor.org/rfc/rfc9126#section-4)).
    pub(super) async fn answer_once(
        &self,
        pushed: Option<&RequestReference>,
        answer: AuthorizeAnswer,
    ) -> Result<AuthorizeAnswer, Fault> {
        let Some(pushed) = pushed else { return Ok(answer) };
        let (digest, now) = (pushed.digest, self.context.now());
        let consumed = self.context.store.consume_pushed_request(pushed.id, digest, now).await?;
        Ok(if consumed { answer } else { AuthorizeAnswer::Page(Refusal::PushedRequestUnknown) })
    }
}
