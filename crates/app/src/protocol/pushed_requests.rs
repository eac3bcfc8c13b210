//! Pushed authorization requests ([RFC 9126](https://www.rfc-editor.org/rfc/rfc9126)): the client sends its parameters to the
//! server directly, and the browser brings a reference to them.

use std::sync::Arc;

use oauth::authorize::{self, AuthorizeRequest, Delivered, Facts, Provenance};
use oauth::client_authentication::AuthenticatedClient;
use store::NewPushedRequest;

use crate::Context;
use crate::node::entity_cache::Entities;
use crate::node::strangers::Left;
use crate::protocol::client::{ClientAuthentication, ClientRequest};
use crate::protocol::client_document::DescribedClients;
use crate::protocol::data_access::ReachableData;
use crate::protocol::id_token_hint::IdTokenHints;
use crate::protocol::rate_limits::RateLimits;
use crate::protocol::refusal::ProtocolRefusal;
use crate::protocol::request_objects::{Carrier, RequestObjects};

/// A stored request ([RFC 9126 §2.2](https://www.rfc-editor.org/rfc/rfc9126#section-2.2)).
#[derive(Debug, Clone)]
pub struct PushedReference {
    /// `request_uri`.
    pub request_uri: String,
    /// `expires_in`, in seconds.
    pub expires_in: u32,
}

/// The endpoint for pushed authorization requests.
#[derive(Clone)]
pub struct PushedRequestService {
    context: Arc<Context>,
}

service!(PushedRequestService);

impl PushedRequestService {
    /// Authenticates the client, checks its request like one at the authorization endpoint, and stores it.
    ///
    /// # Errors
    /// [`ProtocolRefusal`]; nothing is stored then.
    pub async fn push(&self, request: ClientRequest<'_>) -> Result<PushedReference, ProtocolRefusal> {
        let client = ClientAuthentication::of(&self.context).authenticate_beginning(request).await?;
        RateLimits::of(&self.context).leave_as(&client, Left::PushedRequest, request.origin)?;
        let key = ClientAuthentication::of(&self.context).key_proved_by(&client, &request.facts)?;
        let (pushed, provenance) = self.read(request, &client).await?;
        let (pushed, provenance) = (pushed.bound_to(key)?, provenance.of_instance(client.instance()));
        let registry = Entities::of(&self.context).scope_registry().await?;
        let now = self.context.now();
        let (resources, data) = ReachableData::of(&self.context).limits_of_request(&pushed).await?;
        let facts = Facts {
            data: &data,
            application: Some(client.application()),
            scopes: &registry,
            delivered: Delivered::Stored(now, provenance),
            resources: &resources,
            pushing_is_required: false,
            signing_is_required: self.context.settings.signing_is_required(client.application()),
            messages_are_signed: self.context.settings.signs_messages(client.application().settings.profile),
        };
        authorize::check(&pushed, facts)
            .and_then(|valid| {
                IdTokenHints::of(&self.context).expected_subjects(&pushed, &valid, client.application())
            })
            .map_err(|refused| refused.refusal())?;
        let client =
            DescribedClients::of(&self.context).with_stored_application(client, request.origin).await?;
        let (secret, digest) = self.context.vault.new_reference_secret();
        let expires_in = self.context.settings.pushed_request_lifetime_secs;
        let new = NewPushedRequest {
            digest,
            application: client.application().id,
            parameters: pushed.query(),
            provenance,
            at: now,
            opened_at: None,
            expires_at: now.plus_secs(expires_in.into()),
            by_stranger: client.application().is_open_to_strangers(),
            limits: self.context.settings.pushed_request_limits,
        };
        // "429 Too Many Requests" ([RFC 9126 §2.3](https://www.rfc-editor.org/rfc/rfc9126#section-2.3)).
        let id = self.context.store.insert_pushed_request(new).await?;
        let id = id.ok_or(ProtocolRefusal::TooOften { retry_after_secs: expires_in })?;
        Ok(PushedReference { request_uri: self.context.vault.reference(id, &secret), expires_in })
    }

    /// The request in the body, or in the request object there, beside which nothing counts except the authentication of
    /// the client ([RFC 9126 §3](https://www.rfc-editor.org/rfc/rfc9126#section-3)).
    async fn read(
        &self,
        request: ClientRequest<'_>,
        client: &AuthenticatedClient,
    ) -> Result<(AuthorizeRequest, Provenance), ProtocolRefusal> {
        let application = client.application();
        if let Some(object) = authorize::pushed_object(request.parameters)? {
            let read = RequestObjects::of(&self.context).read(object, application, Carrier::Client).await;
            let (request, object) = read.map_err(|refused| refused.refusal)?;
            return Ok((request, Provenance::in_object(object)));
        }
        let required = self.context.settings.signing_is_required(application);
        authorize::plain_request_is_allowed(application, required)?;
        Ok((AuthorizeRequest::parse_pushed(request.parameters, client)?, Provenance::default()))
    }
}
