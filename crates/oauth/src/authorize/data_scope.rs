//! The scope by which a request reaches data, and whether it asks to change them.

use super::request::AuthorizeRequest;
use crate::application::Application;
use crate::authorization_details;
use crate::refusal::Refusal;
use crate::scope::{BuiltInScope, ScopeSet};

/// Whether the request asks to change data: by its scope, unless its authorization details say otherwise.
pub(super) fn asks_to_write(request: &AuthorizeRequest, scopes: &ScopeSet) -> bool {
    let details = request.authorization_details.as_deref();
    let named = details.is_none_or(|text| authorization_details::asks_to_write(Some(text)));
    scopes.contains(BuiltInScope::OData) && named
}

/// Authorization details of data sources ask for access to data, even if `scope` does not name it; without `scope`,
/// they ask for nothing else.
pub(super) fn is_registered(
    request: &AuthorizeRequest,
    application: &Application,
    scopes: ScopeSet,
) -> Result<ScopeSet, Refusal> {
    if request.authorization_details.is_none() {
        return Ok(scopes);
    }
    let registered = &application.settings.scopes;
    let asks_to_write = authorization_details::asks_to_write(request.authorization_details.as_deref());
    let data = match registered {
        registered if registered.contains(BuiltInScope::OData) => BuiltInScope::OData,
        registered if registered.contains(BuiltInScope::ODataRead) && !asks_to_write => {
            BuiltInScope::ODataRead
        }
        _ => return Err(Refusal::AuthorizationDetailsScope),
    };
    application.settings.client_metadata.requests.may_name_data()?;
    Ok(match request.scope {
        None => data.into(),
        Some(_) if scopes.reaches_data() && !asks_to_write => scopes,
        Some(_) => scopes.union(&data.into()),
    })
}
