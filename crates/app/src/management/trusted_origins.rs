//! Web pages of other origins that may read responses: the list of trusted origins, and the check of an
//! origin.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
use domain::id::TrustedOriginId;
use domain::limit::Limit;
use oauth::cors::{
    MOST_TRUSTED, NewTrustedOrigin, OriginPattern, TrustedOrigin, WebOrigin, check_description,
};
use store::{StoreError, TrustedOriginRefusal};

use crate::Context;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::node::entity_cache::Entities;

/// The desired content of an entry.
#[derive(Debug, Clone, Default)]
pub struct TrustedOriginDraft {
    /// Trimmed and converted to lower case before it is checked; stored in its shortest form.
    pub domain: String,
    /// Trimmed before it is checked.
    pub description: String,
}

/// Which pages may read responses of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Pages of trusted origins, and those of applications regardless of the limit.
    Applications,
    /// Pages of trusted origins.
    Trusted,
}

impl TrustedOriginDraft {
    fn judged(
        self,
        path: &str,
        caller: &Caller,
        context: &Context,
    ) -> Result<NewTrustedOrigin, Vec<FieldFault>> {
        let description = self.description.trim().to_owned();
        let pattern = self.domain.trim().parse::<OriginPattern>();
        let named = pattern.as_ref().err().map(|fault| ("domain", fault.to_string()));
        let described = check_description(&description).err().map(|fault| ("description", fault.to_string()));
        let faults: Vec<FieldFault> = named
            .into_iter()
            .chain(described)
            .map(|(field, message)| FieldFault::new(format!("{path}{field}"), message))
            .collect();
        let (Ok(pattern), true) = (pattern, faults.is_empty()) else { return Err(faults) };
        Ok(NewTrustedOrigin {
            domain: pattern.to_string(),
            description,
            modified_by: caller.name_in_audit().to_owned(),
            at: context.now(),
        })
    }
}

/// Converts the refusal to faults; `path` returns the path of the entry with this index.
fn refused(refusal: TrustedOriginRefusal, path: impl Fn(usize) -> String) -> AdministrationError {
    match refusal {
        TrustedOriginRefusal::Unknown => AdministrationError::Unknown,
        TrustedOriginRefusal::RightsChanged => AdministrationError::RightsChanged,
        TrustedOriginRefusal::Listed(at) => AdministrationError::Invalid(vec![FieldFault::new(
            format!("{}domain", path(at)),
            "is on the list already",
        )]),
        TrustedOriginRefusal::Full => {
            let message = format!("would have more than {MOST_TRUSTED} entries");
            AdministrationError::Invalid(vec![FieldFault::new("whitelist", message)])
        }
    }
}

/// Origins whose pages may use the API.
#[derive(Clone)]
pub struct TrustedOriginService {
    context: Arc<Context>,
}

service!(TrustedOriginService);

impl TrustedOriginService {
    /// Whether the caller may see and change the list of trusted origins.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CORSwhitelist`.
    pub async fn may_see(&self, caller: &Caller, origin: &RequestOrigin) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::CORSwhitelist, origin).await
    }

    /// Lists all entries, by id.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CORSwhitelist`.
    pub async fn list(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<TrustedOrigin>, AdministrationError> {
        self.may_see(caller, origin).await?;
        Ok(self.context.store.list_trusted_origins().await?)
    }

    /// Finds one entry.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CORSwhitelist`, [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: TrustedOriginId,
        origin: &RequestOrigin,
    ) -> Result<TrustedOrigin, AdministrationError> {
        let list = self.list(caller, origin).await?;
        list.into_iter().find(|entry| entry.id == id).ok_or(AdministrationError::Unknown)
    }

    /// Adds all of the entries or none.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` lists every fault, including entries that already exist and a list that is
    /// full.
    pub async fn add(
        &self,
        caller: &Caller,
        drafts: Vec<TrustedOriginDraft>,
        origin: &RequestOrigin,
    ) -> Result<Vec<TrustedOrigin>, AdministrationError> {
        self.may_see(caller, origin).await?;
        let path = |at: usize| format!("whitelist[{at}].");
        let (mut new, mut faults) = (Vec::new(), Vec::new());
        for (at, draft) in drafts.into_iter().enumerate() {
            match draft.judged(&path(at), caller, &self.context) {
                Ok(entry) => new.push(entry),
                Err(found) => faults.extend(found),
            }
        }
        if new.is_empty() && faults.is_empty() {
            faults.push(FieldFault::new("whitelist", "must have at least one entry"));
        }
        if !faults.is_empty() {
            return Err(AdministrationError::Invalid(faults));
        }
        let audit = caller.audit(Action::TrustOrigin, self.context.now(), origin);
        let added = Refusals::of(&self.context)
            .judged(caller, self.context.store.insert_trusted_origins(new, audit).await?, origin)
            .await;
        self.context.entities.forget_limits();
        added.map_err(|refusal| refused(refusal, path))
    }

    /// Replaces the content of an entry.
    ///
    /// # Errors
    /// [`AdministrationError`].
    pub async fn update(
        &self,
        caller: &Caller,
        id: TrustedOriginId,
        draft: TrustedOriginDraft,
        origin: &RequestOrigin,
    ) -> Result<TrustedOrigin, AdministrationError> {
        self.may_see(caller, origin).await?;
        let new = draft.judged("", caller, &self.context).map_err(AdministrationError::Invalid)?;
        let mut audit = caller.audit(Action::UpdateTrustedOrigin, self.context.now(), origin);
        audit.subject = Some(new.domain.clone());
        let updated = self.context.store.update_trusted_origin(id, new, audit).await?;
        let updated = Refusals::of(&self.context).judged(caller, updated, origin).await;
        self.context.entities.forget_limits();
        updated.map_err(|refusal| refused(refusal, |_| String::new()))
    }

    /// Deletes an entry.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `CORSwhitelist`, [`AdministrationError::Unknown`].
    pub async fn delete(
        &self,
        caller: &Caller,
        id: TrustedOriginId,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        self.may_see(caller, origin).await?;
        let audit = caller.audit(Action::DeleteTrustedOrigin, self.context.now(), origin);
        let deleted = Refusals::of(&self.context)
            .judged(caller, self.context.store.delete_trusted_origin(id, audit).await?, origin)
            .await;
        self.context.entities.forget_limits();
        deleted.map(drop).map_err(|refusal| refused(refusal, |_| String::new()))
    }

    /// Whether pages of the origin may read responses of endpoints with that reach.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn page_may_read(&self, page: &WebOrigin, reach: Reach) -> Result<bool, StoreError> {
        let is_trusted = match Entities::of(&self.context).limit(Limit::CORSBehavior).await? {
            1 => true,
            2 => self.trusted_origins().await?.iter().any(|pattern| pattern.matches(page)),
            _ => false,
        };
        match reach {
            _ if is_trusted => Ok(true),
            Reach::Trusted => Ok(false),
            Reach::Applications => self.is_origin_of_an_application(page).await,
        }
    }

    async fn trusted_origins(&self) -> Result<Arc<Vec<OriginPattern>>, StoreError> {
        let read = async || {
            let list = self.context.store.list_trusted_origins().await?;
            // An entry that this version cannot parse was written by a newer node.
            Ok(list.iter().filter_map(|entry| entry.domain.parse().ok()).collect())
        };
        self.context.entities.trusted_origins(read).await
    }

    async fn is_origin_of_an_application(&self, page: &WebOrigin) -> Result<bool, StoreError> {
        let page = page.to_string();
        let read = async || self.context.store.is_origin_of_an_application(&page).await.map(Some);
        Ok(self.context.entities.origins().get_or_read(&page, read).await?.is_some_and(|is| *is))
    }
}
