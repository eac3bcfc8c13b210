//! Trusted issuers: which other servers' assertions and access tokens are accepted, and for what. Only Administrators see and
//! change them.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::TrustedIssuerId;
use oauth::trusted_issuer::{MOST_TRUSTED_ISSUERS, NewTrustedIssuer, Purpose, TrustedIssuer};
use store::{Judged, TrustedIssuerRefusal};
use vault::jose::KeySet;

use crate::Context;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::node::entity_cache::Entities;

fn refused(refusal: TrustedIssuerRefusal) -> AdministrationError {
    let invalid = |field: &str, message: &str| {
        AdministrationError::Invalid(vec![FieldFault::new(field, message.to_owned())])
    };
    match refusal {
        TrustedIssuerRefusal::Unknown => AdministrationError::Unknown,
        TrustedIssuerRefusal::RightsChanged => AdministrationError::RightsChanged,
        TrustedIssuerRefusal::IssuerTaken => invalid("issuer", "is trusted already"),
        TrustedIssuerRefusal::ServiceTaken => invalid("service", "is the service of another issuer"),
        TrustedIssuerRefusal::TooMany => {
            AdministrationError::Full(format!("there are {MOST_TRUSTED_ISSUERS} trusted issuers already"))
        }
    }
}

/// All faults of the content of an issuer that can be found without the database.
pub fn faults(new: &NewTrustedIssuer) -> Vec<FieldFault> {
    let faults = new.faults().into_iter();
    let mut faults: Vec<FieldFault> =
        faults.map(|(field, fault)| FieldFault::new(field, fault.to_string())).collect();
    if let Some(Err(fault)) = new.settings.jwks.as_ref().map(KeySet::of) {
        faults.push(FieldFault::new("jwks", fault.to_string()));
    }
    faults
}

/// Other servers whose assertions and access tokens are accepted.
#[derive(Clone)]
pub struct TrustedIssuerService {
    context: Arc<Context>,
}

service!(TrustedIssuerService);

impl TrustedIssuerService {
    /// Whether the caller may see and change trusted issuers.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn may_manage(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await
    }

    /// Lists all issuers, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn list(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<TrustedIssuer>, AdministrationError> {
        self.may_manage(caller, origin).await?;
        Ok(self.context.store.list_trusted_issuers().await?)
    }

    /// Finds an issuer.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: TrustedIssuerId,
        origin: &RequestOrigin,
    ) -> Result<TrustedIssuer, AdministrationError> {
        let all = self.list(caller, origin).await?;
        all.into_iter().find(|issuer| issuer.id == id).ok_or(AdministrationError::Unknown)
    }

    /// Adds an issuer.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` lists every fault.
    pub async fn create(
        &self,
        caller: &Caller,
        new: NewTrustedIssuer,
        origin: &RequestOrigin,
    ) -> Result<TrustedIssuer, AdministrationError> {
        self.may_manage(caller, origin).await?;
        self.is_valid(&new).await?;
        let mut audit = caller.audit(Action::TrustIssuer, self.context.now(), origin);
        audit.subject = Some(new.issuer.clone());
        audit.detail = Some(in_words(&new));
        let created = self.context.store.insert_trusted_issuer(new, audit).await?;
        self.settle(caller, created, origin).await
    }

    /// Replaces the content of an issuer.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` lists every fault.
    pub async fn update(
        &self,
        caller: &Caller,
        id: TrustedIssuerId,
        new: NewTrustedIssuer,
        origin: &RequestOrigin,
    ) -> Result<TrustedIssuer, AdministrationError> {
        let before = self.find(caller, id, origin).await?;
        self.is_valid(&new).await?;
        let mut audit = caller.audit(Action::UpdateTrustedIssuer, self.context.now(), origin);
        audit.detail = Some(in_words(&new));
        audit.note_new_name(&before.issuer, Some(&new.issuer));
        audit.subject = Some(before.issuer);
        let updated = self.context.store.update_trusted_issuer(id, new, audit).await?;
        self.settle(caller, updated, origin).await
    }

    /// Deletes an issuer. What was issued for its assertions stays valid until it expires or is revoked; its access tokens
    /// are refused at once.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`], [`AdministrationError::Unknown`].
    pub async fn delete(
        &self,
        caller: &Caller,
        id: TrustedIssuerId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        let before = self.find(caller, id, origin).await?;
        let mut audit = caller.audit(Action::DeleteTrustedIssuer, self.context.now(), origin);
        audit.subject = Some(before.issuer);
        let deleted = self.context.store.delete_trusted_issuer(id, audit).await?;
        self.settle(caller, deleted, origin).await.map(drop)
    }

    async fn is_valid(&self, new: &NewTrustedIssuer) -> Result<(), AdministrationError> {
        let mut faults = faults(new);
        if new.issuer == self.context.settings.public_url {
            faults.push(FieldFault::new("issuer", "is this server"));
        }
        let scopes = Entities::of(&self.context).scope_registry().await?;
        for (at, name) in new.settings.scopes.iter().enumerate() {
            if scopes.named(name).is_err() {
                faults.push(FieldFault::new(format!("scopes[{at}]"), "must be the name of a scope"));
            }
        }
        if faults.is_empty() { Ok(()) } else { Err(AdministrationError::Invalid(faults)) }
    }

    /// Drops what this node has cached, and converts the result of the store.
    async fn settle<T>(
        &self,
        caller: &Caller,
        judged: Judged<T, TrustedIssuerRefusal>,
        origin: &RequestOrigin,
    ) -> Result<T, AdministrationError> {
        let judged = Refusals::of(&self.context).judged(caller, judged, origin).await;
        self.context.entities.forget_limits();
        judged.map_err(refused)
    }
}

fn in_words(new: &NewTrustedIssuer) -> String {
    let purposes: Vec<&str> = new.settings.purposes.iter().map(|purpose| Purpose::as_str(*purpose)).collect();
    format!("accepted for: {}", purposes.join(", "))
}
