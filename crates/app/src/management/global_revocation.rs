//! Revoking everything at once: of a user, of an application, of both together, or what is older than an instant.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::Action;
pub use store::AccessOf;

use crate::Context;
use crate::identity::caller::{Caller, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::management::administration::{Administration, AdministrationError, FieldFault};
use crate::node::lifetimes::revocations_expire_at;
use crate::node::revocations::Revocations;

/// Revokes all access of a subject, for administrators.
#[derive(Clone)]
pub struct GlobalRevocationService {
    context: Arc<Context>,
}

service!(GlobalRevocationService);

impl GlobalRevocationService {
    /// Requires the right to revoke.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators.
    pub async fn may_revoke(
        &self,
        caller: &Caller,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        Administration::of(&self.context).demand(caller, Permission::Administrator, origin).await
    }

    /// Revokes all access of the subject. When this returns, nothing that it covers works on this node; every other
    /// node learns of it within a second.
    ///
    /// # Errors
    /// [`AdministrationError::Forbidden`] for everybody except administrators; `Unknown` if there is no such user or
    /// application, or if the user has not allowed the application; `Invalid` for an instant in the future.
    pub async fn revoke(
        &self,
        caller: &Caller,
        access: AccessOf,
        origin: &RequestOrigin,
    ) -> Result<(), AdministrationError> {
        self.may_revoke(caller, origin).await?;
        let now = self.context.now();
        if let AccessOf::IssuedBefore(instant) = access
            && instant > now
        {
            let message = "is in the future; only what was issued can be revoked";
            return Err(AdministrationError::Invalid(vec![FieldFault::new("issuedBefore", message)]));
        }
        let mut audit = caller.audit(Action::RevokeAccess, now, origin);
        audit.subject = Some(in_words(access));
        if let AccessOf::Application(application) | AccessOf::UserAtApplication { application, .. } = access {
            audit.application = Some(application);
        }
        let ends = revocations_expire_at(self.context.now());
        let judged = self.context.store.revoke_access(access, ends, audit).await?;
        let ended = Refusals::of(&self.context)
            .judged(caller, judged, origin)
            .await?
            .ok_or(AdministrationError::Unknown)?;
        Revocations::of(&self.context).apply(&ended);
        self.context.logouts_stored.announce();
        self.context.entities.forget_users();
        self.context.entities.forget_applications();
        Ok(())
    }
}

fn in_words(access: AccessOf) -> String {
    match access {
        AccessOf::User(user) => format!("user {user}"),
        AccessOf::Application(application) => format!("application {application}"),
        AccessOf::UserAtApplication { user, application } => {
            format!("user {user} at application {application}")
        }
        AccessOf::IssuedBefore(instant) => {
            let time = jiff::Timestamp::from_microsecond(instant.as_micros());
            format!("everything issued before {}", time.unwrap_or_default())
        }
    }
}
