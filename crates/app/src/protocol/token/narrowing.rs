//! To what a token request limits its access token.

use oauth::authorization_details::RequestedData;
use oauth::data_access::DataAccess;

use super::TokenService;
use crate::protocol::client::ProtocolRefusal;

/// To what a token request limits the access token, besides scopes.
#[derive(Clone, Copy)]
pub(super) struct Narrowing<'a> {
    /// The resources in their normal form; empty for those of the grant.
    pub(super) resources: &'a [String],
    /// The data; `None` for those of the grant.
    pub(super) data: Option<&'a RequestedData>,
}

impl TokenService {
    /// The data of an access token, if the request names any.
    pub(super) async fn narrow_data(
        &self,
        granted: Option<&DataAccess>,
        narrowing: Narrowing<'_>,
    ) -> Result<Option<Box<DataAccess>>, ProtocolRefusal> {
        match narrowing.data {
            None => Ok(granted.cloned().map(Box::new)),
            // Boxed, because few requests name data.
            requested => Box::pin(self.context.narrow_data(granted, requested)).await,
        }
    }
}
