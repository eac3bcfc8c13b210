//! The limits of the system: reading and setting them.

use crate::Context;
use crate::identity::refusals::Refusals;
use crate::node::entity_cache::Entities;
use domain::account::Permission;
use domain::audit::Action;
use domain::limit::Limit;
use std::sync::Arc;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::management::administration::{Administration, AdministrationError, FieldFault};

/// Limits that administrators set.
#[derive(Clone)]
pub struct LimitService {
    context: Arc<Context>,
}

service!(LimitService);

impl LimitService {
    /// Whether the caller may see and set limits.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `Limits`.
    pub async fn may_see(&self, caller: &Caller, origin: &RequestOrigin) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Limits, origin).await
    }

    /// Lists every limit with its current value.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `Limits`.
    pub async fn list(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<Vec<(Limit, i64)>, AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Limits, origin).await?;
        let mut limits = Vec::with_capacity(Limit::ALL.len());
        for limit in Limit::ALL {
            limits.push((*limit, Entities::of(&self.context).limit(*limit).await?));
        }
        Ok(limits)
    }

    /// The value of the limit with that number, or its default.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `Limits`, [`AdministrationError::Unknown`].
    pub async fn find(
        &self,
        caller: &Caller,
        id: i64,
        origin: &RequestOrigin,
    ) -> Result<(Limit, i64), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Limits, origin).await?;
        let limit = Limit::from_id(id).ok_or(AdministrationError::Unknown)?;
        Ok((limit, Entities::of(&self.context).limit(limit).await?))
    }

    /// Sets a limit. It applies at once; a limit about tokens applies to tokens that are issued from now on.
    ///
    /// # Errors
    /// [`AdministrationError`]; `Invalid` for a value outside the limit's range.
    pub async fn set(
        &self,
        caller: &Caller,
        id: i64,
        value: i64,
        origin: &RequestOrigin,
    ) -> Result<(Limit, i64), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Limits, origin).await?;
        let limit = Limit::from_id(id).ok_or(AdministrationError::Unknown)?;
        let range = limit.range();
        if !range.contains(&value) {
            let message =
                format!("is {value}; {} takes {} to {}", limit.as_str(), range.start(), range.end());
            return Err(AdministrationError::Invalid(vec![FieldFault::new("value", message)]));
        }
        let mut audit = caller.audit(Action::SetLimit, self.context.now(), origin);
        audit.subject = Some(limit.as_str().to_owned());
        audit.detail = Some(value.to_string());
        Refusals::of(&self.context)
            .judged(caller, self.context.store.set_limit(limit, Some(value), audit).await?, origin)
            .await?;
        self.context.entities.forget_limits();
        Ok((limit, value))
    }

    /// Resets a limit to its default.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] without `Limits`, [`AdministrationError::Unknown`].
    pub async fn reset(
        &self,
        caller: &Caller,
        id: i64,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Limits, origin).await?;
        let limit = Limit::from_id(id).ok_or(AdministrationError::Unknown)?;
        let mut audit = caller.audit(Action::ResetLimit, self.context.now(), origin);
        audit.subject = Some(limit.as_str().to_owned());
        Refusals::of(&self.context)
            .judged(caller, self.context.store.set_limit(limit, None, audit).await?, origin)
            .await?;
        self.context.entities.forget_limits();
        Ok(())
    }
}
