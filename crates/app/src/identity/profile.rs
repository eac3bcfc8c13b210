//! What a user's own record says about the person, edited by the user.

use std::sync::Arc;

use domain::account::attributes::{Attribute, AttributeFault, UserAttributes};
use domain::audit::Action;
use store::{NewAttributes, UserChange, UserRefusal};

use crate::field_fault::FieldFault;
use crate::identity::caller::{LiveSession, RequestOrigin};
use crate::identity::refusals::Refusals;
use crate::node::lifetimes::revocations_expire_at;
use crate::{Context, Fault};

/// Why attributes were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileRefusal {
    /// Values are not accepted.
    #[error("the details are not accepted")]
    Invalid(Vec<FieldFault>),
    /// The user was deleted, or the user's rights changed meanwhile.
    #[error("the account has changed; sign in again")]
    Changed,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A user's own attributes.
#[derive(Clone)]
pub struct ProfileService {
    context: Arc<Context>,
}

service!(ProfileService);

impl ProfileService {
    /// Replaces the attributes of the user of this session. A mail address or a telephone number that changes is no longer
    /// verified.
    ///
    /// # Errors
    /// [`ProfileRefusal`]; nothing has changed then.
    pub async fn edit(
        &self,
        live: &LiveSession,
        attributes: UserAttributes,
        origin: &RequestOrigin,
    ) -> Result<(), ProfileRefusal> {
        let faults = attribute_faults(&attributes);
        if !faults.is_empty() {
            return Err(ProfileRefusal::Invalid(faults));
        }
        let user = &live.caller.account().user;
        let mut audit = live.caller.audit(Action::UpdateUser, self.context.now(), origin);
        audit.subject = Some(user.name.clone());
        audit.detail = Some("own attributes".to_owned());
        let change = UserChange {
            attributes: Some(NewAttributes::Edited(attributes)),
            at: self.context.now(),
            revocation_expires_at: revocations_expire_at(self.context.now()),
            ..UserChange::default()
        };
        let judged = self.context.store.update_user(user.id, change, audit).await.map_err(Fault::from)?;
        match Refusals::of(&self.context).judged(&live.caller, judged, origin).await {
            Ok(_) => {
                self.context.entities.forget_users();
                Ok(())
            }
            Err(UserRefusal::Unknown | UserRefusal::RightsChanged | UserRefusal::BeyondRights) => {
                Err(ProfileRefusal::Changed)
            }
            Err(refusal) => {
                Err(Fault::Broken(format!("own attributes were refused: {refusal:?}").into()).into())
            }
        }
    }
}

/// All faults of attributes, each with the name of its member.
pub(crate) fn attribute_faults(attributes: &UserAttributes) -> Vec<FieldFault> {
    let fault = |(attribute, fault): (Attribute, AttributeFault)| {
        let address = if attribute.is_of_address() { "address." } else { "" };
        FieldFault::new(format!("attributes.{address}{}", attribute.member()), fault.to_string())
    };
    attributes.faults().into_iter().map(fault).collect()
}
