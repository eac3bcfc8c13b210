//! What the tokens of trusted issuers refer to here: the record of the issuer, and the user whom a token names.

use std::sync::Arc;

use oauth::trusted_issuer::{Subject, TrustedIssuer};
use store::StoreError;
use vault::jose;

use crate::Context;
use crate::node::entity_cache::Account;

impl Context {
    /// The trusted issuer that a token claims to come from; nothing is verified yet.
    pub(crate) async fn claimed_issuer(&self, text: &str) -> Result<Option<Arc<TrustedIssuer>>, StoreError> {
        let all = self.trusted_issuers().await?;
        if all.is_empty() {
            return Ok(None);
        }
        let claims = jose::unverified_claims(text).ok();
        let issuer = claims.as_ref().and_then(|claims| claims.text("iss").ok().flatten());
        let found = issuer.and_then(|issuer| all.iter().find(|trusted| trusted.issuer == issuer));
        Ok(found.cloned())
    }

    /// The user whom a token names; none if several users have the address.
    pub(crate) async fn account_of(&self, subject: &Subject) -> Result<Option<Arc<Account>>, StoreError> {
        let id = match subject {
            Subject::Name(name) => self.store.find_user_by_name(name).await?.map(|user| user.id),
            Subject::Email(email) => match self.store.users_with_verified_email(email).await?.as_slice() {
                [only] => Some(*only),
                _ => None,
            },
        };
        match id {
            Some(id) => self.account(id).await,
            None => Ok(None),
        }
    }
}
