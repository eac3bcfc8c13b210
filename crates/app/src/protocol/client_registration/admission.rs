//! Who may register a client.

use domain::account::network::Network;
use domain::id::{InitialAccessTokenId, UserId};
use domain::secret::Digest;
use vault::RegistrationToken;

use super::{ClientRegistrationRefusal, ClientRegistrationService, RegistrationMode};
use crate::Fault;
use crate::identity::caller::RequestOrigin;
use crate::identity::operator::OperatorService;

/// What a request to register has in its `Authorization` header.
#[derive(Debug, Clone, Copy)]
pub enum InitialCredential<'a> {
    /// There is no header.
    Nothing,
    /// A bearer token.
    Token(&'a str),
    /// Anything else.
    Something,
}

/// The proof that a client may register.
#[derive(Debug)]
pub struct RegistrationRight {
    /// To whom the client will belong.
    pub(super) owner: UserId,
    /// The id and the digest of the initial access token, if it was presented.
    pub(super) token: Option<(InitialAccessTokenId, Digest)>,
}

impl ClientRegistrationService {
    /// Whether the sender may register a client here ([RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591#section-3)).
    /// A token that is presented must be valid, even where none is needed: the client expects to belong to its creator.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal::Off`], `TooOften`, `NoToken` or `InvalidToken`.
    pub async fn admit(
        &self,
        presented: InitialCredential<'_>,
        origin: &RequestOrigin,
    ) -> Result<RegistrationRight, ClientRegistrationRefusal> {
        let context = &self.context;
        let mode = context.settings.client_registration.mode;
        if mode == RegistrationMode::Off {
            return Err(ClientRegistrationRefusal::Off);
        }
        if let Some(network) = origin.address.map(Network::of) {
            self.count(network)?;
        }
        match presented {
            InitialCredential::Nothing if mode == RegistrationMode::Open => self.admit_anybody().await,
            InitialCredential::Nothing => Err(ClientRegistrationRefusal::NoToken),
            InitialCredential::Token(text) => self.admit_with_token(text, origin).await,
            InitialCredential::Something => Err(self.invalid_token(origin).await),
        }
    }

    /// Counts a registration from the network.
    pub(super) fn count(&self, network: Network) -> Result<(), ClientRegistrationRefusal> {
        let context = &self.context;
        let taken = context.registrations.begin(network, context.now());
        taken.map_err(|wait| ClientRegistrationRefusal::TooOften {
            retry_after_secs: context.metrics.count_rate_limited(wait),
        })
    }

    async fn admit_anybody(&self) -> Result<RegistrationRight, ClientRegistrationRefusal> {
        let operator = OperatorService::from(&self.context).caller().await?;
        let operator = operator.ok_or_else(|| Fault::Broken("there is no active administrator".into()))?;
        Ok(RegistrationRight { owner: operator.account().user.id, token: None })
    }

    async fn admit_with_token(
        &self,
        text: &str,
        origin: &RequestOrigin,
    ) -> Result<RegistrationRight, ClientRegistrationRefusal> {
        let context = &self.context;
        let digest = context.vault.registration_token_digest(RegistrationToken::Initial, text);
        let found = match &digest {
            Some(digest) => context.store.find_usable_initial_access_token(digest, context.now()).await?,
            None => None,
        };
        match (found, digest) {
            (Some(token), Some(digest)) => {
                Ok(RegistrationRight { owner: token.created_by, token: Some((token.id, digest)) })
            }
            _ => Err(self.invalid_token(origin).await),
        }
    }
}
