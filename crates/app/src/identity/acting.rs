//! The user on whose behalf a request acts: the caller, or another user with `?user=NAME`.

use std::sync::Arc;

use domain::account::Permission;
use domain::audit::{Action, NewAuditEvent};
use domain::id::UserId;

use crate::identity::caller::{Caller, RequestOrigin};
use crate::node::entity_cache::{Account, Entities};
use crate::{Context, Fault};

/// A caller together with the user on whose behalf the request acts.
#[derive(Debug, Clone)]
pub struct Actor {
    caller: Caller,
    /// The other user, if one was named.
    other: Option<Arc<Account>>,
}

/// Why a caller may not act on behalf of that user.
#[derive(Debug, thiserror::Error)]
pub enum ActingRefusal {
    /// The caller lacks the permission; the answer does not reveal whether the user exists.
    #[error("acting for another user needs the permission OnBehalfOf or Administrator")]
    Forbidden,
    /// Nobody has that name.
    #[error("there is no user of that name")]
    UnknownUser,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Actor {
    /// The authenticated caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The user on whose behalf the request acts.
    pub fn subject(&self) -> &Account {
        self.other.as_deref().unwrap_or_else(|| self.caller.account())
    }

    /// The permissions that the caller must keep to continue to see what is visible now.
    pub(crate) fn needs(&self) -> Vec<Permission> {
        let acting = self.other.as_ref().map(|_| Permission::OnBehalfOf);
        let all = self.sees_all().then_some(Permission::Administrator);
        acting.into_iter().chain(all).collect()
    }

    /// Whether the caller may also see what belongs to others.
    pub fn sees_all(&self) -> bool {
        self.subject().is_administrator()
    }

    /// Whether the caller may see what belongs to `owner`.
    pub fn reaches(&self, owner: UserId) -> bool {
        self.sees_all() || self.subject().user.id == owner
    }

    /// An audit event about an operation of this caller, which names the user on whose behalf it was done.
    pub(crate) fn audit(&self, context: &Context, action: Action, origin: &RequestOrigin) -> NewAuditEvent {
        let mut event = self.caller.audit(action, context.now(), origin);
        if let Some(other) = &self.other {
            event.detail = Some(format!("on behalf of {}", other.user.name));
            event.account = Some(other.user.id);
            if let Some(authority) = &mut event.authority {
                authority.subject = Some(other.rights());
            }
        }
        event
    }
}

/// Requests on behalf of another user.
#[derive(Clone)]
pub struct DelegationService {
    context: Arc<Context>,
}

service!(DelegationService);

impl DelegationService {
    /// Determines on whose behalf the caller acts; `user` is the name in the request, if any.
    ///
    /// Only an administrator may act on behalf of an administrator; otherwise the permission to act for
    /// others would be the permission to do everything.
    ///
    /// # Errors
    /// [`ActingRefusal`]; without the permission every name is refused in the same way.
    pub async fn acting(&self, caller: Caller, user: Option<&str>) -> Result<Actor, ActingRefusal> {
        let Some(name) = user else { return Ok(Actor { caller, other: None }) };
        if !caller.may(Permission::OnBehalfOf) {
            return Err(ActingRefusal::Forbidden);
        }
        let found = self.context.store.find_user_by_name(name).await.map_err(Fault::from)?;
        let user = found.ok_or(ActingRefusal::UnknownUser)?;
        let other = Arc::new(Entities::of(&self.context).with_permissions(user).await.map_err(Fault::from)?);
        if other.is_administrator() && !caller.account().is_administrator() {
            return Err(ActingRefusal::Forbidden);
        }
        Ok(Actor { caller, other: Some(other) })
    }
}
