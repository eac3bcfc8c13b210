//! Applications that authenticate with an assertion of a trusted issuer about their workload.

use std::sync::Arc;

use domain::id::ApplicationId;
use oauth::client_authentication::AuthenticatedClient;
use oauth::client_authentication::assertion::ASSERTION_TYPES;
use oauth::refusal::Refusal;
use oauth::trusted_issuer::{AcceptedWorkload, Purpose, TrustedIssuer, WorkloadFacts, accept_workload};
use store::StoreError;
use vault::jose;

use super::ClientAuthentication;
use super::assertion::Asserted;
use crate::Fault;
use crate::node::entity_cache::Entities;
use crate::node::issuer_keys::{NoIssuerKeys, Unverified};
use crate::node::trusted_issuers::IssuerTokens;

impl ClientAuthentication<'_> {
    /// The trusted issuer that the assertion claims to come from, if it may authenticate workloads.
    pub(super) async fn issuer_of_workload(
        self,
        text: &str,
    ) -> Result<Option<Arc<TrustedIssuer>>, StoreError> {
        let claimed = IssuerTokens::of(self.context).claimed_issuer(text).await?;
        Ok(claimed.filter(|trusted| trusted.settings.has(Purpose::Workload)))
    }

    /// The application that the assertion of a workload authenticates. A correct assertion is used up, on all nodes, unless
    /// the issuer may have its assertions reused.
    pub(super) async fn judge_workload(
        self,
        asserted: &Asserted<'_>,
        trusted: &TrustedIssuer,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        let text = asserted.text.expose();
        let accepted = match self.verify_workload(text, trusted).await {
            Ok(accepted) => accepted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let claimed = asserted.presented.unverified_client_id.as_ref();
        if claimed.is_some_and(|claimed| *claimed != accepted.client) {
            return Ok(Err(Refusal::WorkloadUnknown));
        }
        let Some(application) = Entities::of(self.context).application_by_client_id(&accepted.client).await?
        else {
            return Ok(Err(Refusal::UnknownClient));
        };
        *named = Some(application.id);
        let is_grant = asserted.presented.is_grant;
        if is_grant && !trusted.settings.workload_grant {
            return Ok(Err(Refusal::WorkloadUnknown));
        }
        let client = match AuthenticatedClient::of_workload(application, is_grant) {
            Ok(client) => client,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let is_accepted = self.use_up_workload(text, &accepted, trusted).await?;
        Ok(if is_accepted { Ok(client) } else { Err(Refusal::AssertionReplayed) })
    }

    async fn verify_workload(self, text: &str, trusted: &TrustedIssuer) -> Result<AcceptedWorkload, Refusal> {
        let verified = IssuerTokens::of(self.context).verify(text, trusted, &ASSERTION_TYPES).await;
        let claims = verified.map_err(|fault| match fault {
            Unverified::NoKeys(NoIssuerKeys::Unavailable) => Refusal::AssertionKeysUnavailable,
            Unverified::NoKeys(NoIssuerKeys::Unusable) => Refusal::AssertionKeys,
            Unverified::Jwt(_) => Refusal::AssertionUnverified,
        })?;
        let issuer = &self.context.settings.public_url;
        accept_workload(&claims, WorkloadFacts { trusted, issuer, now: self.context.now() })
    }

    async fn use_up_workload(
        self,
        text: &str,
        accepted: &AcceptedWorkload,
        trusted: &TrustedIssuer,
    ) -> Result<bool, StoreError> {
        let Some(until) = accepted.remembered_until else { return Ok(true) };
        let digest = match &accepted.id {
            Some(id) => jose::use_digest(&format!("workload {}", trusted.issuer), id),
            None => jose::content_digest(&trusted.issuer, text),
        };
        self.context.store.use_assertion(digest, until).await
    }
}
