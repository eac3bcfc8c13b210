//! Whether the address of a request is on the allow-lists that concern it.

use std::sync::Arc;

use domain::allow_list::{AllAllowLists, ServerPart};
use domain::id::{ApplicationId, UserId};

use crate::identity::caller::{Caller, RequestOrigin, Via};
use crate::identity::refusals::Refusals;
use crate::node::feed::ChangeFeed;
use crate::node::refusal_reason::RefusalReason;
use crate::{Context, Fault};

/// Why a request is refused that has an authenticated caller.
#[derive(Debug, thiserror::Error)]
pub enum AddressRefusal {
    /// An allow-list does not contain its address.
    #[error("requests from this address are not allowed")]
    NotAllowed,
    /// The server cannot decide at present.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Whether requests come from allowed addresses.
#[derive(Clone)]
pub struct AddressService {
    context: Arc<Context>,
}

service!(AddressService);

impl AddressService {
    /// Demands that the lists of the installation, of the caller's user and of the caller's application admit the request. The
    /// cookie of a session is of use only where the pages are.
    ///
    /// # Errors
    /// [`AddressRefusal`]; a refusal is written to the audit log.
    pub async fn demand(
        &self,
        caller: &Caller,
        resource: ServerPart,
        origin: &RequestOrigin,
    ) -> Result<(), AddressRefusal> {
        let application = match caller.via() {
            Via::Bearer { application, .. } => Some(*application),
            Via::Basic | Via::Session | Via::CommandLine | Via::Issuer(_) | Via::Personal(_) => None,
        };
        let user = Some(caller.account().user.id);
        let addresses = Addresses::of(&self.context);
        let is_session = *caller.via() == Via::Session;
        if addresses.admit(resource, user, application, origin).await?
            && (!is_session || addresses.admit(ServerPart::WebUi, user, None, origin).await?)
        {
            return Ok(());
        }
        let reason = RefusalReason::AddressNotAllowed;
        // Boxed, so that allowed requests do not pay for the state that only this path needs.
        Box::pin(Refusals::of(&self.context).note_request(reason, Some(caller), origin)).await;
        Err(AddressRefusal::NotAllowed)
    }
}

/// Asks the allow-lists.
#[derive(Clone, Copy)]
pub(crate) struct Addresses<'a> {
    context: &'a Context,
}

component!(Addresses);

impl Addresses<'_> {
    /// Whether the lists that concern a request admit its address.
    ///
    /// # Errors
    /// If the lists cannot be read.
    pub(crate) async fn admit(
        self,
        resource: ServerPart,
        user: Option<UserId>,
        application: Option<ApplicationId>,
        origin: &RequestOrigin,
    ) -> Result<bool, Fault> {
        let lists = self.lists().await?;
        Ok(lists.is_none_or(|lists| lists.admit(resource, user, application, origin.address)))
    }

    /// Whether there is any list.
    ///
    /// # Errors
    /// If the lists cannot be read.
    pub(crate) async fn are_limited(self) -> Result<bool, Fault> {
        Ok(self.lists().await?.is_some())
    }

    async fn lists(self) -> Result<Option<Arc<AllAllowLists>>, Fault> {
        ChangeFeed::of(self.context).ensure_fresh().await?;
        let read = async || self.context.store.list_allow_lists().await;
        Ok(self.context.entities.allow_lists(read).await?)
    }
}
