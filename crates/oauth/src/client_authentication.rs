//! Client authentication at the token, introspection and revocation endpoints ([RFC 6749
//! §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)).

use std::sync::Arc;

use crate::application::{Application, ClientType, GrantType, StoredSecret};
use crate::parameters::{ASSERTION, CLIENT_ID, CLIENT_SECRET, GRANT_TYPE, Name, Parameters, form_decoded};
use crate::proof::{KeyBinding, Thumbprint};
use crate::refusal::Refusal;
use domain::id::{ClientId, SecretId};
use domain::secret::{AssertionText, ClientSecret};
use domain::time::Timestamp;

mod accepted;
pub mod assertion;
pub mod attestation;
pub mod binding;
pub mod certificate;

pub use accepted::{AcceptedCredential, SecretPlace};

/// [RFC 7521 §4.2](https://www.rfc-editor.org/rfc/rfc7521#section-4.2).
const CLIENT_ASSERTION: Name = Name::opaque("client_assertion");
/// The format of the assertion.
const CLIENT_ASSERTION_TYPE: Name = Name::opaque("client_assertion_type");

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

/// The credential with which a client authenticates; not verified.
#[derive(Debug, Clone)]
pub enum ClientCredential {
    /// A secret, in the header or in the body ([RFC 6749
    /// §2.3.1](https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1)).
    Secret(ClientSecret, SecretPlace),
    /// A signed assertion ([RFC 7521 §4.2](https://www.rfc-editor.org/rfc/rfc7521#section-4.2)).
    Assertion(AssertionText),
    /// The certificate of the connection ([RFC 8705 §2](https://www.rfc-editor.org/rfc/rfc8705#section-2)).
    Certificate(Thumbprint),
    /// An attestation, which alone names the client
    /// ([draft-ietf-oauth-attestation-based-client-auth-11
    /// §7.5](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-7.5)).
    Attestation,
    /// None: a public client, which only names itself.
    None,
}

/// The client of a request and its credential, neither of which is verified yet.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The id, if it has the form of one of ours. Any other names nobody. An assertion may stand without one, because it
    /// names the client itself ([RFC 7521 §4.2](https://www.rfc-editor.org/rfc/rfc7521#section-4.2)).
    pub unverified_client_id: Option<ClientId>,
    /// The credential.
    pub credential: ClientCredential,
    /// Whether the assertion is the one of the grant: the request names no client otherwise.
    pub is_grant: bool,
}

impl Presented {
    /// Finds the id and the credential in the header, in the body and in the connection.
    ///
    /// # Errors
    /// Two methods at once, two different ids, or no id at all.
    pub fn find(
        basic: Option<&Basic>,
        parameters: &Parameters,
        certificate: Option<Thumbprint>,
    ) -> Result<Self, Refusal> {
        let client_id = parameters.one(CLIENT_ID)?;
        let secret = parameters.one(CLIENT_SECRET)?;
        let assertion = parameters.one(CLIENT_ASSERTION)?;
        one_method_is_used([basic.is_some(), secret.is_some(), assertion.is_some()])?;
        ids_agree(basic, client_id)?;
        if let Some(assertion) = assertion {
            return Self::by_assertion(assertion, parameters, client_id);
        }
        let Some(id) = basic.map(|basic| basic.client_id.as_str()).or(client_id) else {
            return Self::by_grant(parameters);
        };
        let (secret, place) = match basic {
            Some(basic) => (basic.secret.clone(), SecretPlace::Header),
            None => (secret.map(ClientSecret::new), SecretPlace::Body),
        };
        let credential = match (secret, certificate) {
            (Some(secret), _) => ClientCredential::Secret(secret, place),
            (None, Some(certificate)) => ClientCredential::Certificate(certificate),
            (None, None) => ClientCredential::None,
        };
        Ok(Self { unverified_client_id: id.parse().ok(), credential, is_grant: false })
    }

    /// A workload may present the assertion about itself as the grant. Client authentication is optional there ([RFC 7521
    /// §4.1](https://www.rfc-editor.org/rfc/rfc7521#section-4.1)), because the assertion names the client.
    fn by_grant(parameters: &Parameters) -> Result<Self, Refusal> {
        let is_jwt_bearer = parameters.one(GRANT_TYPE)? == Some(GrantType::JwtBearer.as_str());
        let assertion = parameters.one(ASSERTION)?.filter(|_| is_jwt_bearer);
        let assertion = assertion.ok_or(Refusal::NoClientAuthentication)?;
        let credential = ClientCredential::Assertion(AssertionText::new(assertion));
        Ok(Self { unverified_client_id: None, credential, is_grant: true })
    }

    fn by_assertion(
        assertion: &str,
        parameters: &Parameters,
        client_id: Option<&str>,
    ) -> Result<Self, Refusal> {
        let format = parameters.one(CLIENT_ASSERTION_TYPE)?.ok_or(CLIENT_ASSERTION_TYPE.missing())?;
        if format != assertion::ASSERTION_TYPE {
            return Err(Refusal::AssertionTypeUnknown);
        }
        let id = client_id.map(str::parse).transpose().map_err(|_| Refusal::UnknownClient)?;
        let credential = ClientCredential::Assertion(AssertionText::new(assertion));
        Ok(Self { unverified_client_id: id, credential, is_grant: false })
    }
}

/// "The client MUST NOT use more than one authentication method in each request"
/// ([RFC 6749 §2.3](https://www.rfc-editor.org/rfc/rfc6749#section-2.3)). A certificate alone is none: a connection may
/// have one for other reasons.
fn one_method_is_used(methods: [bool; 3]) -> Result<(), Refusal> {
    let used = methods.into_iter().filter(|used| *used).count();
    if used > 1 { Err(Refusal::TwoAuthenticationMethods) } else { Ok(()) }
}

fn ids_agree(basic: Option<&Basic>, body: Option<&str>) -> Result<(), Refusal> {
    match (basic, body) {
        (Some(basic), Some(body)) if basic.client_id != body => Err(Refusal::ClientIdsDiffer),
        _ => Ok(()),
    }
}

/// An authenticated application, or a public one that named itself. Only [`authenticate`], [`certificate::decide`],
/// [`assertion::VerifiedAssertion::used`], [`attestation::VerifiedProof::used`] and [`AuthenticatedClient::of_workload`] create
/// one.
#[derive(Debug, Clone)]
pub struct AuthenticatedClient {
    application: Arc<Application>,
    secret: Option<SecretId>,
    binding: Option<KeyBinding>,
    instance: Option<Thumbprint>,
    is_proved_by_its_grant: bool,
}

impl AuthenticatedClient {
    /// The application of a workload that an assertion of a trusted issuer proves; `is_grant` says whether the assertion is
    /// also the grant of the request.
    ///
    /// # Errors
    /// `invalid_client` for an application that does not authenticate with a secret, which the assertion replaces.
    pub fn of_workload(application: Arc<Application>, is_grant: bool) -> Result<Self, Refusal> {
        if AcceptedCredential::of(&application.settings).is_secret() {
            Ok(Self { is_proved_by_its_grant: is_grant, ..Self::new(application) })
        } else {
            Err(Refusal::AssertionNotRegistered)
        }
    }

    fn new(application: Arc<Application>) -> Self {
        Self { application, secret: None, binding: None, instance: None, is_proved_by_its_grant: false }
    }

    /// Whether the assertion that is its grant has authenticated it.
    pub fn is_proved_by_its_grant(&self) -> bool {
        self.is_proved_by_its_grant
    }

    /// The application.
    pub fn application(&self) -> &Application {
        &self.application
    }

    /// The secret with which it authenticated; `None` for a public application, and after an assertion or a certificate.
    pub fn secret(&self) -> Option<SecretId> {
        self.secret
    }

    /// The same client, which has proved to hold a key. Its tokens are bound to the key.
    #[must_use]
    pub fn holding(self, binding: Option<KeyBinding>) -> Self {
        Self { binding, ..self }
    }

    /// The same client, after its application was stored.
    ///
    /// # Errors
    /// [`Refusal::UnknownClient`] if it is another application, or was changed meanwhile.
    pub fn stored(self, application: Arc<Application>) -> Result<Self, Refusal> {
        let same = application.client_id == self.application.client_id
            && application.settings.same_apart_from_fetch(&self.application.settings);
        if same { Ok(Self { application, ..self }) } else { Err(Refusal::UnknownClient) }
    }

    /// The key to which its tokens are bound, if the request proves one.
    pub fn binding(&self) -> Option<KeyBinding> {
        self.binding
    }

    /// The key to which its refresh tokens are bound. Those of a public client are bound to the key of its proof or to its
    /// certificate ([RFC 8705 §4](https://www.rfc-editor.org/rfc/rfc8705#section-4)); a confidential client authenticates and
    /// may use a new key ([RFC 9449 §5](https://www.rfc-editor.org/rfc/rfc9449#section-5)).
    pub fn binding_of_refresh_tokens(&self) -> Option<KeyBinding> {
        self.binding.filter(|_| !self.is_confidential())
    }

    /// The key of the instance that sends the request, if an attestation has authenticated it. Its refresh tokens are bound
    /// to that key, whatever else its tokens are bound to.
    pub fn instance(&self) -> Option<Thumbprint> {
        self.instance
    }

    /// Whether it authenticated.
    pub fn is_confidential(&self) -> bool {
        self.application.settings.client_type == ClientType::Confidential
    }
}

/// Decides whether the request comes from the application that it names. `is_secret` compares the presented
/// secret with a stored one, in constant time. Assertions are judged by [`assertion::decide`], certificates by
/// [`certificate::decide`], attestations by [`attestation::decide`].
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
    id_belongs_to_application(presented, &application)?;
    client_is_confidential_if_required(&application)?;
    let secret = match (AcceptedCredential::of(&application.settings), &presented.credential) {
        (_, ClientCredential::Assertion(_)) => return Err(Refusal::AssertionNotRegistered),
        (AcceptedCredential::Attestation, _) => return Err(Refusal::AttestationRequired),
        (_, ClientCredential::Attestation) => return Err(Refusal::AttestationNotRegistered),
        (AcceptedCredential::Nothing, ClientCredential::None | ClientCredential::Certificate(_)) => None,
        (AcceptedCredential::Nothing, ClientCredential::Secret(..)) => {
            return Err(Refusal::SecretOfPublicClient);
        }
        (AcceptedCredential::Certificate, _) => return Err(Refusal::CertificateRequired),
        (_, ClientCredential::None | ClientCredential::Certificate(_)) => return Err(Refusal::SecretMissing),
        (AcceptedCredential::Secret(only), ClientCredential::Secret(secret, place)) => {
            secret_is_where_it_belongs(only, *place)?;
            let live = application.live_secrets(now);
            let right = live.filter(|stored| is_secret(secret, stored)).last();
            Some(right.ok_or(Refusal::WrongSecret)?.id)
        }
        (_, ClientCredential::Secret(..)) => return Err(Refusal::AssertionRequired),
    };
    Ok(AuthenticatedClient { secret, ..AuthenticatedClient::new(application) })
}

/// A client that registered `client_secret_basic` or `client_secret_post` uses that one of the two ([RFC 7591
/// §2](https://www.rfc-editor.org/rfc/rfc7591#section-2), `token_endpoint_auth_method`), if its profile says so.
fn secret_is_where_it_belongs(only: Option<SecretPlace>, sent: SecretPlace) -> Result<(), Refusal> {
    if only.is_none_or(|only| only == sent) { Ok(()) } else { Err(Refusal::SecretInWrongPlace) }
}

/// "shall only support confidential clients" ([FAPI 2.0
/// §5.3.2.1](https://openid.net/specs/fapi-security-profile-2_0-final.html#section-5.3.2.1)).
pub(crate) fn client_is_confidential_if_required(application: &Application) -> Result<(), Refusal> {
    let settings = &application.settings;
    let is_public = settings.client_type == ClientType::Public;
    if is_public && settings.profile.rules().confidential_only {
        Err(Refusal::PublicNotInProfile)
    } else {
        Ok(())
    }
}

fn id_belongs_to_application(presented: &Presented, application: &Application) -> Result<(), Refusal> {
    let same = presented.unverified_client_id.as_ref() == Some(&application.client_id);
    if same { Ok(()) } else { Err(Refusal::UnknownClient) }
}

#[cfg(test)]
mod tests;
