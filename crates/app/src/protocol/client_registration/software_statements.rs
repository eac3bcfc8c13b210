//! Software statements: verifying them with the keys of the trusted issuers that may sign them.

use oauth::client_registration::{
    MetadataFault, STATEMENT_TYPES, SoftwareStatement, StatementFacts, software_statement,
};
use oauth::jwt::Object;
use oauth::trusted_issuer::Purpose;
use vault::jose;

use super::{ClientRegistrationRefusal, ClientRegistrationService};
use crate::Fault;
use crate::node::issuer_keys::{NoIssuerKeys, Unverified};
use crate::node::trusted_issuers::IssuerTokens;

impl ClientRegistrationService {
    /// The software statement in the members, if there is one.
    ///
    /// # Errors
    /// [`ClientRegistrationRefusal::Invalid`] if it is not one of an issuer that is trusted for it, or a fault if the keys of
    /// its issuer cannot be fetched now.
    pub(super) async fn statement(
        &self,
        members: &Object,
    ) -> Result<Option<SoftwareStatement>, ClientRegistrationRefusal> {
        let Some(text) = software_statement(members)? else { return Ok(None) };
        let context = &self.context;
        // A text that is not a token is invalid, whoever issued it.
        jose::unverified_claims(text).map_err(|fault| MetadataFault::statement_unverified(&fault))?;
        let claimed = IssuerTokens::of(context).claimed_issuer(text).await?;
        let trusted = claimed.filter(|trusted| trusted.settings.has(Purpose::SoftwareStatement));
        let trusted = trusted.ok_or_else(MetadataFault::statement_of_stranger)?;
        let claims = IssuerTokens::of(context).verify(text, &trusted, STATEMENT_TYPES).await;
        let claims = claims.map_err(|unverified| match unverified {
            Unverified::NoKeys(NoIssuerKeys::Unavailable) => Fault::KeysUnavailable.into(),
            Unverified::NoKeys(NoIssuerKeys::Unusable) => {
                ClientRegistrationRefusal::from(MetadataFault::statement_without_keys())
            }
            Unverified::Jwt(fault) => MetadataFault::statement_unverified(&fault).into(),
        })?;
        let facts =
            StatementFacts { trusted: &trusted, issuer: &context.settings.public_url, now: context.now() };
        Ok(Some(SoftwareStatement::accept(text, claims, facts)?))
    }
}
