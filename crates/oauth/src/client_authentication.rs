//! Client authentication at the token, introspection and revocation endpoints ([RFC 6749
//! §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).

use std::sync::Arc;

use crate::application::{Application, ClientType, StoredSecret};
use crate::parameters::{CLIENT_ID, CLIENT_SECRET, Parameters, form_decoded};
use crate::refusal::Refusal;
use domain::id::{ClientId, SecretId};
use domain::secret::ClientSecret;
use domain::time::Timestamp;

/// The content of an `Authorization: Basic` header after base64 decoding.
#[derive(Debug, Clone)]
pub struct Basic {
    client_id: String,
    secret: Option<ClientSecret>,
}

impl Basic {
    /// Splits at the first colon. Id and secret are form-encoded ([RFC 6749
    /// §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)); many clients omit that, so text
    /// without escapes is taken as it is.
    ///
    /// # Errors
    /// [`Refusal::BasicMalformed`].
    pub fn parse(decoded: &[u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(decoded).map_err(|_| Refusal::BasicMalformed)?;
        let (client_id, secret) = text.split_once(':').ok_or(Refusal::BasicMalformed)?;
        let unescaped =
            |text: &str| if text.contains('%') { form_decoded(text).ok() } else { Some(text.to_owned()) };
        let client_id = unescaped(client_id).ok_or(Refusal::BasicMalformed)?;
        let secret = unescaped(secret).ok_or(Refusal::BasicMalformed)?;
        if client_id.is_empty() {
            return Err(Refusal::BasicMalformed);
        }
        Ok(Self {
            client_id,
            secret: Some(secret).filter(|secret| !secret.is_empty()).map(ClientSecret::new),
        })
    }
}

/// The client credentials in a request, none of which is verified yet.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The id, if it has the form of one of ours. Any other names nobody.
    pub unverified_client_id: Option<ClientId>,
    /// The secret in clear text, if one was sent.
    pub secret: Option<ClientSecret>,
}

impl Presented {
    /// Finds id and secret in the header or in the body.
    ///
    /// # Errors
    /// Two methods at once, two different ids, or no id at all.
    pub fn find(basic: Option<&Basic>, parameters: &Parameters) -> Result<Self, Refusal> {
        let client_id = parameters.one(CLIENT_ID)?;
        let secret = parameters.one(CLIENT_SECRET)?;
        one_method_is_used(basic, secret)?;
        ids_agree(basic, client_id)?;
        let id = basic
            .map(|basic| basic.client_id.as_str())
            .or(client_id)
            .ok_or(Refusal::NoClientAuthentication)?;
        let header_secret = basic.and_then(|basic| basic.secret.clone());
        Ok(Self {
            unverified_client_id: id.parse().ok(),
            secret: header_secret.or_else(|| secret.map(ClientSecret::new)),
        })
    }
}

/// "The client MUST NOT use more than one authentication method in each request"
/// ([RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).
fn one_method_is_used(basic: Option<&Basic>, body_secret: Option<&str>) -> Result<(), Refusal> {
    if basic.is_some() && body_secret.is_some() { Err(Refusal::TwoAuthenticationMethods) } else { Ok(()) }
}

fn ids_agree(basic: Option<&Basic>, body: Option<&str>) -> Result<(), Refusal> {
    match (basic, body) {
        (Some(basic), Some(body)) if basic.client_id != body => Err(Refusal::ClientIdsDiffer),
        _ => Ok(()),
    }
}

/// An authenticated application, or a public one that named itself. Only [`authenticate`] creates one.
#[derive(Debug, Clone)]
pub struct AuthenticatedClient {
    application: Arc<Application>,
    secret: Option<SecretId>,
}

impl AuthenticatedClient {
    /// The application.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// The secret with which it authenticated; `None` for a public application.
    pub fn secret(&self) -> Option<SecretId> {
        self.secret
    }

    /// Whether it authenticated with a secret.
    pub fn is_confidential(&self) -> bool {
        self.application.settings.client_type == ClientType::Confidential
    }
}

/// Decides whether the request comes from the application that it names. `is_secret` compares the presented
/// secret with a stored one, in constant time.
///
/// # Errors
/// `invalid_client`, with the same message for an unknown client and for a wrong secret.
pub fn authenticate(
    presented: &Presented,
    found: Option<Arc<Application>>,
    now: Timestamp,
    mut is_secret: impl FnMut(&ClientSecret, &StoredSecret) -> bool,
) -> Result<AuthenticatedClient, Refusal> {
    let application = found.ok_or(Refusal::UnknownClient)?;
    id_is_the_application_s(presented, &application)?;
    let secret = match (application.settings.client_type, &presented.secret) {
        (ClientType::Public, None) => None,
        (ClientType::Public, Some(_)) => return Err(Refusal::SecretOfPublicClient),
        (ClientType::Confidential, None) => return Err(Refusal::SecretMissing),
        (ClientType::Confidential, Some(secret)) => {
            let live = application.live_secrets(now);
            let right = live.filter(|stored| is_secret(secret, stored)).last();
            Some(right.ok_or(Refusal::WrongSecret)?.id)
        }
    };
    Ok(AuthenticatedClient { application, secret })
}

fn id_is_the_application_s(presented: &Presented, application: &Application) -> Result<(), Refusal> {
    let same = presented.unverified_client_id.as_ref() == Some(&application.client_id);
    if same { Ok(()) } else { Err(Refusal::UnknownClient) }
}

#[cfg(test)]
mod tests;
