//! Whether a user may sign in from an address.

use domain::allow_list::ServerPart;
use domain::audit::{NewAuditEvent, Outcome};

use super::SignInRefusal;
use crate::Context;
use crate::identity::addresses::Addresses;
use crate::identity::caller::RequestOrigin;
use crate::node::refusal_reason::RefusalReason;

/// Demands that the allow-lists admit the sign-in of the actor of `audit`. A refusal is written to the audit log.
///
/// # Errors
/// [`SignInRefusal::AddressNotAllowed`].
pub(crate) async fn demand_address(
    context: &Context,
    audit: &NewAuditEvent,
    origin: &RequestOrigin,
) -> Result<(), SignInRefusal> {
    if Addresses::of(context).admit(ServerPart::WebUi, audit.actor, None, origin).await? {
        return Ok(());
    }
    let reason = RefusalReason::AddressNotAllowed.as_str().to_owned();
    let refused = NewAuditEvent { outcome: Outcome::Refused, detail: Some(reason), ..audit.clone() };
    context.store.append_audit(vec![refused]).await?;
    Err(SignInRefusal::AddressNotAllowed)
}
