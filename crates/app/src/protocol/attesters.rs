//! Attesters: the trusted issuers that may attest the instances of a client
//! ([draft-ietf-oauth-attestation-based-client-auth-11](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11)).

use std::sync::Arc;

use domain::id::ClientId;
use oauth::trusted_issuer::{Purpose, TrustedIssuer};
use store::StoreError;

use crate::node::access_note;
use crate::node::entity_cache::Entities;
use crate::{Context, Fault};

/// What the server promises about attestations.
#[derive(Clone)]
pub struct AttesterService {
    context: Arc<Context>,
}

service!(AttesterService);

impl AttesterService {
    /// Whether some client can authenticate with an attestation.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn are_trusted(&self) -> Result<bool, Fault> {
        if !self.context.settings.minimum_profile.rules().attestations {
            return Ok(false);
        }
        let all = Entities::of(&self.context).trusted_issuers().await?;
        Ok(all.iter().any(|trusted| trusted.settings.has(Purpose::ClientAttestation)))
    }

    /// The current challenge for proofs of attestations. The response tells the nonce for `DPoP` proofs too: "If the server
    /// supports `DPoP` with server-provided nonces, the response MUST additionally include a fresh `DPoP` nonce" ([draft
    /// §6.3](https://datatracker.ietf.org/doc/html/draft-ietf-oauth-attestation-based-client-auth-11#section-6.3)).
    pub fn challenge(&self) -> String {
        access_note::offer_nonce();
        self.context.vault.dpop_nonce(self.context.now())
    }
}

/// The trusted issuers that are attesters.
#[derive(Clone, Copy)]
pub(crate) struct Attesters<'a> {
    context: &'a Context,
}

component!(Attesters);

impl Attesters<'_> {
    /// Those that are trusted for the client.
    pub(crate) async fn of_client(self, client: &ClientId) -> Result<Vec<Arc<TrustedIssuer>>, StoreError> {
        let all = Entities::of(self.context).trusted_issuers().await?;
        Ok(all.iter().filter(|trusted| trusted.settings.attests(client.as_str())).cloned().collect())
    }

    /// Whether one is trusted for the client; for a client that has no id yet, whether one is trusted for every client.
    pub(crate) async fn may_attest(self, client: Option<&ClientId>) -> Result<bool, StoreError> {
        let all = Entities::of(self.context).trusted_issuers().await?;
        Ok(all.iter().any(|trusted| match client {
            Some(client) => trusted.settings.attests(client.as_str()),
            None => trusted.settings.attests_every_client(),
        }))
    }
}
