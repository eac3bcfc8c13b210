//! Clients that authenticate with an assertion.

use std::sync::Arc;

use domain::id::{ApplicationId, ClientId, SecretId};
use domain::secret::AssertionText;
use domain::time::Timestamp;
use oauth::application::Application;
use oauth::client_authentication::assertion::{self, ASSERTION_TYPES, Facts, VerifiedAssertion, Verifier};
use oauth::client_authentication::{AuthenticatedClient, Presented};
use oauth::jwt::Claims;
use oauth::proof::RequestFacts;
use oauth::refusal::Refusal;
use vault::jose::{self, AcceptedJwt};

use super::ClientAuthentication;
use crate::Fault;
use crate::protocol::client_document::DescribedClients;
use crate::protocol::client_keys::SignatureFailure;

/// An assertion and the request that contains it.
pub(super) struct Asserted<'a> {
    pub(super) presented: &'a Presented,
    pub(super) text: &'a AssertionText,
    pub(super) facts: RequestFacts<'a>,
    pub(super) now: Timestamp,
}

impl ClientAuthentication<'_> {
    /// The client that the assertion authenticates. A correct assertion is used up, on all nodes.
    pub(super) async fn judge_assertion(
        self,
        asserted: Asserted<'_>,
        named: &mut Option<ApplicationId>,
    ) -> Result<Result<AuthenticatedClient, Refusal>, Fault> {
        let text = asserted.text.expose();
        if let Some(trusted) = self.issuer_of_workload(text).await? {
            return self.judge_workload(&asserted, &trusted, named).await;
        }
        if asserted.presented.is_grant {
            return Ok(Err(Refusal::NoClientAuthentication));
        }
        let id = match client_of(asserted.presented, text) {
            Ok(id) => id,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let application = match DescribedClients::of(self.context).presented(&id).await? {
            Ok(Some(application)) => application,
            Ok(None) => return Ok(Err(Refusal::UnknownClient)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        *named = Some(application.id).filter(|_| application.is_stored());
        let verified = match self.verify_assertion(text, application, asserted.facts, asserted.now).await {
            Ok(verified) => verified,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let digest = jose::use_digest(verified.application().client_id.as_str(), verified.id());
        let is_first_use = self.context.store.use_assertion(digest, verified.remembered_until()).await?;
        Ok(verified.used(is_first_use))
    }

    async fn verify_assertion(
        self,
        text: &str,
        application: Arc<Application>,
        facts: RequestFacts<'_>,
        now: Timestamp,
    ) -> Result<VerifiedAssertion, Refusal> {
        let (claims, secret) = match Verifier::of(&application)? {
            Verifier::Keys => (self.claims_by_key(text, &application, now).await?, None),
            Verifier::Secrets => {
                let (claims, secret) = self.claims_by_secret(text, &application, now)?;
                (claims, Some(secret))
            }
        };
        let issuer = self.context.settings.public_url.as_str();
        let alias = self.context.settings.client_certificates.public_url.as_deref();
        let urls = [Some(issuer), alias].into_iter().flatten();
        let endpoints: Vec<_> =
            urls.flat_map(|url| [format!("{url}/oauth2/token"), facts.url(url)]).collect();
        let endpoints: Vec<_> = endpoints.iter().map(String::as_str).collect();
        assertion::decide(&claims, application, secret, Facts { issuer, endpoints: &endpoints, now })
    }

    async fn claims_by_key(
        self,
        text: &str,
        application: &Application,
        now: Timestamp,
    ) -> Result<Claims, Refusal> {
        let only =
            application.settings.client_metadata.authentication.token_endpoint_auth_signing_alg.as_ref();
        let algorithms = application.settings.profile.rules().algorithms.only(only);
        let accepted = AcceptedJwt { algorithms, types: &ASSERTION_TYPES };
        let claims = self.context.client_keys.claims_signed_by(application, text, accepted, now).await;
        claims.map_err(|failure| match failure {
            SignatureFailure::NoKeys(none) => none.refusal(),
            SignatureFailure::Invalid(_) => Refusal::AssertionUnverified,
        })
    }

    /// The claims, and the live secret that verifies them. A secret that is not sealed under this master key verifies
    /// nothing.
    fn claims_by_secret(
        self,
        text: &str,
        application: &Application,
        now: Timestamp,
    ) -> Result<(Claims, SecretId), Refusal> {
        for stored in application.live_secrets(now).rev() {
            let Some(sealed) = &stored.sealed else { continue };
            let Ok(secret) = self.context.vault.open_client_secret(&application.client_id, sealed) else {
                continue;
            };
            let verified = jose::verify_with_secret(text, secret.expose().as_bytes(), &ASSERTION_TYPES);
            if let Ok(claims) = verified {
                return Ok((claims, stored.id));
            }
        }
        Err(Refusal::AssertionUnverified)
    }
}

/// The client that the request or its assertion names.
pub(super) fn client_of(presented: &Presented, text: &str) -> Result<ClientId, Refusal> {
    presented.unverified_client_id.clone().map_or_else(|| subject(text), Ok)
}

/// The client from which an assertion claims to come.
fn subject(text: &str) -> Result<ClientId, Refusal> {
    let claims = jose::unverified_claims(text).map_err(|_| Refusal::AssertionUnverified)?;
    let subject = claims.required_text("sub").map_err(|_| Refusal::AssertionUnverified)?;
    subject.parse().map_err(|_| Refusal::UnknownClient)
}
