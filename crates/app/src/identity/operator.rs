//! The operator at the command line. Anybody who can read the master key can do everything anyway, so no
//! further authentication is required.

use std::sync::Arc;

use crate::identity::caller::{Caller, RequestOrigin, Via};
use crate::node::entity_cache::Entities;
use crate::{Context, Fault};

/// The number of users in one read.
const BATCH: u32 = 100;

/// The operator at the command line.
#[derive(Clone)]
pub struct OperatorService {
    context: Arc<Context>,
}

service!(OperatorService);

impl OperatorService {
    /// The operator as a caller with the rights of the first active administrator, who also owns what is
    /// created; the audit log calls the actor `command line`. `None` if there is no administrator, which only
    /// happens in a database that was tampered with.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn caller(&self) -> Result<Option<Caller>, Fault> {
        caller(&self.context).await
    }
}

/// The same, for use cases that act for the operator.
pub(crate) async fn caller(context: &Context) -> Result<Option<Caller>, Fault> {
    let mut after = None;
    loop {
        let users = context.store.list_users(after, BATCH).await?;
        let Some(last) = users.last() else { return Ok(None) };
        after = Some(last.id);
        for user in users {
            let account = Entities::of(context).with_permissions(user).await?;
            if account.user.active && account.is_administrator() {
                return Ok(Some(Caller::new(Arc::new(account), Via::CommandLine)));
            }
        }
    }
}

impl RequestOrigin {
    /// The origin of the operator's requests, which has no network address.
    pub fn command_line() -> Self {
        Self { address: None, request_id: "command-line".to_owned() }
    }
}
