//! What the tokens of trusted issuers refer to here: the record of the issuer, and the user whom a token names.

use std::sync::Arc;

use oauth::jwt::Claims;
use oauth::trusted_issuer::{Subject, TrustedIssuer};
use store::StoreError;
use vault::jose::{self, AcceptedJwt};

use crate::Context;
use crate::node::entity_cache::{Account, Entities};
use crate::node::issuer_keys::Unverified;

/// Tokens of trusted issuers: who issued them, and whom they name.
#[derive(Clone, Copy)]
pub(crate) struct IssuerTokens<'a> {
    context: &'a Context,
}

component!(IssuerTokens);

impl IssuerTokens<'_> {
    /// The trusted issuer that a token claims to come from; nothing is verified yet.
    pub(crate) async fn claimed_issuer(self, text: &str) -> Result<Option<Arc<TrustedIssuer>>, StoreError> {
        let all = Entities::of(self.context).trusted_issuers().await?;
        if all.is_empty() {
            return Ok(None);
        }
        let claims = jose::unverified_claims(text).ok();
        let issuer = claims.as_ref().and_then(|claims| claims.text("iss").ok().flatten());
        let found = issuer.and_then(|issuer| all.iter().find(|trusted| trusted.issuer == issuer));
        Ok(found.cloned())
    }

    /// The claims of a token that a key of the issuer has signed, of one of these types.
    ///
    /// # Errors
    /// [`Unverified`]. A type that is not accepted is found before any key is looked for.
    pub(crate) async fn verify(
        self,
        text: &str,
        trusted: &TrustedIssuer,
        types: &[Option<&str>],
    ) -> Result<Claims, Unverified> {
        let id = jose::unverified_key_id(text);
        let keys = self.context.issuer_keys.of(trusted, id.as_deref(), self.context.now()).await;
        let keys = keys.map_err(Unverified::NoKeys)?;
        let accepted = AcceptedJwt { algorithms: trusted.settings.accepted_algorithms(), types };
        jose::verify(text, &keys, accepted).map_err(Unverified::Jwt)
    }

    /// The user whom a token names; none if several users have the address.
    pub(crate) async fn account_of(self, subject: &Subject) -> Result<Option<Arc<Account>>, StoreError> {
        let id = match subject {
            Subject::Name(name) => self.context.store.find_user_by_name(name).await?.map(|user| user.id),
            Subject::Email(email) => {
                match self.context.store.users_with_verified_email(email).await?.as_slice() {
                    [only] => Some(*only),
                    _ => None,
                }
            }
        };
        match id {
            Some(id) => Entities::of(self.context).account(id).await,
            None => Ok(None),
        }
    }
}
