//! Request objects ([RFC 9101](https://www.rfc-editor.org/rfc/rfc9101)): verifying them with the keys of the client, and
//! fetching them from its addresses.
//!
//! A fetched object is not cached: its address usually stands for one request, and the parameters are stored as soon as a
//! person is asked something.

use oauth::application::Application;
use oauth::authorize::{
    self, AuthorizeRequest, OBJECT_MEDIA_TYPE, OBJECT_TYPES, ObjectFacts, RefusedObject, VerifiedObject,
};
use oauth::jwt::MOST_CHARACTERS;
use oauth::refusal::Refusal;
use vault::jose::{self, AcceptedJwt};

use crate::Context;
use crate::protocol::client_keys::{NoClientKeys, SignatureFailure};

/// Who brings a request object to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    /// The browser of the user.
    Browser,
    /// The client, which pushes it.
    Client,
}

/// Reads request objects.
#[derive(Clone, Copy)]
pub(crate) struct RequestObjects<'a> {
    context: &'a Context,
}

component!(RequestObjects);

impl RequestObjects<'_> {
    /// The request in a request object of an application.
    ///
    /// # Errors
    /// `invalid_request_object`, or `temporarily_unavailable` if this server fetches the keys of too many applications.
    pub(crate) async fn read(
        self,
        text: &str,
        application: &Application,
        carrier: Carrier,
    ) -> Result<(AuthorizeRequest, VerifiedObject), RefusedObject> {
        authorize::object_is_not_encrypted(text)?;
        let algorithms = application.settings.object_algorithms();
        let accepted = AcceptedJwt { algorithms, types: &OBJECT_TYPES };
        let claims =
            self.context.client_keys.claims_signed_by(application, text, accepted, self.context.now()).await;
        let claims = claims.map_err(|failure| match failure {
            SignatureFailure::NoKeys(NoClientKeys::Unreachable) => Refusal::RequestObjectKeysUnreachable,
            SignatureFailure::NoKeys(NoClientKeys::Busy) => Refusal::ClientKeysLater,
            SignatureFailure::NoKeys(NoClientKeys::Unusable) => Refusal::RequestObjectKeysUnusable,
            SignatureFailure::NoKeys(NoClientKeys::NotRegistered) | SignatureFailure::Invalid(_) => {
                Refusal::RequestObjectUnverified
            }
        })?;
        // The signature is verified, so the header names its algorithm.
        let algorithm = jose::named_algorithm(text).ok_or(Refusal::RequestObjectUnverified)?;
        let facts = ObjectFacts {
            application,
            issuer: self.context.settings.public_url.as_str(),
            algorithm,
            brought: carrier == Carrier::Browser,
            start_is_required: self.context.settings.signs_messages(application.settings.profile),
            now: self.context.now(),
        };
        AuthorizeRequest::from_object(claims, facts)
    }

    /// The request in the request object at an address that the browser brings, which the application must have registered.
    ///
    /// # Errors
    /// `invalid_request_uri`, and as for [`Self::read`].
    pub(crate) async fn read_at(
        self,
        uri: &str,
        application: &Application,
    ) -> Result<(AuthorizeRequest, VerifiedObject), RefusedObject> {
        let settings = self.context.settings.request_objects;
        if !settings.by_reference {
            return Err(Refusal::RequestObjectByReference.into());
        }
        authorize::object_may_be_at(uri, application, settings.unregistered_addresses)?;
        let text = self.context.outbound.request_objects.text(uri, OBJECT_MEDIA_TYPE, MOST_CHARACTERS).await;
        let text = text.map_err(|_| Refusal::RequestUriUnreachable)?;
        self.read(text.trim(), application, Carrier::Browser).await
    }
}
